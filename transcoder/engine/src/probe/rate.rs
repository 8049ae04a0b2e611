//! Whether pictures come at a constant rate, and at which.

use plan::Rational;

/// The rate of pictures, from their time stamps.
pub struct Rate {
    /// Exact where constant, the average otherwise.
    pub rate: Rational,
    /// Whether all steps are equal up to the container's rounding.
    pub constant: bool,
    /// 95th percentile of the instantaneous rates, where not constant.
    pub p95: Option<Rational>,
}

/// Numerators that a 32-bit time scale holds with room to spare.
const LARGEST_NUMERATOR: i64 = 1_000_000;

/// Measures time stamps in presentation (or decode) order, in units of `time_base`;
/// `declared` are the container's own statements, tried first.
pub fn measure(stamps: &[i64], time_base: Rational, declared: &[Rational]) -> Rate {
    let fallback = declared
        .iter()
        .copied()
        .find(|r| is_sane(*r))
        .unwrap_or(Rational::new(25, 1));
    let (Some(&first), Some(&last)) = (stamps.first(), stamps.last()) else {
        return Rate {
            rate: fallback,
            constant: true,
            p95: None,
        };
    };
    if last <= first {
        return Rate {
            rate: fallback,
            constant: true,
            p95: None,
        };
    }
    let steps = stamps.len() as i64 - 1;
    // steps / ((last - first) * time_base)
    let average = Rational::checked(
        steps.saturating_mul(time_base.den()),
        (last - first).saturating_mul(time_base.num()),
    )
    .unwrap_or(fallback);
    let candidates = standard_near(average)
        .into_iter()
        .chain(declared.iter().copied());
    let exact = candidates.chain([average]).filter(|r| is_sane(*r));
    if let Some(rate) = exact
        .into_iter()
        .find(|&rate| is_linear(stamps, time_base, rate))
    {
        return Rate {
            rate,
            constant: true,
            p95: None,
        };
    }
    let rate = if is_sane(average) {
        average
    } else {
        simplified(average)
    };
    Rate {
        rate,
        constant: false,
        p95: Some(percentile95(stamps, time_base).unwrap_or(rate)),
    }
}

fn is_sane(rate: Rational) -> bool {
    rate.num() > 0 && rate.num() <= LARGEST_NUMERATOR && rate >= Rational::new(1, 1000)
}

/// Whole rates, and those of NTSC, next to a measured one.
fn standard_near(average: Rational) -> Vec<Rational> {
    let whole = average.scale_round(1, 1).clamp(1, 1000);
    let ntsc = average.scale_round(1001, 1000).clamp(1, 1000);
    vec![Rational::new(whole, 1), Rational::new(ntsc * 1000, 1001)]
}

/// Whether every stamp is within rounding of a straight line at this rate.
fn is_linear(stamps: &[i64], time_base: Rational, rate: Rational) -> bool {
    let (Some(&first), step) = (stamps.first(), (rate.den(), rate.num())) else {
        return false;
    };
    // 1 ms, as Matroska rounds, or one unit of the time base, whichever is larger.
    let unit = time_base.max(Rational::new(1, 1000));
    let tolerance = unit.scale_ceil(time_base.den(), time_base.num().max(1));
    stamps.iter().enumerate().all(|(index, &stamp)| {
        let ideal = Rational::new(index as i64, 1).scale_round(
            step.0.saturating_mul(time_base.den()),
            step.1.saturating_mul(time_base.num()).max(1),
        );
        (stamp - first - ideal).abs() <= tolerance
    })
}

fn percentile95(stamps: &[i64], time_base: Rational) -> Option<Rational> {
    let mut steps: Vec<i64> = stamps
        .windows(2)
        .map(|w| w[1] - w[0])
        .filter(|&s| s > 0)
        .collect();
    steps.sort_unstable();
    // The 95th percentile of rates is the 5th of steps.
    let step = *steps.get(steps.len() / 20)?;
    let rate = Rational::checked(time_base.den(), step.checked_mul(time_base.num())?)?;
    Some(if is_sane(rate) {
        rate
    } else {
        simplified(rate)
    })
}

/// The nearest thousandth.
fn simplified(rate: Rational) -> Rational {
    Rational::new(rate.scale_round(1000, 1).clamp(1, LARGEST_NUMERATOR), 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn millisecond_rounding_is_still_constant() {
        for (num, den) in [
            (30, 1),
            (30_000, 1001),
            (60_000, 1001),
            (24_000, 1001),
            (25, 1),
        ] {
            let rate = Rational::new(num, den);
            let stamp = |i: i64| Rational::new(i * den, num).scale_round(1000, 1);
            let stamps: Vec<i64> = (0..300).map(stamp).collect();
            let measured = measure(&stamps, Rational::new(1, 1000), &[]);
            assert!(
                measured.constant && measured.rate == rate,
                "{rate}: {}",
                measured.rate
            );
        }
    }

    #[test]
    fn a_wandering_rate_is_not() {
        let stamps: Vec<i64> = (0..100).map(|i| i * 40 + (i % 7) * 5).collect();
        assert!(!measure(&stamps, Rational::new(1, 1000), &[]).constant);
    }
}

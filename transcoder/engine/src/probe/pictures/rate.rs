//! The rate of pictures: whether it is constant, and its value.

use plan::Rational;

/// Rate of pictures, measured from their time stamps.
pub struct Rate {
    /// Pictures per second: exact where the rate is constant, otherwise the average.
    pub rate: Rational,
    /// Whether all steps are equal up to the container's rounding, except for a few gaps.
    pub constant: bool,
    /// 95th percentile of the instantaneous rates, where the rate is not constant.
    pub p95: Option<Rational>,
}

impl Rate {
    /// Makes a rate that is the same throughout.
    pub fn constant(rate: Rational) -> Self {
        Self {
            rate,
            constant: true,
            p95: None,
        }
    }
}

/// Largest numerator of a rate, which a 32-bit time scale holds with room to spare.
const LARGEST_NUMERATOR: i64 = 1_000_000;
/// Seconds to which containers may round time stamps: Matroska has whole milliseconds.
const ROUNDING: Rational = Rational::new(1, 1000);
/// Fewest pictures of a gap after which another recording may begin, off the line of the first.
const JOINED: i64 = 3;
/// Number of steps of which one at most may be a gap, where pictures were lost or never there.
const STEPS_PER_GAP: usize = 10;

/// Measures the rate from the time stamps of shown pictures, in presentation (or decode) order and in units of
/// `time_base`. `declared` are the rates that the container states.
pub fn measure(stamps: &[i64], time_base: Rational, declared: &[Rational]) -> Rate {
    let fallback = declared.iter().copied().find(|r| is_sane(*r));
    let fallback = fallback.unwrap_or(Rational::new(25, 1));
    let constant = Rate::constant;
    let (Some(&first), Some(&last)) = (stamps.first(), stamps.last()) else {
        return constant(fallback);
    };
    if last <= first {
        return constant(fallback);
    }
    let span = last.saturating_sub(first);
    let steps = stamps.len() as i64 - 1;
    let rate_of = |steps: i64, units: i64| {
        let seconds = units.saturating_mul(time_base.num());
        Rational::checked(steps.saturating_mul(time_base.den()), seconds)
    };
    let average = rate_of(steps, span).unwrap_or(fallback);
    let typical = rate_of(1, median_step(stamps)).unwrap_or(average);
    let standard = [average, typical].into_iter().flat_map(standard_near);
    let candidates = standard.chain(declared.iter().copied()).chain([average]);
    let mut candidates = candidates.filter(|rate| is_sane(*rate));
    if let Some(rate) = candidates.find(|&rate| is_grid(stamps, time_base, rate)) {
        return constant(rate);
    }
    if let Some(rate) = telecined(stamps, time_base) {
        return constant(rate);
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

/// Time stamps of the packets of a track that have a picture which is shown.
pub fn of_shown(codec: &str, stamps: &[i64], time_base: Rational) -> Vec<i64> {
    match codec {
        "vp8" | "vp9" | "av1" => shown(stamps, time_base),
        _ => stamps.to_vec(),
    }
}

/// Removes the time stamps of pictures that are decoded but not shown (VP8's, VP9's and AV1's). Their packets come at
/// the time of the next one, or as shortly before it as a container can express.
fn shown(stamps: &[i64], time_base: Rational) -> Vec<i64> {
    let together = ROUNDING.scale_floor(time_base.den(), time_base.num().max(1));
    let mut shown: Vec<i64> = Vec::with_capacity(stamps.len());
    for &stamp in stamps {
        match shown.last_mut() {
            Some(last) if (0..=together).contains(&stamp.saturating_sub(*last)) => *last = stamp,
            _ => shown.push(stamp),
        }
    }
    shown
}

/// Distance from one stamp to another, limited to what a fraction holds.
fn apart(stamp: i64, from: i64) -> i64 {
    stamp.saturating_sub(from).max(-i64::MAX)
}

fn median_step(stamps: &[i64]) -> i64 {
    let mut steps: Vec<i64> = stamps
        .windows(2)
        .map(|pair| pair[1].saturating_sub(pair[0]))
        .collect();
    let middle = steps.len() / 2;
    *steps.select_nth_unstable(middle).1
}

fn is_sane(rate: Rational) -> bool {
    rate.num() > 0 && rate.num() <= LARGEST_NUMERATOR && rate >= Rational::new(1, 1000)
}

/// Whole rates, and rates of NTSC, nearest to a measured one.
fn standard_near(average: Rational) -> Vec<Rational> {
    let whole = average.scale_round(1, 1).clamp(1, 1000);
    let ntsc = average.scale_round(1001, 1000).clamp(1, 1000);
    vec![Rational::new(whole, 1), Rational::new(ntsc * 1000, 1001)]
}

/// Whether every stamp is within rounding of a straight line at this rate. After a gap another line may begin, where
/// two recordings were joined.
fn is_grid(stamps: &[i64], time_base: Rational, rate: Rational) -> bool {
    let tolerance = time_base.max(ROUNDING);
    let tolerance = tolerance.scale_ceil(time_base.den(), time_base.num().max(1));
    // Converts a whole number of pictures to units of the time base, and back.
    let per_picture = (
        rate.den().saturating_mul(time_base.den()),
        rate.num().saturating_mul(time_base.num()).max(1),
    );
    let units =
        |pictures: i64| Rational::new(pictures, 1).scale_round(per_picture.0, per_picture.1);
    let pictures = |units: i64| Rational::new(units, 1).scale_round(per_picture.1, per_picture.0);
    let Some(&(mut origin)) = stamps.first() else {
        return false;
    };
    let (mut place, mut gaps) = (0, 0);
    for &stamp in &stamps[1..] {
        let passed = apart(stamp, origin);
        let next = pictures(passed);
        let is_near = passed.saturating_sub(units(next)).saturating_abs() <= tolerance;
        match next - place {
            1 if is_near => place = next,
            step if step > 1 => {
                gaps += 1;
                match is_near {
                    true => place = next,
                    false if step >= JOINED => (origin, place) = (stamp, 0),
                    false => return false,
                }
            }
            _ => return false,
        }
    }
    gaps * STEPS_PER_GAP < stamps.len()
}

/// Whether stamps are within rounding of a straight line at this rate, with one stamp at each place.
pub fn is_without_gaps(stamps: &[i64], time_base: Rational, rate: Rational) -> bool {
    let tolerance = time_base.max(ROUNDING);
    let tolerance = tolerance.scale_ceil(time_base.den(), time_base.num().max(1));
    let units = |pictures: i64| {
        let num = rate.den().saturating_mul(time_base.den());
        let den = rate.num().saturating_mul(time_base.num()).max(1);
        Rational::new(pictures, 1).scale_round(num, den)
    };
    let Some(&first) = stamps.first() else {
        return false;
    };
    let mut places = stamps.iter().zip(0..);
    places.all(|(stamp, place)| {
        let passed = apart(*stamp, first);
        passed.saturating_sub(units(place)).saturating_abs() <= tolerance
    })
}

/// Rate of pictures of which only some are known: `head` is a stretch at the start, and `all` has further ones too,
/// in order. It is the first of the declared and standard rates on whose line they all lie; none where there is none.
pub fn of_some(
    head: &[i64],
    all: &[i64],
    time_base: Rational,
    declared: &[Rational],
) -> Option<Rational> {
    let first = *head.first()?;
    let typical = rate_between(1, median_step(head.get(..2).and(Some(head))?), time_base)?;
    let stretch = head.last()?.saturating_sub(first);
    let average = rate_between(head.len() as i64 - 1, stretch, time_base)?;
    let mut candidates: Vec<Rational> = Vec::new();
    let sane = declared.iter().copied().filter(|rate| is_sane(*rate));
    for near in sane.clone().chain([average, typical]) {
        let mut standard = standard_near(near);
        standard.sort_by_key(|rate| distance(*rate, near));
        candidates.extend(standard);
    }
    candidates.extend(sane);
    candidates.push(average);
    let is_it = |rate: &Rational| {
        is_sane(*rate) && is_on(all, first, time_base, *rate) && is_grid(head, time_base, *rate)
    };
    candidates.into_iter().find(is_it)
}

/// Rate of `steps` steps in `units` units of the time base.
fn rate_between(steps: i64, units: i64, time_base: Rational) -> Option<Rational> {
    let seconds = units.checked_mul(time_base.num())?;
    Rational::checked(steps.checked_mul(time_base.den())?, seconds).filter(|rate| rate.num() > 0)
}

/// Distance of two rates, in millionths of a picture per second.
fn distance(one: Rational, other: Rational) -> i64 {
    (one - other).scale_round(1_000_000, 1).saturating_abs()
}

/// Whether all stamps lie on places of a straight line at this rate through an origin, no two on the same place.
fn is_on(stamps: &[i64], origin: i64, time_base: Rational, rate: Rational) -> bool {
    let tolerance = time_base.max(ROUNDING);
    let tolerance = tolerance.scale_ceil(time_base.den(), time_base.num().max(1));
    let num = rate.den().saturating_mul(time_base.den());
    let den = rate.num().saturating_mul(time_base.num()).max(1);
    let mut last = None;
    stamps.iter().all(|&stamp| {
        let units = apart(stamp, origin);
        let place = Rational::new(units, 1).scale_round(den, num.max(1));
        let off = units.saturating_sub(Rational::new(place, 1).scale_round(num, den));
        let is_near = off.saturating_abs() <= tolerance;
        let is_next = last.is_none_or(|last| place > last);
        last = Some(place);
        is_near && is_next
    })
}

/// Rate of film that is shown by fields of NTSC, where marks in the stream repeat some fields. It is 24 pictures a
/// second where pictures last two and three fields in turn (2:3 pull-down), and the rate of fields where that pattern
/// changes.
fn telecined(stamps: &[i64], time_base: Rational) -> Option<Rational> {
    const FIELDS: Rational = Rational::new(60_000, 1001);
    const FILM: Rational = Rational::new(24_000, 1001);
    let first = *stamps.first()?;
    if !is_on(stamps, first, time_base, FIELDS) || stamps.len() < STEPS_PER_GAP {
        return None;
    }
    let fields = |stamp: i64| {
        let units = Rational::new(apart(stamp, first), 1);
        let num = FIELDS.num().saturating_mul(time_base.num());
        units.scale_round(num, FIELDS.den().saturating_mul(time_base.den()).max(1))
    };
    let steps: Vec<i64> = stamps
        .windows(2)
        .map(|pair| fields(pair[1]).saturating_sub(fields(pair[0])))
        .collect();
    let is_film = steps.iter().all(|step| (2..=3).contains(step))
        && steps.windows(2).filter(|pair| pair[0] == pair[1]).count() * STEPS_PER_GAP
            <= steps.len();
    let is_either = steps.iter().filter(|step| (1..=3).contains(*step)).count() * STEPS_PER_GAP
        >= steps.len() * (STEPS_PER_GAP - 1);
    match (is_film, is_either) {
        (true, _) => Some(FILM),
        (_, true) => Some(FIELDS),
        _ => None,
    }
}

fn percentile95(stamps: &[i64], time_base: Rational) -> Option<Rational> {
    let mut steps: Vec<i64> = stamps
        .windows(2)
        .map(|w| w[1].saturating_sub(w[0]))
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

/// Rate rounded to the nearest thousandth.
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
    fn a_few_gaps_and_hidden_pictures_leave_it_constant() {
        let rate = Rational::new(24_000, 1001);
        let stamp = |i: i64| Rational::new(i * 1001, 24_000).scale_round(1000, 1);
        let mut stamps: Vec<i64> = (0..100)
            .filter(|i| ![40, 70, 71].contains(i))
            .map(stamp)
            .collect();
        // Two recordings follow one another.
        stamps.extend((0..50).map(|i| 15_017 + stamp(i)));
        // One picture that is not shown has the time of the next one, and one the time just before it.
        stamps.extend([stamp(20), stamp(30) - 1]);
        stamps.sort_unstable();
        let base = Rational::new(1, 1000);
        let shown = shown(&stamps, base);
        let measured = measure(&shown, base, &[]);
        assert!(
            measured.constant && measured.rate == rate,
            "{}",
            measured.rate
        );
        assert_eq!(shown.len(), 147);
    }

    #[test]
    fn film_in_fields_has_its_pictures_and_a_mixture_all_fields() {
        let base = Rational::new(1, 90_000);
        let stamps_of = |steps: &mut dyn Iterator<Item = i64>| -> Vec<i64> {
            let mut field = 0;
            let fields = std::iter::once(0).chain(steps.map(move |step| {
                field += step;
                field
            }));
            fields
                .map(|field| Rational::new(field * 1001, 60_000).scale_round(90_000, 1))
                .collect()
        };
        let film = stamps_of(&mut (0..200).map(|at| 2 + at % 2));
        let measured = measure(&film, base, &[Rational::new(30_000, 1001)]);
        assert!(measured.constant && measured.rate == Rational::new(24_000, 1001));
        let mixed = stamps_of(&mut (0..200).map(|at| if at < 100 { 2 + at % 2 } else { 2 }));
        let measured = measure(&mixed, base, &[]);
        assert!(measured.constant && measured.rate == Rational::new(60_000, 1001));
    }

    #[test]
    fn a_screen_that_seldom_changes_has_no_rate() {
        let stamps: Vec<i64> = (0..60).map(|i| (i * 33) + (i / 4) * 500).collect();
        assert!(!measure(&stamps, Rational::new(1, 1000), &[]).constant);
    }

    #[test]
    fn a_wandering_rate_is_not() {
        let stamps: Vec<i64> = (0..100).map(|i| i * 40 + (i % 7) * 5).collect();
        assert!(!measure(&stamps, Rational::new(1, 1000), &[]).constant);
    }
}

//! Binary logarithms and powers of 2 in integer arithmetic, so that results are the same on every machine.
//!
//! Logarithms are fixed-point numbers in units of 1/65536; [`ONE`] is an octave, a factor of 2.

/// Logarithm of 2 in units of 1/65536: one octave.
pub(crate) const ONE: i64 = 1 << FRACTION_BITS;
/// Number of fraction bits of a logarithm.
const FRACTION_BITS: u32 = 16;

/// 2 to the power of 1/2, 1/4, 1/8 ... as multiples of 2^-32, rounded.
const ROOTS: [u64; FRACTION_BITS as usize] = [
    6_074_001_000,
    5_107_605_667,
    4_683_695_048,
    4_485_121_744,
    4_389_014_833,
    4_341_736_423,
    4_318_288_544,
    4_306_612_134,
    4_300_785_774,
    4_297_875_550,
    4_296_421_177,
    4_295_694_175,
    4_295_330_720,
    4_295_149_004,
    4_295_058_149,
    4_295_012_722,
];

/// Binary logarithm of a number in units of 1/65536, rounded down. The logarithm of 0 is defined as that of 1.
pub(crate) fn log2(number: u64) -> i64 {
    let number = number.max(1);
    let whole = number.ilog2();
    // Number between 1 and 2 in units of 2^-63.
    let mut mantissa = u128::from(number) << (63 - whole);
    let mut fraction = 0;
    for bit in (0..FRACTION_BITS).rev() {
        mantissa = (mantissa * mantissa) >> 63;
        if mantissa >> 64 != 0 {
            mantissa >>= 1;
            fraction |= 1 << bit;
        }
    }
    i64::from(whole) << FRACTION_BITS | fraction
}

/// 2 to the power of a logarithm in units of 1/65536, rounded down; at most 2^62.
pub(crate) fn exp2(logarithm: i64) -> u64 {
    let whole = logarithm >> FRACTION_BITS;
    let mut power = 1u128 << 32;
    for (place, root) in ROOTS.iter().enumerate() {
        if logarithm >> (FRACTION_BITS as usize - 1 - place) & 1 == 1 {
            power = (power * u128::from(*root)) >> 32;
        }
    }
    match whole {
        ..-32 => 0,
        -32..=32 => (power << (whole + 32) >> 64) as u64,
        33..62 => (power << (whole - 32)) as u64,
        62.. => 1 << 62,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn powers_of_two_are_exact() {
        for power in 0..62 {
            assert_eq!(log2(1 << power), i64::from(power) * ONE);
            assert_eq!(exp2(i64::from(power) * ONE), 1 << power);
        }
        assert_eq!(
            (log2(0), exp2(-ONE), exp2(i64::MAX), exp2(i64::MIN)),
            (0, 0, 1 << 62, 0)
        );
    }

    proptest! {
        #[test]
        fn results_agree_with_floating_point(number in 1u64..1 << 50, logarithm in 0i64..50 * ONE) {
            let expected = (number as f64).log2() * ONE as f64;
            prop_assert!((log2(number) as f64 - expected).abs() < 1.5, "{number}");
            let expected = (logarithm as f64 / ONE as f64).exp2();
            prop_assert!((exp2(logarithm) as f64 - expected).abs() <= 1.0 + expected * 1e-7);
        }
    }
}

//! Conversion of FFmpeg's integers and time bases to the plan's exact rationals.

use ffmpeg_next::Rational as FfRational;
use plan::Rational;

/// Fraction from FFmpeg's pair of numbers; zero where the pair is no valid fraction.
pub fn rational(value: FfRational) -> Rational {
    Rational::checked(i64::from(value.0), i64::from(value.1)).unwrap_or(Rational::ZERO)
}

/// Seconds of a time stamp.
pub fn seconds(timestamp: i64, time_base: Rational) -> Rational {
    let num = i128::from(timestamp) * i128::from(time_base.num());
    match i64::try_from(num) {
        Ok(num) => Rational::checked(num, time_base.den()).unwrap_or(Rational::ZERO),
        Err(_) => Rational::ZERO,
    }
}

/// Time stamp of a number of seconds, rounded down.
pub fn timestamp(time: Rational, time_base: Rational) -> i64 {
    time.scale_floor(time_base.den(), time_base.num().max(1))
}

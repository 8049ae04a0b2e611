//! FFmpeg's integers with their time bases, as our exact rationals.

use ffmpeg_next::Rational as FfRational;
use plan::Rational;

/// A fraction as FFmpeg gives it; nought where it is none.
pub fn rational(value: FfRational) -> Rational {
    Rational::checked(i64::from(value.0), i64::from(value.1)).unwrap_or(Rational::ZERO)
}

/// A time stamp in seconds.
pub fn seconds(timestamp: i64, time_base: Rational) -> Rational {
    let num = i128::from(timestamp) * i128::from(time_base.num());
    match i64::try_from(num) {
        Ok(num) => Rational::checked(num, time_base.den()).unwrap_or(Rational::ZERO),
        Err(_) => Rational::ZERO,
    }
}

/// Seconds as a time stamp, rounded down.
pub fn timestamp(time: Rational, time_base: Rational) -> i64 {
    time.scale_floor(time_base.den(), time_base.num().max(1))
}

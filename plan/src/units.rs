//! Points and spans on the video and audio grids, and exact rational numbers.

use std::cmp::Ordering;
use std::fmt;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

macro_rules! grid {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }
        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }
    };
}

grid!(
    /// Point or span on the video grid, in output frames. Points before the start are negative.
    Frames
);
grid!(
    /// Point or span on the audio grid, in samples at 48 kHz. Only the plan converts between the two grids.
    Samples
);

/// Exact fraction in lowest terms, with a positive denominator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Fraction")]
pub struct Rational {
    num: i64,
    den: i64,
}

/// Fraction from untrusted input, which may have a zero denominator.
#[derive(Deserialize)]
struct Fraction {
    num: i64,
    den: i64,
}

impl TryFrom<Fraction> for Rational {
    type Error = &'static str;

    fn try_from(Fraction { num, den }: Fraction) -> Result<Self, &'static str> {
        Self::checked(num, den).ok_or("a fraction has a zero or too large denominator")
    }
}

impl Default for Rational {
    fn default() -> Self {
        Self::ZERO
    }
}

impl Rational {
    /// The number zero.
    pub const ZERO: Self = Self { num: 0, den: 1 };

    /// Creates the fraction `num / den` in lowest terms.
    ///
    /// # Panics
    /// If `den` is zero. Use [`Rational::checked`] for values that a file declares.
    pub const fn new(num: i64, den: i64) -> Self {
        match Self::checked(num, den) {
            Some(value) => value,
            None => panic!("a rational needs a nonzero denominator that fits 63 bits"),
        }
    }

    /// Creates the fraction `num / den` in lowest terms. `None` if `den` is zero or a sign change overflows.
    pub const fn checked(num: i64, den: i64) -> Option<Self> {
        if den == 0 || num == i64::MIN || den == i64::MIN {
            return None;
        }
        let (num, den) = if den < 0 { (-num, -den) } else { (num, den) };
        let divisor = gcd(num.unsigned_abs(), den as u64) as i64;
        Some(Self {
            num: num / divisor,
            den: den / divisor,
        })
    }

    /// Closest fraction to `num / den`, both positive, whose numerator and denominator are at most `limit`: the last
    /// convergent of the continued fraction within the limit. `None` if no such fraction is above zero.
    pub(crate) fn nearest(mut num: i128, mut den: i128, limit: i64) -> Option<Self> {
        let limit = i128::from(limit);
        let (mut before, mut last) = ((0i128, 1i128), (1i128, 0i128));
        while den > 0 {
            let whole = num / den;
            let next = |before: i128, last: i128| whole.checked_mul(last)?.checked_add(before);
            let (Some(n), Some(d)) = (next(before.0, last.0), next(before.1, last.1)) else {
                break;
            };
            if n > limit || d > limit {
                break;
            }
            (before, last) = (last, (n, d));
            (num, den) = (den, num % den);
        }
        let (num, den) = (i64::try_from(last.0).ok()?, i64::try_from(last.1).ok()?);
        Self::checked(num, den).filter(|value| value.num > 0)
    }

    /// Numerator, which carries the sign.
    pub const fn num(self) -> i64 {
        self.num
    }

    /// Denominator, which is always positive.
    pub const fn den(self) -> i64 {
        self.den
    }

    /// Converts whole microseconds to seconds.
    pub const fn from_us(us: i64) -> Self {
        Self::new(us, 1_000_000)
    }

    /// Computes `self * num / den`, rounded to the nearest integer, ties upwards. `den` must be positive.
    pub fn scale_round(self, num: i64, den: i64) -> i64 {
        let n = i128::from(self.num) * i128::from(num);
        let d = i128::from(self.den) * i128::from(den);
        let (whole, rest) = (n.div_euclid(d), n.rem_euclid(d));
        clamp(whole + i128::from(rest >= d - rest))
    }

    /// Computes `self * num / den`, rounded down. `den` must be positive.
    pub fn scale_floor(self, num: i64, den: i64) -> i64 {
        let n = i128::from(self.num) * i128::from(num);
        clamp(n.div_euclid(i128::from(self.den) * i128::from(den)))
    }

    /// Computes `self * num / den`, rounded up. `den` must be positive.
    pub fn scale_ceil(self, num: i64, den: i64) -> i64 {
        let n = i128::from(self.num) * i128::from(num);
        clamp(-(-n).div_euclid(i128::from(self.den) * i128::from(den)))
    }

    /// Approximate value for people and logs. Arithmetic must not use it.
    pub fn as_f64(self) -> f64 {
        self.num as f64 / self.den as f64
    }
}

/// Sums are exact while they fit. If the numerator or denominator exceeds 64 bits, the sum is rounded down to a
/// nanosecond, which no container's time base resolves.
impl Add for Rational {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let num = i128::from(self.num) * i128::from(other.den)
            + i128::from(other.num) * i128::from(self.den);
        reduce(num, i128::from(self.den) * i128::from(other.den))
    }
}

impl Sub for Rational {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + Self {
            num: -other.num,
            den: other.den,
        }
    }
}

impl PartialOrd for Rational {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rational {
    fn cmp(&self, other: &Self) -> Ordering {
        (i128::from(self.num) * i128::from(other.den))
            .cmp(&(i128::from(other.num) * i128::from(self.den)))
    }
}

impl fmt::Display for Rational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

fn reduce(num: i128, den: i128) -> Rational {
    let divisor = gcd128(num.unsigned_abs(), den.unsigned_abs()).max(1) as i128;
    let (num, den) = (num / divisor, den / divisor);
    match (i64::try_from(num), i64::try_from(den)) {
        (Ok(num), Ok(den)) => Rational { num, den },
        _ => Rational::new(nanoseconds(num, den), NANOSECONDS as i64),
    }
}

/// Nanoseconds in a second.
const NANOSECONDS: i128 = 1_000_000_000;

/// Computes `num / den` in whole nanoseconds, limited to 64 bits.
fn nanoseconds(num: i128, den: i128) -> i64 {
    let (whole, rest) = (num.div_euclid(den), num.rem_euclid(den));
    let part = match rest.checked_mul(NANOSECONDS) {
        Some(scaled) => scaled / den,
        // `den` has more than 96 bits here, so a billionth of it is exact enough.
        None => (rest / (den / NANOSECONDS)).min(NANOSECONDS - 1),
    };
    clamp(whole.saturating_mul(NANOSECONDS).saturating_add(part))
}

fn clamp(value: i128) -> i64 {
    value.clamp(i128::from(i64::MIN + 1), i128::from(i64::MAX)) as i64
}

const fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    if a == 0 { 1 } else { a }
}

const fn gcd128(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_functions_round_in_the_direction_of_their_names() {
        let half = Rational::new(1, 2);
        assert_eq!(half.scale_round(1, 1), 1);
        assert_eq!(Rational::new(-1, 2).scale_round(1, 1), 0);
        assert_eq!(half.scale_floor(1, 1), 0);
        assert_eq!(half.scale_ceil(1, 1), 1);
        assert_eq!(Rational::new(-1, 2).scale_floor(1, 1), -1);
        assert_eq!(Rational::new(-1, 2).scale_ceil(1, 1), 0);
    }

    #[test]
    fn a_zero_denominator_is_refused() {
        assert_eq!(Rational::checked(1, 0), None);
        assert_eq!(Rational::checked(6, -4), Some(Rational::new(-3, 2)));
    }
}

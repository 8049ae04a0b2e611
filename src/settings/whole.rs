//! Deserializers for settings that are whole numbers. They refuse a number with a fraction, which the crate `config`
//! would round.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

/// Whole number of the type `T`.
struct Whole<T>(T);

impl<'de, T: TryFrom<i128> + FromStr> Deserialize<'de> for Whole<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number<T>(PhantomData<T>);
        impl<T: TryFrom<i128> + FromStr> Visitor<'_> for Number<T> {
            type Value = Whole<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a whole number")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Whole<T>, E> {
                self.visit_i128(number.into())
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Whole<T>, E> {
                self.visit_i128(number.into())
            }

            fn visit_i128<E: Error>(self, number: i128) -> Result<Whole<T>, E> {
                let fits = T::try_from(number).map(Whole);
                fits.map_err(|_| E::custom(format!("{number} is out of range")))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Whole<T>, E> {
                let number = text.parse().map(Whole);
                number.map_err(|_| E::custom(format!("{text} is not a whole number")))
            }
        }
        deserializer.deserialize_any(Number(PhantomData))
    }
}

/// Deserializes a number that must be whole.
pub fn number<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i128> + FromStr,
{
    Whole::deserialize(deserializer).map(|Whole(number)| number)
}

/// Deserializes an optional number that must be whole.
pub fn number_if_any<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i128> + FromStr,
{
    let number = Option::<Whole<T>>::deserialize(deserializer)?;
    Ok(number.map(|Whole(number)| number))
}

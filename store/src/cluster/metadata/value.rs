//! Conversion of values to and from CQL columns.

use std::fmt::Display;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, SecretHash};

/// Parses a value from its only spelling.
pub(super) fn parsed<T: FromStr<Err: Display>>(text: &str) -> Result<T, Error> {
    let value = text.parse();
    value.map_err(|error: T::Err| Error::corrupt(format!("{text:?}: {error}")))
}

/// Serializes a list or map as JSON, since it is only read as a whole.
pub(super) fn json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::corrupt(error.to_string()))
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let value = serde_json::from_str(text);
    value.map_err(|error| Error::corrupt(format!("{text:?}: {error}")))
}

/// Parses a value whose only spelling `serde` defines.
pub(super) fn spelled<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let value = serde_json::from_value(text.into());
    value.map_err(|error| Error::corrupt(format!("{text:?}: {error}")))
}

/// Converts a number between its signed column and its unsigned value.
pub(super) fn number<T, N>(value: T) -> Result<N, Error>
where
    T: Copy + Display,
    N: TryFrom<T>,
{
    N::try_from(value).map_err(|_| Error::corrupt(format!("{value} is out of range")))
}

pub(super) fn hash(bytes: &[u8]) -> Result<SecretHash, Error> {
    let bytes = bytes.try_into();
    bytes
        .map(SecretHash)
        .map_err(|_| Error::corrupt("a stored hash is not 32 bytes long"))
}

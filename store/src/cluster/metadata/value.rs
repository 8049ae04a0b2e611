//! How our values stand in columns.

use std::fmt::Display;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, SecretHash};

/// A value from its one spelling.
pub(super) fn parsed<T: FromStr<Err: Display>>(text: &str) -> Result<T, Error> {
    let value = text.parse();
    value.map_err(|error: T::Err| Error::corrupt(format!("{text:?}: {error}")))
}

/// A list or a map that is only ever read whole.
pub(super) fn json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::corrupt(error.to_string()))
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let value = serde_json::from_str(text);
    value.map_err(|error| Error::corrupt(format!("{text:?}: {error}")))
}

/// A value whose one spelling only `serde` can read.
pub(super) fn spelled<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let value = serde_json::from_value(text.into());
    value.map_err(|error| Error::corrupt(format!("{text:?}: {error}")))
}

/// A number as the other side holds it: columns know signed ones only.
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
        .map_err(|_| Error::corrupt("a hash that is not 32 bytes long"))
}

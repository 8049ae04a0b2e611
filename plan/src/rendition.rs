//! Names of renditions and the keys of what belongs to them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::VideoId;

/// What a rendition carries; the part of its id before the hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RenditionName {
    /// Picture in box N: `v720`.
    Video(u32),
    /// Stereo sound of a source track: `a0`.
    Stereo(u32),
    /// 5.1 sound of a source track: `a0s`.
    Surround(u32),
    /// Text of a source track, or of a file beside the source: `t0`.
    Text(u32),
    /// Trick play in box N: `i240`.
    TrickPlay(u32),
    /// Storyboard sheets: `sb`.
    Storyboard,
}

impl fmt::Display for RenditionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Video(n) => write!(f, "v{n}"),
            Self::Stereo(track) => write!(f, "a{track}"),
            Self::Surround(track) => write!(f, "a{track}s"),
            Self::Text(track) => write!(f, "t{track}"),
            Self::TrickPlay(n) => write!(f, "i{n}"),
            Self::Storyboard => f.write_str("sb"),
        }
    }
}

/// A string is no rendition id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a rendition id")]
pub struct NotARendition;

impl FromStr for RenditionName {
    type Err = NotARendition;

    fn from_str(text: &str) -> Result<Self, NotARendition> {
        if text == "sb" {
            return Ok(Self::Storyboard);
        }
        let kind = text.as_bytes().first().ok_or(NotARendition)?;
        let digits = text.get(1..).ok_or(NotARendition)?;
        let name = match (kind, digits.strip_suffix('s')) {
            (b'a', Some(track)) => Self::Surround(number(track)?),
            (b'a', None) => Self::Stereo(number(digits)?),
            (b'v', None) => Self::Video(number(digits)?),
            (b't', None) => Self::Text(number(digits)?),
            (b'i', None) => Self::TrickPlay(number(digits)?),
            _ => return Err(NotARendition),
        };
        Ok(name)
    }
}

/// A number as it is printed: digits only, no sign, no leading nought.
fn number(text: &str) -> Result<u32, NotARendition> {
    let canonical = !text.is_empty()
        && text.len() <= 9
        && text.bytes().all(|b| b.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    if canonical {
        text.parse().map_err(|_| NotARendition)
    } else {
        Err(NotARendition)
    }
}

/// Length of a rendition's hash in characters: 60 bits in Crockford base32.
pub const HASH_CHARS: usize = 12;
const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A rendition's id: its name and a hash of everything that shapes its bytes,
/// e.g. `v720-k3m9x2a7q0wd`. It stands in every media URL.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RenditionId {
    name: RenditionName,
    hash: [u8; HASH_CHARS],
}

impl RenditionId {
    /// The id of what `digest` is the BLAKE3 hash of; its first 60 bits count.
    pub fn new(name: RenditionName, digest: &[u8; 32]) -> Self {
        let mut bits = u64::from_be_bytes([
            digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[6], digest[7],
        ]) >> 4;
        let mut hash = [b'0'; HASH_CHARS];
        for slot in hash.iter_mut().rev() {
            *slot = CROCKFORD[(bits & 31) as usize];
            bits >>= 5;
        }
        Self { name, hash }
    }

    /// What the rendition carries.
    pub const fn name(&self) -> RenditionName {
        self.name
    }
}

impl fmt::Display for RenditionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-", self.name)?;
        self.hash
            .iter()
            .try_for_each(|&b| fmt::Write::write_char(f, b as char))
    }
}

impl fmt::Debug for RenditionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RenditionId {
    type Err = NotARendition;

    fn from_str(text: &str) -> Result<Self, NotARendition> {
        let (name, hash) = text.split_once('-').ok_or(NotARendition)?;
        let hash: [u8; HASH_CHARS] = hash.as_bytes().try_into().map_err(|_| NotARendition)?;
        if !hash.iter().all(|b| CROCKFORD.contains(b)) {
            return Err(NotARendition);
        }
        Ok(Self {
            name: name.parse()?,
            hash,
        })
    }
}

impl Serialize for RenditionId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RenditionId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// One rendition of one video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RenditionKey {
    /// Whose.
    pub video: VideoId,
    /// Which.
    pub rendition: RenditionId,
}

/// One segment (or storyboard sheet) of one rendition; counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SegmentKey {
    /// Whose.
    pub video: VideoId,
    /// Of which rendition.
    pub rendition: RenditionId,
    /// Which, from 0.
    pub index: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_have_one_spelling() {
        for text in ["v720", "a0", "a3s", "t1", "i240", "sb"] {
            assert_eq!(text.parse::<RenditionName>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "v",
            "v07",
            "v-1",
            "v1s",
            "sb0",
            "s",
            "a+1",
            "a99999999999",
            "é1",
        ] {
            assert!(text.parse::<RenditionName>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn ids_survive_printing(digest: [u8; 32], track in 0u32..1000) {
            for name in [RenditionName::Video(track), RenditionName::Surround(track)] {
                let id = RenditionId::new(name, &digest);
                prop_assert_eq!(id.to_string().parse::<RenditionId>(), Ok(id));
            }
        }

        #[test]
        fn no_text_panics(text in ".{0,24}") {
            if let Ok(id) = text.parse::<RenditionId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}

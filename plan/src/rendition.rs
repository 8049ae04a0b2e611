//! Names and ids of renditions, and the keys of their segments.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::VideoId;

/// Kind of a rendition: the part of its id before the hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RenditionName {
    /// Video in the box with this name (its short side in pixels): `v720`.
    Video(u32),
    /// Stereo audio of a source track: `a0`.
    Stereo(u32),
    /// 5.1 audio of a source track: `a0s`.
    Surround(u32),
    /// Text of a source track or of a subtitle file beside the source: `t0`.
    Text(u32),
    /// Trick play in the box with this name: `i240`.
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

/// Error for a string that is not a rendition id.
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

/// Parses a number as it is printed: digits only, no sign, no leading zero.
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
/// Digits of lower-case Crockford base32, in order of value.
const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Id of a rendition: its name and a hash of everything that shapes its bytes, e.g. `v720-k3m9x2a7q0wd`. Every media
/// URL contains such an id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RenditionId {
    name: RenditionName,
    hash: [u8; HASH_CHARS],
}

impl RenditionId {
    /// Creates the id from the BLAKE3 hash of a rendition's settings. The first 60 bits of the hash are used.
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

    /// Kind of the rendition.
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

/// Key of one rendition of one video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RenditionKey {
    /// Video to which the rendition belongs.
    pub video: VideoId,
    /// Id of the rendition.
    pub rendition: RenditionId,
}

/// Key of one segment (or storyboard sheet) of a rendition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SegmentKey {
    /// Video to which the segment belongs.
    pub video: VideoId,
    /// Rendition to which the segment belongs.
    pub rendition: RenditionId,
    /// Index of the segment or sheet, counted from 0.
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

//! What the coded pictures of a track are like, where they might be sent as they are.

use serde::{Deserialize, Serialize};

/// H.264 in a container that lists every picture, in groups of which none refers to another as far
/// as was looked, under parameter sets that do not change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodedPictures {
    /// Its `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §5.3.3.1).
    pub record: Vec<u8>,
    /// How many frames a picture is decoded later than its place in the order of presentation, at most.
    pub reorder_frames: u32,
    /// All of them, in order.
    pub groups: Vec<Group>,
}

impl CodedPictures {
    /// How many there are.
    pub fn count(&self) -> u64 {
        let counts = self.groups.iter().map(|group| u64::from(group.pictures));
        counts.fold(0, u64::saturating_add)
    }
}

/// Pictures from a key frame to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// How many.
    pub pictures: u32,
    /// Bytes of all of them in the source.
    pub bytes: u64,
}

//! Description of a track's coded frames, for video that may be passed through without an encode.

use serde::{Deserialize, Serialize};

/// Coded frames of an H.264 track whose container lists every frame. Its parameter sets do not change, and no
/// inspected group of pictures refers to another group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodedPictures {
    /// The track's `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §5.3.3.1).
    pub record: Vec<u8>,
    /// Reorder delay: the largest number of frames by which a frame is decoded later than its place in presentation
    /// order.
    pub reorder_frames: u32,
    /// All groups of pictures in order.
    pub groups: Vec<Group>,
}

impl CodedPictures {
    /// Number of coded frames of the track.
    pub fn count(&self) -> u64 {
        let counts = self.groups.iter().map(|group| u64::from(group.pictures));
        counts.fold(0, u64::saturating_add)
    }
}

/// Group of pictures: the frames from one key frame to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Number of frames in the group.
    pub pictures: u32,
    /// Total size of the group's frames in the source, in bytes.
    pub bytes: u64,
}

//! The boxes of our own media: init segments and segments by CMAF (ISO/IEC 23000-19, brand `cmfc`). The engine writes
//! them, and its parent checks them (`check`) before anything is stored. `mp4-atom` writes the boxes.
//!
//! Times are exact by construction. Decode times lie on the frame grid from the segment's start, and composition
//! offsets are unsigned. One edit takes away the reorder delay that all pictures share, so that every reader that
//! follows ISO/IEC 14496-12 shows the first picture at time zero.

pub mod avc;
pub mod check;
mod init;
mod nal;
mod segment;

pub use self::init::{ColourCodes, audio_init, av1_sample, colour_codes, video_init};
pub use self::nal::length_prefixed;
pub use self::segment::{VideoSample, audio_segment, video_segment};

/// Number of the single track of our files.
const TRACK: u32 = 1;
/// Flags of a sample at which decoding can start: `sample_depends_on = 2` (ISO/IEC 14496-12 §8.8.3.1).
const SYNC: u32 = 0x0200_0000;
/// Flags of any other sample: `sample_depends_on = 1`, `sample_is_non_sync_sample`.
const NON_SYNC: u32 = 0x0101_0000;

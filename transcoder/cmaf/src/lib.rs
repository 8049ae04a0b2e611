//! The boxes of our own media: init segments and segments by CMAF (ISO/IEC 23000-19, brand `cmfc`), as the
//! engine writes them and its parent checks them before anything is stored. Boxes are written by
//! `mp4-atom`; times are exact by construction: decode times lie on the frame grid from the segment's
//! start, composition offsets are unsigned, and one edit takes away the reorder delay that they have in
//! common, so that the first picture is shown at nought by every reader that follows ISO/IEC 14496-12.

pub mod avc;
pub mod check;
mod init;
mod nal;
mod segment;

pub use self::init::{ColourCodes, audio_init, av1_sample, colour_codes, video_init};
pub use self::nal::length_prefixed;
pub use self::segment::{VideoSample, audio_segment, video_segment};

/// The one track of every file of ours.
const TRACK: u32 = 1;
/// `sample_depends_on = 2`: a sample that decoding can start at (ISO/IEC 14496-12 §8.8.3.1).
const SYNC: u32 = 0x0200_0000;
/// `sample_depends_on = 1`, `sample_is_non_sync_sample`.
const NON_SYNC: u32 = 0x0101_0000;

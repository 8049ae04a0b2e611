//! Plan to text: HLS, DASH, WebVTT. No I/O, no clock; every URL is relative, so that the same
//! text serves under `/v/{video}/`, under a signed prefix, and from a folder of files.

pub mod bandwidth;
pub mod chapters;
pub mod dash;
pub mod hls;
pub use plan::language;
mod listed;
pub mod storyboard;
pub mod text;
mod webvtt;
mod xml;

use std::collections::BTreeMap;

use plan::RenditionId;

/// Measured bits per second of renditions that are whole.
pub type Averages = BTreeMap<RenditionId, u64>;

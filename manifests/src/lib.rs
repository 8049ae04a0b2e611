//! Manifests of a plan: HLS playlists, the DASH MPD and WebVTT tracks. A plan and measured bit rates go in; texts
//! come out.
//!
//! Nothing here does I/O or reads a clock. Every URL is relative, so that the same text is valid under `/v/{video}/`,
//! under a signed prefix, and in a folder of files. Begin reading at `hls/master.rs` and `dash.rs`.

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

/// Measured average bit rates, in bits per second, of the renditions that are complete.
pub type Averages = BTreeMap<RenditionId, u64>;

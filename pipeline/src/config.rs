//! Configuration of the pipeline: what the operator chooses.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use plan::{LazyCodec, Policy};
use transcoder::Budget;

use crate::videos::purge::Purge;

/// Views after which a video gets lazy codecs: so many views save, where a CDN is paid by the gigabyte, what AV1 costs
/// to make and to keep (docs/decisions/022).
pub const LAZY_AFTER_VIEWS: u64 = 100;

/// The operator's settings of the pipeline.
#[derive(Clone)]
pub struct Config {
    /// Rules by which sources become renditions.
    pub policy: Policy,
    /// Codecs that a video gets once it has [`Config::lazy_after_views`].
    pub lazy_codecs: Vec<LazyCodec>,
    /// Views after which a video gets the [`Config::lazy_codecs`].
    pub lazy_after_views: u64,
    /// Threads that a session encodes with.
    pub encode_threads: u32,
    /// Threads that a session decodes with.
    pub decode_threads: u32,
    /// Memory of all engines together, in bytes.
    pub memory_bytes: u64,
    /// How long a request for a missing segment waits at most: players give up after 10 seconds.
    pub demand_wait: Duration,
    /// Videos for which segments are made on demand at once: each has a watch window with a session.
    pub windows: usize,
    /// How long a window without requests keeps its session warm.
    pub window_idle: Duration,
    /// How long the background pauses after something was made for a viewer.
    pub lull: Duration,
    /// Source file of the videos that are begun in place; the file is read where it is.
    pub source_file: Option<PathBuf>,
    /// Time within which everything should be made: more workers are wanted where it would take longer.
    pub finish_within: Duration,
    /// The first pause after a failure of a store; the pause doubles with each failure.
    pub pause: Duration,
    /// The cache in front of origins that is told of deletions.
    pub purge: Option<Arc<dyn Purge>>,
    /// Whether viewers may watch before everything is encoded. Where they may not, no segment is made before others,
    /// orders are long, and stills are made at the same time as segments.
    pub viewers: bool,
}

impl Default for Config {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, |n| n.get() as u32);
        Self {
            policy: Policy::default(),
            lazy_codecs: Vec::new(),
            lazy_after_views: LAZY_AFTER_VIEWS,
            encode_threads: cores,
            decode_threads: cores.min(4),
            memory_bytes: 2 << 30,
            demand_wait: Duration::from_secs(9),
            windows: 12,
            window_idle: Duration::from_secs(15),
            // A player's next request comes within this time: a player shows only what it has asked for.
            lull: Duration::from_secs(1),
            source_file: None,
            finish_within: Duration::from_secs(600),
            pause: Duration::from_secs(1),
            purge: None,
            viewers: true,
        }
    }
}

impl Config {
    /// Limits of one session: half of the memory, so that two sessions fit side by side.
    pub(crate) fn budget(&self) -> Budget {
        Budget {
            encode_threads: self.encode_threads,
            decode_threads: self.decode_threads,
            memory_bytes: self.memory_bytes / 2,
        }
    }
}

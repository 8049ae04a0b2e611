//! What the operator chooses of all this.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use plan::{LazyCodec, Policy};
use transcoder::Budget;

use crate::videos::purge::Purge;

/// As many views save, where a CDN is paid by the gigabyte, what AV1 costs to make and to keep
/// (docs/decisions/022).
pub const LAZY_AFTER_VIEWS: u64 = 100;

/// What the operator chooses.
#[derive(Clone)]
pub struct Config {
    /// How sources become renditions.
    pub policy: Policy,
    /// Codecs that a video gets once it has [`Config::lazy_after_views`].
    pub lazy_codecs: Vec<LazyCodec>,
    /// Views that make a video worth them.
    pub lazy_after_views: u64,
    /// Threads that a session encodes with.
    pub encode_threads: u32,
    /// Threads that a session decodes with.
    pub decode_threads: u32,
    /// Bytes of memory for the engines together.
    pub memory_bytes: u64,
    /// How long a request for a missing segment waits: players give up after 10 s.
    pub demand_wait: Duration,
    /// Videos watched at once for which segments are made on demand.
    pub windows: usize,
    /// How long a window without demands keeps its session warm.
    pub window_idle: Duration,
    /// How long the background rests after something was made for a viewer.
    pub lull: Duration,
    /// Where the source of every video lies that was begun in place.
    pub source_file: Option<PathBuf>,
    /// In what time everything should be made: more workers are wanted where it would take longer.
    pub finish_within: Duration,
    /// The first pause after a trouble of the store; it doubles each time.
    pub pause: Duration,
    /// The cache in front of origins that is told of deletions.
    pub purge: Option<Arc<dyn Purge>>,
    /// Whether anybody may watch before everything is encoded. Where not, nothing is made
    /// before the rest, in long orders, and the stills beside.
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
            // A player's next request comes sooner: what it shows, it has asked for.
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
    /// What one session may use: half, so that two run side by side.
    pub(crate) fn budget(&self) -> Budget {
        Budget {
            encode_threads: self.encode_threads,
            decode_threads: self.decode_threads,
            memory_bytes: self.memory_bytes / 2,
        }
    }
}

//! Counters of what this origin did since it started.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// One number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn one(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// How many there were.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is counted.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Files of renditions that were asked for.
    pub files: Counter,
    /// Of these, how many were not in memory.
    pub files_read: Counter,
    /// Responses that waited for a segment to be made.
    pub waited: Counter,
    /// Milliseconds that they waited together.
    pub waited_ms: Counter,
    /// Requests sent away with 503: not made in time, or too many wait.
    pub not_ready: Counter,
    /// Sources received whole.
    pub uploads: Counter,
    /// Bytes of sources received, whole or not.
    pub upload_bytes: Counter,
}

impl Metrics {
    /// A response waited for its segment to be made.
    pub fn waited_for(&self, span: Duration) {
        self.waited.one();
        self.waited_ms
            .add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX));
    }

    /// In the Prometheus text format.
    pub fn text(&self) -> String {
        let counters = [
            ("reelmill_files_requested_total", &self.files),
            ("reelmill_files_read_total", &self.files_read),
            ("reelmill_demands_waited_total", &self.waited),
            (
                "reelmill_demands_waited_milliseconds_total",
                &self.waited_ms,
            ),
            ("reelmill_demands_not_ready_total", &self.not_ready),
            ("reelmill_uploads_total", &self.uploads),
            ("reelmill_upload_bytes_total", &self.upload_bytes),
        ];
        let line = |(name, count): (&str, &Counter)| counter(name, count.get());
        counters.into_iter().map(line).collect()
    }
}

/// A number that only grows, in the Prometheus text format.
pub fn counter(name: &str, value: u64) -> String {
    format!("# TYPE {name} counter\n{name} {value}\n")
}

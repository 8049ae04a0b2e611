//! Counters of an origin since its start, and the Prometheus text format.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counter, a number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds a number.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Present value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counters of an origin.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Requests for files of renditions.
    pub files: Counter,
    /// Requests for files of renditions that were not in the memory cache.
    pub files_read: Counter,
    /// Responses that waited for their segment to be encoded.
    pub waited: Counter,
    /// Sum of the times that responses waited for their segments, in milliseconds.
    pub waited_ms: Counter,
    /// Requests that were answered with `503`: the segment was not encoded in time, or too many requests were waiting.
    pub not_ready: Counter,
    /// Sources that were received completely.
    pub uploads: Counter,
    /// Bytes of sources that were received, of incomplete uploads too.
    pub upload_bytes: Counter,
}

impl Metrics {
    /// Counts a response that waited for its segment to be encoded.
    pub fn count_wait(&self, span: Duration) {
        self.waited.increment();
        self.waited_ms
            .add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX));
    }

    /// All counters in the Prometheus text format.
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

/// A counter in the Prometheus text format.
pub fn counter(name: &str, value: u64) -> String {
    format!("# TYPE {name} counter\n{name} {value}\n")
}

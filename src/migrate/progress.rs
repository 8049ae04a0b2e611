//! Progress of the copy on stderr: on a terminal, one line that rewrites itself; elsewhere, a line every five seconds.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressStyle};
use store::Clock;
use store::metadata::{State, VideoRow};

/// Interval of the lines where stderr is not a terminal, so that a log is not flooded.
const LINES: Duration = Duration::from_secs(5);
/// Interval at which the line on a terminal is rewritten.
const REWRITES: Duration = Duration::from_millis(200);

/// Progress of the copy, in videos and bytes.
pub struct Progress {
    /// Bar that counts bytes; it is hidden where stderr is not a terminal.
    bar: ProgressBar,
    /// Number of all videos that were found so far.
    all: AtomicU64,
    /// Number of videos that were copied, or given up.
    done: AtomicU64,
    /// Interval at which the progress is shown.
    every: Duration,
}

/// Estimate of a video's bytes from its row, until its objects are listed.
pub fn expected_bytes(row: &VideoRow) -> u64 {
    if row.state == State::Deleted {
        return 0;
    }
    row.received_bytes + row.stored_bytes.unwrap_or_default()
}

impl Progress {
    /// Progress that is shown on stderr.
    pub fn on_stderr() -> Self {
        if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(0);
            if let Ok(style) = ProgressStyle::with_template("{bar:20} {msg}") {
                bar.set_style(style);
            }
            Self::new(bar, REWRITES)
        } else {
            Self::new(ProgressBar::hidden(), LINES)
        }
    }

    /// Progress that is shown nowhere, for tests.
    #[cfg(test)]
    pub fn hidden() -> Self {
        Self::new(ProgressBar::hidden(), LINES)
    }

    fn new(bar: ProgressBar, every: Duration) -> Self {
        bar.set_length(0);
        Self {
            bar,
            all: AtomicU64::new(0),
            done: AtomicU64::new(0),
            every,
        }
    }

    /// Adds a video of about so many bytes to what is to be copied.
    pub fn expect_video(&self, bytes: u64) {
        self.all.fetch_add(1, Ordering::Relaxed);
        self.bar.inc_length(bytes);
    }

    /// Replaces a video's estimate by the bytes of its objects, once they are listed.
    pub fn correct_estimate(&self, expected: u64, bytes: u64) {
        self.bar.inc_length(bytes);
        self.bar.dec_length(expected);
    }

    /// Counts bytes that the target has, copied by this run or before.
    pub fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    /// Counts a video that was copied, or given up.
    pub fn video_done(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Prints a message above the progress line.
    pub fn print(&self, line: &str) {
        self.bar.suspend(|| eprintln!("reelmill: {line}"));
    }

    /// Shows the progress at its interval; never returns.
    pub async fn show(&self, clock: &dyn Clock) {
        loop {
            clock.sleep(self.every).await;
            if self.bar.is_hidden() {
                eprintln!("reelmill: {}", self.line());
            } else {
                self.bar.set_message(self.line());
            }
        }
    }

    /// Removes the progress line.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }

    fn line(&self) -> String {
        let (done, all) = (&self.done, &self.all);
        format!(
            "{} of {} videos, {} of {}, {}/s, {} left",
            done.load(Ordering::Relaxed),
            all.load(Ordering::Relaxed),
            HumanBytes(self.bar.position()),
            HumanBytes(self.bar.length().unwrap_or_default()),
            HumanBytes(self.bar.per_sec() as u64),
            HumanDuration(self.bar.eta()),
        )
    }
}

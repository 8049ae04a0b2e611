//! How far it is, on stderr: on a terminal one line that rewrites itself, else a line now and then.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressStyle};
use store::Clock;
use store::metadata::{State, VideoRow};

/// How often a line is written that stays.
const LINES: Duration = Duration::from_secs(5);
/// How often one is that rewrites itself.
const REWRITES: Duration = Duration::from_millis(200);

/// How far it is.
pub struct Progress {
    /// Of bytes; hidden where nobody looks.
    bar: ProgressBar,
    all: AtomicU64,
    done: AtomicU64,
    every: Duration,
}

/// What a row says of how much is to be copied; its objects are listed later.
pub fn expected_bytes(row: &VideoRow) -> u64 {
    if row.state == State::Deleted {
        return 0;
    }
    row.received_bytes + row.stored_bytes.unwrap_or_default()
}

impl Progress {
    /// Shown to whoever started the program.
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

    /// Shown to nobody.
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

    /// There is one more video, of about so many bytes.
    pub fn expect(&self, bytes: u64) {
        self.all.fetch_add(1, Ordering::Relaxed);
        self.bar.inc_length(bytes);
    }

    /// A video's objects are listed: so many bytes in place of those that were expected.
    pub fn weighed(&self, expected: u64, bytes: u64) {
        self.bar.inc_length(bytes);
        self.bar.dec_length(expected);
    }

    /// So many bytes are there, copied now or before.
    pub fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    /// A video is done with.
    pub fn video_done(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Something that is to be read.
    pub fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("reelmill: {line}"));
    }

    /// Shows how far it is, for ever.
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

    /// Nothing is shown any more.
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

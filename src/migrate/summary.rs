//! Summary of a finished copy, for people and as JSON.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::HumanBytes;
use serde_json::{Value, json};

use super::video::Outcome;

/// Counters that all tasks of a copy share.
#[derive(Default)]
pub struct Counts {
    objects: AtomicU64,
    bytes: AtomicU64,
    there: AtomicU64,
    owners: AtomicU64,
    tokens: AtomicU64,
    cut_off: AtomicU64,
}

impl Counts {
    /// Counts an object of so many bytes that was copied.
    pub fn add_copied_object(&self, bytes: u64) {
        self.objects.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts an object that the target had already.
    pub fn add_object_there(&self) {
        self.there.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an owner who was copied.
    pub fn add_owner(&self) {
        self.owners.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a token that was copied.
    pub fn add_token(&self) {
        self.tokens.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a video whose upload was not complete, and which is lost.
    pub fn add_cut_off(&self) {
        self.cut_off.fetch_add(1, Ordering::Relaxed);
    }
}

/// Numbers of videos by outcome; rows of deleted videos are counted too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VideoCounts {
    pub copied: u64,
    pub updated: u64,
    pub there: u64,
    pub newer: u64,
    pub failed: u64,
}

impl VideoCounts {
    pub fn add(&mut self, outcome: Outcome) {
        *match outcome {
            Outcome::Copied => &mut self.copied,
            Outcome::Updated => &mut self.updated,
            Outcome::There => &mut self.there,
            Outcome::Newer => &mut self.newer,
        } += 1;
    }
}

/// Result of a copy.
#[derive(Clone, Debug)]
pub struct Summary {
    pub videos: VideoCounts,
    pub objects: u64,
    pub bytes: u64,
    pub objects_there: u64,
    pub owners: u64,
    pub tokens: u64,
    pub cut_off: u64,
    seconds: f64,
}

impl Summary {
    pub fn new(videos: VideoCounts, counts: &Counts, seconds: f64) -> Self {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Self {
            videos,
            objects: of(&counts.objects),
            bytes: of(&counts.bytes),
            objects_there: of(&counts.there),
            owners: of(&counts.owners),
            tokens: of(&counts.tokens),
            cut_off: of(&counts.cut_off),
            seconds,
        }
    }

    /// Whether the target has everything now.
    pub const fn is_complete(&self) -> bool {
        self.videos.failed == 0
    }

    /// Summary as JSON, for `--json`.
    pub fn json(&self) -> Value {
        let videos = &self.videos;
        json!({
            "videos": {
                "copied": videos.copied,
                "updated": videos.updated,
                "there": videos.there,
                "newer": videos.newer,
                "failed": videos.failed,
                "cut_off": self.cut_off,
            },
            "objects": { "copied": self.objects, "there": self.objects_there },
            "bytes": self.bytes,
            "owners": self.owners,
            "tokens": self.tokens,
            "seconds": self.seconds,
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let videos = &self.videos;
        let (owners, tokens) = (self.owners, self.tokens);
        writeln!(
            f,
            "copied: {} videos, {} objects, {}, {owners} owners, {tokens} tokens; {:.1} s",
            videos.copied,
            self.objects,
            HumanBytes(self.bytes),
            self.seconds
        )?;
        let there = self.objects_there;
        write!(
            f,
            "already in the target: {} videos, {there} objects",
            videos.there
        )?;
        if videos.updated > 0 {
            write!(f, "\nupdated: {} videos", videos.updated)?;
        }
        for (count, what) in [
            (self.cut_off, "uploads were not complete and are lost"),
            (
                videos.newer,
                "videos are newer in the target and were left alone",
            ),
            (videos.failed, "videos are not copied"),
        ] {
            if count > 0 {
                write!(f, "\n{count} {what}; the messages above name them")?;
            }
        }
        Ok(())
    }
}

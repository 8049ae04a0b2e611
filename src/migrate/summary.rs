//! What was done, in the end.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::HumanBytes;
use serde_json::{Value, json};

use super::video::Outcome;

/// What many tasks count.
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
    /// An object of so many bytes was copied.
    pub fn copied(&self, bytes: u64) {
        self.objects.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// An object was there.
    pub fn there(&self) {
        self.there.fetch_add(1, Ordering::Relaxed);
    }

    /// An owner was copied.
    pub fn owner(&self) {
        self.owners.fetch_add(1, Ordering::Relaxed);
    }

    /// A token was copied.
    pub fn token(&self) {
        self.tokens.fetch_add(1, Ordering::Relaxed);
    }

    /// A video's upload was not complete.
    pub fn cut_off(&self) {
        self.cut_off.fetch_add(1, Ordering::Relaxed);
    }
}

/// What became of videos, tombstones among them.
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

/// What was done.
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

    /// Whether everything is in the target now.
    pub const fn is_whole(&self) -> bool {
        self.videos.failed == 0
    }

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
        write!(f, "there already: {} videos, {there} objects", videos.there)?;
        if videos.updated > 0 {
            write!(f, "\nbrought up to date: {} videos", videos.updated)?;
        }
        for (count, what) in [
            (self.cut_off, "uploads were not complete and are lost"),
            (videos.newer, "videos are newer there"),
            (videos.failed, "videos are not copied"),
        ] {
            if count > 0 {
                write!(f, "\n{count} {what}: see above")?;
            }
        }
        Ok(())
    }
}

//! A segment that is whole, on its way to the parent.

use plan::RenditionId;
use protocol::{Made, SegmentReport, ToParent};

use crate::link::{Gone, Link};

/// A segment as it is written, and what it is decoded with.
pub struct Coded {
    /// The init segment that its encoder declares.
    pub init: Vec<u8>,
    /// The segment.
    pub bytes: Vec<u8>,
    /// Frames in it.
    pub frames: u32,
}

impl Coded {
    /// A report of what was made at once.
    pub fn report(&self) -> SegmentReport {
        SegmentReport {
            frames: self.frames,
            attempts: 1,
            ..SegmentReport::default()
        }
    }

    /// Hands it to the parent.
    ///
    /// # Errors
    /// Where that is gone.
    pub fn say(
        self,
        link: &Link,
        order: u32,
        (rendition, segment): (RenditionId, u32),
        report: SegmentReport,
    ) -> Result<(), Gone> {
        let what = Made::Segment {
            rendition,
            segment,
            init: self.init,
            report,
        };
        link.say(&ToParent::Made { order, what }, &self.bytes)
    }
}

//! A whole segment on its way to the parent.

use plan::RenditionId;
use protocol::{Made, SegmentReport, ToParent};

use crate::link::{Gone, Link};

/// Segment with the init segment that it is decoded with.
pub struct CodedSegment {
    /// Init segment with the parameter sets that the encoder declared.
    pub init: Vec<u8>,
    /// Bytes of the segment.
    pub bytes: Vec<u8>,
    /// Number of frames in the segment.
    pub frames: u32,
}

impl CodedSegment {
    /// Report on a segment that was made at the first attempt.
    pub fn first_attempt_report(&self) -> SegmentReport {
        SegmentReport {
            frames: self.frames,
            attempts: 1,
            ..SegmentReport::default()
        }
    }

    /// Sends the segment to the parent.
    ///
    /// # Errors
    /// An error is returned where the parent is gone.
    pub fn send(
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
        link.send(&ToParent::Made { order, what }, &self.bytes)
    }
}

//! Progress of a read of the whole source, as the parent is told.

use protocol::ToParent;

use crate::input::source::Source;
use crate::link::{Gone, Link};

/// Fewest bytes between two messages, so that short reads send none.
const STEP: u64 = 4 << 20;

/// Reporter of a read's progress to the parent, per cent by per cent.
pub struct Progress<'a> {
    link: &'a Link,
    size: u64,
    /// Byte of the source from which on the next message is due.
    next: u64,
}

impl<'a> Progress<'a> {
    /// Makes the reporter of a read from the start.
    pub fn new(source: &'a Source) -> Self {
        Self {
            link: source.link(),
            size: source.size(),
            next: STEP,
        }
    }

    /// Reports that the next packet lies at this byte; a negative number means that the demuxer does not know.
    pub fn report_position(&mut self, position: isize) -> Result<(), Gone> {
        let Ok(position) = u64::try_from(position) else {
            return Ok(());
        };
        if position < self.next {
            return Ok(());
        }
        self.next = position + STEP.max(self.size / 100);
        let percent = u128::from(position) * 100 / u128::from(self.size.max(1));
        let percent = u8::try_from(percent.min(100)).unwrap_or(100);
        self.link.send(&ToParent::Scanned { percent }, &[])
    }
}

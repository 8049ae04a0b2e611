//! How far a read of the whole source has come, as the parent is told.

use protocol::ToParent;

use crate::input::source::Source;
use crate::link::{Gone, Link};

/// Bytes between two words at least, so that short reads are silent.
const STEP: u64 = 4 << 20;

/// A read that tells how far it has come, per cent by per cent.
pub struct Progress<'a> {
    link: &'a Link,
    size: u64,
    /// From where on something is said again.
    next: u64,
}

impl<'a> Progress<'a> {
    /// A read from the start.
    pub fn new(source: &'a Source) -> Self {
        Self {
            link: source.link(),
            size: source.size(),
            next: STEP,
        }
    }

    /// The next packet lies at this byte; negative where the demuxer does not know.
    pub fn come_to(&mut self, position: isize) -> Result<(), Gone> {
        let Ok(position) = u64::try_from(position) else {
            return Ok(());
        };
        if position < self.next {
            return Ok(());
        }
        self.next = position + STEP.max(self.size / 100);
        let percent = u128::from(position) * 100 / u128::from(self.size.max(1));
        let percent = u8::try_from(percent.min(100)).unwrap_or(100);
        self.link.say(&ToParent::Scanned { percent }, &[])
    }
}

//! Promised bytes: what the uploads under way have still to bring. Free space on the disk is reserved for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that are still to come, of all uploads through this process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Promised(Arc<AtomicU64>);

/// The bytes that one upload has still to bring; the promise ends when this is dropped.
pub(super) struct Promise {
    all: Promised,
    left: u64,
}

impl Promised {
    /// Number of bytes that all uploads have still to bring.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Registers an upload that is to bring this many bytes.
    pub(super) fn make(&self, bytes: u64) -> Promise {
        self.0.fetch_add(bytes, Ordering::Relaxed);
        Promise {
            all: self.clone(),
            left: bytes,
        }
    }
}

impl Promise {
    /// Notes that this many of the promised bytes are stored.
    pub(super) fn keep(&mut self, bytes: u64) {
        let kept = bytes.min(self.left);
        self.left -= kept;
        self.all.0.fetch_sub(kept, Ordering::Relaxed);
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.keep(self.left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_or_broken_is_promised_no_more() {
        let all = Promised::default();
        let mut first = all.make(100);
        let second = all.make(50);
        first.keep(60);
        assert_eq!(all.bytes(), 90);
        // The upload brings more bytes than it promised.
        first.keep(1000);
        assert_eq!(all.bytes(), 50);
        drop(second);
        drop(first);
        assert_eq!(all.bytes(), 0);
    }
}

//! The demuxer's own index of a stream.
#![allow(unsafe_code)]

use ffmpeg_next::{Stream, ffi};

/// One entry of a demuxer's index: decode time in the stream's time base, whether a decoder can
/// start there, whether it is shown, its bytes, and one past the last of them.
#[derive(Clone, Copy, Debug)]
pub struct IndexEntry {
    pub timestamp: i64,
    pub key: bool,
    pub shown: bool,
    pub size: u32,
    pub end: i64,
}

impl IndexEntry {
    /// Where its bytes begin.
    pub fn position(&self) -> i64 {
        self.end - i64::from(self.size)
    }
}

const AVINDEX_KEYFRAME: i32 = 1;
const AVINDEX_DISCARD_FRAME: i32 = 2;

/// The demuxer's own index of a stream, as far as it has read one.
pub fn index_entries(stream: &Stream) -> Vec<IndexEntry> {
    // SAFETY: the stream outlives the call; entries are copied out one by one.
    unsafe {
        let pointer = stream.as_ptr().cast_mut();
        let count = ffi::avformat_index_get_entries_count(pointer);
        (0..count)
            .filter_map(|index| {
                let entry = ffi::avformat_index_get_entry(pointer, index).as_ref()?;
                Some(IndexEntry {
                    timestamp: entry.timestamp,
                    key: entry.flags() & AVINDEX_KEYFRAME != 0,
                    shown: entry.flags() & AVINDEX_DISCARD_FRAME == 0,
                    size: entry.size().max(0) as u32,
                    end: entry.pos.saturating_add(i64::from(entry.size())),
                })
            })
            .collect()
    }
}

/// How many entries the demuxer's own index of a stream has.
pub fn index_count(stream: &Stream) -> usize {
    // SAFETY: the stream outlives the call.
    let count = unsafe { ffi::avformat_index_get_entries_count(stream.as_ptr().cast_mut()) };
    usize::try_from(count).unwrap_or(0)
}

/// Changes decode times in the demuxer's own index of a stream, and what is shown, entry by entry:
/// that of MP4 takes the times of its packets from there.
pub fn change_index(stream: &Stream, entries: &[IndexEntry]) {
    // SAFETY: as above; libavformat hands out its entries for reading, but they lie in memory of
    // its own that nobody else refers to while `stream` is borrowed by this thread.
    unsafe {
        let pointer = stream.as_ptr().cast_mut();
        for (index, change) in (0..).zip(entries) {
            let entry = ffi::avformat_index_get_entry(pointer, index).cast_mut();
            let Some(entry) = entry.as_mut() else { return };
            entry.timestamp = change.timestamp;
            let shown = entry.flags() & !AVINDEX_DISCARD_FRAME;
            entry.set_flags(match change.shown {
                true => shown,
                false => shown | AVINDEX_DISCARD_FRAME,
            });
        }
    }
}

/// Adds to the demuxer's index of a stream that a key frame of this decode time lies at, or soon after, a byte.
pub fn add_to_index(stream: &Stream, position: i64, timestamp: i64) {
    // SAFETY: as above; libavformat keeps its entries in order, and refuses what is no time.
    unsafe {
        let pointer = stream.as_ptr().cast_mut();
        ffi::av_add_index_entry(pointer, position, timestamp, 0, 0, AVINDEX_KEYFRAME);
    }
}

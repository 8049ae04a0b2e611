//! Access to the demuxer's own index of a stream.
#![allow(unsafe_code)]

use ffmpeg_next::{Stream, ffi};

/// Entry of a demuxer's index: decode time in the stream's time base, whether a decoder can start there, whether the
/// frame is shown, its number of bytes, and one past the position of its last byte.
#[derive(Clone, Copy, Debug)]
pub struct IndexEntry {
    pub timestamp: i64,
    pub key: bool,
    pub shown: bool,
    pub size: u32,
    pub end: i64,
}

impl IndexEntry {
    /// Position of the entry's first byte.
    pub fn position(&self) -> i64 {
        self.end - i64::from(self.size)
    }
}

const AVINDEX_KEYFRAME: i32 = 1;
const AVINDEX_DISCARD_FRAME: i32 = 2;

/// Entries of the demuxer's own index of a stream, as far as the demuxer has read it.
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

/// Number of entries of the demuxer's own index of a stream.
pub fn index_count(stream: &Stream) -> usize {
    // SAFETY: the stream outlives the call.
    let count = unsafe { ffi::avformat_index_get_entries_count(stream.as_ptr().cast_mut()) };
    usize::try_from(count).unwrap_or(0)
}

/// Changes the decode times and the shown flags in the demuxer's own index of a stream, entry by entry. The demuxer
/// of MP4 takes the times of its packets from there.
pub fn change_index(stream: &Stream, entries: &[IndexEntry]) {
    // SAFETY: the stream outlives the call. libavformat hands out its entries for reading, but they lie in memory of
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

/// Adds an entry to the demuxer's own index of a stream: a key frame of this decode time lies at this byte, or soon
/// after it.
pub fn add_to_index(stream: &Stream, position: i64, timestamp: i64) {
    // SAFETY: the stream outlives the call; libavformat keeps its entries in order, and refuses an invalid time.
    unsafe {
        let pointer = stream.as_ptr().cast_mut();
        ffi::av_add_index_entry(pointer, position, timestamp, 0, 0, AVINDEX_KEYFRAME);
    }
}

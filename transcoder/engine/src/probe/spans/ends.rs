//! Facts that an index leaves open: the ends of tracks, their coding in between, and the starts of tracks that begin
//! late.

use std::collections::HashMap;

use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Error, Packet};
use plan::Rational;

use super::packets::{entries, tracks};
use crate::ffi;
use crate::input::demux::next_packet;
use crate::input::times::rational;
use crate::probe::observed_track::ObservedTrack;
use crate::probe::tracks::DeclaredTracks;

/// Number of key frames that are read between start and end.
const KEYS: usize = 8;
/// Packets that are read of a track that begins late.
const LATE_PACKETS: usize = 64;

/// Reads the first packets of tracks that had none among the source's first packets.
pub fn late_starts(
    input: &mut Input,
    found: &DeclaredTracks,
    seen: &mut HashMap<u32, ObservedTrack>,
) {
    for stream in tracks(found) {
        if seen.get(&stream).is_some_and(|seen| seen.first.is_some()) {
            continue;
        }
        let Some(first) = entries(input, stream as usize)
            .first()
            .map(|first| first.timestamp)
        else {
            continue;
        };
        ffi::discard_all_but(input, stream as usize);
        if ffi::seek_back(input, stream as usize, first).is_ok() {
            let mut own = ObservedTrack::of(input, found, stream);
            read(input, stream, LATE_PACKETS, |packet| own.take(packet, 0));
            seen.insert(stream, own);
        }
    }
    ffi::keep_all(input);
}

/// Reads key frames of the picture between start and end, for their coding and their GOPs. Returns the kind of the
/// last one, in which a demuxer goes on.
pub fn keys(
    input: &mut Input,
    found: &DeclaredTracks,
    seen: &mut HashMap<u32, ObservedTrack>,
) -> Option<u64> {
    let video = found.video.as_ref()?;
    let all = entries(input, video.stream as usize);
    let numbered = all.iter().enumerate().filter(|(_, entry)| entry.key);
    let keys: Vec<(usize, i64)> = numbered.map(|(at, entry)| (at, entry.timestamp)).collect();
    let count = KEYS.min(keys.len().saturating_sub(1));
    let places: Vec<(usize, i64)> = (1..=count)
        .map(|place| keys[place * (keys.len() - 1) / count])
        .collect();
    let known = seen.entry(video.stream).or_default();
    let before = known.kinds.last_key();
    // Each key frame stands for the pictures up to the next place.
    let head = known.stamps.len();
    let first = places.first().map_or(all.len(), |(at, _)| *at);
    known.kinds.repeat(first.saturating_sub(head) as u64);
    ffi::discard_all_but(input, video.stream as usize);
    let mut further = ObservedTrack::from_middle(input, found, video.stream);
    further.kinds.go_on_from(before);
    for (place, (at, key)) in places.iter().enumerate() {
        if ffi::seek_back(input, video.stream as usize, *key).is_ok() {
            read(input, video.stream, 1, |packet| further.take(packet, 0));
            let next = places.get(place + 1).map_or(all.len(), |(next, _)| *next);
            further.kinds.repeat((next - at) as u64);
        }
    }
    ffi::keep_all(input);
    let last = further.kinds.last_key();
    add(seen.entry(video.stream).or_default(), further);
    last
}

fn add(seen: &mut ObservedTrack, further: ObservedTrack) {
    seen.open_gops |= further.open_gops;
    seen.record = seen.record.take().filter(|_| further.record.is_some());
    seen.kinds.add(further.kinds);
}

/// Finds the end of each track by reading from its last key frame on.
pub fn ends(
    input: &mut Input,
    size: i64,
    found: &DeclaredTracks,
    seen: &mut HashMap<u32, ObservedTrack>,
    picture_kind: Option<u64>,
) {
    for stream in tracks(found) {
        ffi::discard_all_but(input, stream as usize);
        let Some(last) = last_stamp(input, stream as usize, size) else {
            continue;
        };
        // An index may name no key frame at all.
        if ffi::seek_back(input, stream as usize, last).is_err()
            && ffi::seek_back_to_any_frame(input, stream as usize, last).is_err()
        {
            continue;
        }
        let mut tail = ObservedTrack::from_middle(input, found, stream);
        if found
            .video
            .as_ref()
            .is_some_and(|video| video.stream == stream)
        {
            tail.kinds.go_on_from(picture_kind);
        }
        read(input, stream, usize::MAX, |packet| tail.take(packet, 0));
        extend(seen.entry(stream).or_default(), tail);
    }
    ffi::keep_all(input);
}

/// Extends a track's observations by those of its end.
pub fn extend(seen: &mut ObservedTrack, tail: ObservedTrack) {
    if tail.end > seen.end {
        seen.longest = seen.longest.max(seen.last_duration).max(tail.longest);
    }
    if tail.end >= seen.end {
        (seen.end, seen.padding) = (tail.end, tail.padding);
        seen.last_duration = tail.last_duration;
    }
    add(seen, tail);
}

/// Reads packets of a stream, `most` at most.
fn read(input: &mut Input, stream: u32, most: usize, mut take: impl FnMut(&Packet)) {
    let mut taken = 0;
    while taken < most {
        match next_packet(input) {
            Ok(packet) if packet.stream() == stream as usize => {
                take(&packet);
                taken += 1;
            }
            Ok(_) | Err(Error::InvalidData) => {}
            Err(_) => break,
        }
    }
}

/// Last time stamp that a stream is known to have in the source's `size` bytes, in its time base.
fn last_stamp(input: &Input, stream: usize, size: i64) -> Option<i64> {
    let stream = input.stream(stream)?;
    let entries = ffi::index_entries(&stream);
    if let Some(last) = entries.iter().rfind(|entry| entry.end <= size) {
        return Some(last.timestamp);
    }
    let base = rational(stream.time_base());
    let microseconds = input.duration().max(0);
    Some(Rational::from_us(microseconds).scale_floor(base.den(), base.num().max(1)))
}

//! Matroska without reading all of it: its head, the places that its Cues name, some clusters by them, its tail. What
//! these leave open is for a scan to find.

use std::collections::HashMap;

use anyhow::Result;
use ffmpeg_next::Error;
use ffmpeg_next::format::context::Input;
use plan::media_info::KeyFrame;
use plan::{Index, Rational};

use super::ends::extend;
use super::packets::{entries, head, tracks};
use crate::ffi::{self, IndexEntry};
use crate::input::demux::next_packet;
use crate::input::open;
use crate::input::source::Source;
use crate::input::times::rational;
use crate::probe::observed_track::ObservedTrack;
use crate::probe::pictures::rate;
use crate::probe::tracks::DeclaredTracks;

/// Pictures read at the start: two seconds of most films.
const HEAD_PICTURES: usize = 60;
/// Places looked at between head and tail, and the pictures read at each.
const PLACES: usize = 8;
const PLACE_PICTURES: usize = 12;
/// Packets read at a place at most, whatever tracks they are of.
const PLACE_PACKETS: usize = 400;

/// What is certain.
pub struct Known {
    /// What packets told of each track.
    pub seen: HashMap<u32, ObservedTrack>,
    /// The places that the Cues name.
    pub cues: Vec<IndexEntry>,
    /// Pictures per second.
    pub rate: Rational,
}

/// How many times as many packets as are looked at in between a place stands for, against head and tail.
const STANDS_FOR: u64 = 50;
/// Pictures at the end of the head of which some before them may not have come yet.
const REORDERED: usize = 16;

/// What these tell of each track, with the Cues; nothing where a scan must tell.
pub fn look_at(
    source: &Source,
    input: &mut Input,
    found: &DeclaredTracks,
) -> Result<Option<Known>> {
    let (Some(segment), Some(video)) = (&found.matroska, &found.video) else {
        return Ok(None);
    };
    if !segment.has_cues || segment.is_cut || segment.is_followed {
        return Ok(None);
    }
    let stream = video.stream as usize;
    open::rewind(source, input)?;
    let mut seen = head(input, found, HEAD_PICTURES)?;
    let has_begun = |track: u32| seen.get(&track).is_some_and(|seen| seen.first.is_some());
    if !tracks(found).all(has_begun) || ffi::seek_back(input, stream, 0).is_err() {
        return Ok(None);
    }
    let cues = entries(input, stream);
    // Some files name their first place alone, which is no index of the others.
    let keys = seen.get(&video.stream).map_or(0, |seen| seen.keys.len());
    if cues.is_empty() || cues.len() < 2 && keys > 1 {
        return Ok(None);
    }
    let mut places: Vec<Vec<i64>> = Vec::new();
    for place in 1..=PLACES.min(cues.len().saturating_sub(2)) {
        let cue = &cues[place * (cues.len() - 1) / (PLACES + 1).min(cues.len() - 1).max(1)];
        let at = part(input, found, stream, cue.timestamp, PLACE_PICTURES)?;
        places.extend(merge(&mut seen, at, video.stream, false));
    }
    let Some(tail) = tail(input, found, stream, &cues)? else {
        return Ok(None);
    };
    places.extend(merge(&mut seen, tail, video.stream, true));
    let rate = certain_rate(input, found, &mut seen, &places);
    Ok(rate.map(|rate| Known { seen, cues, rate }))
}

/// The end of the source: from the last cue on, or from so many before it that every track has packets there. Nothing
/// where one ends earlier still.
fn tail(
    input: &mut Input,
    found: &DeclaredTracks,
    stream: usize,
    cues: &[IndexEntry],
) -> Result<Option<HashMap<u32, ObservedTrack>>> {
    const BACK: [usize; 4] = [1, 5, 20, 80];
    for back in BACK {
        let from = &cues[cues.len().saturating_sub(back)];
        let tail = part(input, found, stream, from.timestamp, usize::MAX)?;
        if tracks(found).all(|track| tail.contains_key(&track)) {
            return Ok(Some(tail));
        }
        if back >= cues.len() {
            break;
        }
    }
    Ok(None)
}

/// Packets of all tracks from a cue on, up to so many pictures.
fn part(
    input: &mut Input,
    found: &DeclaredTracks,
    stream: usize,
    from: i64,
    pictures: usize,
) -> Result<HashMap<u32, ObservedTrack>> {
    let mut seen: HashMap<u32, ObservedTrack> = HashMap::new();
    if ffi::seek_back(input, stream, from).is_err() {
        return Ok(seen);
    }
    let wanted: Vec<u32> = tracks(found).collect();
    let (mut packets, mut shown) = (0, 0);
    while shown < pictures && (pictures == usize::MAX || packets < PLACE_PACKETS) {
        let packet = match next_packet(input) {
            Ok(packet) => packet,
            Err(Error::InvalidData) => continue,
            Err(Error::Exit) => anyhow::bail!("the parent is gone"),
            Err(_) => break,
        };
        packets += 1;
        shown += usize::from(packet.stream() == stream);
        let track = packet.stream() as u32;
        if wanted.contains(&track) {
            let seen = seen.entry(track);
            seen.or_insert_with(|| ObservedTrack::further(input, found, track))
                .take(&packet, 0);
        }
    }
    Ok(seen)
}

/// Adds a part to what is known; the stamps of its pictures are returned.
fn merge(
    seen: &mut HashMap<u32, ObservedTrack>,
    part: HashMap<u32, ObservedTrack>,
    video: u32,
    is_tail: bool,
) -> Option<Vec<i64>> {
    let mut stamps = None;
    for (track, mut further) in part {
        if track == video {
            stamps = Some(std::mem::take(&mut further.stamps));
        }
        let Some(known) = seen.get_mut(&track) else {
            continue;
        };
        if !is_tail {
            further.end = None;
            // It stands for what lies up to the next place.
            further.kinds.weigh(STANDS_FOR);
        }
        extend(known, further);
    }
    stamps
}

/// The rate of all pictures that were looked at, where they have one: nothing where there is more to be found out.
fn certain_rate(
    input: &Input,
    found: &DeclaredTracks,
    seen: &mut HashMap<u32, ObservedTrack>,
    places: &[Vec<i64>],
) -> Option<Rational> {
    let video = found.video.as_ref()?;
    let stream = input.stream(video.stream as usize)?;
    let pictures = seen.get_mut(&video.stream)?;
    pictures.stamps.sort_unstable();
    let declared = [rational(stream.avg_frame_rate()), rational(stream.rate())];
    let shown = |stamps: &[i64]| rate::of_shown(&video.codec, stamps, video.time_base);
    let mut head = shown(&pictures.stamps);
    head.truncate(head.len().saturating_sub(REORDERED).max(2));
    let mut all = head.clone();
    for place in places {
        let mut place = place.clone();
        place.sort_unstable();
        all.extend(shown(&place));
    }
    all.sort_unstable();
    all.dedup();
    rate::of_some(&head, &all, video.time_base, &declared)
}

/// The places that a scan has found.
pub fn scanned(input: &Input, stream: usize) -> Index {
    let entries = entries(input, stream);
    let key = |entry: &IndexEntry| {
        Some(KeyFrame {
            pts: entry.timestamp,
            position: u64::try_from(entry.position()).ok()?,
        })
    };
    let keys: Vec<KeyFrame> = entries.iter().filter_map(key).collect();
    match keys.is_empty() {
        true => Index::None,
        false => Index::Scanned(keys),
    }
}

//! Measuring of Matroska without reading all of it: its head, some clusters at places that its Cues name, its tail.
//! Facts that these leave open are found by a scan.

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

/// Pictures that are read at the start: two seconds of most films.
const HEAD_PICTURES: usize = 60;
/// Number of places between head and tail that are read, and the pictures read at each.
const PLACES: usize = 8;
const PLACE_PICTURES: usize = 12;
/// Most packets of all tracks that are read at a place.
const PLACE_PACKETS: usize = 400;

/// Facts about a Matroska file that are certain without a scan.
pub struct CertainFacts {
    /// Observations of the packets of each track.
    pub seen: HashMap<u32, ObservedTrack>,
    /// Places that the Cues name.
    pub cues: Vec<IndexEntry>,
    /// Pictures per second.
    pub rate: Rational,
}

/// Weight of a packet that was read at a place in between, against one of head and tail: it stands for all packets up
/// to the next place.
const PLACE_WEIGHT: u64 = 50;
/// Pictures at the end of the head before which some others may not have come yet: pictures are reordered by as many.
const REORDERED: usize = 16;

/// Observes the head, some places and the tail by the Cues; none where a scan is needed.
pub fn observe_by_cues(
    source: &Source,
    input: &mut Input,
    found: &DeclaredTracks,
) -> Result<Option<CertainFacts>> {
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
    // Some files name only their first place, which is no index of the others.
    let keys = seen.get(&video.stream).map_or(0, |seen| seen.keys.len());
    if cues.is_empty() || cues.len() < 2 && keys > 1 {
        return Ok(None);
    }
    let mut places: Vec<Vec<i64>> = Vec::new();
    for place in 1..=PLACES.min(cues.len().saturating_sub(2)) {
        let cue = &cues[place * (cues.len() - 1) / (PLACES + 1).min(cues.len() - 1).max(1)];
        let at = read_place(input, found, stream, cue.timestamp, PLACE_PICTURES)?;
        places.extend(add_place(&mut seen, at, video.stream, false));
    }
    let Some(tail) = tail(input, found, stream, &cues)? else {
        return Ok(None);
    };
    places.extend(add_place(&mut seen, tail, video.stream, true));
    let rate = certain_rate(input, found, &mut seen, &places);
    Ok(rate.map(|rate| CertainFacts { seen, cues, rate }))
}

/// Reads the end of the source, from the last cue on or from an earlier one, so that every track has packets there.
/// None where a track ends earlier still.
fn tail(
    input: &mut Input,
    found: &DeclaredTracks,
    stream: usize,
    cues: &[IndexEntry],
) -> Result<Option<HashMap<u32, ObservedTrack>>> {
    const BACK: [usize; 4] = [1, 5, 20, 80];
    for back in BACK {
        let from = &cues[cues.len().saturating_sub(back)];
        let tail = read_place(input, found, stream, from.timestamp, usize::MAX)?;
        if tracks(found).all(|track| tail.contains_key(&track)) {
            return Ok(Some(tail));
        }
        if back >= cues.len() {
            break;
        }
    }
    Ok(None)
}

/// Reads packets of all tracks from a cue on, up to `pictures` pictures.
fn read_place(
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
            seen.or_insert_with(|| ObservedTrack::from_middle(input, found, track))
                .take(&packet, 0);
        }
    }
    Ok(seen)
}

/// Adds the observations of a place to those known; returns the time stamps of its pictures.
fn add_place(
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
            // The place stands for the packets up to the next place.
            further.kinds.weigh(PLACE_WEIGHT);
        }
        extend(known, further);
    }
    stamps
}

/// Rate of all pictures that were read, if one rate fits all of them; none where a scan is needed.
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

/// Index of the places that a scan has found.
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

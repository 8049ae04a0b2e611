//! The start and end of each track, and the way in which places in it are found. They come from the container's index
//! where it has one, and from a read of the whole source where it has none or where the index leaves something open.

mod ends;
mod matroska;
pub(crate) mod packets;

use std::collections::HashMap;

use anyhow::Result;
use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Error, Packet};
use plan::media_info::{Join, KeyFrame};
use plan::{Code, Index, Limits, Note, Rational};

use self::packets::{entries, head, tracks};
use super::clock::{self, Clock};
use super::fill::{self, Coverage};
use super::observed_track::{self, ObservedTrack, StoredPacket};
use super::pictures::samples_of_pictures;
use super::progress::Progress;
use super::samples;
use super::tracks::DeclaredTracks;
use crate::ffi;
use crate::input::boxes;
use crate::input::demux::next_packet;
use crate::input::open;
use crate::input::source::Source;
use crate::input::time_stamps::StampCorrection;
use crate::input::times::{rational, seconds};

/// Pictures that are read at the start where an index lists all of them: the first picture shown may be stored behind
/// sixteen others.
const FEW_PICTURES: usize = 24;
/// Microseconds by which time stamps may jump ahead in a broadcast, on a disc or in Ogg: reception fails for less.
const BROADCAST_GAP_US: i64 = 10_000_000;
/// Microseconds by which time stamps may jump ahead in other formats: a screen that does not change may have no
/// picture for so long.
const QUIET_GAP_US: i64 = 60_000_000;

/// Results of measuring a source, besides the tracks that are filled in.
pub struct Measured {
    /// Way in which places in the source are found.
    pub index: Index,
    /// Shifts by which the time stamps become one time line.
    pub joins: Vec<Join>,
    /// Byte at which the last packet ends, in a source that was read whole.
    pub read_to: Option<u64>,
    /// Whether the demuxer could not parse a part of such a source.
    pub has_unreadable: bool,
}

/// Fills in starts, ends, rates and channels. None where no packet of the tracks to be shown can be read.
pub fn measure(
    source: &Source,
    input: &mut Input,
    found: &mut DeclaredTracks,
    limits: &Limits,
) -> Result<Option<Measured>> {
    let (mut seen, coverage, mut measured) = read(source, input, found)?;
    let heads = samples::fill_formats(input, found, &seen);
    samples_of_pictures::describe_most(input, found, &seen, limits)?;
    note_joins(found, &measured.joins, &seen);
    if !fill::fill_tracks(source, input, found, &mut seen, &coverage)? {
        return Ok(None);
    }
    samples::fill_starts(found, heads);
    fill::align_clocks(found, &mut measured.joins);
    Ok(Some(measured))
}

/// Reads as little of the source as tells all facts, or all of it.
fn read(
    source: &Source,
    input: &mut Input,
    found: &DeclaredTracks,
) -> Result<(HashMap<u32, ObservedTrack>, Coverage, Measured)> {
    let name = input.format().name().to_owned();
    let video = found.video.as_ref().map(|video| video.stream as usize);
    let indexed = Measured {
        index: Index::Container,
        joins: Vec::new(),
        read_to: None,
        has_unreadable: false,
    };
    if name.contains("mp4") && !boxes::has_fragments(source.reader(), source.size()) {
        let entries = video.map(|video| entries(input, video)).unwrap_or_default();
        if video.is_none() || !entries.is_empty() {
            let seen = observe_indexed(source, input, found)?;
            let coverage = Coverage {
                entries,
                lists_all: true,
                is_scan: false,
                rate: None,
            };
            return Ok((seen, coverage, indexed));
        }
    }
    if name.contains("matroska")
        && let Some(known) = matroska::observe_by_cues(source, input, found)?
    {
        let coverage = Coverage {
            entries: known.cues,
            lists_all: false,
            is_scan: false,
            rate: Some(known.rate),
        };
        return Ok((known.seen, coverage, indexed));
    }
    let (seen, measured) = scan(source, input, found, &name)?;
    let coverage = Coverage {
        entries: Vec::new(),
        lists_all: false,
        is_scan: true,
        rate: None,
    };
    Ok((seen, coverage, measured))
}

/// Reads all packets of the source.
fn scan(
    source: &Source,
    input: &mut Input,
    found: &DeclaredTracks,
    name: &str,
) -> Result<(HashMap<u32, ObservedTrack>, Measured)> {
    open::rewind_all_parts(source, input)?;
    let video = found.video.as_ref().map(|video| video.stream);
    let is_broadcast = open::starts_anywhere(name) || name == "ogg";
    let gap = if is_broadcast {
        BROADCAST_GAP_US
    } else {
        QUIET_GAP_US
    };
    let mut clock = Clock::new(gap, video);
    let mut seen: HashMap<u32, ObservedTrack> = HashMap::new();
    let mut progress = Progress::new(source);
    let wanted: Vec<u32> = tracks(found).collect();
    let (mut read_to, mut has_unreadable) = (0, false);
    // The MP4 demuxer gives the earliest packet first, which is not the order of storage where times begin anew.
    let is_sorted = !name.contains("mp4");
    let mut timed_packets = Vec::new();
    let mut restarts = Restarts::default();
    let bases: HashMap<u32, Rational> = tracks(found)
        .filter_map(|stream| Some((stream, base_of(input, stream)?)))
        .collect();
    let mut stamps = StampCorrection::of(input);
    loop {
        let mut packet = match next_packet(input) {
            Ok(packet) => packet,
            Err(Error::InvalidData) => {
                has_unreadable = true;
                continue;
            }
            Err(Error::Exit) => anyhow::bail!("the parent is gone"),
            Err(_) => break,
        };
        progress.report_position(packet.position())?;
        stamps.apply(&mut packet);
        let stream = packet.stream() as u32;
        let is_timed = packet.pts().or(packet.dts()).is_some();
        if is_timed && wanted.contains(&stream) {
            let base = bases.get(&stream).copied().unwrap_or_default();
            let timed = TimedPacket::of(&packet, base);
            read_to = read_to.max(timed.position.saturating_add(packet.size() as u64));
            let part = match is_sorted {
                true => clock.assign_part(stream, timed.us, timed.lasts_us),
                false => 0,
            };
            if !is_sorted && restarts.follow(stream, timed.us) {
                ffi::keep(&mut packet);
            }
            let seen = seen.entry(stream);
            let seen = seen.or_insert_with(|| ObservedTrack::of(input, found, stream));
            let before = seen.stamps.len();
            seen.take(&packet, part);
            if !is_sorted && seen.stamps.len() > before {
                timed_packets.push((stream, timed));
            }
        }
    }
    if !is_sorted {
        part_by_position(&mut clock, timed_packets, &mut seen);
    }
    let mut joins = match clock.is_one() {
        true => Vec::new(),
        false => observed_track::join_all(&bases, video, clock.parts(), &mut seen),
    };
    let leading = tracks(found).next().filter(|_| !joins.is_empty());
    if let Some((leading, base)) = leading.and_then(|stream| Some((stream, *bases.get(&stream)?))) {
        let texts = found.text.iter().map(|text| text.stream);
        for text in texts.filter(|text| !wanted.contains(text)) {
            let own = base_of(input, text).unwrap_or(base);
            joins.extend(observed_track::join_like(
                &joins,
                (leading, base),
                text,
                own,
            ));
        }
    }
    let index = index(input, name, video, &seen, !joins.is_empty());
    let measured = Measured {
        index,
        joins,
        read_to: Some(read_to),
        has_unreadable,
    };
    Ok((seen, measured))
}

/// Unit of a stream's time stamps, in seconds.
fn base_of(input: &Input, stream: u32) -> Option<Rational> {
    let stream = input.stream(stream as usize);
    stream.map(|stream| rational(stream.time_base()))
}

/// Byte position of a packet, with its decode time and duration in microseconds.
struct TimedPacket {
    position: u64,
    us: i64,
    lasts_us: i64,
    /// End of the packet, in its track's time base.
    end: i64,
}

impl TimedPacket {
    fn of(packet: &Packet, base: Rational) -> Self {
        let us = |stamp: i64| seconds(stamp, base).scale_round(1_000_000, 1);
        let shown = packet.pts().or(packet.dts()).unwrap_or(0);
        let lasts = packet.duration().max(0);
        Self {
            position: u64::try_from(packet.position()).unwrap_or(0),
            us: us(packet.dts().unwrap_or(shown)),
            lasts_us: us(lasts),
            end: shown.saturating_add(lasts),
        }
    }
}

/// Detector of streams whose times begin anew. FFmpeg takes the first fragment of MP4 behind such a place for one
/// that it has had already, and marks its packets to be thrown away.
#[derive(Default)]
struct Restarts {
    /// Last time of each stream in microseconds, and whether its times have begun anew.
    streams: HashMap<u32, (i64, bool)>,
}

impl Restarts {
    /// Records the time of a stream's next packet; returns whether the packet is behind a place where the times began
    /// anew.
    fn follow(&mut self, stream: u32, us: i64) -> bool {
        let (last, is_behind) = self.streams.entry(stream).or_insert((us, false));
        *is_behind |= us < last.saturating_sub(clock::PICTURE_BACK_US);
        *last = us;
        *is_behind
    }
}

/// Assigns packets to parts in the order in which they are stored.
fn part_by_position(
    clock: &mut Clock,
    mut packets: Vec<(u32, TimedPacket)>,
    seen: &mut HashMap<u32, ObservedTrack>,
) {
    // The sort is stable: packets of one track at the same position stay in their order.
    packets.sort_by_key(|(_, packet)| packet.position);
    let mut parts: HashMap<u32, Vec<StoredPacket>> = HashMap::new();
    for (stream, packet) in packets {
        let part = clock.assign_part(stream, packet.us, packet.lasts_us);
        parts.entry(stream).or_default().push(StoredPacket {
            position: packet.position,
            end: packet.end,
            part,
        });
    }
    for (stream, parts) in parts {
        if let Some(seen) = seen.get_mut(&stream) {
            seen.split(&parts);
        }
    }
}

/// Way in which places are found in a source that was read whole.
fn index(
    input: &mut Input,
    name: &str,
    video: Option<u32>,
    seen: &HashMap<u32, ObservedTrack>,
    is_joined: bool,
) -> Index {
    if open::starts_anywhere(name) {
        let keys = video
            .and_then(|video| seen.get(&video))
            .map(|seen| seen.keys.clone());
        return keys.map_or(Index::Container, Index::Scanned);
    }
    // A seek would miss the announcements that a stream makes only once.
    if is_joined || matches!(name, "ogg" | "flv" | "aac") && is_chained(seen) {
        return Index::None;
    }
    let Some(video) = video else {
        return Index::Container;
    };
    if name.contains("mp4") {
        return Index::Container;
    }
    if name.contains("matroska") {
        return matroska::scanned(input, video as usize);
    }
    let keys = seen
        .get(&video)
        .map(|seen| seen.keys.clone())
        .unwrap_or_default();
    match seeks_find(input, video as usize, &keys) {
        true => Index::Container,
        false => Index::None,
    }
}

/// Adds a note that parts were laid end to end; they are counted in the picture, or else in the first sound.
fn note_joins(found: &mut DeclaredTracks, joins: &[Join], seen: &HashMap<u32, ObservedTrack>) {
    let Some(stream) = tracks(found).next() else {
        return;
    };
    let starts = seen
        .get(&stream)
        .map(ObservedTrack::part_starts)
        .unwrap_or_default();
    if joins.is_empty() {
        return;
    }
    let parts = starts.len().max(2);
    let message = format!(
        "The time stamps restart or jump inside the file; its {parts} parts are shown one after the other."
    );
    found.notes.push(Note::new(Code::TimeJoined, message));
}

/// Whether a track is coded in several ways, one after the other, which a seek would miss.
fn is_chained(seen: &HashMap<u32, ObservedTrack>) -> bool {
    seen.values().any(|seen| seen.kinds.len() > 1)
}

/// Observes a source with an index of every picture: its start, some key frames, its end.
fn observe_indexed(
    source: &Source,
    input: &mut Input,
    found: &DeclaredTracks,
) -> Result<HashMap<u32, ObservedTrack>> {
    open::rewind(source, input)?;
    let mut seen = head(input, found, FEW_PICTURES)?;
    let size = i64::try_from(source.size()).unwrap_or(i64::MAX);
    ends::late_starts(input, found, &mut seen);
    let picture_kind = ends::keys(input, found, &mut seen);
    ends::ends(input, size, found, &mut seen, picture_kind);
    Ok(seen)
}

/// Whether seeks in a container end at the key frames that a scan has found.
fn seeks_find(input: &mut Input, stream: usize, keys: &[KeyFrame]) -> bool {
    ffi::discard_all_but(input, stream);
    let mut tried = [keys.len() / 3, keys.len() / 2, keys.len().saturating_sub(1)].into_iter();
    let found = tried.all(|at| {
        let Some(key) = keys.get(at) else { return true };
        ffi::seek_back(input, stream, key.pts).is_ok() && comes_at(input, stream, keys)
    });
    ffi::keep_all(input);
    found
}

/// Whether the next packet is one of these key frames, with its own time.
fn comes_at(input: &mut Input, stream: usize, keys: &[KeyFrame]) -> bool {
    loop {
        match next_packet(input) {
            Ok(packet) if packet.stream() == stream => {
                let pts = packet.pts().or(packet.dts());
                let is_it = |key: &KeyFrame| {
                    pts == Some(key.pts)
                        && i64::try_from(key.position) == Ok(packet.position() as i64)
                };
                return keys.iter().any(is_it);
            }
            Ok(_) | Err(Error::InvalidData) => {}
            Err(_) => return false,
        }
    }
}

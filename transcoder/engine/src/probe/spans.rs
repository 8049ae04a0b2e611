//! When each track starts and ends, and how places in it are found: from the container's
//! index where it has one, from reading the whole source where not.

use std::collections::HashMap;

use anyhow::Result;
use ffmpeg_next::codec::packet::side_data;
use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Error, Packet};
use plan::media_info::KeyFrame;
use plan::{Index, Rational};

use super::rate;
use super::tracks::Found;
use crate::source::Source;
use crate::times::{rational, seconds};
use crate::{ffi, open};

/// Pictures whose steps are looked at where there is no index of all of them.
const HEAD_PICTURES: usize = 240;
/// Packets read at the start while a track's first packet is waited for.
const HEAD_PACKETS: usize = 3000;

/// What packets told of one stream, in its own time base.
#[derive(Default)]
struct Seen {
    stamps: Vec<i64>,
    first: Option<i64>,
    end: Option<i64>,
    priming: u32,
    /// Samples that the decoder must drop at the end of the last packet.
    padding: u32,
    /// The longest packet's duration.
    longest: i64,
    keys: Vec<KeyFrame>,
}

impl Seen {
    fn take(&mut self, packet: &Packet) {
        let Some(stamp) = packet.pts().or(packet.dts()) else {
            return;
        };
        if self.stamps.is_empty() && self.first.is_none() {
            self.priming = skipped(packet, 0);
        }
        if ffi::is_discarded(packet) {
            return;
        }
        self.stamps.push(stamp);
        self.first = Some(self.first.map_or(stamp, |first| first.min(stamp)));
        let duration = packet.duration().max(0);
        let end = stamp.saturating_add(duration);
        if self.end.is_none_or(|known| known <= end) {
            self.end = Some(end);
            // Ogg's last duration is without it already.
            let is_whole = duration >= self.longest;
            self.padding = if is_whole { skipped(packet, 4) } else { 0 };
        }
        self.longest = self.longest.max(duration);
        if packet.is_key() && packet.position() >= 0 {
            self.keys.push(KeyFrame {
                pts: stamp,
                position: packet.position() as u64,
            });
        }
    }
}

/// Samples of a packet that the decoder must drop, from its `SkipSamples` side data: those at
/// its start stand at byte 0, those at its end at byte 4.
fn skipped(packet: &Packet, at: usize) -> u32 {
    let skip = packet
        .side_data()
        .find(|data| data.kind() == side_data::Type::SkipSamples);
    let bytes = skip.and_then(|data| data.data().get(at..at + 4)?.try_into().ok());
    bytes.map_or(0, u32::from_le_bytes)
}

/// Fills in starts, ends and rates; says how places are found. Nothing where no packet of the
/// tracks to be shown can be read.
pub fn measure(source: &Source, input: &mut Input, found: &mut Found) -> Result<Option<Index>> {
    let name = input.format().name().to_owned();
    let indexed = name.contains("mp4") || name.contains("matroska");
    let cues = |found: &Found| {
        let stream = found.video.as_ref().map(|v| v.stream as usize);
        let entries = stream
            .and_then(|s| input.stream(s))
            .map(|s| ffi::index_entries(&s));
        entries.unwrap_or_default()
    };
    let entries = cues(found);
    let scan = !indexed || (found.video.is_some() && entries.is_empty());
    open::rewind(source, input)?;
    let limit = if scan { usize::MAX } else { HEAD_PACKETS };
    let mut seen = read(input, found, limit)?;
    if !scan {
        ends(input, found, &mut seen);
    }
    let index = match (&found.video, scan) {
        (Some(video), true) => Index::Scanned(
            seen.get(&video.stream)
                .map(|s| s.keys.clone())
                .unwrap_or_default(),
        ),
        _ => Index::Container,
    };
    Ok(fill(input, found, &mut seen, &entries, scan)?.then_some(index))
}

/// Reads packets from the start: all of them, or until every track has begun and the
/// picture's steps are known.
fn read(input: &mut Input, found: &Found, limit: usize) -> Result<HashMap<u32, Seen>> {
    let mut seen: HashMap<u32, Seen> = HashMap::new();
    let video = found.video.as_ref().map(|v| v.stream);
    let tracks: Vec<u32> = video
        .into_iter()
        .chain(found.audio.iter().map(|a| a.stream))
        .collect();
    let mut packets = 0;
    loop {
        let mut packet = Packet::empty();
        match packet.read(input) {
            Ok(()) => {}
            Err(Error::InvalidData) => continue,
            Err(Error::Exit) => anyhow::bail!("the parent is gone"),
            Err(_) => return Ok(seen),
        }
        packets += 1;
        let stream = packet.stream() as u32;
        if tracks.contains(&stream) {
            seen.entry(stream).or_default().take(&packet);
        }
        let begun = tracks.iter().all(|t| seen.contains_key(t));
        let pictures = video.map_or(HEAD_PICTURES, |v| {
            seen.get(&v).map_or(0, |s| s.stamps.len())
        });
        if limit != usize::MAX && (packets >= limit || begun && pictures >= HEAD_PICTURES) {
            return Ok(seen);
        }
    }
}

/// Finds each track's end: from its last key frame on.
fn ends(input: &mut Input, found: &Found, seen: &mut HashMap<u32, Seen>) {
    let tracks = found
        .video
        .iter()
        .map(|v| v.stream)
        .chain(found.audio.iter().map(|a| a.stream));
    for stream in tracks {
        ffi::discard_all_but(input, stream as usize);
        let Some(last) = last_stamp(input, stream as usize) else {
            continue;
        };
        if ffi::seek_back(input, stream as usize, last).is_err() {
            continue;
        }
        let mut tail = Seen::default();
        let mut packet = Packet::empty();
        loop {
            match packet.read(input) {
                Ok(()) if packet.stream() == stream as usize => tail.take(&packet),
                Ok(()) | Err(Error::InvalidData) => {}
                Err(_) => break,
            }
        }
        let entry = seen.entry(stream).or_default();
        if tail.end >= entry.end {
            (entry.end, entry.padding) = (tail.end, tail.padding);
        }
    }
    ffi::keep_all(input);
}

/// The last time stamp a stream is known to have, in its time base.
fn last_stamp(input: &Input, stream: usize) -> Option<i64> {
    let stream = input.stream(stream)?;
    if let Some(last) = ffi::index_entries(&stream).last() {
        return Some(last.timestamp);
    }
    let base = rational(stream.time_base());
    let microseconds = input.duration().max(0);
    Some(Rational::from_us(microseconds).scale_floor(base.den(), base.num().max(1)))
}

/// Fills in times and rates; false where a track that was to be shown has no packet.
fn fill(
    input: &Input,
    found: &mut Found,
    seen: &mut HashMap<u32, Seen>,
    entries: &[ffi::IndexEntry],
    scan: bool,
) -> Result<bool> {
    if let Some(video) = &mut found.video {
        let Some(pictures) = seen.get_mut(&video.stream).filter(|s| s.first.is_some()) else {
            return Ok(false);
        };
        let declared: Vec<Rational> = input
            .stream(video.stream as usize)
            .map(|s| vec![rational(s.avg_frame_rate()), rational(s.rate())])
            .unwrap_or_default();
        // An index of every picture says more than the first few seconds do.
        let whole_index = entries.len() >= pictures.stamps.len();
        let stamps: Vec<i64> = if whole_index && !scan {
            entries.iter().map(|entry| entry.timestamp).collect()
        } else {
            pictures.stamps.sort_unstable();
            pictures.stamps.clone()
        };
        let rate = rate::measure(&stamps, video.time_base, &declared);
        video.frame_rate = rate.rate;
        video.constant_rate = rate.constant;
        video.rate_p95 = rate.p95;
        video.frames = (whole_index || scan).then_some(stamps.len() as u64);
        video.longest_gop = longest_gop(entries, whole_index);
        let (first, end) = (pictures.first.unwrap_or(0), pictures.end.unwrap_or(0));
        video.start = seconds(first, video.time_base);
        video.end = seconds(end, video.time_base);
        let one = Rational::checked(rate.rate.den(), rate.rate.num()).unwrap_or(Rational::ZERO);
        if video.end <= video.start {
            video.end = video.start + one;
        }
    }
    found.audio.retain_mut(|audio| {
        let Some(sound) = seen.get(&audio.stream).filter(|s| s.first.is_some()) else {
            return false;
        };
        let (first, end) = (sound.first.unwrap_or(0), sound.end.unwrap_or(0));
        audio.first_pts = first;
        // The packet's own word, else the container's.
        if sound.priming > 0 {
            audio.priming = sound.priming;
        }
        let rate = i64::from(audio.sample_rate.max(1));
        let samples = |count: u32| Rational::new(i64::from(count), rate);
        audio.start = seconds(first, audio.time_base) + samples(audio.priming);
        audio.end = seconds(end, audio.time_base) - samples(sound.padding);
        audio.end > audio.start
    });
    Ok(found.video.is_some() || !found.audio.is_empty())
}

fn longest_gop(entries: &[ffi::IndexEntry], whole_index: bool) -> Option<u64> {
    if !whole_index {
        return None;
    }
    let keys = entries
        .iter()
        .enumerate()
        .filter(|(_, e)| e.key)
        .map(|(at, _)| at as u64);
    let bounds: Vec<u64> = keys.chain([entries.len() as u64]).collect();
    bounds.windows(2).map(|w| w[1] - w[0]).max()
}

//! When each track starts and ends, and how places in it are found: from the container's
//! index where it has one, from reading the whole source where not.

use std::collections::HashMap;

use anyhow::Result;
use ffmpeg_next::codec::packet::side_data;
use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Error, Packet};
use plan::media_info::KeyFrame;
use plan::{Index, Rational};

use super::coded;
use super::gops::Gops;
use super::progress::Progress;
use super::rate;
use super::tracks::Found;
use crate::source::Source;
use crate::times::{rational, seconds};
use crate::{ffi, open};
use cmaf::avc::Record;

/// Pictures whose steps are looked at where there is no index of all of them.
const HEAD_PICTURES: usize = 240;
/// Packets read at the start while a track's first packet is waited for.
const HEAD_PACKETS: usize = 3000;

/// What packets told of one stream, in its own time base.
#[derive(Default)]
struct Seen {
    stamps: Vec<i64>,
    /// The very first, shown or not.
    begin: Option<i64>,
    first: Option<i64>,
    end: Option<i64>,
    priming: u32,
    /// Samples that the decoder must drop at the end of the last packet.
    padding: u32,
    /// The longest packet's duration.
    longest: i64,
    keys: Vec<KeyFrame>,
    gops: Option<Gops>,
    /// Whether a key frame, but for the first, begins an open group.
    open_gops: bool,
    /// Where all packets so far are H.264 under it, of closed groups.
    record: Option<Record>,
}

impl Seen {
    fn of(input: &Input, found: &Found, stream: u32) -> Self {
        let video = found.video.as_ref().filter(|video| video.stream == stream);
        let coding = video.and_then(|video| {
            let parameters = input.stream(stream as usize)?.parameters();
            let record = coded::record(&video.codec, &parameters);
            Some((Gops::of(&video.codec, &parameters), record))
        });
        let (gops, record) = coding.unzip();
        Self {
            gops,
            record: record.flatten(),
            ..Self::default()
        }
    }

    fn take(&mut self, packet: &Packet) {
        let Some(stamp) = packet.pts().or(packet.dts()) else {
            return;
        };
        if self.begin.is_none() {
            self.begin = Some(stamp);
            self.priming = skipped(packet, 0);
        }
        let record = self.record.take();
        self.record = record.filter(|record| coded::keeps_to(record, packet));
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
        if packet.is_key() && self.begin != Some(stamp) && !self.open_gops {
            self.open_gops = self.gops.is_some_and(|gops| gops.is_open(packet));
        }
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
    let size = i64::try_from(source.size()).unwrap_or(i64::MAX);
    let scan = !indexed || (found.video.is_some() && entries.is_empty());
    open::rewind(source, input)?;
    let limit = if scan { usize::MAX } else { HEAD_PACKETS };
    let mut seen = read(source, input, found, limit)?;
    if !scan {
        ends(input, size, found, &mut seen);
    }
    let index = match &found.video {
        Some(video) if scan => {
            let seen = seen.get(&video.stream);
            let keys = seen.map(|seen| seen.keys.clone()).unwrap_or_default();
            if open::starts_anywhere(&name) {
                Index::Scanned(keys)
            } else if seeks_find(input, video.stream as usize, &keys) {
                Index::Container
            } else {
                Index::None
            }
        }
        _ => Index::Container,
    };
    Ok(fill(source, input, found, &mut seen, &entries, scan)?.then_some(index))
}

/// Whether seeks in a container come out at the key frames that a scan has found.
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
    let mut packet = Packet::empty();
    loop {
        match packet.read(input) {
            Ok(()) if packet.stream() == stream => {
                let pts = packet.pts().or(packet.dts());
                let is_it = |key: &KeyFrame| {
                    pts == Some(key.pts)
                        && i64::try_from(key.position) == Ok(packet.position() as i64)
                };
                return keys.iter().any(is_it);
            }
            Ok(()) | Err(Error::InvalidData) => {}
            Err(_) => return false,
        }
    }
}

/// Reads packets from the start: all of them, or until every track has begun and the
/// picture's steps are known.
fn read(
    source: &Source,
    input: &mut Input,
    found: &Found,
    limit: usize,
) -> Result<HashMap<u32, Seen>> {
    let mut seen: HashMap<u32, Seen> = HashMap::new();
    let video = found.video.as_ref().map(|v| v.stream);
    let tracks: Vec<u32> = tracks(found).collect();
    let mut packets = 0;
    let mut progress = (limit == usize::MAX).then(|| Progress::new(source));
    loop {
        let mut packet = Packet::empty();
        match packet.read(input) {
            Ok(()) => {}
            Err(Error::InvalidData) => continue,
            Err(Error::Exit) => anyhow::bail!("the parent is gone"),
            Err(_) => return Ok(seen),
        }
        packets += 1;
        if let Some(progress) = &mut progress {
            progress.come_to(packet.position())?;
        }
        let stream = packet.stream() as u32;
        if tracks.contains(&stream) {
            let entry = seen.entry(stream);
            let entry = entry.or_insert_with(|| Seen::of(input, found, stream));
            entry.take(&packet);
        }
        let has_begun = |track| seen.get(track).is_some_and(|s: &Seen| s.first.is_some());
        let begun = tracks.iter().all(has_begun);
        let pictures = video.map_or(HEAD_PICTURES, |v| {
            seen.get(&v).map_or(0, |s| s.stamps.len())
        });
        if limit != usize::MAX && (packets >= limit || begun && pictures >= HEAD_PICTURES) {
            return Ok(seen);
        }
    }
}

/// Finds each track's end: from its last key frame on.
fn ends(input: &mut Input, size: i64, found: &Found, seen: &mut HashMap<u32, Seen>) {
    for stream in tracks(found) {
        ffi::discard_all_but(input, stream as usize);
        let Some(last) = last_stamp(input, stream as usize, size) else {
            continue;
        };
        if ffi::seek_back(input, stream as usize, last).is_err() {
            continue;
        }
        let mut tail = Seen::of(input, found, stream);
        // Its first key frame is none that the source begins with.
        tail.begin = Some(i64::MIN);
        let mut packet = Packet::empty();
        loop {
            match packet.read(input) {
                Ok(()) if packet.stream() == stream as usize => tail.take(&packet),
                Ok(()) | Err(Error::InvalidData) => {}
                Err(_) => break,
            }
        }
        let entry = seen.entry(stream).or_default();
        entry.open_gops |= tail.open_gops;
        entry.record = entry.record.take().filter(|_| tail.record.is_some());
        if tail.end >= entry.end {
            (entry.end, entry.padding) = (tail.end, tail.padding);
        }
    }
    ffi::keep_all(input);
}

/// Whether a source of `size` bytes ends before what its index or its header tells of.
pub fn is_cut(input: &Input, size: u64, found: &Found) -> bool {
    /// Headers count other tracks too, and round.
    const SLACK: Rational = Rational::new(1, 1);
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    let streams = tracks(found).filter_map(|stream| input.stream(stream as usize));
    if input.format().name().contains("mp4") {
        let mut entries = streams.flat_map(|stream| ffi::index_entries(&stream));
        return entries.any(|entry| entry.end > size);
    }
    let says_length = ["matroska", "flv", "avi"];
    let is_said = says_length
        .iter()
        .any(|name| input.format().name().contains(name));
    let ends = found.video.iter().map(|video| video.end);
    let ends = ends.chain(found.audio.iter().map(|audio| audio.end));
    let declared = Rational::from_us(input.duration().max(0));
    let tenth = Rational::new(declared.num(), declared.den().saturating_mul(10));
    is_said && ends.max().is_some_and(|end| end + SLACK + tenth < declared)
}

/// How many frames a picture is decoded later than its place in the order of presentation, at most, by the composition
/// times of all.
fn reorder_frames(input: &Input, stream: u32) -> Option<u32> {
    /// What H.264 allows (ITU-T H.264 §E.2.1).
    const MOST: i32 = 16;
    let stream = input.stream(stream as usize)?;
    let delay = ffi::declared(&stream.parameters()).video_delay;
    (0..=MOST).contains(&delay).then_some(delay as u32)
}

/// The streams that are shown.
fn tracks(found: &Found) -> impl Iterator<Item = u32> + '_ {
    let video = found.video.iter().map(|video| video.stream);
    video.chain(found.audio.iter().map(|audio| audio.stream))
}

/// The last time stamp a stream is known to have in the source's `size` bytes, in its time base.
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

/// Fills in times and rates; false where a track that was to be shown has no packet.
fn fill(
    source: &Source,
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
        let stamps = match video.codec.as_str() {
            "vp8" | "vp9" | "av1" => rate::shown(&stamps, video.time_base),
            _ => stamps,
        };
        let rate = rate::measure(&stamps, video.time_base, &declared);
        // Packets of single fields come twice as often as pictures do.
        let step = found.picture_step.unwrap_or(Rational::ZERO);
        let is_halved = step.scale_round(2 * rate.rate.num(), rate.rate.den()) >= 3;
        let fields = if video.interlaced && is_halved { 2 } else { 1 };
        let by_fields = |rate: Rational| Rational::new(rate.num(), rate.den() * fields);
        (video.frame_rate, video.constant_rate) = (by_fields(rate.rate), rate.constant);
        video.rate_p95 = rate.p95.map(by_fields);
        video.frames = (whole_index || scan).then_some(stamps.len() as u64 / fields as u64);
        video.longest_gop = longest_gop(entries, whole_index);
        video.open_gops = pictures.open_gops;
        let lists_all = whole_index && !scan && input.format().name().contains("mp4");
        let record = pictures.record.take().filter(|_| lists_all);
        video.coded = record.and_then(|record| {
            let (time_base, rate) = (video.time_base, video.frame_rate);
            let reorder_frames = reorder_frames(input, video.stream)?;
            coded::pictures(source, &record, reorder_frames, entries, time_base, rate)
        });
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
        let rate = i64::from(audio.sample_rate.max(1));
        // The packet's own word, else the container's. Packets before the edit list's first are
        // part of it.
        if sound.priming > 0 {
            let outside = seconds(first - sound.begin.unwrap_or(first), audio.time_base);
            let outside = outside.scale_round(rate, 1).max(0);
            audio.priming = (i64::from(sound.priming) - outside).max(0) as u32;
        }
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

//! Facts that the packets of one track tell: times, key frames, kinds of coding, and the parts between restarts of
//! the clock.

use std::collections::HashMap;

use ffmpeg_next::Packet;
use ffmpeg_next::codec::packet::side_data;
use ffmpeg_next::format::context::Input;
use plan::Rational;
use plan::media_info::{Join, KeyFrame, Setup};

use super::clock::{self, Stretch};
use super::kinds::{self, CodingKinds};
use super::pictures::coded;
use super::pictures::gops::Gops;
use super::tracks::DeclaredTracks;
use crate::ffi;
use crate::input::coded_units::Parted;
use crate::input::times::seconds;
use cmaf::avc::Record;

/// Packets kept to learn the frame lengths of a codec that has no fixed one: within so many, a Vorbis stream has
/// shown both of its block sizes.
const SOUND_PACKETS: usize = 64;
/// Packets kept where all frames are of one length; more than one, since some tracks begin with silence.
const FEW_SOUND_PACKETS: usize = 12;
/// Most packets that may lack a decode time where the others have one: the first few do.
const MOST_WITHOUT_DECODE_TIME: usize = 4;
/// Most set-up packets of a track; nobody makes more by hand.
const MOST_SETUPS: usize = 256;

/// Observations of the packets of one stream, in its own time base.
#[derive(Default)]
pub struct ObservedTrack {
    /// Presentation time stamps of the packets that are shown.
    pub stamps: Vec<i64>,
    /// Decode time stamps of the packets that are shown, where they are declared.
    decode_stamps: Vec<Option<i64>>,
    /// Number of packets without a presentation time stamp: MPEG program streams and AVI leave it to the decoder.
    lacking: usize,
    /// Delay from decoding to presentation of the first packet that declares both times.
    delay: Option<i64>,
    /// Time stamp of the very first packet, shown or not.
    pub begin: Option<i64>,
    /// Earliest presentation time stamp of the packets that are shown.
    pub first: Option<i64>,
    /// End of the packet that ends last.
    pub end: Option<i64>,
    /// Samples that the decoder must drop at the start.
    pub priming: u32,
    /// Samples that the decoder must drop at the end of the last packet.
    pub padding: u32,
    /// Duration of the longest packet, except the last.
    pub longest: i64,
    /// Duration of the packet that ends last.
    pub last_duration: i64,
    /// Key frames, with their time stamps and byte positions.
    pub keys: Vec<KeyFrame>,
    /// Set-up packets, which say how others are coded.
    pub setups: Vec<Setup>,
    /// Kinds of the packets by their coding.
    pub kinds: CodingKinds,
    /// Whether a key frame, except the first, begins an open GOP.
    pub open_gops: bool,
    /// Parameter sets of the track, while all packets so far are H.264 under them and in closed GOPs.
    pub record: Option<Record>,
    coding: Option<Coding>,
    /// Parts of the track between restarts of its clock.
    parts: Vec<Part>,
    last_position: u64,
}

/// Byte position of a packet, its end in the track's time base, and the part that it belongs to.
#[derive(Clone, Copy)]
pub struct StoredPacket {
    pub position: u64,
    pub end: i64,
    pub part: usize,
}

/// Coding of a track, which says how its packets are read.
#[derive(Clone)]
struct Coding {
    codec: String,
    kind: Medium,
    kept: usize,
}

#[derive(Clone, Copy)]
enum Medium {
    Picture(Gops, Parted),
    Sound,
}

/// Run of packets whose time stamps go on from one another.
struct Part {
    part: usize,
    /// Byte position of the part's first packet.
    position: u64,
    /// Indexes of the part's first entries in the lists of the track.
    stamps: usize,
    keys: usize,
    setups: usize,
    first: i64,
    end: i64,
}

impl ObservedTrack {
    /// Makes the observations of a stream of which no packet has come yet.
    pub fn of(input: &Input, found: &DeclaredTracks, stream: u32) -> Self {
        let parameters = input
            .stream(stream as usize)
            .map(|stream| stream.parameters());
        let video = found.video.as_ref().filter(|video| video.stream == stream);
        let audio = found.audio.iter().find(|audio| audio.stream == stream);
        let (coding, record) = match (parameters, video, audio) {
            (Some(parameters), Some(video), _) => {
                let parted = Parted::by(ffi::nal_length(&parameters));
                let coding = Coding {
                    kind: Medium::Picture(Gops::of(&video.codec, &parameters), parted),
                    codec: video.codec.clone(),
                    kept: 1,
                };
                (Some(coding), coded::record(&video.codec, &parameters))
            }
            (_, _, Some(audio)) => {
                let kept = match audio.frame_samples {
                    None => SOUND_PACKETS,
                    Some(_) => FEW_SOUND_PACKETS,
                };
                let coding = Coding {
                    kind: Medium::Sound,
                    codec: audio.codec.clone(),
                    kept,
                };
                (Some(coding), None)
            }
            _ => (None, None),
        };
        Self {
            coding,
            record,
            ..Self::default()
        }
    }

    /// Makes the observations of a stream that is read from somewhere in the middle of the source.
    pub fn from_middle(input: &Input, found: &DeclaredTracks, stream: u32) -> Self {
        Self {
            // The first key frame here is not the first of the source.
            begin: Some(i64::MIN),
            ..Self::of(input, found, stream)
        }
    }

    /// Records the next packet, which belongs to the part `part` of the source.
    pub fn take(&mut self, packet: &Packet, part: usize) {
        let Some(stamp) = packet.pts().or(packet.dts()) else {
            return;
        };
        if let Ok(position) = u64::try_from(packet.position()) {
            self.last_position = position;
        }
        if self.begin.is_none() {
            self.begin = Some(stamp);
            self.priming = skipped(packet, 0);
        }
        let record = self.record.take();
        self.record = record.filter(|record| coded::keeps_to(record, packet));
        if let Some(Coding { codec, kind, kept }) = self.coding.clone() {
            let key = match kind {
                Medium::Picture(_, parted) => kinds::picture_key(&codec, parted, packet),
                Medium::Sound => kinds::sound_key(&codec, packet),
            };
            self.kinds.take(key, packet, kept);
            if kinds::is_set_up(&codec, packet) && self.setups.len() < MOST_SETUPS {
                self.setups.push(Setup {
                    pts: stamp,
                    position: self.last_position,
                });
            }
        }
        if ffi::is_discarded(packet) {
            return;
        }
        self.decode_stamps.push(packet.dts());
        self.lacking += usize::from(packet.pts().is_none());
        let delay = packet
            .pts()
            .zip(packet.dts())
            .map(|(shown, decoded)| shown.saturating_sub(decoded));
        self.delay = self.delay.or(delay);
        let duration = packet.duration().max(0);
        let end = stamp.saturating_add(duration);
        self.enter(part, stamp, end);
        self.stamps.push(stamp);
        self.first = Some(self.first.map_or(stamp, |first| first.min(stamp)));
        if self.end.is_none_or(|known| known <= end) {
            self.end = Some(end);
            // The last duration in Ogg excludes the padding already.
            let is_whole = duration >= self.longest;
            self.padding = if is_whole { skipped(packet, 4) } else { 0 };
            self.longest = self.longest.max(self.last_duration);
            self.last_duration = duration;
        } else {
            self.longest = self.longest.max(duration);
        }
        if packet.is_key() && self.begin != Some(stamp) && !self.open_gops {
            self.open_gops = match self.coding.as_ref().map(|coding| coding.kind) {
                Some(Medium::Picture(gops, _)) => gops.is_open(packet),
                _ => false,
            };
        }
        if packet.is_key() && packet.position() >= 0 {
            self.keys.push(KeyFrame {
                pts: stamp,
                position: packet.position() as u64,
            });
        }
    }

    fn enter(&mut self, part: usize, stamp: i64, end: i64) {
        if let Some(last) = self.parts.last_mut()
            && last.part == part
        {
            last.first = last.first.min(stamp);
            last.end = last.end.max(end);
            return;
        }
        self.parts.push(Part {
            part,
            position: self.last_position,
            stamps: self.stamps.len(),
            keys: self.keys.len(),
            setups: self.setups.len(),
            first: stamp,
            end,
        });
    }

    /// Whether the track has begun, and as many of its packets are kept as are wanted.
    pub fn has_begun(&self) -> bool {
        let is_sound = self
            .coding
            .as_ref()
            .is_some_and(|coding| matches!(coding.kind, Medium::Sound));
        let kept = self.coding.as_ref().map_or(0, |coding| coding.kept);
        self.first.is_some() && (!is_sound || self.kinds.has_kept(kept))
    }

    /// Presentation time stamps derived from decode times, in order, and the end of the last picture; none where all
    /// packets declare their presentation times.
    pub fn by_decoding(&self) -> Option<(Vec<i64>, i64)> {
        let decoded: Vec<i64> = self.decode_stamps.iter().copied().flatten().collect();
        if self.lacking == 0 || decoded.len() + MOST_WITHOUT_DECODE_TIME < self.stamps.len() {
            return None;
        }
        let delay = self.delay.unwrap_or(0).max(0);
        let mut stamps: Vec<i64> = decoded
            .iter()
            .map(|stamp| stamp.saturating_add(delay))
            .collect();
        stamps.sort_unstable();
        Some((stamps, self.end?.saturating_add(delay)))
    }

    /// First time stamp of each part of the track.
    pub fn part_starts(&self) -> Vec<i64> {
        self.parts.iter().map(|part| part.first).collect()
    }

    /// Divides the packets into parts anew; `packets` has one entry for each time stamp. This is for sources whose
    /// packets of all tracks do not come in the order in which they are stored.
    pub fn split(&mut self, packets: &[StoredPacket]) {
        self.parts.clear();
        for (at, packet) in packets.iter().enumerate().take(self.stamps.len()) {
            let stamp = self.stamps[at];
            match self.parts.last_mut() {
                Some(last) if last.part == packet.part => {
                    last.first = last.first.min(stamp);
                    last.end = last.end.max(packet.end);
                }
                _ => self.parts.push(Part {
                    part: packet.part,
                    position: packet.position,
                    stamps: at,
                    keys: self
                        .keys
                        .partition_point(|key| key.position < packet.position),
                    setups: self
                        .setups
                        .partition_point(|setup| setup.position < packet.position),
                    first: stamp,
                    end: packet.end,
                }),
            }
        }
    }

    /// Stretch of time that the track has in each part, in seconds. The last picture of a part counts with the usual
    /// duration of a picture.
    fn stretches(&self, time_base: Rational, is_picture: bool) -> Vec<Stretch> {
        let ends = self.parts.iter().skip(1).map(|part| part.stamps);
        let ends = ends.chain([self.stamps.len()]);
        let stretch = |(part, end): (&Part, usize)| {
            let mut stamps = self.stamps[part.stamps..end].to_vec();
            stamps.sort_unstable();
            let last = stamps.last().copied().unwrap_or(part.first);
            let end = match (is_picture, typical_step(&stamps)) {
                (true, Some(step)) => last.saturating_add(step),
                _ => part.end,
            };
            Stretch {
                part: part.part,
                span: (seconds(part.first, time_base), seconds(end, time_base)),
            }
        };
        self.parts.iter().zip(ends).map(stretch).collect()
    }

    /// Shifts all time stamps to one time line, and returns the joins that do the same for later readers.
    fn join(&mut self, stream: u32, time_base: Rational, shifts: &[Rational]) -> Vec<Join> {
        let shift = |part: &Part| {
            let by = shifts.get(part.part).copied().unwrap_or_default();
            by.scale_round(time_base.den(), time_base.num().max(1))
        };
        let mut joins = Vec::new();
        let (mut first, mut end) = (None::<i64>, None::<i64>);
        for (at, part) in self.parts.iter().enumerate() {
            let shift = shift(part);
            let next = self.parts.get(at + 1);
            let stamps = part.stamps..next.map_or(self.stamps.len(), |next| next.stamps);
            let keys = part.keys..next.map_or(self.keys.len(), |next| next.keys);
            let setups = part.setups..next.map_or(self.setups.len(), |next| next.setups);
            let decoded = &mut self.decode_stamps[stamps.clone()];
            decoded
                .iter_mut()
                .flatten()
                .for_each(|stamp| *stamp = stamp.saturating_add(shift));
            self.stamps[stamps]
                .iter_mut()
                .for_each(|stamp| *stamp = stamp.saturating_add(shift));
            self.keys[keys]
                .iter_mut()
                .for_each(|key| key.pts = key.pts.saturating_add(shift));
            self.setups[setups]
                .iter_mut()
                .for_each(|setup| setup.pts = setup.pts.saturating_add(shift));
            let (own_first, own_end) = (
                part.first.saturating_add(shift),
                part.end.saturating_add(shift),
            );
            first = Some(first.map_or(own_first, |first| first.min(own_first)));
            end = Some(end.map_or(own_end, |end| end.max(own_end)));
            joins.push(Join {
                stream,
                position: part.position,
                shift,
                first: own_first,
            });
        }
        (self.first, self.end) = (first, end);
        self.keys.sort_by_key(|key| key.pts);
        if let Some(first) = joins.first_mut() {
            first.position = 0;
        }
        joins.retain(|join| join.shift != 0 || join.position > 0);
        joins
    }
}

/// Shifts the time stamps of all tracks to one time line, and returns the joins that do the same for later readers.
pub fn join_all(
    bases: &HashMap<u32, Rational>,
    picture: Option<u32>,
    parts: usize,
    seen: &mut HashMap<u32, ObservedTrack>,
) -> Vec<Join> {
    let base = |stream: u32| bases.get(&stream).copied().unwrap_or_default();
    let mut streams: Vec<u32> = seen.keys().copied().collect();
    streams.sort_unstable();
    let stretches = streams.iter().map(|&stream| {
        let is_picture = Some(stream) == picture;
        (stream, seen[&stream].stretches(base(stream), is_picture))
    });
    let stretches: Vec<(u32, Vec<Stretch>)> = stretches.collect();
    let shifts = clock::shifts(parts, picture, &stretches);
    let mut joins = Vec::new();
    for stream in streams {
        if let Some(seen) = seen.get_mut(&stream) {
            joins.extend(seen.join(stream, base(stream), &shifts));
        }
    }
    joins
}

/// Joins of a stream that is not observed, such as text: they follow those of another stream that is.
pub fn join_like(
    joins: &[Join],
    other: (u32, Rational),
    stream: u32,
    time_base: Rational,
) -> Vec<Join> {
    let scaled =
        |stamp: i64| seconds(stamp, other.1).scale_round(time_base.den(), time_base.num().max(1));
    let own = joins.iter().filter(|join| join.stream == other.0);
    own.map(|join| Join {
        stream,
        position: join.position,
        shift: scaled(join.shift),
        first: scaled(join.first),
    })
    .collect()
}

/// Most usual distance between two successive time stamps: the median; `stamps` are in order.
pub fn typical_step(stamps: &[i64]) -> Option<i64> {
    let mut steps: Vec<i64> = stamps
        .windows(2)
        .map(|pair| pair[1].saturating_sub(pair[0]))
        .collect();
    steps.retain(|&step| step > 0);
    let middle = steps.len() / 2;
    (!steps.is_empty()).then(|| *steps.select_nth_unstable(middle).1)
}

/// Samples of a packet that the decoder must drop, from its `SkipSamples` side data: those at its start stand at byte
/// 0, those at its end at byte 4.
fn skipped(packet: &Packet, at: usize) -> u32 {
    let skip = packet
        .side_data()
        .find(|data| data.kind() == side_data::Type::SkipSamples);
    let bytes = skip.and_then(|data| data.data().get(at..at + 4)?.try_into().ok());
    bytes.map_or(0, u32::from_le_bytes)
}

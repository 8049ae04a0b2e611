//! What packets told of one track.

use std::collections::HashMap;

use ffmpeg_next::Packet;
use ffmpeg_next::codec::packet::side_data;
use ffmpeg_next::format::context::Input;
use plan::Rational;
use plan::media_info::{Join, KeyFrame, Setup};

use super::clock::{self, Stretch};
use super::kinds::{self, Kinds};
use super::pictures::coded;
use super::pictures::gops::Gops;
use super::tracks::DeclaredTracks;
use crate::ffi;
use crate::input::coded_units::Parted;
use crate::input::times::seconds;
use cmaf::avc::Record;

/// Packets kept to learn the frames of a codec that has no fixed one: a Vorbis stream has shown both of its block
/// sizes.
const SOUND_PACKETS: usize = 64;
/// Packets kept where frames are of one length: some begin with silence.
const FEW_SOUND_PACKETS: usize = 12;
/// Packets that may lack a time of decoding where the others have one: the first.
const FEW: usize = 4;
/// More packets that set others up are none that anybody made by hand.
const MOST_SETUPS: usize = 256;

/// Of one stream, in its own time base.
#[derive(Default)]
pub struct ObservedTrack {
    /// Of shown packets, by presentation.
    pub stamps: Vec<i64>,
    /// When they are decoded, where that is said.
    decode_stamps: Vec<Option<i64>>,
    /// How many do not say when they are shown: MPEG program streams and AVI leave that to who decodes.
    lacking: usize,
    /// How much later than it is decoded the first is shown that says both.
    delay: Option<i64>,
    /// The very first, shown or not.
    pub begin: Option<i64>,
    /// The earliest.
    pub first: Option<i64>,
    /// Where the last ends.
    pub end: Option<i64>,
    /// Samples that the decoder must drop at the start.
    pub priming: u32,
    /// Samples that the decoder must drop at the end of the last packet.
    pub padding: u32,
    /// The longest packet's duration, but for the last's.
    pub longest: i64,
    /// Duration of the packet that ends last.
    pub last_duration: i64,
    /// Where key frames lie.
    pub keys: Vec<KeyFrame>,
    /// Packets that say how others are coded.
    pub setups: Vec<Setup>,
    /// How packets are coded.
    pub kinds: Kinds,
    /// Whether a key frame, but for the first, begins an open group.
    pub open_gops: bool,
    /// Where all packets so far are H.264 under it, of closed groups.
    pub record: Option<Record>,
    coding: Option<Coding>,
    /// The stretches between joins.
    parts: Vec<Part>,
    last_position: u64,
}

/// Where a packet lies, where it ends in its track's time base, and the part that it belongs to.
#[derive(Clone, Copy)]
pub struct Packed {
    pub position: u64,
    pub end: i64,
    pub part: usize,
}

/// How a track's packets are looked into.
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

/// A stretch of packets whose stamps go on from one another.
struct Part {
    part: usize,
    /// Byte of its first packet.
    position: u64,
    /// Where its first entries are in the lists.
    stamps: usize,
    keys: usize,
    setups: usize,
    first: i64,
    end: i64,
}

impl ObservedTrack {
    /// Of a stream of which nothing is known yet.
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

    /// As `of`, from somewhere in the middle of the source.
    pub fn further(input: &Input, found: &DeclaredTracks, stream: u32) -> Self {
        Self {
            // Its first key frame is none that the source begins with.
            begin: Some(i64::MIN),
            ..Self::of(input, found, stream)
        }
    }

    /// Takes the next packet, which belongs to this part of the source.
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
                Medium::Picture(_, parted) => kinds::of_picture(&codec, parted, packet),
                Medium::Sound => kinds::of_sound(&codec, packet),
            };
            self.kinds.take(key, packet, kept);
            if kinds::sets_up(&codec, packet) && self.setups.len() < MOST_SETUPS {
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
            // Ogg's last duration is without it already.
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

    /// Whether it has begun, and as many of its packets are kept as are to be.
    pub fn has_begun(&self) -> bool {
        let is_sound = self
            .coding
            .as_ref()
            .is_some_and(|coding| matches!(coding.kind, Medium::Sound));
        let kept = self.coding.as_ref().map_or(0, |coding| coding.kept);
        self.first.is_some() && (!is_sound || self.kinds.has_kept(kept))
    }

    /// When pictures are shown by when they are decoded, in order, and where the last ends; nothing where all say
    /// themselves when they are shown.
    pub fn by_decoding(&self) -> Option<(Vec<i64>, i64)> {
        let decoded: Vec<i64> = self.decode_stamps.iter().copied().flatten().collect();
        if self.lacking == 0 || decoded.len() + FEW < self.stamps.len() {
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

    /// The first stamp of each of its parts.
    pub fn part_starts(&self) -> Vec<i64> {
        self.parts.iter().map(|part| part.first).collect()
    }

    /// Parts its packets anew: by where each lies, where it ends and to which part it belongs, one for each stamp. For
    /// sources whose packets of all tracks do not come in the order in which they are stored.
    pub fn split(&mut self, packets: &[Packed]) {
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

    /// What it has of each part, in seconds. What a last picture lasts is taken for what most do.
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

    /// Puts all stamps on one time line, and says how.
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

/// Puts the stamps of all tracks on one time line.
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

/// The same for a stream that is not looked at, such as text: where another, which is, goes on otherwise.
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

/// What lies between two stamps for the most part, of stamps in order.
pub fn typical_step(stamps: &[i64]) -> Option<i64> {
    let mut steps: Vec<i64> = stamps
        .windows(2)
        .map(|pair| pair[1].saturating_sub(pair[0]))
        .collect();
    steps.retain(|&step| step > 0);
    let middle = steps.len() / 2;
    (!steps.is_empty()).then(|| *steps.select_nth_unstable(middle).1)
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

//! The decoded pictures of a source on the output grid: exact seeks, decoding, one picture for each tick.

pub(crate) mod crop;
mod damage;
mod packets;

use std::collections::VecDeque;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use ffmpeg_next::codec::decoder;
use ffmpeg_next::codec::discard::Discard;
use ffmpeg_next::util::picture;
use ffmpeg_next::{Error, Packet, frame};
use plan::media_info::VideoTrack;
use plan::{Access, Code, Frames, Index, Limits, Plan, Rational, TimeLine};

use protocol::EngineFailure;

use self::crop::Crop;
use self::damage::Damage;
pub use self::packets::{Packets, video_decoder};
use crate::ffi;
use crate::input::source::Source;
use crate::input::times::{seconds, timestamp};
use crate::output::remarks::Remarks;
use crate::refusal::{check_size, reject};
use crate::video::transform::fields::{self, Fields};
use crate::video::transform::letterbox::Letterbox;
use crate::video::transform::normalize::Normalizer;

/// Frames before a tick from which on pictures are decoded first: the picture that is shown at the tick may be late
/// or lost.
const MARGIN_FRAMES: i64 = 4;

/// Most packets in a row that give no picture before they count as damage: decoders hold back fewer.
const MOST_WITHOUT_PICTURE: u32 = 64;

/// Decoded picture, shared by the ticks that show it.
pub type Picture = Arc<ffi::Still>;

/// Decoded picture, or the reason why it cannot be shown: a stream may change its size to one that is refused.
type Decoded = Result<Picture, EngineFailure>;

/// Decoded picture with its tick on the output grid.
struct GridPicture {
    /// Tick that the picture belongs to.
    tick: Frames,
    picture: Decoded,
    /// Remarks on the picture. A picture counts as damaged also where a picture that it refers to is missing.
    remarks: Remarks,
}

/// Picture as the decoder gives it.
struct Received {
    frame: frame::Video,
    stamp: i64,
    size: Result<(), EngineFailure>,
}

/// Reader of pictures, tick by tick; it keeps its place, so that the next segment costs no seek.
pub struct Pictures {
    source: Source,
    packets: Packets,
    decoder: decoder::Video,
    /// Deinterlacer, for tracks whose pictures are pairs of fields.
    fields: Option<Fields>,
    /// Whether each field is stored as a picture of its own.
    are_apart: bool,
    clean: Option<Crop>,
    normalizer: Normalizer,
    letterbox: Letterbox,
    timeline: TimeLine,
    limits: Limits,
    /// Number of key frames by which a seek goes further back.
    preroll: u32,
    /// Ticks at which reading may begin; if there are none, reading may begin anywhere.
    entries: Vec<Frames>,
    /// Tick of the source's very first picture.
    first_tick: Frames,
    /// Tick half a second after the last picture: no picture belongs after it.
    end_tick: Frames,
    /// Picture shown at the tick `next`.
    current: Option<GridPicture>,
    /// Decoded pictures after `current`.
    ahead: VecDeque<GridPicture>,
    damage: Damage,
    /// Whether a picture since the last one that was placed has another format than most of the track.
    is_converted: bool,
    /// Packets that were given to the decoder since the last picture came.
    packets_without_picture: u32,
    /// Remarks on the pictures that were shown since the last call of [`Self::take_remarks`].
    remarks: Remarks,
    /// Time stamp of the last picture, and the usual duration of a picture, both in the track's time base.
    last_stamp: Option<i64>,
    step: i64,
    /// Whether the decoder can leave out pictures that no other picture refers to.
    can_skip_unreferenced: bool,
    /// Time stamp before which such pictures are left out, since they are not shown.
    skips_unreferenced_before: Option<i64>,
    next: Option<Frames>,
    ended: bool,
}

impl Pictures {
    /// Opens the picture track of a plan's source.
    pub fn open(source: &Source, plan: &Plan, threads: u32, limits: &Limits) -> Result<Self> {
        let Some(track) = &plan.info.video else {
            bail!("the source has no picture")
        };
        let packets = Packets::open(source, plan, track)?;
        // A source without an index is always read from its start, so it needs no list of entries.
        let entries = match plan.access {
            Access::Linear if plan.info.index != Index::None => chunk_starts(plan),
            _ => Vec::new(),
        };
        Ok(Self {
            source: source.clone(),
            decoder: packets.decoder(threads)?,
            fields: track
                .interlaced
                .then(|| Fields::new(packets.time_base(), track.fields_apart)),
            packets,
            are_apart: track.fields_apart,
            clean: Crop::of(track),
            normalizer: Normalizer::of(track),
            letterbox: Letterbox::of(track),
            first_tick: plan.timeline.tick_of(track.start),
            end_tick: plan.timeline.tick_of(track.end + Rational::new(1, 2)),
            timeline: plan.timeline.clone(),
            preroll: match plan.access {
                Access::Preroll(keys) => keys,
                Access::Exact | Access::Linear => 0,
            },
            entries,
            limits: limits.clone(),
            // Each picture of H.264 says itself that no picture refers to it (`nal_ref_idc`, H.264 7.4.1); the two
            // fields of one frame may differ in that.
            can_skip_unreferenced: track.codec == "h264" && !track.interlaced,
            skips_unreferenced_before: None,
            last_stamp: None,
            step: step(track),
            current: None,
            ahead: VecDeque::new(),
            damage: Damage::of(plan, track),
            is_converted: false,
            packets_without_picture: 0,
            remarks: Remarks::default(),
            next: None,
            ended: false,
        })
    }

    /// Goes to a tick. The reader seeks only if it is not there already. Where seeks are not exact, every reader
    /// enters at the same places and decodes on from there, so that all readers see the same pictures.
    pub fn go_to(&mut self, tick: Frames) -> Result<()> {
        let after = self.entries.partition_point(|entry| *entry <= tick);
        let entry = after.checked_sub(1).map(|at| self.entries[at]);
        if self.next == Some(tick) && entry != Some(tick) {
            return Ok(());
        }
        self.enter_at(entry.unwrap_or(tick))?;
        while self.next.is_some_and(|next| next < tick) {
            self.advance()?;
        }
        Ok(())
    }

    fn enter_at(&mut self, tick: Frames) -> Result<()> {
        // A frame of this tick may come half a frame early. The picture shown at the tick is the last one that
        // belongs at or before it.
        let half = Rational::new(self.timeline.rate.den(), 2 * self.timeline.rate.num());
        let target = self.timeline.source_time(tick) - half;
        self.next = if self.can_skip_unreferenced && self.decode_needed(tick, target)? {
            Some(tick)
        } else {
            self.decode_all(tick, target)?
        };
        Ok(())
    }

    /// Decodes up to a tick, leaving out pictures that it does not need. Returns false where the picture shown at the
    /// tick may be one that was left out, since it is held for long.
    fn decode_needed(&mut self, tick: Frames, target: Rational) -> Result<bool> {
        let margin = Rational::new(
            MARGIN_FRAMES * self.timeline.rate.den(),
            self.timeline.rate.num(),
        );
        let from = timestamp(target - margin, self.packets.time_base());
        self.seek_near(target, self.preroll)?;
        self.skips_unreferenced_before = Some(from);
        while self.ahead.is_empty() && !self.ended {
            self.decode_more()?;
        }
        self.skips_unreferenced_before = None;
        Ok(self.is_ahead_from(tick))
    }

    /// Whether the first decoded picture belongs at or before a tick.
    fn is_ahead_from(&self, tick: Frames) -> bool {
        self.ahead.front().is_some_and(|first| first.tick <= tick)
    }

    /// Decodes all pictures up to a tick.
    fn decode_all(&mut self, tick: Frames, target: Rational) -> Result<Option<Frames>> {
        let mut back = Rational::ZERO;
        // The first fields after a seek differ from the same fields in the middle of a longer decode.
        let blurred = self.fields.as_ref().map_or(0, |_| Fields::BLURRED);
        let clear = Frames(tick.0 - blurred);
        loop {
            let from_start = self.seek_near(target - back, self.preroll)?;
            while self.ahead.is_empty() && !self.ended {
                self.decode_more()?;
            }
            if from_start || self.is_ahead_from(clear) {
                return Ok(Some(tick));
            }
            back = if back == Rational::ZERO {
                Rational::new(1, 1)
            } else {
                back + back
            };
        }
    }

    /// Decodes the key frame at or before a tick: the quickest picture near a moment.
    pub fn key_before(&mut self, tick: Frames) -> Result<Picture> {
        let mut target = self.timeline.source_time(tick);
        loop {
            self.seek_near(target, 0)?;
            if let Some(picture) = self.decode_key_alone()? {
                return Ok(picture?);
            }
            // The container begins elsewhere, or the frame needs other frames: decode in the usual way.
            let from_start = self.seek_near(target, 0)?;
            while self.ahead.is_empty() && !self.ended {
                self.decode_more()?;
            }
            if let Some(first) = self.ahead.front() {
                return Ok(first.picture.clone()?);
            }
            if from_start {
                return Err(undecodable().into());
            }
            target = target - Rational::new(4, 1);
        }
    }

    /// Seeks near a time and drops all decoded pictures; returns whether the reader is at the source's start.
    fn seek_near(&mut self, time: Rational, preroll: u32) -> Result<bool> {
        self.decoder.flush();
        let is_before_all = self.timeline.tick_of(time) < self.first_tick;
        let from_start = self.packets.seek(time, preroll, is_before_all)?;
        if let Some(fields) = &mut self.fields {
            fields.restart();
        }
        self.current = None;
        self.ahead.clear();
        self.damage.restart(from_start);
        self.is_converted = false;
        self.packets_without_picture = 0;
        self.ended = false;
        self.last_stamp = None;
        self.next = None;
        Ok(from_start)
    }

    /// Decodes the next packet alone, if it is a key frame. The decoder is told that the packet is the last;
    /// otherwise it would ask for some more packets first.
    fn decode_key_alone(&mut self) -> Result<Option<Decoded>> {
        let Some(packet) = self.packets.next()?.filter(Packet::is_key) else {
            return Ok(None);
        };
        // The next seek flushes the decoder, which opens it again.
        let sent = self.decoder.send_packet(&packet);
        if sent.and_then(|()| self.decoder.send_eof()).is_err() {
            return Ok(None);
        }
        let Some(mut picture) = self.receive().ok().flatten() else {
            return Ok(None);
        };
        if self.fields.is_some() && picture.size.is_ok() {
            picture.frame = fields::alone(picture.frame, self.are_apart)?;
        }
        Ok(Some(self.decoded(picture)?))
    }

    /// Returns the picture of the next tick.
    pub fn next(&mut self) -> Result<Picture> {
        self.advance()?.clone().map_err(Into::into)
    }

    /// Moves on by one tick and returns its picture, which may be one that cannot be shown.
    fn advance(&mut self) -> Result<&Decoded> {
        let Some(tick) = self.next else {
            bail!("the reader has no place in the source")
        };
        loop {
            match self.ahead.front() {
                Some(first) if first.tick <= tick => self.current = self.ahead.pop_front(),
                Some(_) => break,
                None if self.ended => break,
                None => self.decode_more()?,
            }
        }
        self.next = Some(Frames(tick.0 + 1));
        let shown = self.current.as_ref().or(self.ahead.front());
        let shown = shown.ok_or_else(undecodable)?;
        self.remarks.add(shown.remarks);
        // The last picture is held although more packets came without a picture, or although the next picture lies
        // past the end: both are damage.
        let is_over = |next: &GridPicture| next.tick > self.end_tick;
        self.remarks.damaged |= match self.ahead.front() {
            Some(next) => is_over(next),
            None => self.packets_without_picture > MOST_WITHOUT_PICTURE,
        };
        Ok(&shown.picture)
    }

    /// Takes the remarks on the pictures that were shown since the last call.
    pub fn take_remarks(&mut self) -> Remarks {
        std::mem::take(&mut self.remarks)
    }

    fn place(&mut self, tick: Frames, picture: Decoded) {
        let remarks = Remarks {
            damaged: self.damage.take_for_picture(tick),
            converted: std::mem::take(&mut self.is_converted),
        };
        self.ahead.push_back(GridPicture {
            tick,
            picture,
            remarks,
        });
    }

    fn decode_more(&mut self) -> Result<()> {
        self.source.link().go_on()?;
        while !self.take_field()? {
            match self.receive() {
                Ok(Some(picture)) => match &mut self.fields {
                    Some(fields) if picture.size.is_ok() => {
                        fields.push(picture.frame, picture.stamp)?
                    }
                    _ => {
                        let tick = self.tick_of(picture.stamp, self.packets.time_base());
                        let decoded = self.decoded(picture)?;
                        self.place(tick, decoded);
                        return Ok(());
                    }
                },
                Ok(None) => {}
                Err(Error::Eof) => {
                    if let Some(fields) = &mut self.fields {
                        fields.end()?;
                    }
                    self.ended = !self.take_field()?;
                    return Ok(());
                }
                Err(_) => self.feed()?,
            }
        }
        Ok(())
    }

    /// Takes the next picture from the deinterlacer; false if it has none.
    fn take_field(&mut self) -> Result<bool> {
        let Some(fields) = &mut self.fields else {
            return Ok(false);
        };
        let Some(field) = fields.pull()? else {
            return Ok(false);
        };
        let time_base = fields.time_base();
        let stamp = field.pts().context("a field has no time stamp")?;
        let tick = self.tick_of(stamp, time_base);
        let field = self.shown(field)?;
        self.place(tick, Ok(field));
        Ok(true)
    }

    fn decoded(&mut self, received: Received) -> Result<Decoded> {
        Ok(match received.size {
            Ok(()) => Ok(self.shown(received.frame)?),
            Err(failure) => Err(failure),
        })
    }

    /// Crops a decoded picture and brings it to the format of its track.
    fn shown(&mut self, mut frame: frame::Video) -> Result<Picture> {
        if let Some(clean) = &self.clean {
            clean.crop(&mut frame)?;
        }
        self.is_converted |=
            self.letterbox.differs_from_track(&frame) || self.normalizer.differs_from_track(&frame);
        let frame = self.normalizer.run(frame)?;
        Ok(Picture::new(frame.into()))
    }

    fn tick_of(&self, stamp: i64, time_base: Rational) -> Frames {
        self.timeline.tick_of(seconds(stamp, time_base))
    }

    /// Receives the next picture from the decoder; none where it has no time stamp or is left out.
    fn receive(&mut self) -> Result<Option<Received>, Error> {
        let mut frame = frame::Video::empty();
        self.decoder.receive_frame(&mut frame)?;
        self.packets_without_picture = 0;
        // The last pictures that a decoder has held back may have no time stamp; each then follows the one before.
        let follows = self.last_stamp.map(|last| last.saturating_add(self.step));
        let Some(stamp) = ffi::best_timestamp(&frame).or(follows) else {
            return Ok(None);
        };
        self.last_stamp = Some(stamp);
        if self.skips_unreferenced_before.is_some_and(|to| stamp < to) {
            return Ok(None);
        }
        self.damage.record(ffi::is_damaged(&frame));
        // x264 would otherwise repeat the source's key frames.
        frame.set_kind(picture::Type::None);
        let size = check_size(frame.width(), frame.height(), &self.limits);
        Ok(Some(Received { frame, stamp, size }))
    }

    fn feed(&mut self) -> Result<()> {
        // Damaged packets are passed over; the pictures that decode around them are shown.
        let sent = match self.packets.next()? {
            Some(packet) => {
                let is_early = |to| packet.pts().is_some_and(|stamp| stamp < to);
                let left_out = match self.skips_unreferenced_before {
                    Some(to) if is_early(to) => Discard::NonReference,
                    _ => Discard::Default,
                };
                self.decoder.skip_frame(left_out);
                self.packets_without_picture += u32::from(left_out == Discard::Default);
                self.decoder.send_packet(&packet)
            }
            None => self.decoder.send_eof(),
        };
        self.damage.record(sent == Err(Error::InvalidData));
        Ok(())
    }
}

/// Usual duration of a picture of a track, in units of its time base.
fn step(track: &VideoTrack) -> i64 {
    let rate = track.frame_rate;
    let units = (track.time_base.den(), track.time_base.num());
    let seconds = Rational::checked(rate.den(), rate.num()).unwrap_or(Rational::ZERO);
    seconds.scale_round(units.0, units.1.max(1)).max(1)
}

fn undecodable() -> EngineFailure {
    reject(Code::Corrupt, "No picture can be decoded here.")
}

fn chunk_starts(plan: &Plan) -> Vec<Frames> {
    let first = |chunk| plan.chunk_segments(chunk).0;
    let start = |chunk| plan.timeline.segment_frames(first(chunk)).0;
    (0..plan.chunks()).map(start).collect()
}

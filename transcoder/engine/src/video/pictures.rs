//! The pictures of a source on the output grid: exact seek, decode, one picture per tick.

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

/// Frames before a tick among which the picture shown at it is looked for first: the last one
/// may be late, or lost.
const LOOKED_AT: i64 = 4;

/// Packets from which no picture comes, one behind the other, before something must be wrong with them: decoders hold
/// back fewer.
const MOST_UNANSWERED: u32 = 64;

/// A decoded picture, shared by the ticks that show it.
pub type Picture = Arc<ffi::Still>;

/// A picture, or why it is not to be shown: a stream may change its size on the way.
type Decoded = Result<Picture, EngineFailure>;

/// A decoded picture on the grid.
struct Placed {
    /// The tick it belongs to.
    tick: Frames,
    picture: Decoded,
    /// Remarks on the picture. It counts as damaged where one that it refers to is missing, too.
    remarks: Remarks,
}

/// A picture as the decoder gives it.
struct Received {
    frame: frame::Video,
    stamp: i64,
    size: Result<(), EngineFailure>,
}

/// Reads pictures tick by tick; keeps its place, so that the next segment costs no seek.
pub struct Pictures {
    source: Source,
    packets: Packets,
    decoder: decoder::Video,
    /// Where pictures are pairs of fields.
    fields: Option<Fields>,
    /// Whether each is stored as a picture of its own.
    are_apart: bool,
    clean: Option<Crop>,
    uniform: Normalizer,
    fit: Letterbox,
    timeline: TimeLine,
    limits: Limits,
    /// Key frames by which a seek goes further back.
    preroll: u32,
    /// Where reading may begin; anywhere, where there are none.
    entries: Vec<Frames>,
    /// The tick of the source's very first picture.
    first_tick: Frames,
    /// Half a second behind its last: no picture belongs there.
    over_at: Frames,
    /// The picture shown at `next`.
    current: Option<Placed>,
    /// Decoded pictures after `current`.
    ahead: VecDeque<Placed>,
    damage: Damage,
    /// A picture since the last that was placed is not like most of the track.
    is_converted: bool,
    /// Packets that were decoded since the last picture came.
    unanswered: u32,
    /// Remarks on the pictures that were shown since [`Self::take_remarks`] was called last.
    remarks: Remarks,
    /// That of the picture that came last, and how long one lasts for the most part, in the track's time base.
    last_stamp: Option<i64>,
    step: i64,
    /// Whether the decoder can leave out pictures that no other refers to.
    can_hurry: bool,
    /// Before this time stamp they are left out: nobody looks at them.
    hurries_to: Option<i64>,
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
        // Without an index all reading begins at the start, and needs no other place to.
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
            uniform: Normalizer::of(track),
            fit: Letterbox::of(track),
            first_tick: plan.timeline.tick_of(track.start),
            over_at: plan.timeline.tick_of(track.end + Rational::new(1, 2)),
            timeline: plan.timeline.clone(),
            preroll: match plan.access {
                Access::Preroll(keys) => keys,
                Access::Exact | Access::Linear => 0,
            },
            entries,
            limits: limits.clone(),
            // In H.264 each picture says itself that none refers to it (`nal_ref_idc`, H.264
            // 7.4.1); fields of one frame may differ in that.
            can_hurry: track.codec == "h264" && !track.interlaced,
            hurries_to: None,
            last_stamp: None,
            step: step(track),
            current: None,
            ahead: VecDeque::new(),
            damage: Damage::of(plan, track),
            is_converted: false,
            unanswered: 0,
            remarks: Remarks::default(),
            next: None,
            ended: false,
        })
    }

    /// Goes to a tick: nothing where the reader is there already, a seek otherwise. Where seeks
    /// are not exact, every reader enters at the same places and decodes on from there, so that
    /// all see the same pictures.
    pub fn go_to(&mut self, tick: Frames) -> Result<()> {
        let after = self.entries.partition_point(|entry| *entry <= tick);
        let entry = after.checked_sub(1).map(|at| self.entries[at]);
        if self.next == Some(tick) && entry != Some(tick) {
            return Ok(());
        }
        self.enter(entry.unwrap_or(tick))?;
        while self.next.is_some_and(|next| next < tick) {
            self.pass()?;
        }
        Ok(())
    }

    fn enter(&mut self, tick: Frames) -> Result<()> {
        // A frame of this tick may come half a frame early; the picture shown at it is the
        // last that belongs at or before it.
        let half = Rational::new(self.timeline.rate.den(), 2 * self.timeline.rate.num());
        let target = self.timeline.source_time(tick) - half;
        self.next = if self.can_hurry && self.hurry(tick, target)? {
            Some(tick)
        } else {
            self.walk(tick, target)?
        };
        Ok(())
    }

    /// Decodes up to a tick what is needed for it. False where the picture shown at it may be
    /// one that was left out: one that is held for long.
    fn hurry(&mut self, tick: Frames, target: Rational) -> Result<bool> {
        let margin = Rational::new(
            LOOKED_AT * self.timeline.rate.den(),
            self.timeline.rate.num(),
        );
        let from = timestamp(target - margin, self.packets.time_base());
        self.go_near(target, self.preroll)?;
        self.hurries_to = Some(from);
        while self.ahead.is_empty() && !self.ended {
            self.decode_more()?;
        }
        self.hurries_to = None;
        Ok(self.is_ahead_from(tick))
    }

    /// Whether the first decoded picture belongs at a tick or before it.
    fn is_ahead_from(&self, tick: Frames) -> bool {
        self.ahead.front().is_some_and(|first| first.tick <= tick)
    }

    /// Decodes everything up to a tick.
    fn walk(&mut self, tick: Frames, target: Rational) -> Result<Option<Frames>> {
        let mut back = Rational::ZERO;
        // The first fields after a seek are not what they are in the middle.
        let blurred = self.fields.as_ref().map_or(0, |_| Fields::BLURRED);
        let clear = Frames(tick.0 - blurred);
        loop {
            let from_start = self.go_near(target - back, self.preroll)?;
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

    /// The key frame at or before a tick: the quickest picture near a moment.
    pub fn key_before(&mut self, tick: Frames) -> Result<Picture> {
        let mut target = self.timeline.source_time(tick);
        loop {
            self.go_near(target, 0)?;
            if let Some(picture) = self.key_alone()? {
                return Ok(picture?);
            }
            // The container begins elsewhere, or the frame needs others: as it comes.
            let from_start = self.go_near(target, 0)?;
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

    /// Seeks, and has nothing decoded yet.
    fn go_near(&mut self, time: Rational, preroll: u32) -> Result<bool> {
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
        self.unanswered = 0;
        self.ended = false;
        self.last_stamp = None;
        self.next = None;
        Ok(from_start)
    }

    /// The picture of the next packet, if that is a key frame, and nothing after it: a decoder
    /// that is not told that this is all asks for some more packets first.
    fn key_alone(&mut self) -> Result<Option<Decoded>> {
        let Some(packet) = self.packets.next()?.filter(Packet::is_key) else {
            return Ok(None);
        };
        // It is open again after the next seek.
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

    /// The picture of the next tick.
    pub fn next(&mut self) -> Result<Picture> {
        self.pass()?.clone().map_err(Into::into)
    }

    /// On to the tick after the next one, whose picture may be one that is not to be shown.
    fn pass(&mut self) -> Result<&Decoded> {
        let Some(tick) = self.next else {
            bail!("no place in the source")
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
        // The last picture stands still, though there are packets of more, or the next says that it comes when all is over.
        let is_over = |next: &Placed| next.tick > self.over_at;
        self.remarks.damaged |= match self.ahead.front() {
            Some(next) => is_over(next),
            None => self.unanswered > MOST_UNANSWERED,
        };
        Ok(&shown.picture)
    }

    /// What is to be said of the pictures that were shown since this was asked last.
    pub fn take_remarks(&mut self) -> Remarks {
        std::mem::take(&mut self.remarks)
    }

    fn place(&mut self, tick: Frames, picture: Decoded) {
        let remarks = Remarks {
            damaged: self.damage.take(tick),
            converted: std::mem::take(&mut self.is_converted),
        };
        self.ahead.push_back(Placed {
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

    /// Whether there was a field that has been taken apart.
    fn take_field(&mut self) -> Result<bool> {
        let Some(fields) = &mut self.fields else {
            return Ok(false);
        };
        let Some(field) = fields.pull()? else {
            return Ok(false);
        };
        let time_base = fields.time_base();
        let stamp = field.pts().context("a field without a time stamp")?;
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

    /// What is shown of a picture.
    fn shown(&mut self, mut frame: frame::Video) -> Result<Picture> {
        if let Some(clean) = &self.clean {
            clean.crop(&mut frame)?;
        }
        self.is_converted |= self.fit.is_other(&frame) || self.uniform.is_other(&frame);
        let frame = self.uniform.run(frame)?;
        Ok(Picture::new(frame.into()))
    }

    fn tick_of(&self, stamp: i64, time_base: Rational) -> Frames {
        self.timeline.tick_of(seconds(stamp, time_base))
    }

    /// What the decoder has ready; nothing where it has no time stamp.
    fn receive(&mut self) -> Result<Option<Received>, Error> {
        let mut frame = frame::Video::empty();
        self.decoder.receive_frame(&mut frame)?;
        self.unanswered = 0;
        // The last of those that a decoder has held back may have none: they follow one after the other.
        let follows = self.last_stamp.map(|last| last.saturating_add(self.step));
        let Some(stamp) = ffi::best_timestamp(&frame).or(follows) else {
            return Ok(None);
        };
        self.last_stamp = Some(stamp);
        if self.hurries_to.is_some_and(|to| stamp < to) {
            return Ok(None);
        }
        self.damage.found(ffi::is_damaged(&frame));
        // x264 would repeat the source's key frames otherwise.
        frame.set_kind(picture::Type::None);
        let size = check_size(frame.width(), frame.height(), &self.limits);
        Ok(Some(Received { frame, stamp, size }))
    }

    fn feed(&mut self) -> Result<()> {
        // Damaged packets are passed over; what decodes around them is shown.
        let sent = match self.packets.next()? {
            Some(packet) => {
                let is_early = |to| packet.pts().is_some_and(|stamp| stamp < to);
                let left_out = match self.hurries_to {
                    Some(to) if is_early(to) => Discard::NonReference,
                    _ => Discard::Default,
                };
                self.decoder.skip_frame(left_out);
                self.unanswered += u32::from(left_out == Discard::Default);
                self.decoder.send_packet(&packet)
            }
            None => self.decoder.send_eof(),
        };
        self.damage.found(sent == Err(Error::InvalidData));
        Ok(())
    }
}

/// What a picture of a track lasts, in its time base.
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

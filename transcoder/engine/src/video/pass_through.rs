//! Segments made of the source's own coded pictures: nothing is decoded and nothing encoded. Each cut is checked
//! against what the plan took from the index; a segment that differs from the plan is not made.

use anyhow::{Context as _, Result, bail, ensure};
use cmaf::VideoSample;
use cmaf::avc::{Record, Sample};
use ffmpeg_next::Packet;
use ffmpeg_next::codec::packet::side_data;
use plan::{Frames, Plan, Rational, TimeLine, VideoRendition};

use crate::input::source::Source;
use crate::input::times::seconds;
use crate::output::product::CodedSegment;
use crate::video::pictures::Packets;

/// Seconds before a key frame at which successive seeks for it aim. Indexes are in decode order, in which the next
/// key frame may come before this one is shown.
const SEEK_BACK_SECONDS: [i64; 3] = [0, 1, 10];
/// Number of earlier segments in which a key frame is looked for that can be held in place of a segment.
const MOST_SEGMENTS_BACK: u32 = 8;

/// Reader of coded pictures as they are stored; it keeps its place, so that the next segment costs no seek.
pub struct PassThroughReader {
    source: Source,
    packets: Packets,
    record: Record,
    timeline: TimeLine,
    /// Tick of the track's first picture, which is shown from the start of the presentation.
    first: Frames,
    /// One past the tick of the last picture, within one tick: the duration of the last picture is unreliable.
    end: Frames,
    /// Key frame that was read last, where nothing has been read after it.
    ahead: Option<Packet>,
}

impl PassThroughReader {
    /// Opens the picture track that a rendition passes through.
    pub fn open(source: &Source, plan: &Plan, rendition: &VideoRendition) -> Result<Self> {
        let track = plan.info.video.as_ref().context("no picture")?;
        let record = rendition.passed_through.as_deref().and_then(Record::read);
        Ok(Self {
            source: source.clone(),
            packets: Packets::open(source, plan, track)?,
            record: record.context("the parameter sets are missing")?,
            timeline: plan.timeline.clone(),
            first: plan.timeline.tick_of(track.start),
            end: plan.timeline.tick_of(track.end),
            ahead: None,
        })
    }

    /// Cuts one segment out of the source.
    pub fn segment(&mut self, rendition: &VideoRendition, segment: u32) -> Result<CodedSegment> {
        let (start, end) = self.timeline.segment_frames(segment);
        let frames = (end - start).0;
        // The first picture is held where it starts late, and the last picture is held to the end.
        let late = if segment == 0 { self.first.0 } else { 0 };
        let fewest = match end == self.timeline.frames() {
            true => frames.min((self.end - start).0 - 1) - late,
            false => frames - late,
        };
        let most_bytes = rendition.allowed_bytes(Frames(frames), self.timeline.rate);
        let mut next = Some(self.key_at(start)?);
        let (mut samples, mut bytes) = (Vec::new(), 0);
        while let Some(packet) = next {
            self.source.link().go_on()?;
            let tick = self.tick_of(&packet)?;
            if packet.is_key() && tick >= end {
                ensure!(tick == end, "a key frame is not at its place in the index");
                self.ahead = Some(packet);
                break;
            }
            let Sample { data, is_idr } = self.sample(&packet)?;
            ensure!(
                is_idr || !samples.is_empty(),
                "a segment does not begin with an IDR picture"
            );
            let position = u32::try_from((tick - start).0).context("a picture comes too late")?;
            bytes += data.len() as u64;
            ensure!(
                bytes <= most_bytes && (samples.len() as i64) < frames,
                "a segment has more pictures or bytes than the index says"
            );
            samples.push(VideoSample { data, position });
            next = self.packets.next()?;
        }
        ensure!(
            samples.len() as i64 >= fewest && are_in_place(&samples, late),
            "a picture is not at its place in the index"
        );
        let made = cmaf::video_segment(rendition, segment, (start, end), &samples)?;
        ensure!(
            made.len() as u64 <= most_bytes,
            "a segment is larger than the index says"
        );
        coded(rendition, made, samples.len())
    }

    /// Makes a segment that holds the key frame at its start, or a key frame shortly before it, for its whole length.
    /// It stands in for pictures that cannot be passed through, and keeps the source's parameter sets.
    pub fn held(&mut self, rendition: &VideoRendition, segment: u32) -> Result<CodedSegment> {
        let places = self.timeline.segment_frames(segment);
        for from in (segment.saturating_sub(MOST_SEGMENTS_BACK)..=segment).rev() {
            let (start, _) = self.timeline.segment_frames(from);
            let Ok(packet) = self.key_at(start) else {
                continue;
            };
            if let Ok(Sample { data, is_idr: true }) = self.sample(&packet) {
                let sample = VideoSample { data, position: 0 };
                let made = cmaf::video_segment(rendition, segment, places, &[sample])?;
                return coded(rendition, made, 1);
            }
        }
        bail!("no key frame can be held")
    }

    /// Finds the key frame that is shown from a tick on.
    fn key_at(&mut self, tick: Frames) -> Result<Packet> {
        if let Some(packet) = self.ahead.take()
            && self.tick_of(&packet)? == tick
        {
            return Ok(packet);
        }
        for back in SEEK_BACK_SECONDS {
            let time = self.timeline.source_time(tick) - Rational::new(back, 1);
            self.packets.seek(time, 0, tick == Frames(0))?;
            if let Some(packet) = self.key_from(tick)? {
                return Ok(packet);
            }
        }
        bail!("a key frame is not at its place in the index")
    }

    /// Reads the next key frame that is not before a tick; none if it is after the tick.
    fn key_from(&mut self, tick: Frames) -> Result<Option<Packet>> {
        while let Some(packet) = self.packets.next()? {
            self.source.link().go_on()?;
            let at = self.tick_of(&packet)?;
            if packet.is_key() && at >= tick {
                return Ok((at == tick).then_some(packet));
            }
        }
        Ok(None)
    }

    fn sample(&self, packet: &Packet) -> Result<Sample> {
        let mut side_data = packet.side_data();
        let has_others = side_data.any(|data| data.kind() == side_data::Type::NewExtraData);
        ensure!(!has_others, "the parameter sets change inside the stream");
        self.record.sample(packet.data().unwrap_or_default())
    }

    fn tick_of(&self, packet: &Packet) -> Result<Frames> {
        let stamp = packet.pts().context("a picture has no time stamp")?;
        let time = seconds(stamp, self.packets.time_base());
        Ok(match self.timeline.tick_of(time) {
            tick if tick == self.first => Frames(0),
            tick => tick,
        })
    }
}

fn coded(rendition: &VideoRendition, bytes: Vec<u8>, pictures: usize) -> Result<CodedSegment> {
    let record = rendition.passed_through.as_deref();
    Ok(CodedSegment {
        init: cmaf::video_init(rendition, record.context("the parameter sets are missing")?)?,
        bytes,
        frames: pictures as u32,
    })
}

/// Whether the pictures take consecutive ticks, one each, from the segment's first tick on; all pictures after the
/// first may be `late` ticks later.
fn are_in_place(samples: &[VideoSample], late: i64) -> bool {
    let mut places: Vec<i64> = samples.iter().map(|s| i64::from(s.position)).collect();
    places.sort_unstable();
    let (first, others) = places.split_first().unzip();
    let mut others = others.into_iter().flatten().zip(late + 1..);
    first == Some(&0) && others.all(|(place, tick)| *place == tick)
}

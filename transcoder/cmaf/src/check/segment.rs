//! Checks of segments: the boxes of each are written anew from the sizes and times that it declares for its frames,
//! and compared byte for byte.

use mp4_atom::{Atom, Encode, Moof, TrunEntry};
use plan::{AudioRendition, Plan, RenditionId, SoundCodec, VideoRendition};

use super::{Flaw, boxes, units};
use crate::segment::{BOX_HEADER, FramePlace, audio_head, styp, video_head};

/// Bytes of a `moof` besides those for each frame: ours take 100, and the rest lets a `moof` with extra boxes be
/// refused for these boxes.
const MOOF_BYTES: usize = 512;
/// Bytes of a `moof` for each frame: duration, size, flags and offset.
const FRAME_BYTES: usize = 16;
/// Per cent by which sound, or a source's own pictures, may exceed their bit-rate bound in one segment.
const OVER_BOUND_PERCENT: u64 = 100;
/// Longest segment of a source's own pictures, in microseconds: its key frame may be held in a shorter segment.
const LONGEST_PASSED_US: i64 = 10_000_000;
/// Least number of frames of a segment that are read before the segment is refused for too many.
const FRAMES_READ: usize = 1024;
/// Bytes by which a segment may exceed its bit-rate bound in any case: for the boxes, and for the shortest segments.
const OVER_BOUND_BYTES: u64 = 16 << 10;
/// Most bytes of an AAC frame for each channel (ISO/IEC 13818-7 §8.2.2), and of an Opus packet of 20 ms (RFC 6716
/// §3.4).
const AAC_CHANNEL_BYTES: u32 = 768;
const OPUS_BYTES: u32 = 1275;

/// Checks that these bytes are a segment of the plan that is decoded with this init segment, as far as that can be
/// told without decoding.
///
/// # Errors
/// The flaw of the segment is returned.
pub fn segment(
    plan: &Plan,
    id: RenditionId,
    index: u32,
    init: &[u8],
    bytes: &[u8],
) -> Result<(), Flaw> {
    let is_picture = plan.video_rendition(id);
    let is_sound = plan.audio_rendition(id);
    if is_picture.is_none() && is_sound.is_none() {
        return Err(Flaw::Rendition);
    }
    if index >= plan.segments() {
        return Err(Flaw::Index);
    }
    if bytes.len() as u64 > most_bytes(plan, id, index) {
        return Err(Flaw::TooLarge);
    }
    match (is_picture, is_sound) {
        (Some(rendition), _) => picture(plan, rendition, index, init, bytes),
        (None, Some(rendition)) => sound(plan, rendition, index, bytes),
        (None, None) => Err(Flaw::Rendition),
    }
}

/// Most bytes of a segment of the plan; zero where the plan has no such segment.
pub fn most_bytes(plan: &Plan, id: RenditionId, index: u32) -> u64 {
    let timeline = &plan.timeline;
    if index >= plan.segments() {
        return 0;
    }
    let (bits_per_second, us) = if let Some(rendition) = plan.video_rendition(id) {
        let (start, end) = timeline.segment_frames(index);
        if rendition.passed_through.is_none() {
            return rendition.allowed_bytes(end - start, timeline.rate);
        }
        let us = timeline.frame_us(end) - timeline.frame_us(start);
        (rendition.cap_bits_per_second, us.max(LONGEST_PASSED_US))
    } else if let Some(rendition) = plan.audio_rendition(id) {
        let (start, end) = rendition.span(timeline, index);
        let us = timeline.sample_us(end) - timeline.sample_us(start);
        (u64::from(rendition.bound_bits_per_second), us)
    } else {
        return 0;
    };
    let bits = u128::from(bits_per_second) * us.max(0) as u128 / 1_000_000;
    let bytes =
        bits / 8 * u128::from(100 + OVER_BOUND_PERCENT) / 100 + u128::from(OVER_BOUND_BYTES);
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

fn picture(
    plan: &Plan,
    rendition: &VideoRendition,
    index: u32,
    init: &[u8],
    bytes: &[u8],
) -> Result<(), Flaw> {
    let timeline = &plan.timeline;
    let (start, end) = timeline.segment_frames(index);
    let length = end - start;
    let wanted = rendition.pictures_of(length).0;
    let unit = i64::from(rendition.frame_duration);
    let written = DeclaredSegment::read(bytes, wanted as usize)?;
    written.check_number(index)?;
    written.check_start(start.0 as u64 * unit as u64)?;
    // A source's own pictures may be missing at both ends, and one key frame may be held for the whole segment.
    let is_there = |count: i64| match rendition.passed_through {
        Some(_) => (1..=wanted).contains(&count),
        None => count == wanted,
    };
    if !is_there(written.frames.len() as i64) {
        return Err(Flaw::FrameCount);
    }
    let delay = i64::from(rendition.reorder_frames) * unit;
    let (mut decode_time, mut placed) = (0, Vec::with_capacity(written.frames.len()));
    let mut is_taken = vec![false; length.0 as usize];
    for frame in &written.frames {
        let shown = decode_time + frame.offset - delay;
        let position = shown / unit;
        let slot = usize::try_from(position).ok();
        let slot = slot.and_then(|slot| is_taken.get_mut(slot));
        match slot {
            Some(taken) if shown % unit == 0 && !*taken => *taken = true,
            _ => return Err(Flaw::PresentationTime),
        }
        decode_time += i64::from(frame.duration);
        placed.push(FramePlace {
            size: frame.size,
            position: position as u32,
        });
    }
    if is_taken.first() != Some(&true) {
        return Err(Flaw::PresentationTime);
    }
    if decode_time != length.0 * unit {
        return Err(Flaw::Duration);
    }
    let head = video_head(rendition, index, (start, end), &placed);
    let data = written.data(bytes, &head.map_err(|_| Flaw::Boxes)?)?;
    let sizes = written.frames.iter().map(|frame| frame.size);
    units::pictures(rendition, init, sizes, data)
}

fn sound(plan: &Plan, rendition: &AudioRendition, index: u32, bytes: &[u8]) -> Result<(), Flaw> {
    let timeline = &plan.timeline;
    let (start, end) = rendition.span(timeline, index);
    let frame = rendition.encoding.frame();
    let length = (end - start).0;
    let wanted = (length + frame - 1) / frame;
    let written = DeclaredSegment::read(bytes, wanted as usize)?;
    written.check_number(index)?;
    written.check_start(start.0 as u64)?;
    if written.frames.len() as i64 != wanted {
        return Err(Flaw::FrameCount);
    }
    let most = match rendition.encoding {
        SoundCodec::Aac => AAC_CHANNEL_BYTES * rendition.channels,
        SoundCodec::Opus => OPUS_BYTES * rendition.channels,
    };
    let sizes: Vec<u32> = written.frames.iter().map(|frame| frame.size).collect();
    if sizes.iter().any(|size| *size > most) {
        return Err(Flaw::FrameSize);
    }
    if written.frames.iter().any(|frame| frame.offset != 0) {
        return Err(Flaw::PresentationTime);
    }
    let durations = written.frames.iter().map(|frame| i64::from(frame.duration));
    if durations.sum::<i64>() != length {
        return Err(Flaw::Duration);
    }
    let last = length - (wanted - 1) * frame;
    let head = audio_head(rendition, index, start, &sizes, last as u32);
    written.data(bytes, &head.map_err(|_| Flaw::Boxes)?)?;
    Ok(())
}

/// Values that a segment's boxes declare.
struct DeclaredSegment {
    sequence_number: u32,
    decode_time: u64,
    frames: Vec<Frame>,
}

/// Values that a segment's boxes declare for a frame.
struct Frame {
    duration: u32,
    size: u32,
    offset: i64,
}

impl DeclaredSegment {
    /// Reads the boxes before the frames, of which at most `most` are expected; more frames are counted, but not
    /// kept.
    fn read(bytes: &[u8], most: usize) -> Result<Self, Flaw> {
        let mut expected = Vec::new();
        styp().encode(&mut expected).map_err(|_| Flaw::Boxes)?;
        let rest = bytes.strip_prefix(expected.as_slice());
        let rest = rest.ok_or(Flaw::Boxes)?;
        let (size, kind) = rest.split_at_checked(4).ok_or(Flaw::Length)?;
        let size = size
            .iter()
            .fold(0, |size, &byte| size << 8 | usize::from(byte));
        if !kind.starts_with(b"moof") {
            return Err(Flaw::Boxes);
        }
        let most = most.max(FRAMES_READ);
        if size > MOOF_BYTES + most.saturating_mul(FRAME_BYTES) {
            return Err(Flaw::FrameCount);
        }
        let mut body = rest.get(BOX_HEADER..size).ok_or(Flaw::Length)?;
        boxes::check_nesting(body, b"moof")?;
        let moof = Moof::decode_body(&mut body).map_err(|_| Flaw::Boxes)?;
        let [track] = moof.traf.as_slice() else {
            return Err(Flaw::Boxes);
        };
        let ([run], Some(start)) = (track.trun.as_slice(), &track.tfdt) else {
            return Err(Flaw::Boxes);
        };
        let usual = track.tfhd.default_sample_duration;
        let frame = |entry: TrunEntry| {
            Some(Frame {
                duration: entry.duration.or(usual)?,
                size: entry.size.filter(|size| *size > 0)?,
                offset: entry.cts.unwrap_or(0),
            })
        };
        if run.samples.len() > most {
            return Err(Flaw::FrameCount);
        }
        let frames = run.samples.iter().map(frame).collect::<Option<Vec<_>>>();
        Ok(Self {
            sequence_number: moof.mfhd.sequence_number,
            decode_time: start.base_media_decode_time,
            frames: frames.ok_or(Flaw::FrameSize)?,
        })
    }

    fn check_number(&self, index: u32) -> Result<(), Flaw> {
        match self.sequence_number.checked_sub(1) == Some(index) {
            true => Ok(()),
            false => Err(Flaw::SequenceNumber),
        }
    }

    fn check_start(&self, time: u64) -> Result<(), Flaw> {
        match self.decode_time == time {
            true => Ok(()),
            false => Err(Flaw::DecodeTime),
        }
    }

    /// Bytes of the frames, provided that the bytes before them are `head` and that none come after them.
    fn data<'a>(&self, bytes: &'a [u8], head: &[u8]) -> Result<&'a [u8], Flaw> {
        let data = bytes.strip_prefix(head).ok_or(Flaw::Boxes)?;
        let sizes = self.frames.iter().map(|frame| u64::from(frame.size));
        match sizes.sum::<u64>() == data.len() as u64 {
            true => Ok(data),
            false => Err(Flaw::Length),
        }
    }
}

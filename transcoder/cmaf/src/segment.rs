//! A writer of segments: one `moof` and one `mdat` each.

use anyhow::{Context as _, Result, ensure};
use mp4_atom::{Encode, Mfhd, Moof, Styp, Tfdt, Tfhd, Traf, Trun, TrunEntry};
use plan::{AudioRendition, Frames, Samples, VideoRendition};

use crate::{NON_SYNC, SYNC, TRACK};

/// Bytes of a box's length and type.
pub(crate) const BOX_HEADER: usize = 8;

/// Coded frame of picture.
pub struct VideoSample {
    /// Bytes of the frame as a file holds them: length-prefixed NAL units, or OBUs.
    pub data: Vec<u8>,
    /// Place of the frame in presentation order, counted from the segment's start.
    pub position: u32,
}

/// Values that a segment declares for a coded frame of picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FramePlace {
    /// Number of bytes of the frame.
    pub(crate) size: u32,
    /// Place of the frame in presentation order, counted from the segment's start.
    pub(crate) position: u32,
}

/// Makes a picture segment from one frame of the grid to another. `samples` are in decode order, and the first is an
/// IDR picture that is shown first. Each is shown until the next one is, and the last one to the end.
///
/// # Errors
/// An error is returned where there are no samples.
pub fn video_segment(
    rendition: &VideoRendition,
    segment: u32,
    span: (Frames, Frames),
    samples: &[VideoSample],
) -> Result<Vec<u8>> {
    let placed = |sample: &VideoSample| FramePlace {
        size: sample.data.len() as u32,
        position: sample.position,
    };
    let placed: Vec<FramePlace> = samples.iter().map(placed).collect();
    let mut out = video_head(rendition, segment, span, &placed)?;
    samples
        .iter()
        .for_each(|sample| out.extend_from_slice(&sample.data));
    Ok(out)
}

/// Bytes of a picture segment before its frames.
pub(crate) fn video_head(
    rendition: &VideoRendition,
    segment: u32,
    (start, end): (Frames, Frames),
    frames: &[FramePlace],
) -> Result<Vec<u8>> {
    let unit = rendition.frame_duration;
    let length = (end - start).0;
    let durations = durations(frames, length)?;
    let usual = match durations[..] {
        [only] => only,
        _ => 1,
    };
    let differ = durations.iter().any(|&duration| duration != usual);
    let mut decoded = 0;
    let mut entries = Vec::with_capacity(frames.len());
    for (frame, &duration) in frames.iter().zip(&durations) {
        let shown = i64::from(frame.position) + i64::from(rendition.reorder_frames);
        let late =
            u32::try_from(shown - decoded).context("a picture is shown before it is decoded")?;
        entries.push(TrunEntry {
            duration: differ.then_some(duration as u32 * unit),
            size: Some(frame.size),
            flags: entries.is_empty().then_some(SYNC),
            cts: Some(i64::from(late) * i64::from(unit)),
        });
        decoded += duration;
    }
    let fragment = Fragment {
        segment,
        decode_time: start.0 as u64 * u64::from(unit),
        sample_duration: usual as u32 * unit,
        default_flags: NON_SYNC,
        entries,
    };
    fragment.head()
}

/// Durations between the decode times of frames, in frames of the grid: the first frame is held until the next is
/// shown, and the rest of the segment follows the last one.
fn durations(frames: &[FramePlace], length: i64) -> Result<Vec<i64>> {
    let others = frames.iter().map(|frame| i64::from(frame.position));
    let second = others.filter(|position| *position > 0).min();
    let mut durations = vec![1; frames.len()];
    if let (Some(first), Some(second)) = (durations.first_mut(), second) {
        *first = second;
    }
    let left = length - durations.iter().sum::<i64>();
    ensure!(left >= 0, "the frames are longer than the segment");
    if let Some(last) = durations.last_mut() {
        *last += left;
    }
    Ok(durations)
}

/// Makes a sound segment; `last_duration` is the duration of the last frame, in samples.
///
/// # Errors
/// An error is returned where there are no frames.
pub fn audio_segment(
    rendition: &AudioRendition,
    segment: u32,
    start: Samples,
    frames: &[Vec<u8>],
    last_duration: u32,
) -> Result<Vec<u8>> {
    let sizes: Vec<u32> = frames.iter().map(|frame| frame.len() as u32).collect();
    let mut out = audio_head(rendition, segment, start, &sizes, last_duration)?;
    frames.iter().for_each(|frame| out.extend_from_slice(frame));
    Ok(out)
}

/// Bytes of a sound segment before its frames, which have these sizes.
pub(crate) fn audio_head(
    rendition: &AudioRendition,
    segment: u32,
    start: Samples,
    sizes: &[u32],
    last_duration: u32,
) -> Result<Vec<u8>> {
    let whole = rendition.encoding.frame() as u32;
    let is_cut = last_duration != whole;
    let entry = |(order, &size): (usize, &u32)| TrunEntry {
        duration: is_cut.then_some(if order + 1 == sizes.len() {
            last_duration
        } else {
            whole
        }),
        size: Some(size),
        flags: None,
        cts: None,
    };
    let fragment = Fragment {
        segment,
        decode_time: start.0 as u64,
        sample_duration: whole,
        default_flags: SYNC,
        entries: sizes.iter().enumerate().map(entry).collect(),
    };
    fragment.head()
}

/// Box with which a segment begins.
pub(crate) fn styp() -> Styp {
    Styp {
        major_brand: b"cmfs".into(),
        minor_version: 0,
        compatible_brands: vec![b"cmfs".into(), b"cmfc".into(), b"msdh".into()],
    }
}

struct Fragment {
    segment: u32,
    decode_time: u64,
    sample_duration: u32,
    default_flags: u32,
    entries: Vec<TrunEntry>,
}

impl Fragment {
    /// Bytes of the segment before the first frame.
    fn head(self) -> Result<Vec<u8>> {
        ensure!(!self.entries.is_empty(), "the segment has no samples");
        let mut measured = Vec::new();
        self.moof(0).encode(&mut measured)?;
        let mut out = Vec::new();
        styp().encode(&mut out)?;
        self.moof((measured.len() + BOX_HEADER) as i32)
            .encode(&mut out)?;
        // The `trun` is the last box in `out`. Its offsets are unsigned in version 0; `mp4-atom` writes version 0 for
        // large offsets only, so the version is set here.
        let mut run = Vec::new();
        self.run(0).encode(&mut run)?;
        let version = out.len() - run.len() + BOX_HEADER;
        out[version] = 0;
        let sizes = self.entries.iter().map(|entry| entry.size.unwrap_or(0));
        let size: usize = sizes.map(|size| size as usize).sum();
        out.extend_from_slice(&((size + BOX_HEADER) as u32).to_be_bytes());
        out.extend_from_slice(b"mdat");
        Ok(out)
    }

    fn moof(&self, data_offset: i32) -> Moof {
        Moof {
            mfhd: Mfhd {
                sequence_number: self.segment + 1,
            },
            traf: vec![Traf {
                tfhd: Tfhd {
                    track_id: TRACK,
                    default_sample_duration: Some(self.sample_duration),
                    default_sample_flags: Some(self.default_flags),
                    default_base_is_moof: true,
                    ..Tfhd::default()
                },
                tfdt: Some(Tfdt {
                    base_media_decode_time: self.decode_time,
                }),
                trun: vec![self.run(data_offset)],
                ..Traf::default()
            }],
        }
    }

    fn run(&self, data_offset: i32) -> Trun {
        Trun {
            data_offset: Some(data_offset),
            samples: self.entries.clone().into(),
        }
    }
}

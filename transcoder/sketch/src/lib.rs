//! Segments without real pictures, for tests: they pass all checks that an engine's parent makes, and take no time to
//! make. Their boxes are the plan's; a word in the first frame identifies them.

pub mod film;

use cmaf::VideoSample;
use plan::{AudioRendition, Plan, RenditionId, VideoCodec, VideoRendition};

/// JPEG file without a picture in it, which passes the parent's check.
pub const JPEG: &[u8] = b"\xff\xd8\xff nothing \xff\xd9";
/// WebP file without a picture in it, which passes the parent's check.
pub const WEBP: &[u8] = b"RIFF\x04\0\0\0WEBP";

/// Bytes before and after the word of a segment.
const MARKS: [u8; 2] = *b"<>";
/// Bytes of the length before a unit.
const LENGTH: usize = 4;

/// Makes the init segment of a rendition of the plan. Other `libraries` make another init segment, as another version
/// of an encoder does.
///
/// # Panics
/// This panics where the plan has no such rendition.
pub fn init(plan: &Plan, id: RenditionId, libraries: u8) -> Vec<u8> {
    match (plan.video_rendition(id), plan.audio_rendition(id)) {
        (Some(rendition), _) => {
            let declared = match &rendition.passed_through {
                Some(record) => record.clone(),
                None => parameter_sets(rendition, libraries),
            };
            cmaf::video_init(rendition, &declared).expect("parameter sets of the plan's codec")
        }
        (None, Some(rendition)) => {
            cmaf::audio_init(rendition, &sound_config(rendition, libraries)).expect("a config")
        }
        (None, None) => panic!("no rendition {id}"),
    }
}

/// Makes a segment of a rendition of the plan, as encoded by `libraries`. Its first frame holds the word and has at
/// least `bytes` bytes.
///
/// # Panics
/// This panics where the plan has no such rendition or segment.
pub fn segment(
    plan: &Plan,
    (id, index): (RenditionId, u32),
    libraries: u8,
    word: &str,
    bytes: usize,
) -> Vec<u8> {
    assert!(index < plan.segments(), "no segment {index}");
    let mut word = [&MARKS[..1], word.as_bytes(), &MARKS[1..]].concat();
    word.resize(word.len().max(bytes), b' ');
    match (plan.video_rendition(id), plan.audio_rendition(id)) {
        (Some(rendition), _) => pictures(plan, (rendition, index), libraries, &word),
        (None, Some(rendition)) => sound(plan, rendition, index, word),
        (None, None) => panic!("no rendition {id}"),
    }
}

/// Word of a segment; none where the segment was not made by [`segment`].
pub fn word(segment: &[u8]) -> Option<String> {
    let at = |mark: u8| segment.iter().rposition(|&byte| byte == mark);
    let word = segment.get(at(MARKS[0])? + 1..at(MARKS[1])?)?;
    String::from_utf8(word.to_vec()).ok()
}

fn pictures(
    plan: &Plan,
    (rendition, index): (&VideoRendition, u32),
    libraries: u8,
    word: &[u8],
) -> Vec<u8> {
    let (start, end) = plan.timeline.segment_frames(index);
    let sample = |position: i64| {
        let is_first = position == 0;
        let word = if is_first { word } else { &[] };
        VideoSample {
            data: picture(rendition, is_first, libraries, word),
            position: position as u32,
        }
    };
    let samples: Vec<VideoSample> = (0..rendition.pictures_of(end - start).0)
        .map(sample)
        .collect();
    cmaf::video_segment(rendition, index, (start, end), &samples).expect("a segment has frames")
}

/// Coded picture, which may hold a word.
fn picture(rendition: &VideoRendition, is_first: bool, libraries: u8, word: &[u8]) -> Vec<u8> {
    let units: [Vec<u8>; 2] = match (rendition.encoding, is_first) {
        (VideoCodec::H264, true) => [[&[6], word].concat(), vec![0x65, 1]],
        (VideoCodec::H264, false) => [Vec::new(), vec![0x41, 1]],
        (VideoCodec::Hevc, true) => [[&[39 << 1, 1], word].concat(), vec![19 << 1, 1, 1]],
        (VideoCodec::Hevc, false) => [Vec::new(), vec![1 << 1, 1, 1]],
        (VideoCodec::Av1, is_first) => {
            let metadata = obu(5, word);
            let frame = obu(6, &[1]);
            return match is_first {
                // The sequence header of the init segment comes first.
                true => [sequence_header(rendition, libraries), metadata, frame].concat(),
                false => frame,
            };
        }
    };
    let units = units.into_iter().filter(|unit| !unit.is_empty());
    units
        .flat_map(|unit| [&(unit.len() as u32).to_be_bytes()[..LENGTH], &unit].concat())
        .collect()
}

fn sound(plan: &Plan, rendition: &AudioRendition, index: u32, word: Vec<u8>) -> Vec<u8> {
    let (start, end) = rendition.span(&plan.timeline, index);
    let frame = rendition.encoding.frame();
    let length = (end - start).0;
    let count = (length + frame - 1) / frame;
    let mut frames = vec![vec![1]; count as usize];
    frames[0] = word;
    let last = length - (count - 1) * frame;
    cmaf::audio_segment(rendition, index, start, &frames, last as u32)
        .expect("a segment has frames")
}

/// Parameter sets that an encoder of the rendition would declare, behind start codes.
fn parameter_sets(rendition: &VideoRendition, libraries: u8) -> Vec<u8> {
    let level = rendition.level_idc as u8;
    let version = libraries | 0x80;
    match rendition.encoding {
        VideoCodec::H264 => annex_b(&[&[0x67, 100, 0, level, version], &[0x68, 1]]),
        VideoCodec::Hevc => annex_b(&[
            &[32 << 1, 1, 0x0c],
            // Main profile, compatible with Main 10, of frames; the bytes of value 3 are emulation prevention bytes,
            // which keep start codes out of the unit.
            &[
                33 << 1,
                1,
                1,
                1,
                0x60,
                0,
                0,
                3,
                0,
                0x90,
                0,
                0,
                3,
                0,
                0,
                3,
                0,
                level,
                version,
            ],
            &[34 << 1, 1, 0xc0],
        ]),
        VideoCodec::Av1 => sequence_header(rendition, libraries),
    }
}

/// Sequence header of AV1, of Main profile and tier.
fn sequence_header(rendition: &VideoRendition, libraries: u8) -> Vec<u8> {
    let level = (rendition.level_idc as u8) << 3;
    obu(1, &[0, 0, 0, level, libraries | 0x80])
}

fn obu(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut unit = vec![kind << 3 | 2];
    let mut size = payload.len();
    loop {
        let low = (size & 127) as u8;
        size >>= 7;
        unit.push(if size > 0 { low | 128 } else { low });
        if size == 0 {
            break;
        }
    }
    unit.extend_from_slice(payload);
    unit
}

fn annex_b(units: &[&[u8]]) -> Vec<u8> {
    let behind_start_code = |unit: &&[u8]| [&[0, 0, 0, 1], *unit].concat();
    units.iter().flat_map(behind_start_code).collect()
}

/// Extradata that an encoder of sound would declare.
fn sound_config(rendition: &AudioRendition, libraries: u8) -> Vec<u8> {
    match rendition.encoding {
        plan::SoundCodec::Aac => {
            // AAC-LC at 48 kHz.
            let declared = 2 << 11 | 3 << 7 | (rendition.channels as u16) << 3;
            [&declared.to_be_bytes()[..], &[libraries | 0x80]].concat()
        }
        plan::SoundCodec::Opus => [b"OpusHead".as_slice(), &[0; 11]].concat(),
    }
}

//! What is in frames of picture: units behind their lengths, and which of them a frame may have.

use plan::{VideoCodec, VideoRendition};

use super::Flaw;
use crate::init::av1;

/// Bytes of a unit's length.
const LENGTH: usize = 4;

/// What a unit is to who decodes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A part of a picture that nothing before it is needed for.
    Key,
    /// A part of another picture.
    Other,
    /// Something beside the picture.
    Beside,
    /// What all pictures are decoded with.
    ParameterSet,
    /// None of what we write.
    Foreign,
}

/// Looks at the frames of a segment, of these sizes and without anything between them.
pub(super) fn pictures(
    rendition: &VideoRendition,
    init: &[u8],
    sizes: impl Iterator<Item = u32>,
    mut data: &[u8],
) -> Result<(), Flaw> {
    for (order, size) in sizes.enumerate() {
        let (frame, rest) = data.split_at_checked(size as usize).ok_or(Flaw::Length)?;
        data = rest;
        let is_first = order == 0;
        let is_key = match rendition.encoding {
            VideoCodec::H264 => prefixed(frame, h264)?,
            VideoCodec::Hevc => prefixed(frame, hevc)?,
            VideoCodec::Av1 => {
                av1_frame(frame, is_first.then_some(init))?;
                continue;
            }
        };
        // A source's own groups of pictures may be shorter than our segments.
        let may_be_key = is_first || rendition.passed_through.is_some();
        if is_first && !is_key || is_key && !may_be_key {
            return Err(Flaw::KeyFrame);
        }
    }
    Ok(())
}

/// Whether a frame of units behind their lengths is a key frame.
fn prefixed(mut frame: &[u8], kind_of: fn(&[u8]) -> Kind) -> Result<bool, Flaw> {
    let (mut has_key, mut has_other) = (false, false);
    while !frame.is_empty() {
        let (length, rest) = frame.split_at_checked(LENGTH).ok_or(Flaw::Units)?;
        let length = length
            .iter()
            .fold(0, |length, &byte| length << 8 | usize::from(byte));
        let unit;
        (unit, frame) = rest.split_at_checked(length).ok_or(Flaw::Units)?;
        match kind_of(unit) {
            Kind::Key => has_key = true,
            Kind::Other => has_other = true,
            Kind::Beside => {}
            Kind::ParameterSet => return Err(Flaw::ParameterSets),
            Kind::Foreign => return Err(Flaw::Units),
        }
    }
    match (has_key, has_other) {
        (true, true) | (false, false) => Err(Flaw::Units),
        (is_key, _) => Ok(is_key),
    }
}

/// ITU-T H.264 table 7-1.
fn h264(unit: &[u8]) -> Kind {
    match unit.first().map(|header| header & 0x9f) {
        Some(5) => Kind::Key,
        Some(1..=4) => Kind::Other,
        Some(6) => Kind::Beside,
        Some(7 | 8 | 13 | 15) => Kind::ParameterSet,
        _ => Kind::Foreign,
    }
}

/// ITU-T H.265 table 7-1. Of key frames only those that close the group before.
fn hevc(unit: &[u8]) -> Kind {
    let &[header, _, ..] = unit else {
        return Kind::Foreign;
    };
    match header >> 1 {
        19 | 20 => Kind::Key,
        0..=9 => Kind::Other,
        39 | 40 => Kind::Beside,
        32..=34 => Kind::ParameterSet,
        _ => Kind::Foreign,
    }
}

/// OBUs of AV1 (section 5.3.1 of its specification): the first frame has the sequence header of its init segment,
/// and no other one has any.
fn av1_frame(frame: &[u8], first_of: Option<&[u8]>) -> Result<(), Flaw> {
    let (mut read, mut has_picture, mut has_header) = (0, false, false);
    for unit in av1::units(frame) {
        read += unit.whole.len();
        match unit.kind {
            av1::SEQUENCE_HEADER => {
                let is_known = first_of.is_some_and(|init| {
                    init.windows(unit.whole.len())
                        .any(|part| part == unit.whole)
                });
                if !is_known || has_header || has_picture {
                    return Err(Flaw::ParameterSets);
                }
                has_header = true;
            }
            av1::FRAME_HEADER | av1::FRAME => has_picture = true,
            av1::TILE_GROUP | av1::METADATA => {}
            _ => return Err(Flaw::Units),
        }
    }
    if read != frame.len() || !has_picture {
        return Err(Flaw::Units);
    }
    match has_header == first_of.is_some() {
        true => Ok(()),
        false => Err(Flaw::KeyFrame),
    }
}

//! Checks of the content of picture frames: units behind their lengths, of the types that a frame may have.

use plan::{VideoCodec, VideoRendition};

use super::Flaw;
use crate::init::av1;

/// Bytes of the length before a unit.
const LENGTH: usize = 4;

/// Role of a unit in decoding.
#[derive(Clone, Copy, PartialEq, Eq)]
enum UnitRole {
    /// Part of a picture that needs no earlier picture.
    Key,
    /// Part of any other picture.
    Other,
    /// Message beside the picture.
    Beside,
    /// Parameter set with which pictures are decoded.
    ParameterSet,
    /// Unit of a type that we do not write.
    Foreign,
}

/// Checks the frames of a segment, which have these sizes and follow one another directly.
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
            VideoCodec::H264 => is_key_frame(frame, h264)?,
            VideoCodec::Hevc => is_key_frame(frame, hevc)?,
            VideoCodec::Av1 => {
                av1_frame(frame, is_first.then_some(init))?;
                continue;
            }
        };
        // A source's own GOPs may be shorter than our segments.
        let may_be_key = is_first || rendition.passed_through.is_some();
        if is_first && !is_key || is_key && !may_be_key {
            return Err(Flaw::KeyFrame);
        }
    }
    Ok(())
}

/// Whether a frame of units behind their lengths is a key frame.
fn is_key_frame(mut frame: &[u8], kind_of: fn(&[u8]) -> UnitRole) -> Result<bool, Flaw> {
    let (mut has_key, mut has_other) = (false, false);
    while !frame.is_empty() {
        let (length, rest) = frame.split_at_checked(LENGTH).ok_or(Flaw::Units)?;
        let length = length
            .iter()
            .fold(0, |length, &byte| length << 8 | usize::from(byte));
        let unit;
        (unit, frame) = rest.split_at_checked(length).ok_or(Flaw::Units)?;
        match kind_of(unit) {
            UnitRole::Key => has_key = true,
            UnitRole::Other => has_other = true,
            UnitRole::Beside => {}
            UnitRole::ParameterSet => return Err(Flaw::ParameterSets),
            UnitRole::Foreign => return Err(Flaw::Units),
        }
    }
    match (has_key, has_other) {
        (true, true) | (false, false) => Err(Flaw::Units),
        (is_key, _) => Ok(is_key),
    }
}

/// Role of an H.264 unit (ITU-T H.264 table 7-1).
fn h264(unit: &[u8]) -> UnitRole {
    match unit.first().map(|header| header & 0x9f) {
        Some(5) => UnitRole::Key,
        Some(1..=4) => UnitRole::Other,
        Some(6) => UnitRole::Beside,
        Some(7 | 8 | 13 | 15) => UnitRole::ParameterSet,
        _ => UnitRole::Foreign,
    }
}

/// Role of an HEVC unit (ITU-T H.265 table 7-1). Only pictures that begin a closed GOP count as key frames.
fn hevc(unit: &[u8]) -> UnitRole {
    let &[header, _, ..] = unit else {
        return UnitRole::Foreign;
    };
    match header >> 1 {
        19 | 20 => UnitRole::Key,
        0..=9 => UnitRole::Other,
        39 | 40 => UnitRole::Beside,
        32..=34 => UnitRole::ParameterSet,
        _ => UnitRole::Foreign,
    }
}

/// Checks the OBUs of an AV1 frame (section 5.3.1 of the AV1 specification). The first frame has the sequence header
/// of its init segment, and no other frame has one.
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

//! The sample entry of AV1, and its samples (AV1 codec ISO media file format binding).

use anyhow::{Context, Result, ensure};
use mp4_atom::{Av01, Av1c, Codec, Visual};

use super::{Coding, ColourCodes};

/// Types of OBUs (AV1 bitstream specification, section 6.2.2).
pub(crate) const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;
pub(crate) const FRAME_HEADER: u8 = 3;
pub(crate) const TILE_GROUP: u8 = 4;
pub(crate) const METADATA: u8 = 5;
pub(crate) const FRAME: u8 = 6;

/// Coding from the extradata of an encoder whose pictures are 4:2:0 in eight bits.
pub(super) fn coding(visual: Visual, extradata: &[u8], colour: ColourCodes) -> Result<Coding> {
    let mut units = units(extradata);
    let header = units.find(|unit| unit.kind == SEQUENCE_HEADER);
    let header = header.context("the sequence header is missing")?;
    let point = OperatingPoint::of(header.payload)?;
    let av1c = Av1c {
        seq_profile: point.profile,
        seq_level_idx_0: point.level_idx,
        seq_tier_0: point.high_tier,
        chroma_subsampling_x: true,
        chroma_subsampling_y: true,
        config_obus: header.whole.to_vec(),
        ..Av1c::default()
    };
    let entry = Av01 {
        visual,
        av1c,
        btrt: None,
        ccst: None,
        colr: Some(colour.into()),
        pasp: None,
        taic: None,
        spatial: None,
    };
    let tier = if point.high_tier { 'H' } else { 'M' };
    Ok(Coding {
        entry: Codec::Av01(entry),
        declared: format!("av01.{}.{:02}{tier}.08", point.profile, point.level_idx),
    })
}

/// Converts a temporal unit to a sample, by removing its delimiter (section 2.4). The first sample keeps the sequence
/// header, as a sync sample needs it.
pub fn sample(temporal_unit: &[u8]) -> Vec<u8> {
    let kept = units(temporal_unit).filter(|unit| unit.kind != TEMPORAL_DELIMITER);
    kept.flat_map(|unit| unit.whole).copied().collect()
}

/// OBU that declares its size.
pub(crate) struct Unit<'a> {
    pub(crate) kind: u8,
    pub(crate) whole: &'a [u8],
    payload: &'a [u8],
}

/// OBUs of a stream (section 5.3 of the bitstream specification); they end where one is cut off or does not declare
/// its size.
pub(crate) fn units(mut data: &[u8]) -> impl Iterator<Item = Unit<'_>> {
    std::iter::from_fn(move || {
        let header = *data.first()?;
        let (has_extension, has_size) = (header & 4 != 0, header & 2 != 0);
        let before = 1 + usize::from(has_extension);
        let (size, length) = has_size.then(|| leb128(data.get(before..)?))??;
        let start = before + length;
        let payload = data.get(start..start.checked_add(size)?)?;
        let (whole, rest) = data.split_at(start + size);
        data = rest;
        Some(Unit {
            kind: header >> 3 & 15,
            whole,
            payload,
        })
    })
}

/// Value of a number of up to 28 bits, and the number of its bytes (section 4.10.5).
fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 127) << (7 * index);
        if byte & 128 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

/// Requirements on a decoder.
struct OperatingPoint {
    profile: u8,
    level_idx: u8,
    high_tier: bool,
}

impl OperatingPoint {
    /// First operating point of a sequence header (section 5.5.1).
    fn of(payload: &[u8]) -> Result<Self> {
        let mut at = 0;
        let mut bits = |count: usize| -> Result<u16> {
            let mut value = 0;
            for _ in 0..count {
                let byte = payload
                    .get(at / 8)
                    .context("the sequence header is too short")?;
                value = value << 1 | u16::from(byte >> (7 - at % 8) & 1);
                at += 1;
            }
            Ok(value)
        };
        let profile = bits(3)? as u8;
        let (_still_picture, is_reduced) = (bits(1)?, bits(1)?);
        let has_timing = bits(1)?;
        ensure!(
            is_reduced == 0 && has_timing == 0,
            "the sequence header is reduced or has timing information"
        );
        let (_display_delay, _further_points, _layers) = (bits(1)?, bits(5)?, bits(12)?);
        let level_idx = bits(5)? as u8;
        let high_tier = level_idx > 7 && bits(1)? != 0;
        Ok(Self {
            profile,
            level_idx,
            high_tier,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_without_delimiters() {
        let unit = [0x12, 0, 0x0a, 2, 7, 8, 0x32, 1, 9];
        assert_eq!(sample(&unit), unit[2..]);
        // OBUs that are cut off, or without a size.
        assert!(sample(&unit[..3]).is_empty());
        assert!(sample(&[0x30, 1, 2]).is_empty());
    }
}

//! The sample entry of HEVC (ISO/IEC 14496-15 section 8), with parameter sets out of band.

use anyhow::{Context, Result, bail};
use mp4_atom::{Codec, Hvc1, HvcCArray, Hvcc, Visual};

use super::{Coding, ColourCodes};
use crate::nal::{annex_b, nal_units};

/// Types of NAL units (ITU-T H.265 table 7-1).
const VPS: u8 = 32;
const SPS: u8 = 33;
const PPS: u8 = 34;
/// Bytes of a NAL unit's header.
const HEADER: usize = 2;

/// Coding from the Annex B extradata of an encoder whose pictures are 4:2:0 in eight bits.
pub(super) fn coding(visual: Visual, extradata: &[u8], colour: ColourCodes) -> Result<Coding> {
    let of_kind = |kind: u8| {
        let units = nal_units(extradata).filter(move |unit| unit[0] >> 1 & 63 == kind);
        let nalus: Vec<Vec<u8>> = units.map(<[u8]>::to_vec).collect();
        let is_there = !nalus.is_empty();
        is_there.then_some(HvcCArray {
            completeness: true,
            nal_unit_type: kind,
            nalus,
        })
    };
    let arrays = [VPS, SPS, PPS].into_iter().map(of_kind);
    let arrays: Vec<HvcCArray> = arrays
        .collect::<Option<_>>()
        .context("the parameter sets are missing")?;
    let sps = unescaped(&arrays[1].nalus[0]);
    // One byte of layers is followed by profile_tier_level (section 7.3.3).
    let layers = *sps.get(HEADER).context("the SPS is too short")?;
    let Some(&[profile, ref rest @ .., level]) = sps[HEADER + 1..].first_chunk::<12>() else {
        bail!("the SPS is too short");
    };
    let (compatibility, constraints) = rest.split_at(4);
    let hvcc = Hvcc {
        general_profile_space: profile >> 6,
        general_tier_flag: profile >> 5 & 1 != 0,
        general_profile_idc: profile & 31,
        general_profile_compatibility_flags: compatibility.try_into()?,
        general_constraint_indicator_flags: constraints.try_into()?,
        general_level_idc: level,
        chroma_format_idc: 1,
        num_temporal_layers: (layers >> 1 & 7) + 1,
        temporal_id_nested: layers & 1 != 0,
        length_size_minus_one: 3,
        arrays,
        ..Hvcc::new()
    };
    let declared = codec_string(&hvcc);
    let entry = Hvc1 {
        visual,
        hvcc,
        lhvc: None,
        btrt: None,
        colr: Some(colour.into()),
        pasp: None,
        taic: None,
        fiel: None,
        ccst: None,
        spatial: None,
    };
    Ok(Coding {
        entry: Codec::Hvc1(entry),
        declared,
    })
}

/// Annex B extradata for [`coding`], from a record's parameter sets.
pub(super) fn extradata(hvcc: &Hvcc) -> Vec<u8> {
    annex_b(hvcc.arrays.iter().flat_map(|array| &array.nalus))
}

/// Codec string of a record (ISO/IEC 14496-15 Annex E.3); the profile space is always zero.
fn codec_string(hvcc: &Hvcc) -> String {
    let compatibility = u32::from_be_bytes(hvcc.general_profile_compatibility_flags).reverse_bits();
    let tier = if hvcc.general_tier_flag { 'H' } else { 'L' };
    let (profile, level) = (hvcc.general_profile_idc, hvcc.general_level_idc);
    let mut text = format!("hvc1.{profile}.{compatibility:x}.{tier}{level}");
    let constraints = &hvcc.general_constraint_indicator_flags;
    let last = constraints.iter().rposition(|&byte| byte != 0);
    for byte in &constraints[..last.map_or(0, |last| last + 1)] {
        text += &format!(".{byte:x}");
    }
    text
}

/// Removes the emulation prevention bytes, which keep start codes out of a NAL unit (section 7.4.2).
fn unescaped(unit: &[u8]) -> Vec<u8> {
    let mut zeros = 0;
    let is_content = |&&byte: &&u8| {
        let escapes = byte == 3 && zeros >= 2;
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        !escapes
    };
    unit.iter().filter(is_content).copied().collect()
}

//! The sample entry of H.264.

use anyhow::{Context, Result};
use mp4_atom::{Avc1, Avcc, AvccExt, Codec, Visual};

use super::nal::nal_units;
use super::{Coding, ColourCodes, hex};

/// From the Annex B extradata of its encoder.
pub(super) fn coding(visual: Visual, extradata: &[u8], colour: ColourCodes) -> Result<Coding> {
    let find = |kind: u8| nal_units(extradata).find(|unit| unit[0] & 31 == kind);
    let (sps, pps) = (find(7).context("no SPS")?, find(8).context("no PPS")?);
    let mut avcc = Avcc::new(sps, pps)?;
    avcc.ext = Some(AvccExt::default());
    let profile = sps.get(1..4).context("a short SPS")?;
    let entry = Avc1 {
        visual,
        avcc,
        // Its average is not known before everything is encoded.
        btrt: None,
        colr: Some(colour.into()),
        pasp: None,
        taic: None,
        fiel: None,
        spatial: None,
    };
    Ok(Coding {
        declared: format!("avc1.{}", hex(profile)),
        entry: Codec::Avc1(entry),
    })
}

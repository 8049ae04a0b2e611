//! The sample entry of H.264.

use anyhow::{Context, Result};
use mp4_atom::{Avc1, Avcc, AvccExt, Codec, Visual};

use super::{Coding, ColourCodes, hex};
use crate::avc::Record;
use crate::nal::{annex_b, nal_units};

/// Coding from the Annex B extradata of an encoder.
pub(super) fn coding(visual: Visual, extradata: &[u8], colour: ColourCodes) -> Result<Coding> {
    let find = |kind: u8| nal_units(extradata).find(|unit| unit[0] & 31 == kind);
    let (sps, pps) = (
        find(7).context("the SPS is missing")?,
        find(8).context("the PPS is missing")?,
    );
    let mut avcc = Avcc::new(sps, pps)?;
    avcc.ext = Some(AvccExt::default());
    Ok(declared(visual, avcc, colour))
}

/// Annex B extradata for [`coding`], from a record's first parameter sets.
pub(super) fn extradata(avcc: &Avcc) -> Vec<u8> {
    let sets = [&avcc.sequence_parameter_sets, &avcc.picture_parameter_sets];
    annex_b(sets.into_iter().filter_map(|sets| sets.first()))
}

/// Coding from the record of pictures that are passed through.
pub(super) fn passed_through(visual: Visual, record: &[u8], colour: ColourCodes) -> Result<Coding> {
    /// High profile, whose records have a tail (ISO/IEC 14496-15 §5.3.3.1.2) that some writers forget.
    const HIGH: u8 = 100;
    let mut avcc = Record::read(record)
        .context("the parameter sets are missing")?
        .avcc();
    if avcc.avc_profile_indication == HIGH {
        avcc.ext.get_or_insert_default();
    }
    Ok(declared(visual, avcc, colour))
}

fn declared(visual: Visual, avcc: Avcc, colour: ColourCodes) -> Coding {
    let profile = [
        avcc.avc_profile_indication,
        avcc.profile_compatibility,
        avcc.avc_level_indication,
    ];
    let entry = Avc1 {
        visual,
        avcc,
        // The average bit rate is not known before everything is encoded.
        btrt: None,
        colr: Some(colour.into()),
        pasp: None,
        taic: None,
        fiel: None,
        spatial: None,
    };
    Coding {
        declared: format!("avc1.{}", hex(&profile)),
        entry: Codec::Avc1(entry),
    }
}

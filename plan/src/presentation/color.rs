//! Color of video renditions: which color description they declare, and how the source's colors are converted to it.

use serde::{Deserialize, Serialize};

use crate::canonical::Canonical;
use crate::media_info::{DynamicRange, VideoTrack};

/// Peak brightness in nits that is assumed for a source that declares none: most sources are graded for it, and HLG
/// is defined at it (ITU-R BT.2100 table 5).
const USUAL_PEAK_NITS: u32 = 1000;
/// Valid peak brightness in nits. Less is not high dynamic range; no screen or camera reaches more.
const PEAK_NITS: std::ops::RangeInclusive<u32> = 100..=10_000;

/// Color description of a video rendition, in FFmpeg's and x264's spelling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputColor {
    /// Matrix coefficients.
    pub matrix: String,
    /// Color primaries.
    pub primaries: String,
    /// Transfer characteristics.
    pub transfer: String,
    /// Conversion from the source's colors to these.
    #[serde(default)]
    pub conversion: Conversion,
}

/// Conversion of colors from the source's description to the output's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conversion {
    /// The colors are kept. Only the range is converted, and RGB is converted to the output's matrix.
    #[default]
    Kept,
    /// The colors are converted to BT.709 in linear light.
    Light {
        /// Matrix of the source.
        matrix: String,
        /// Primaries of the source.
        primaries: String,
        /// Transfer characteristics of the source.
        transfer: String,
        /// Peak brightness of the source in nits (cd/m2), if it is above the range of a standard screen. The video is
        /// then tone-mapped.
        peak_nits: Option<u32>,
    },
}

impl OutputColor {
    /// Color description and conversion for a track. Standard-definition and BT.709 sources keep what they declare.
    /// Undeclared properties get the value that players would guess: BT.601 up to 576 lines, BT.709 above. HDR
    /// sources and sources with other primaries or another matrix are converted to BT.709 in linear light.
    pub(super) fn of(track: &VideoTrack) -> Self {
        let color = &track.color;
        let is_in = |declared: &Option<String>, names: &[&str]| {
            declared
                .as_deref()
                .is_some_and(|name| names.contains(&name))
        };
        let is_other = is_in(&color.matrix, &MATRICES) || is_in(&color.primaries, &PRIMARIES);
        if is_other || track.dynamic_range() != DynamicRange::Sdr {
            return Self::through_light(track);
        }
        let lines = track.coded_height.min(track.coded_width);
        let guess = if lines <= 576 { "smpte170m" } else { "bt709" };
        let pick = |declared: &Option<String>| match declared.as_deref() {
            None => guess.to_owned(),
            Some(name) if KEPT.contains(&name) => name.to_owned(),
            Some(_) => "bt709".to_owned(),
        };
        Self {
            matrix: pick(&color.matrix),
            primaries: pick(&color.primaries),
            transfer: pick(&color.transfer),
            conversion: Conversion::Kept,
        }
    }

    fn through_light(track: &VideoTrack) -> Self {
        let color = &track.color;
        let pick = |declared: &Option<String>, others: &[&str]| {
            let declared = declared.as_deref();
            let known = declared.filter(|name| KEPT.contains(name) || others.contains(name));
            known.map(str::to_owned)
        };
        let is_sdr = track.dynamic_range() == DynamicRange::Sdr;
        let matrix = pick(&color.matrix, &MATRICES);
        let primaries = pick(&color.primaries, &PRIMARIES);
        // Undeclared properties follow the declared ones.
        let is_2020 = |name: &Option<String>| match name {
            Some(name) => name.starts_with("bt2020"),
            None => !is_sdr,
        };
        let (usual_matrix, usual_primaries) = match is_2020(&matrix) || is_2020(&primaries) {
            true => ("bt2020nc", "bt2020"),
            false => ("bt709", "bt709"),
        };
        let peak = track.peak_nits.unwrap_or(USUAL_PEAK_NITS);
        let peak = peak.clamp(*PEAK_NITS.start(), *PEAK_NITS.end());
        let (transfer, peak_nits) = match track.dynamic_range() {
            // BT.2020 has the same curve (ITU-R BT.2020 table 4).
            DynamicRange::Sdr => ("bt709", None),
            DynamicRange::Hdr10 => ("smpte2084", Some(peak)),
            DynamicRange::Hlg => ("arib-std-b67", Some(peak)),
        };
        let bt709 = || "bt709".to_owned();
        Self {
            matrix: bt709(),
            primaries: bt709(),
            transfer: bt709(),
            conversion: Conversion::Light {
                matrix: matrix.unwrap_or_else(|| usual_matrix.to_owned()),
                primaries: primaries.unwrap_or_else(|| usual_primaries.to_owned()),
                transfer: transfer.to_owned(),
                peak_nits,
            },
        }
    }

    pub(super) fn hash(&self, hash: &mut Canonical) {
        match &self.conversion {
            Conversion::Kept => hash.int(0),
            Conversion::Light {
                matrix,
                primaries,
                transfer,
                peak_nits,
            } => hash
                .int(1)
                .text(matrix)
                .text(primaries)
                .text(transfer)
                .int(peak_nits.map_or(0, i64::from)),
        };
    }
}

/// Color descriptions that every player shows correctly.
const KEPT: [&str; 3] = ["bt709", "smpte170m", "bt470bg"];
/// Matrices whose videos are converted in linear light.
const MATRICES: [&str; 5] = ["bt2020nc", "bt2020c", "fcc", "smpte240m", "ycgco"];
/// Primaries whose videos are converted in linear light.
const PRIMARIES: [&str; 5] = ["bt2020", "smpte431", "smpte432", "smpte240m", "film"];

//! What becomes of a picture's colours.

use serde::{Deserialize, Serialize};

use crate::canonical::Canonical;
use crate::media_info::{DynamicRange, VideoTrack};

/// Nits that a source which does not say its brightest is taken to reach: what most of them are
/// graded for, and what HLG is defined at (ITU-R BT.2100 table 5).
const USUAL_PEAK_NITS: u32 = 1000;
/// What a peak may be: below it is no high dynamic range, above it no screen or camera.
const PEAK_NITS: std::ops::RangeInclusive<u32> = 100..=10_000;

/// Colour of a picture rendition, in FFmpeg's and x264's spelling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputColor {
    /// Matrix coefficients.
    pub matrix: String,
    /// Colour primaries.
    pub primaries: String,
    /// Transfer characteristics.
    pub transfer: String,
    /// How the source's colours come there.
    #[serde(default)]
    pub conversion: Conversion,
}

/// How colours are brought from the source's encoding to the output's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conversion {
    /// Range alone.
    #[default]
    Kept,
    /// Matrix and range: primaries and transfer stay what they are.
    Matrix {
        /// Matrix of the source.
        from: String,
    },
    /// In linear light, to BT.709.
    Light {
        /// Matrix of the source.
        matrix: String,
        /// Primaries of the source.
        primaries: String,
        /// Transfer characteristics of the source.
        transfer: String,
        /// The brightest it gets, in nits (cd/m2), where that is more than a screen of standard
        /// range shows: it is tone-mapped then.
        peak_nits: Option<u32>,
    },
}

impl OutputColor {
    /// Standard-definition and BT.709 sources keep what they declare; what is not declared is
    /// what a player would guess: BT.601 up to 576 lines, BT.709 above. All else becomes BT.709:
    /// through linear light where it is HDR or has other primaries, by its matrix alone where not.
    pub(super) fn of(track: &VideoTrack) -> Self {
        let color = &track.color;
        let declared = [&color.primaries, &color.matrix].into_iter().flatten();
        let is_wide = declared.into_iter().any(|name| WIDE.contains(&&**name));
        if is_wide || track.dynamic_range() != DynamicRange::Sdr {
            return Self::through_light(track);
        }
        let lines = track.coded_height.min(track.coded_width);
        let guess = if lines <= 576 { "smpte170m" } else { "bt709" };
        let pick = |declared: &Option<String>| match declared.as_deref() {
            None => guess.to_owned(),
            Some(name) if is_kept(name) => name.to_owned(),
            Some(_) => "bt709".to_owned(),
        };
        let matrix = pick(&color.matrix);
        let conversion = match &color.matrix {
            Some(from) if *from != matrix => Conversion::Matrix { from: from.clone() },
            _ => Conversion::Kept,
        };
        Self {
            matrix,
            primaries: pick(&color.primaries),
            transfer: pick(&color.transfer),
            conversion,
        }
    }

    fn through_light(track: &VideoTrack) -> Self {
        let color = &track.color;
        let pick = |declared: &Option<String>, usual: &str| {
            let known = declared.as_deref();
            let known = known.filter(|name| *name == "bt709" || WIDE.contains(name));
            known.unwrap_or(usual).to_owned()
        };
        let primaries = pick(&color.primaries, "bt2020");
        let usual_matrix = match primaries.as_str() {
            "bt2020" => "bt2020nc",
            _ => "bt709",
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
                matrix: pick(&color.matrix, usual_matrix),
                primaries,
                transfer: transfer.to_owned(),
                peak_nits,
            },
        }
    }

    pub(super) fn hash(&self, hash: &mut Canonical) {
        match &self.conversion {
            Conversion::Kept => hash.int(0),
            Conversion::Matrix { from } => hash.int(1).text(from),
            Conversion::Light {
                matrix,
                primaries,
                transfer,
                peak_nits,
            } => hash
                .int(2)
                .text(matrix)
                .text(primaries)
                .text(transfer)
                .int(peak_nits.map_or(0, i64::from)),
        };
    }
}

/// Matrices and primaries from which pictures go through linear light.
const WIDE: [&str; 5] = ["bt2020nc", "bt2020c", "bt2020", "smpte431", "smpte432"];

/// What every player shows as it is meant.
fn is_kept(name: &str) -> bool {
    matches!(name, "bt709" | "smpte170m" | "bt470bg")
}

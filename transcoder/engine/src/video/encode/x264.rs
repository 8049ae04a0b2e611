//! Settings of x264, the encoder of H.264.

use ffmpeg_next::Dictionary;
use plan::{Frames, RateControl, Rational, VideoRendition};

use super::control::Control;

/// Least quantizer of the pictures of a segment that exceeded its cap in spite of a rate-control buffer, before it is
/// raised.
const LEAST_QUANTIZER: u32 = 12;
/// Step by which the least quantizer rises each time the segment exceeds its cap again.
const HARDER_QUANTIZER: u32 = 4;
/// Coarsest quantizer of 8-bit H.264.
const COARSEST_QUANTIZER: u32 = 51;

/// Options of the encoder of one segment.
pub(super) fn options(
    rendition: &VideoRendition,
    frames: Frames,
    rate: Rational,
    control: Control,
) -> Dictionary<'static> {
    let mut options = Dictionary::new();
    options.set("preset", &rendition.preset);
    options.set("profile", "high");
    let level = format!("{}.{}", rendition.level_idc / 10, rendition.level_idc % 10);
    let buffer = |control| rendition.rate_control(frames, rate, control);
    let control = match control {
        Control::Factor(factor) => format!("crf={factor}"),
        Control::Expected => buffer(RateControl::Expected),
        Control::Bounded { factor, harder } => {
            let buffer = buffer(RateControl::Bounded);
            let crf = rendition.harder(factor, harder);
            match harder {
                0 => format!("{buffer}:crf={crf}"),
                _ => {
                    let quantizer = LEAST_QUANTIZER + HARDER_QUANTIZER * harder;
                    let least = quantizer.min(COARSEST_QUANTIZER);
                    format!("{buffer}:crf={crf}:qpmin={least}")
                }
            }
        }
    };
    options.set(
        "x264-params",
        &format!("{}:{control}:level={level}", rendition.settings),
    );
    options
}

//! H.264 by x264.

use ffmpeg_next::Dictionary;
use plan::{Frames, RateControl, Rational, VideoRendition};

/// Of pictures in a segment that exceeded its cap, before it is raised.
const LEAST_QUANTIZER: u32 = 12;

/// What the encoder of a segment is told at the `attempt`th try, from 0.
pub(super) fn options(
    rendition: &VideoRendition,
    frames: Frames,
    rate: Rational,
    attempt: u32,
) -> Dictionary<'static> {
    let mut options = Dictionary::new();
    options.set("preset", &rendition.preset);
    options.set("profile", "high");
    let level = format!("{}.{}", rendition.level_idc / 10, rendition.level_idc % 10);
    let control = match attempt {
        0 => RateControl::Expected,
        _ => RateControl::Bounded,
    };
    let rate_control = rendition.rate_control(frames, rate, control);
    let harder = match attempt {
        0 | 1 => String::new(),
        // Bounded rate control with the usual factor was the try before.
        n => {
            let crf = rendition.rate_factor(n - 1);
            format!(":crf={crf}:qpmin={}", LEAST_QUANTIZER + crf - rendition.crf)
        }
    };
    options.set(
        "x264-params",
        &format!(
            "{}:{rate_control}:level={level}{harder}",
            rendition.settings
        ),
    );
    options
}

//! H.264 by x264.

use ffmpeg_next::Dictionary;
use plan::{Frames, RateControl, Rational, VideoRendition};

/// How much higher the quantizer of each further try is, where a segment exceeds its cap even
/// with bounded rate control.
const RETRY_STEP: u32 = 4;

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
        // A quantizer offset on top of the constant rate factor.
        n => {
            let offset = (n - 1) * RETRY_STEP;
            format!(":crf={}:qpmin={}", 23 + offset, 12 + offset)
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

//! HEVC by x265.

use ffmpeg_next::Dictionary;
use plan::{Frames, RateControl, Rational, VideoRendition};

/// What the encoder of a segment is told at the `attempt`th try, from 0.
pub(super) fn options(
    rendition: &VideoRendition,
    frames: Frames,
    rate: Rational,
    attempt: u32,
) -> Dictionary<'static> {
    let control = match attempt {
        0 => RateControl::Expected,
        _ => RateControl::Bounded,
    };
    let rate_control = rendition.rate_control(frames, rate, control);
    let (settings, crf) = (&rendition.settings, rendition.rate_factor(attempt));
    let level = format!(
        "{}.{}",
        rendition.level_idc / 30,
        rendition.level_idc % 30 / 3
    );
    let mut options = Dictionary::new();
    options.set("preset", &rendition.preset);
    options.set("profile", "main");
    options.set(
        "x265-params",
        &format!("{settings}:crf={crf}:{rate_control}:level-idc={level}:high-tier=0"),
    );
    options
}

//! Settings of x265, the encoder of HEVC.

use ffmpeg_next::Dictionary;
use plan::{Frames, RateControl, Rational, VideoRendition};

use super::control::Control;

/// Options of the encoder of one segment.
pub(super) fn options(
    rendition: &VideoRendition,
    frames: Frames,
    rate: Rational,
    control: Control,
) -> Dictionary<'static> {
    let buffer = |control| rendition.rate_control(frames, rate, control);
    let control = match control {
        Control::Factor(factor) => format!("crf={factor}"),
        Control::Expected => format!("crf={}:{}", rendition.crf, buffer(RateControl::Expected)),
        Control::Bounded { factor, harder } => {
            let crf = rendition.harder(factor, harder);
            format!("crf={crf}:{}", buffer(RateControl::Bounded))
        }
    };
    let settings = &rendition.settings;
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
        &format!("{settings}:{control}:level-idc={level}:high-tier=0"),
    );
    options
}

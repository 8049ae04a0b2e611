//! Settings of SVT-AV1, the encoder of AV1.

use ffmpeg_next::codec::encoder;
use ffmpeg_next::{Dictionary, Packet};
use plan::{RateFactor, Size, VideoRendition};

use super::control::Control;
use crate::video::transform::cascade::black;
use cmaf::ColourCodes;

/// Options of the encoder of one segment. SVT-AV1's own cap holds for an average only.
pub(super) fn options(
    rendition: &VideoRendition,
    colour: ColourCodes,
    control: Control,
) -> Dictionary<'static> {
    let settings = &rendition.settings;
    let bounded = |factor| {
        let cap = rendition.cap_bits_per_second / 1000;
        format!("crf={factor}:mbr={cap}")
    };
    let control = match control {
        Control::Factor(factor) => format!("crf={factor}"),
        Control::Expected => bounded(RateFactor::whole(rendition.crf)),
        Control::Bounded { factor, harder } => bounded(rendition.harder(factor, harder)),
    };
    let ColourCodes {
        primaries,
        transfer,
        matrix,
    } = colour;
    let mut options = Dictionary::new();
    options.set("preset", &rendition.preset);
    options.set(
        "svtav1-params",
        &format!(
            "{settings}:{control}:color-primaries={primaries}:\
             transfer-characteristics={transfer}:matrix-coefficients={matrix}:color-range=0"
        ),
    );
    options
}

/// Brings an encoder to its end before it is closed. SVT-AV1 waits for its own threads for ever if it is closed
/// before its end, or if it was never given a picture.
pub(super) fn drain(encoder: &mut encoder::video::Encoder, was_given_any: bool, has_ended: bool) {
    if !was_given_any {
        let (width, height) = (encoder.width(), encoder.height());
        let mut picture = black(Size { width, height });
        picture.set_pts(Some(0));
        // The encoder is closed next, whatever it answers.
        let _ = encoder.send_frame(&picture);
    }
    if !has_ended {
        let _ = encoder.send_eof();
    }
    while encoder.receive_packet(&mut Packet::empty()).is_ok() {}
}

//! AV1 by SVT-AV1.

use ffmpeg_next::codec::encoder;
use ffmpeg_next::{Dictionary, Packet};
use plan::{RateFactor, Size, VideoRendition};

use super::control::Control;
use crate::video::transform::cascade::black;
use cmaf::ColourCodes;

/// What the encoder of a segment is told. Its own cap is one on an average.
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

/// Brings an encoder to its end: closed before that, it waits for its own threads for ever, and as
/// long where it was given no picture.
pub(super) fn drain(encoder: &mut encoder::video::Encoder, was_given_any: bool, has_ended: bool) {
    if !was_given_any {
        let (width, height) = (encoder.width(), encoder.height());
        let mut picture = black(Size { width, height });
        picture.set_pts(Some(0));
        // Whatever it answers, it is closed next.
        let _ = encoder.send_frame(&picture);
    }
    if !has_ended {
        let _ = encoder.send_eof();
    }
    while encoder.receive_packet(&mut Packet::empty()).is_ok() {}
}

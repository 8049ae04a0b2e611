//! AV1 by SVT-AV1.

use ffmpeg_next::codec::encoder;
use ffmpeg_next::{Dictionary, Packet};
use plan::{Size, VideoRendition};

use crate::scale::black;
use cmaf::ColourCodes;

/// What the encoder of a segment is told at the `attempt`th try, from 0. Its own cap is one on an
/// average: segments that exceed theirs are made again, coarser.
pub(super) fn options(
    rendition: &VideoRendition,
    colour: ColourCodes,
    attempt: u32,
) -> Dictionary<'static> {
    let (settings, crf) = (&rendition.settings, rendition.rate_factor(attempt));
    let cap = rendition.cap_bits_per_second / 1000;
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
            "{settings}:crf={crf}:mbr={cap}:color-primaries={primaries}:\
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

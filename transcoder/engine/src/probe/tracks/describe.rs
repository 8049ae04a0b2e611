//! Description of a picture track by its decoder.

use ffmpeg_next::{codec, color, frame};
use plan::Rational;
use plan::media_info::{Color, VideoTrack};

use crate::input::times::rational;
use crate::probe::pictures::light;

/// Fills in the facts that only a decoded picture tells. The container's pixel shape comes before the picture's.
pub fn describe_picture(
    track: &mut VideoTrack,
    picture: &frame::Video,
    container_aspect: Option<Rational>,
) {
    track.coded_width = picture.width();
    track.fields_apart = track.codec == "hevc" && picture.is_interlaced();
    track.coded_height = match track.fields_apart {
        true => picture.height().saturating_mul(2),
        false => picture.height(),
    };
    track.interlaced |= track.fields_apart;
    track.pixel_format = picture
        .format()
        .descriptor()
        .map_or_else(String::new, |d| d.name().to_owned());
    track.peak_nits = light::of_picture(picture).or(track.peak_nits);
    track.own_aspect = rational(picture.aspect_ratio());
    let declared = container_aspect.or(Some(track.own_aspect));
    let declared = declared.filter(|aspect| aspect.num() > 0);
    track.sample_aspect = declared.unwrap_or(Rational::new(1, 1));
    // The container's colours come before the picture's (ISO/IEC 14496-12 §12.1.5).
    let own = colors(
        picture.color_range(),
        picture.color_space(),
        picture.color_primaries(),
        picture.color_transfer_characteristic(),
    );
    track.own_color = own.clone();
    let known = &mut track.color;
    known.range = known.range.take().or(own.range);
    known.matrix = known.matrix.take().or(own.matrix);
    known.primaries = known.primaries.take().or(own.primaries);
    known.transfer = known.transfer.take().or(own.transfer);
}

/// Fills in the colours that the container declares; they are those of a decoder that has decoded nothing yet.
pub fn describe_colors(track: &mut VideoTrack, fresh: &codec::decoder::Video) {
    track.color = colors(
        fresh.color_range(),
        fresh.color_space(),
        fresh.color_primaries(),
        fresh.color_transfer_characteristic(),
    );
}

fn colors(
    range: color::Range,
    matrix: color::Space,
    primaries: color::Primaries,
    transfer: color::TransferCharacteristic,
) -> Color {
    let declared = |name: Option<&'static str>| {
        name.filter(|n| !matches!(*n, "unknown" | "reserved" | "unspecified"))
            .map(str::to_owned)
    };
    Color {
        range: match range {
            color::Range::MPEG => Some("limited".to_owned()),
            color::Range::JPEG => Some("full".to_owned()),
            _ => None,
        },
        matrix: declared(matrix.name()),
        primaries: declared(primaries.name()),
        transfer: declared(transfer.name()),
    }
}

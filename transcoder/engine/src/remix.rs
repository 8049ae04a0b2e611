//! From a track's own channels, rate and sample format to those that are sent.

use ffmpeg_next::format::sample::Sample;
use ffmpeg_next::software::resampling;
use ffmpeg_next::{ChannelLayout, Dictionary, Error};
use plan::timeline::SAMPLE_RATE;

use crate::sounds::PLANAR;

/// The layout in which so many channels are sent.
pub fn output_layout(channels: u32) -> ChannelLayout {
    match channels {
        6 => ChannelLayout::_5POINT1_BACK,
        _ => ChannelLayout::STEREO,
    }
}

/// A converter of samples in this format, layout and rate to those of a rendition.
pub fn converter(
    format: Sample,
    layout: ChannelLayout,
    rate: u32,
    channels: u32,
) -> Result<resampling::Context, Error> {
    let mut options = Dictionary::new();
    // Clipping is left to the player: a downmix that is turned down as a whole is quieter
    // than the others, one that is normalised sample by sample would differ by segment.
    options.set("rematrix_maxval", "1.0");
    resampling::Context::get_with(
        format,
        layout,
        rate,
        PLANAR,
        output_layout(channels),
        SAMPLE_RATE as u32,
        options,
    )
}

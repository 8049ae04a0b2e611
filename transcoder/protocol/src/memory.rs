//! What a session takes of memory, in bytes: the parent's shares and the engine's choice of
//! how many encoders run at once come from the same figures.

use plan::{Conversion, Frames, Plan, RenditionId, VideoCodec, VideoRendition};

/// x264 at work, for each pixel of its pictures: 218 MB at 1080p at policy `fast`, one thread,
/// lookahead and references included.
const X264: Encoder = Encoder {
    each: 0,
    per_pixel: 105,
};
/// x265 likewise, at its preset of the plan: 300 MB at 1080p, 63 MB at 360p.
const X265: Encoder = Encoder {
    each: 36 << 20,
    per_pixel: 130,
};
/// SVT-AV1 likewise: 390 MB at 1080p, 82 MB at 360p.
const SVT_AV1: Encoder = Encoder {
    each: 44 << 20,
    per_pixel: 170,
};

/// What an encoder takes: so much in any case, and for each pixel of a picture.
struct Encoder {
    each: u64,
    per_pixel: u64,
}

/// Pictures in linear light, three 32-bit floats a pixel, and those that wait in ten bits.
const LIGHT_BYTES_PER_PIXEL: u64 = 35;
/// A decoder's pictures: sixteen of reference, the threads' own, in 4:2:0.
const DECODER_BYTES_PER_PIXEL: u64 = 40;
/// The same in more than eight bits.
const DEEP_DECODER_BYTES_PER_PIXEL: u64 = 60;
/// Index, blocks and stacks, 60 MB; libraries, of which 84 MB of their files are mapped (which
/// engines share). It leaves room for the parent.
const BASE_BYTES: u64 = 140 << 20;

/// Pictures of a segment that are passed through, and the segment: so many times its bytes.
const COPIES: u64 = 2;
/// The longest such segment, in seconds.
const COPIED_SECONDS: u64 = 10;

/// A session that decodes the plan's source, before it encodes anything.
pub fn decoding(plan: &Plan) -> u64 {
    let Some(track) = &plan.info.video else {
        return BASE_BYTES;
    };
    let pixels = u64::from(track.coded_width) * u64::from(track.coded_height);
    let is_deep = ["10", "12", "14", "16"]
        .iter()
        .any(|bits| track.pixel_format.contains(bits));
    let each = match is_deep {
        true => DEEP_DECODER_BYTES_PER_PIXEL,
        false => DECODER_BYTES_PER_PIXEL,
    };
    BASE_BYTES + pixels * each
}

/// An encoder of a rung beside it, or what passes pictures through.
pub fn encoding(rung: &VideoRendition) -> u64 {
    if rung.passed_through.is_some() {
        return rung.cap_bits_per_second / 8 * COPIED_SECONDS * COPIES;
    }
    let light = match rung.color.conversion {
        Conversion::Kept => 0,
        Conversion::Light { .. } => LIGHT_BYTES_PER_PIXEL,
    };
    let encoder = match rung.encoding {
        VideoCodec::H264 => X264,
        VideoCodec::Hevc => X265,
        VideoCodec::Av1 => SVT_AV1,
    };
    encoder.each + rung.size().pixels() * (encoder.per_pixel + light)
}

/// So many pictures of a rung, as they are before they are encoded.
pub fn pictures(rung: &VideoRendition, count: Frames) -> u64 {
    rung.size().pixels() * 3 / 2 * count.0.max(0) as u64
}

/// A session that makes these renditions: encodes them from one decode, or passes pictures through,
/// which takes no decoder.
pub fn memory_of(plan: &Plan, renditions: &[RenditionId]) -> u64 {
    let rungs: Vec<&VideoRendition> = plan
        .every_picture()
        .filter(|v| renditions.contains(&v.id))
        .collect();
    let is_copied = |rung: &&VideoRendition| rung.passed_through.is_some();
    let decoder = match !rungs.is_empty() && rungs.iter().all(is_copied) {
        true => BASE_BYTES,
        false => decoding(plan),
    };
    decoder + rungs.into_iter().map(encoding).sum::<u64>()
}

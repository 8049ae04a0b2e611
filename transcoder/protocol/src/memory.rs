//! Estimates of a session's memory in bytes. The parent budgets memory by the same figures by which the engine
//! chooses how many encoders run at once.

use plan::{Conversion, Frames, Plan, RenditionId, VideoCodec, VideoRendition};

/// Memory of x264: 218 MB at 1080p with policy `fast` and one thread, lookahead and references included.
const X264: Encoder = Encoder {
    each: 0,
    per_pixel: 105,
};
/// Memory of x265 at its preset of the plan: 300 MB at 1080p, 63 MB at 360p.
const X265: Encoder = Encoder {
    each: 36 << 20,
    per_pixel: 130,
};
/// Memory of SVT-AV1: 390 MB at 1080p, 82 MB at 360p.
const SVT_AV1: Encoder = Encoder {
    each: 44 << 20,
    per_pixel: 170,
};

/// Memory in bytes that one encoder takes: a fixed part, and a part for each pixel of a frame.
struct Encoder {
    each: u64,
    per_pixel: u64,
}

/// Bytes per pixel for conversion in linear light: frames with three 32-bit floats per pixel, and frames that wait in
/// ten bits.
const LIGHT_BYTES_PER_PIXEL: u64 = 35;
/// Bytes per pixel for a decoder: sixteen reference frames and those of the threads, in 4:2:0.
const DECODER_BYTES_PER_PIXEL: u64 = 40;
/// Bytes per pixel for a decoder of video with more than eight bits, with as many frames as in eight bits.
const DEEP_DECODER_BYTES_PER_PIXEL: u64 = 60;
/// Bytes of every session: 60 MB for index, blocks and stacks, and the libraries, 84 MB of whose files are mapped
/// (engines share these). The sum leaves room for the parent.
const BASE_BYTES: u64 = 140 << 20;

/// Copies of a passed-through segment that are in memory at the same time: its coded frames, and the segment made of them.
const COPIES: u64 = 2;
/// Longest passed-through segment in seconds.
const LONGEST_PASSED_SECONDS: u64 = 10;

/// Memory in bytes of a session that decodes the plan's source, without encoders.
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

/// Additional memory in bytes for one rung: its encoder, or the copies of a passed-through segment.
pub fn encoding(rung: &VideoRendition) -> u64 {
    if rung.passed_through.is_some() {
        return rung.cap_bits_per_second / 8 * LONGEST_PASSED_SECONDS * COPIES;
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

/// Memory in bytes of `count` frames of a rung before they are encoded.
pub fn pictures(rung: &VideoRendition, count: Frames) -> u64 {
    rung.size().pixels() * 3 / 2 * count.0.max(0) as u64
}

/// Memory in bytes of a session that makes these renditions from one decode. Passed-through rungs alone need no
/// decoder.
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

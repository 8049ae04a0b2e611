//! A rung in another codec: size, colours and times of the H.264 one, settings of its own.

use super::{LazyCodec, VideoCodec, VideoRendition, av1, hevc};
use crate::canonical::Canonical;
use crate::plan::MEDIA_GENERATION;
use crate::{Rational, RenditionName};

/// How much coarser each further try of a segment over its cap is.
const STEP: u32 = 4;

impl VideoRendition {
    /// The constant rate factor of a lazy rendition's segment at the `attempt`th try, from 0.
    pub fn rate_factor(&self, attempt: u32) -> u32 {
        let (first, coarsest) = factors(self.encoding);
        (first + STEP * attempt).min(coarsest)
    }
}

/// The first and the coarsest constant rate factor.
const fn factors(codec: VideoCodec) -> (u32, u32) {
    match codec {
        VideoCodec::Av1 => (av1::CRF, av1::COARSEST),
        VideoCodec::Hevc | VideoCodec::H264 => (hevc::CRF, hevc::COARSEST),
    }
}

/// The rung of `of` in another codec. What shapes its pictures before they are encoded stands in
/// the id of `of`.
pub(in crate::plan) fn in_codec(
    codec: LazyCodec,
    of: &VideoRendition,
    rate: Rational,
) -> VideoRendition {
    let cap = |percent: u64| of.cap_bits_per_second * percent / 100;
    let (kind, preset, cap) = match codec {
        LazyCodec::Hevc => ("video/hevc", hevc::PRESET, cap(hevc::CAP_PERCENT)),
        LazyCodec::Av1 => ("video/av1", av1::PRESET, cap(av1::CAP_PERCENT)),
    };
    let (size, cap_kbit) = (of.size(), cap.div_ceil(1000));
    let (level, codec_string, settings) = match codec {
        LazyCodec::Hevc => {
            let level = hevc::level_idc(size, rate, cap_kbit);
            (level, hevc::codec_string(level), hevc::settings(of))
        }
        LazyCodec::Av1 => {
            let level = av1::level_idx(size, rate, cap_kbit);
            (level, av1::codec_string(level), av1::settings(level))
        }
    };
    let mut hash = Canonical::new(kind);
    hash.int(MEDIA_GENERATION)
        .text(&of.id.to_string())
        .text(preset)
        .text(&settings)
        .int(factors(codec.video()).0)
        .int(level)
        .int(cap as i64);
    VideoRendition {
        id: hash.rendition(RenditionName::Video(of.rung)),
        cap_bits_per_second: cap,
        encoding: codec.video(),
        codec: codec_string,
        level_idc: level,
        preset: preset.to_owned(),
        settings,
        passed_through: None,
        ..of.clone()
    }
}

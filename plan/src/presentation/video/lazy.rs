//! Rungs in a lazy codec: they have the size, colors and times of the H.264 rung, and settings of their own.

use crate::canonical::Canonical;
use crate::presentation::generation::MEDIA_GENERATION;
use crate::presentation::video::codec::{LazyCodec, VideoCodec};
use crate::presentation::video::rate_tries::{FirstFactor, RateFactor, Scale};
use crate::presentation::video::{VideoRendition, av1, hevc};
use crate::rendition::RenditionName;
use crate::units::Rational;

/// Rate factor of H.264 whose visual quality the `CRF` constants of the other codecs match.
const LOOKS_AS: i32 = 24;

/// Rate factor of a codec with the same visual quality as this one of H.264. AV1's scale has four steps for three of
/// H.264.
const fn looks_as(codec: LazyCodec, h264: u32) -> u32 {
    let off = h264 as i32 - LOOKS_AS;
    match codec {
        LazyCodec::Hevc => hevc::CRF.saturating_add_signed(off),
        LazyCodec::Av1 => av1::CRF.saturating_add_signed(off * 4 / 3),
    }
}

/// Rate factors of first tries in another codec. They reduce the bits by as much as those of H.264 do; AV1 has only
/// whole factors.
fn first_factors(codec: LazyCodec, h264: &[FirstFactor]) -> Vec<FirstFactor> {
    const H264: i64 = RateFactor::whole(LOOKS_AS as u32).0 as i64;
    let octave = |codec| Scale::of(codec).octave;
    let takes_as_much = |first: &FirstFactor| {
        let off = i64::from(first.factor.0) - H264;
        let quarters = match codec {
            LazyCodec::Hevc => i64::from(RateFactor::whole(hevc::CRF).0) + off,
            LazyCodec::Av1 => {
                let off = off * octave(VideoCodec::Av1) / octave(VideoCodec::H264);
                (i64::from(RateFactor::whole(av1::CRF).0) + off + 3) / 4 * 4
            }
        };
        FirstFactor {
            from: first.from,
            factor: RateFactor(quarters.max(0) as u32),
        }
    };
    h264.iter().map(takes_as_much).collect()
}

/// Makes the rung `of` in another codec. The id of `of`, which is hashed, covers all processing before the encoder.
pub(in crate::presentation) fn in_codec(
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
    let crf = looks_as(codec, of.crf);
    let mut hash = Canonical::new(kind);
    hash.int(MEDIA_GENERATION)
        .text(&of.id.to_string())
        .text(preset)
        .text(&settings)
        .int(crf)
        .int(level)
        .int(cap as i64);
    VideoRendition {
        id: hash.rendition(RenditionName::Video(of.rung)),
        cap_bits_per_second: cap,
        crf,
        first_factors: first_factors(codec, &of.first_factors),
        generation: MEDIA_GENERATION,
        encoder_epoch: 0,
        encoding: codec.video(),
        codec: codec_string,
        level_idc: level,
        preset: preset.to_owned(),
        settings,
        reorder_frames: match codec {
            LazyCodec::Hevc => super::REORDER_FRAMES,
            // AV1 has no reorder delay: frames that are shown later share a sample with a frame that is shown now.
            LazyCodec::Av1 => 0,
        },
        passed_through: None,
        ..of.clone()
    }
}

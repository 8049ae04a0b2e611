//! Picture renditions: H.264 in the rungs of the ladder, and the same rungs in other codecs.

mod av1;
mod codec;
mod first_factors;
mod hevc;
mod lazy;
mod title;
mod tries;
mod worth;

use serde::{Deserialize, Serialize};

pub use self::codec::{LazyCodec, VideoCodec};
pub(super) use self::lazy::in_codec;
use self::title::{Title, Told};
pub use self::tries::{FirstFactor, Fit, Next, RateFactor, Try};
use super::color::OutputColor;
use super::{Access, MEDIA_GENERATION, chunks, hash_source};
use crate::canonical::Canonical;
use crate::ladder::{self, Size};
use crate::media_info::VideoTrack;
use crate::policy::{Policy, Tuning};
use crate::timeline::TimeLine;
use crate::{Frames, Rational, RenditionId, RenditionName, h264};

/// Picture in one rung.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoRendition {
    /// Name and hash.
    pub id: RenditionId,
    /// The box's N.
    pub rung: u32,
    /// Sizes from the source down to this rung's own, which is the last.
    pub scale_path: Vec<Size>,
    /// Bits per second that no segment's bytes exceed.
    pub cap_bits_per_second: u64,
    /// The usual constant rate factor, in the encoder's own scale: no segment has a finer one.
    #[serde(default = "crf_of_old")]
    pub crf: u32,
    /// The rate factors that segments are first tried with, where some have another than `crf`; in the order of segments.
    #[serde(default)]
    pub first_factors: Vec<FirstFactor>,
    /// The generation of our own processing that its segments are made by.
    #[serde(default = "super::generation_of_old")]
    pub generation: u32,
    /// How many frames a picture may be decoded later than its place in the order of presentation: the reorder delay
    /// that an edit of its init segment takes away.
    #[serde(default)]
    pub reorder_frames: u32,
    /// How often it was begun anew, by an encoder that declares otherwise than the one before.
    #[serde(default)]
    pub encoder_epoch: u32,
    /// What it is encoded in.
    #[serde(default)]
    pub encoding: VideoCodec,
    /// RFC 6381 codec string.
    pub codec: String,
    /// The level in the codec's own number: ten times it in H.264, thirty times in HEVC,
    /// `seq_level_idx` in AV1.
    pub level_idc: u32,
    /// Colour of what comes out; always explicit, always limited range.
    pub color: OutputColor,
    /// The encoder's preset.
    pub preset: String,
    /// The encoder's further settings, `key=value` joined by `:`, without what depends on the
    /// segment ([`VideoRendition::rate_control`]).
    #[serde(alias = "x264")]
    pub settings: String,
    /// The source's `AVCDecoderConfigurationRecord`, where its pictures are sent as they are: there
    /// is no encoder then, with no preset and no settings.
    #[serde(default)]
    pub passed_through: Option<Vec<u8>>,
    /// Units per second of decode and presentation times.
    pub time_scale: u32,
    /// Length of a frame in those units.
    pub frame_duration: u32,
}

/// The reorder delay of x264's and x265's pyramid of B-frames, in frames.
const REORDER_FRAMES: u32 = 2;

/// That of plans which do not say it.
const fn crf_of_old() -> u32 {
    24
}

impl VideoRendition {
    /// The rung's size.
    pub fn size(&self) -> Size {
        self.scale_path.last().copied().unwrap_or(Size {
            width: 16,
            height: 16,
        })
    }

    /// Rate control of x264 and x265 for a segment of d seconds (`frames` at `rate`) that may hold
    /// cap * d bits: a buffer of one second, full at the start (a fresh encoder brings its own
    /// fill). x264 spends half of such a buffer and keeps the rest, hence `Expected` counts on
    /// d + 0.5 seconds of `maxrate`, less 3 %; `Bounded` on all of d + 1, which nothing exceeds
    /// by more than the boxes around it.
    pub fn rate_control(&self, frames: Frames, rate: Rational, control: RateControl) -> String {
        let length = 2 * i128::from(frames.0.max(0)) * i128::from(rate.den());
        let (fill, percent) = match control {
            RateControl::Expected => (1, 97),
            RateControl::Bounded => (2, 100),
        };
        let whole = (length + fill * i128::from(rate.num())).max(1);
        let cap = i128::from(self.cap_bits_per_second) * percent / 100_000;
        let maxrate = cap * length / whole;
        format!("vbv-maxrate={maxrate}:vbv-bufsize={maxrate}:vbv-init=1.0")
    }
}

/// How surely a segment stays under its cap. What exceeds it all the same is made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateControl {
    /// As a rule.
    Expected,
    /// By arithmetic.
    Bounded,
}

/// The picture renditions of a track, highest rung first.
pub(super) fn renditions(
    track: &VideoTrack,
    timeline: &TimeLine,
    access: Access,
    policy: &Policy,
) -> Vec<VideoRendition> {
    let rate = timeline.rate;
    let (time_scale, frame_duration) = time_scale(rate);
    let crf = policy.effort.crf();
    let ladder = ladder::rungs(track, rate);
    let told = match track.complexity.as_ref().filter(|_| policy.per_title) {
        Some(complexity) => {
            let size = Size {
                width: track.coded_width,
                height: track.coded_height,
            };
            Title::new(complexity, size, rate, crf).rungs(ladder)
        }
        None => title::untried(ladder, crf),
    };
    let color = OutputColor::of(track);
    let chunk_starts = chunks::starts(timeline);
    let expected = first_factors::Expected::new(track, timeline);
    let rendition = |(rung, told): (ladder::Rung, Told)| {
        let Told { crf, cap_kbit } = told;
        let Tuning {
            preset,
            references,
            further,
        } = policy.effort.x264(rung.container.short);
        let first_factors = match &expected {
            Some(expected) => expected.factors(&rung, told),
            None => Vec::new(),
        };
        let x264 = format!(
            "crf={crf}:ref={references}:keyint=infinite:min-keyint=1000000:open-gop=0:threads=1:\
             sync-lookahead=0:cpu-independent=1:stitchable=1:force-cfr=1:b-pyramid=normal:\
             range=tv:colormatrix={}:colorprim={}:transfer={}{further}",
            color.matrix, color.primaries, color.transfer
        );
        let level_idc = h264::level_idc(rung.size(), rate, cap_kbit);
        let mut hash = Canonical::new("video/h264");
        hash_source(&mut hash, track.stream, timeline)
            .ints(
                rung.path
                    .iter()
                    .flat_map(|s| [i64::from(s.width), i64::from(s.height)])
                    .collect::<Vec<_>>()
                    .into_iter(),
            )
            .text(preset)
            .text(&x264)
            .int(level_idc)
            .int(cap_kbit)
            .int(REORDER_FRAMES)
            .ints(chunk_starts.iter().map(|&start| i64::from(start)))
            .ints(tries::in_numbers(&first_factors).into_iter());
        hash_picture(&mut hash, track, access);
        let name = RenditionName::Video(rung.container.short);
        VideoRendition {
            id: hash.rendition(name),
            rung: rung.container.short,
            cap_bits_per_second: u64::from(cap_kbit) * 1000,
            crf,
            first_factors,
            generation: MEDIA_GENERATION,
            reorder_frames: REORDER_FRAMES,
            encoder_epoch: 0,
            encoding: VideoCodec::H264,
            codec: h264::codec_string(level_idc),
            level_idc,
            color: color.clone(),
            preset: preset.to_owned(),
            settings: x264,
            passed_through: None,
            time_scale,
            frame_duration,
            scale_path: rung.path,
        }
    };
    told.into_iter().map(rendition).collect()
}

/// What shapes the bytes of everything that is made of the picture track.
pub(super) fn hash_picture(hash: &mut Canonical, track: &VideoTrack, access: Access) {
    let color = &track.color;
    hash.int(track.coded_width)
        .int(track.coded_height)
        .rational(track.sample_aspect)
        .int(track.rotation)
        .int(track.mirrored)
        .int(track.interlaced)
        .text(&track.pixel_format)
        .optional(color.range.as_deref())
        .optional(color.matrix.as_deref())
        .optional(color.primaries.as_deref())
        .optional(color.transfer.as_deref())
        .int(match access {
            Access::Exact => 0,
            Access::Preroll(n) => i64::from(n),
            Access::Linear => -1,
        });
    if let Some(part) = track.aperture {
        hash.text("aperture").ints(
            [part.left, part.top, part.width, part.height]
                .map(i64::from)
                .into_iter(),
        );
    }
    OutputColor::of(track).hash(hash);
}

/// Units per second of a track's times, and a frame's length in them: the rate's numerator
/// times the least integer that reaches 10,000. Both fit: [`TimeLine`] bounds the numerator.
fn time_scale(rate: Rational) -> (u32, u32) {
    let factor = 10_000i64.saturating_add(rate.num() - 1) / rate.num().max(1);
    let unit = |n: i64| u32::try_from(n.saturating_mul(factor)).unwrap_or(u32::MAX);
    (unit(rate.num()), unit(rate.den()))
}

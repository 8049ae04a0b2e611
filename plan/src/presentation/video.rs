//! Video renditions: H.264 in the rungs of the ladder, and the same rungs in lazy codecs.

mod av1;
pub(crate) mod codec;
mod first_factors;
mod hevc;
mod lazy;
pub(crate) mod rate_tries;
mod title;
mod worth;

use serde::{Deserialize, Serialize};

pub use self::codec::{LazyCodec, VideoCodec};
pub(super) use self::lazy::in_codec;
pub use self::rate_tries::{FirstFactor, Fit, Next, RateFactor, Try};
use crate::canonical::Canonical;
use crate::h264;
use crate::ladder::{self, Size};
use crate::media_info::VideoTrack;
use crate::policy::{Policy, Tuning};
use crate::presentation::chunks;
use crate::presentation::color::OutputColor;
use crate::presentation::generation::MEDIA_GENERATION;
use crate::presentation::hashes::hash_source;
use crate::presentation::model::Access;
use crate::presentation::video::title::{Title, Told};
use crate::rendition::{RenditionId, RenditionName};
use crate::timeline::TimeLine;
use crate::units::Frames;
use crate::units::Rational;

/// Video rendition: one rung in one codec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoRendition {
    /// Id of the rendition: its name and the hash of its settings.
    pub id: RenditionId,
    /// Name of the rung's box: the longest short side in pixels, e.g. 720.
    pub rung: u32,
    /// Sizes of the scaling steps, from the largest down to the rung's own size.
    pub scale_path: Vec<Size>,
    /// Bit-rate cap in bits per second that no segment exceeds.
    pub cap_bits_per_second: u64,
    /// Usual constant rate factor, in the encoder's own scale. No segment has a finer one.
    #[serde(default = "crf_of_old")]
    pub crf: u32,
    /// Rate factors of first tries, in the order of segments, for segments that start with another factor than `crf`.
    #[serde(default)]
    pub first_factors: Vec<FirstFactor>,
    /// Value of `MEDIA_GENERATION` by which the segments are made.
    #[serde(default = "crate::presentation::generation::generation_of_old")]
    pub generation: u32,
    /// Reorder delay: the largest number of frames by which a frame is decoded later than its place in presentation
    /// order. An edit in the init segment compensates for it.
    #[serde(default)]
    pub reorder_frames: u32,
    /// Number of times that the rendition was begun anew because a new encoder version declares other parameter sets.
    #[serde(default)]
    pub encoder_epoch: u32,
    /// Codec of the rendition.
    #[serde(default)]
    pub encoding: VideoCodec,
    /// Codec string (RFC 6381).
    pub codec: String,
    /// Level in the codec's own notation: ten times the level in H.264, thirty times in HEVC, `seq_level_idx` in AV1.
    pub level_idc: u32,
    /// Color description of the output. All fields are declared, and the range is always limited.
    pub color: OutputColor,
    /// Preset of the encoder.
    pub preset: String,
    /// Further settings of the encoder, as `key=value` joined by `:`, without those that depend on the segment
    /// ([`VideoRendition::rate_control`]).
    #[serde(alias = "x264")]
    pub settings: String,
    /// The source's `AVCDecoderConfigurationRecord` if its coded video is passed through. Such a rendition has no
    /// encoder, preset or settings.
    #[serde(default)]
    pub passed_through: Option<Vec<u8>>,
    /// Time scale: units per second of decode and presentation times.
    pub time_scale: u32,
    /// Duration of a frame in units of the time scale.
    pub frame_duration: u32,
}

/// Reorder delay in frames of the B-frame pyramids of x264 and x265.
const REORDER_FRAMES: u32 = 2;

/// Rate factor of renditions whose stored plans do not have the field: the one that all of them were made with.
const fn crf_of_old() -> u32 {
    24
}

impl VideoRendition {
    /// Size of the rung's frames.
    pub fn size(&self) -> Size {
        self.scale_path.last().copied().unwrap_or(Size {
            width: 16,
            height: 16,
        })
    }

    /// Rate-control settings of x264 and x265 for a segment of d seconds (`frames` at `rate`) that may have cap * d
    /// bits. The buffer (VBV) holds one second and is full at the start, since a fresh encoder brings its own fill.
    /// x264 spends half of such a buffer and keeps the rest, so `Expected` counts on d + 0.5 seconds of `maxrate`,
    /// less 3 %. `Bounded` counts on d + 1 seconds, which nothing exceeds by more than the boxes around it.
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

/// How strictly the rate control keeps a segment under its cap. A segment that exceeds the cap is encoded again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateControl {
    /// The segment usually stays under the cap.
    Expected,
    /// The segment always stays under the cap, by arithmetic.
    Bounded,
}

/// Makes the video renditions of a track, highest rung first.
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
            .ints(rate_tries::in_numbers(&first_factors).into_iter());
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

/// Adds the settings that shape the bytes of everything made of the video track to a hash.
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

/// Time scale of a track (units per second) and the duration of a frame in it: the rate's numerator and denominator
/// times the smallest integer that brings the time scale to 10,000. Both fit 32 bits, since [`TimeLine`] bounds the
/// numerator.
fn time_scale(rate: Rational) -> (u32, u32) {
    let factor = 10_000i64.saturating_add(rate.num() - 1) / rate.num().max(1);
    let unit = |n: i64| u32::try_from(n.saturating_mul(factor)).unwrap_or(u32::MAX);
    (unit(rate.num()), unit(rate.den()))
}

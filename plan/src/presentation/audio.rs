//! Audio renditions in AAC-LC: stereo always, and 5.1 if the source has it.

use serde::{Deserialize, Serialize};

use crate::canonical::Canonical;
use crate::media_info::{AudioTrack, MediaInfo};
use crate::presentation::generation::MEDIA_GENERATION;
use crate::presentation::hashes::{hash_joins, hash_source};
use crate::rendition::{RenditionId, RenditionName};
use crate::timeline::{AAC_FRAME, OPUS_FRAME, SAMPLE_RATE, TimeLine};
use crate::units::{Rational, Samples};

/// Target bit rate of stereo in bits per second.
const STEREO_BITRATE: u32 = 128_000;
/// Target bit rate of 5.1 in bits per second.
const SURROUND_BITRATE: u32 = 384_000;
/// Bit rate in bits per second that no stereo segment exceeds, boxes included (measured on noise, music and speech by
/// the engine's test `no_sound_segment_exceeds_its_bound`).
const STEREO_BOUND: u32 = 170_000;
/// Bit rate in bits per second that no 5.1 segment exceeds, boxes included (measured by the same test as
/// `STEREO_BOUND`).
const SURROUND_BOUND: u32 = 480_000;

/// Audio codec of a rendition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoundCodec {
    /// AAC-LC, made by FFmpeg's own encoder.
    #[default]
    Aac,
    /// Opus, made by libopus.
    Opus,
}

impl SoundCodec {
    /// Number of samples in a frame. Segment boundaries lie on multiples of it.
    pub const fn frame(self) -> i64 {
        match self {
            Self::Aac => AAC_FRAME,
            Self::Opus => OPUS_FRAME,
        }
    }
}

/// Audio rendition: one track in one channel layout and codec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioRendition {
    /// Id of the rendition: its name and the hash of its settings.
    pub id: RenditionId,
    /// Index in `info.audio` of the track that the rendition is made of.
    pub track: u32,
    /// Number of channels: 2 or 6.
    pub channels: u32,
    /// Target bit rate of the encoder in bits per second.
    pub bits_per_second: u32,
    /// Bit rate in bits per second that no segment exceeds, boxes included.
    pub bound_bits_per_second: u32,
    /// Gain that is applied to the source, in hundredths of a dB.
    #[serde(default)]
    pub gain_millibels: i32,
    /// Value of `MEDIA_GENERATION` by which the segments are made.
    #[serde(default = "crate::presentation::generation::generation_of_old")]
    pub generation: u32,
    /// Number of times that the rendition was begun anew because a new encoder version declares other parameters.
    #[serde(default)]
    pub encoder_epoch: u32,
    /// Codec of the rendition.
    #[serde(default)]
    pub encoding: SoundCodec,
    /// Codec string (RFC 6381).
    pub codec: String,
    /// Language tag, if the source declares one.
    pub language: Option<String>,
    /// Label of the rendition in a player's menu.
    pub label: String,
    /// Whether players select this rendition by default.
    pub default: bool,
}

impl AudioRendition {
    /// First sample of segment `index`, and first sample after it.
    pub fn span(&self, timeline: &TimeLine, index: u32) -> (Samples, Samples) {
        timeline.segment_samples(index, self.encoding.frame())
    }
}

/// Makes the audio renditions of a source: stereo in track order, then 5.1 in track order.
pub(super) fn renditions(info: &MediaInfo, timeline: &TimeLine) -> Vec<AudioRendition> {
    let default = info.audio.iter().position(|a| a.default).unwrap_or(0);
    let make = |(track, source): (usize, &AudioTrack), surround: bool| {
        let track_number = track as u32;
        let (name, channels, bitrate, bound) = if surround {
            (
                RenditionName::Surround(track_number),
                6,
                SURROUND_BITRATE,
                SURROUND_BOUND,
            )
        } else {
            (
                RenditionName::Stereo(track_number),
                2,
                STEREO_BITRATE,
                STEREO_BOUND,
            )
        };
        // The bounds were measured for segments of at least a second. In a shorter presentation the last frame is cut
        // in length but not in bytes, so the bound is higher.
        let samples = timeline.samples.0.clamp(1, SAMPLE_RATE) as u64;
        let bound = match samples as i64 {
            SAMPLE_RATE => bound,
            _ => (u64::from(bound) * (samples + AAC_FRAME as u64) / samples) as u32,
        };
        let mut hash = Canonical::new("audio/aac-lc");
        hash_source(&mut hash, source.stream, timeline)
            .int(channels)
            .int(bitrate)
            .int(source.sample_rate)
            .text(&source.layout)
            .rational(source.start)
            .rational(source.end)
            .rational(source.time_base)
            .int(source.first_pts)
            .int(source.priming)
            .int(source.frame_samples.map_or(0, i64::from))
            .optional(source.language.as_deref());
        hash_joins(&mut hash, info, source.stream);
        if !source.setups.is_empty() {
            hash.text("setups")
                .ints(source.setups.iter().map(|setup| setup.pts));
        }
        AudioRendition {
            id: hash.rendition(name),
            track: track_number,
            channels,
            bits_per_second: bitrate,
            bound_bits_per_second: bound,
            gain_millibels: 0,
            generation: MEDIA_GENERATION,
            encoder_epoch: 0,
            encoding: SoundCodec::Aac,
            codec: "mp4a.40.2".to_owned(),
            language: source.language.clone(),
            label: label(source, track_number),
            default: track == default,
        }
    };
    let stereo = info
        .audio
        .iter()
        .enumerate()
        .map(|source| make(source, false));
    let has_surround = |source: &(usize, &AudioTrack)| source.1.surround;
    let surround = info
        .audio
        .iter()
        .enumerate()
        .filter(has_surround)
        .map(|source| make(source, true));
    stereo.chain(surround).collect()
}

fn label(source: &AudioTrack, track: u32) -> String {
    let declared = [&source.title, &source.language]
        .into_iter()
        .flatten()
        .find(|text| !text.trim().is_empty());
    declared.map_or_else(|| format!("Audio {}", track + 1), Clone::clone)
}

/// Number of output samples before a segment at which its decoder and resampler start. It is at least eight AAC
/// frames, and a whole multiple of the resampling ratio, so that every segment meets the resampler in the same phase.
pub fn audio_preroll(source_rate: u32) -> Samples {
    let ratio = Rational::new(SAMPLE_RATE, i64::from(source_rate.max(1)));
    let least = 8 * AAC_FRAME;
    Samples((least + ratio.num() - 1) / ratio.num() * ratio.num())
}

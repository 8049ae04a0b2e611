//! Sound renditions: AAC-LC, stereo always, 5.1 beside it where the source has it.

use serde::{Deserialize, Serialize};

use super::{MEDIA_GENERATION, hash_joins, hash_source};
use crate::canonical::Canonical;
use crate::media_info::{AudioTrack, MediaInfo};
use crate::timeline::{AAC_FRAME, OPUS_FRAME, SAMPLE_RATE, TimeLine};
use crate::{Rational, RenditionId, RenditionName, Samples};

/// Stereo and 5.1 sound, in bits per second.
const STEREO_BITRATE: u32 = 128_000;
const SURROUND_BITRATE: u32 = 384_000;
/// What no sound segment exceeds, boxes included (measured on noise, music and speech by
/// the engine's test `no_sound_segment_exceeds_its_bound`), in bits per second.
const STEREO_BOUND: u32 = 170_000;
const SURROUND_BOUND: u32 = 480_000;

/// A codec of sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoundCodec {
    /// AAC-LC, by FFmpeg's own encoder.
    #[default]
    Aac,
    /// Opus, by libopus.
    Opus,
}

impl SoundCodec {
    /// Samples in a frame: the grid that segments meet on.
    pub const fn frame(self) -> i64 {
        match self {
            Self::Aac => AAC_FRAME,
            Self::Opus => OPUS_FRAME,
        }
    }
}

/// Sound of one track in one channel layout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioRendition {
    /// Name and hash.
    pub id: RenditionId,
    /// Which of `info.audio` it is made of.
    pub track: u32,
    /// 2 or 6.
    pub channels: u32,
    /// What the encoder aims at.
    pub bits_per_second: u32,
    /// What no segment exceeds, boxes included.
    pub bound_bits_per_second: u32,
    /// By how many hundredths of a dB it is louder than its source.
    #[serde(default)]
    pub gain_millibels: i32,
    /// The generation of our own processing that its segments are made by.
    #[serde(default = "super::generation_of_old")]
    pub generation: u32,
    /// How often it was begun anew, by an encoder that declares otherwise than the one before.
    #[serde(default)]
    pub encoder_epoch: u32,
    /// What it is encoded in.
    #[serde(default)]
    pub encoding: SoundCodec,
    /// RFC 6381 codec string.
    pub codec: String,
    /// Language tag, where the source declares one.
    pub language: Option<String>,
    /// What a menu shows.
    pub label: String,
    /// Whether players start with it.
    pub default: bool,
}

impl AudioRendition {
    /// Where the sound of segment `index` starts and ends.
    pub fn span(&self, timeline: &TimeLine, index: u32) -> (Samples, Samples) {
        timeline.segment_samples(index, self.encoding.frame())
    }
}

/// The sound renditions of a source: stereo in track order, then 5.1 in track order.
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
        // Of a presentation shorter than the second for which bounds were measured, the last
        // frame is cut in length but not in bytes.
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

/// The fixed place at which the decoder and resampler of a sound segment start: so many
/// output samples before its first one, at least eight AAC frames, and a whole multiple of
/// the resampling ratio, so that every segment meets the resampler in the same phase.
pub fn audio_preroll(source_rate: u32) -> Samples {
    let ratio = Rational::new(SAMPLE_RATE, i64::from(source_rate.max(1)));
    let least = 8 * AAC_FRAME;
    Samples((least + ratio.num() - 1) / ratio.num() * ratio.num())
}

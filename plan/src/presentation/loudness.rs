//! Loudness of audio renditions by EBU R 128, and the gain that brings it to the operator's target.
//!
//! Measurements go in; gains and changed plans come out.

use serde::{Deserialize, Serialize};

use crate::canonical::Canonical;
use crate::presentation::audio;
use crate::presentation::audio::AudioRendition;
use crate::presentation::model::Plan;

/// Highest true peak after a gain, in hundredths of a dB relative to full scale (EBU R 128 §h).
const HIGHEST_PEAK_MILLIBELS: i32 = -100;
/// Largest gain in hundredths of a dB. A speaker who is 20 dB too soft can be raised by it; softer audio is mostly
/// noise.
const MOST_GAIN_MILLIBELS: i32 = 2000;
/// Difference from the target, in hundredths of a dB, that is ignored. Nobody hears less (EBU R 128 §g allows as
/// much), and it is not worth another encode.
const TOLERANCE_MILLIBELS: i32 = 50;
/// Longest quick measurement in seconds of one channel. A second takes 1.2 ms of one core to decode and measure, so
/// this limit takes about a tenth of a second.
const QUICK_CHANNEL_SECONDS: i64 = 80;
/// Largest source in bytes for a quick measurement: one block of the store.
const QUICK_BYTES: u64 = 8 << 20;

/// Loudness of an audio rendition before any gain. A millibel is a hundredth of a dB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loudness {
    /// Integrated loudness in hundredths of a LUFS (ITU-R BS.1770). `None` for silence, which lies entirely below the
    /// gate of -70 LUFS.
    pub integrated_millibels: Option<i32>,
    /// Loudness range in hundredths of a LU (EBU Tech 3342).
    pub range_millibels: i32,
    /// True peak in hundredths of a dBTP. `None` if every sample is zero.
    pub true_peak_millibels: Option<i32>,
}

impl Loudness {
    /// Gain in hundredths of a dB that brings the audio to `target_lufs`, or as near as its peaks allow.
    pub fn gain_millibels(&self, target_lufs: i32) -> i32 {
        let (Some(integrated), Some(peak)) = (self.integrated_millibels, self.true_peak_millibels)
        else {
            return 0;
        };
        let wanted = target_lufs
            .saturating_mul(100)
            .saturating_sub(integrated)
            .min(MOST_GAIN_MILLIBELS)
            .min(HIGHEST_PEAK_MILLIBELS.saturating_sub(peak));
        match wanted.saturating_abs() <= TOLERANCE_MILLIBELS {
            true => 0,
            false => wanted,
        }
    }
}

impl AudioRendition {
    /// Returns the rendition with this gain applied.
    pub(super) fn with_gain(self, gain_millibels: i32) -> Self {
        let mut hash = Canonical::new("audio/gain");
        hash.text(&self.id.to_string()).int(gain_millibels);
        Self {
            id: hash.rendition(self.id.name()),
            gain_millibels,
            ..self
        }
    }
}

impl Plan {
    /// Whether the plan has audio whose loudness is not measured yet.
    pub fn lacks_loudness(&self) -> bool {
        self.loudness.is_none() && !self.audio.is_empty()
    }

    /// Whether the measurement takes only about a tenth of a second and reads at most one block of the source, so
    /// that the start of playback may wait for it.
    pub fn is_measured_in_no_time(&self) -> bool {
        let channels: u32 = self.audio.iter().map(|rendition| rendition.channels).sum();
        let us = self
            .timeline
            .duration_us()
            .saturating_mul(i64::from(channels));
        us <= QUICK_CHANNEL_SECONDS * 1_000_000 && self.info.size <= QUICK_BYTES
    }

    /// Returns the plan with measured loudness and, if there is a target, with the gains that reach `target_lufs`.
    /// `measured` has one entry for each rendition in `audio`, or none if it could not be measured.
    #[must_use]
    pub fn with_loudness(&self, measured: &[Loudness], target_lufs: Option<i32>) -> Self {
        let mut plan = self.clone();
        plan.loudness = Some(measured.to_vec());
        let planned = audio::renditions(&self.info, &self.timeline);
        let coming = plan.coming.iter_mut().map(|coming| &mut coming.audio);
        for audio in coming.chain([&mut plan.audio]) {
            for (rendition, loudness) in audio.iter_mut().zip(measured) {
                let gain = target_lufs.map_or(0, |target| loudness.gain_millibels(target));
                if gain != 0 {
                    *rendition = rendition.of_today(&planned).with_gain(gain);
                }
            }
        }
        if plan.audio != self.audio {
            plan.renew_lazy_sound();
        }
        plan
    }
}

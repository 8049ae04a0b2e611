//! How loud the sound is, by EBU R 128, and the gain that brings it to what the operator wants.

use serde::{Deserialize, Serialize};

use super::{AudioRendition, Plan, audio};
use crate::canonical::Canonical;

/// What no gain raises a true peak above, in hundredths of a dB below full scale (EBU R 128 §h).
const HIGHEST_PEAK_MILLIBELS: i32 = -100;
/// Who speaks 20 dB too softly may be raised so far; what is softer yet is mostly noise.
const MOST_GAIN_MILLIBELS: i32 = 2000;
/// Nobody hears less (EBU R 128 §g allows as much), and it is not worth another encode.
const TOLERANCE_MILLIBELS: i32 = 50;
/// A second of one channel, decoded and measured, takes 1.2 ms of one core: a tenth of a second.
const QUICK_CHANNEL_SECONDS: i64 = 80;
/// One block of the store.
const QUICK_BYTES: u64 = 8 << 20;

/// The loudness of a sound rendition before any gain. A millibel is a hundredth of a dB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loudness {
    /// Integrated loudness in hundredths of a LUFS (ITU-R BS.1770); nothing for silence, all of
    /// which is below the gate of -70.
    pub integrated_millibels: Option<i32>,
    /// Loudness range in hundredths of a LU (EBU Tech 3342).
    pub range_millibels: i32,
    /// True peak in hundredths of a dBTP; nothing where every sample is nought.
    pub true_peak_millibels: Option<i32>,
}

impl Loudness {
    /// What brings it to `target_lufs`, or as near as its peaks allow.
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
    /// The same sound, louder or softer by so much.
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
    /// Whether its sound is not measured yet.
    pub fn lacks_loudness(&self) -> bool {
        self.loudness.is_none() && !self.audio.is_empty()
    }

    /// Whether measuring takes about a tenth of a second, so that a start may wait for it, and no more is read than a block of the source.
    pub fn is_measured_in_no_time(&self) -> bool {
        let channels: u32 = self.audio.iter().map(|rendition| rendition.channels).sum();
        let us = self
            .timeline
            .duration_us()
            .saturating_mul(i64::from(channels));
        us <= QUICK_CHANNEL_SECONDS * 1_000_000 && self.info.size <= QUICK_BYTES
    }

    /// The same presentation with what was measured, one for each of `audio`, none where it could
    /// not be; and its sound brought to `target_lufs`, where there is one.
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

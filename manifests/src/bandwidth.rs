//! Rates of variants.

use plan::{AudioRendition, VideoRendition};

use crate::Averages;

/// `BANDWIDTH` of a variant: peak bits per second of the picture plus the sound it plays with
/// (rfc8216bis §4.4.6.2). True before anything is encoded, since every segment of d seconds
/// holds at most cap * d.
pub fn peak(video: Option<&VideoRendition>, audio: Option<&AudioRendition>) -> u64 {
    video.map_or(0, |v| v.cap_bits_per_second)
        + audio.map_or(0, |a| u64::from(a.bound_bits_per_second))
}

/// `AVERAGE-BANDWIDTH` of a variant, once both parts are whole.
pub fn average(
    averages: &Averages,
    video: Option<&VideoRendition>,
    audio: Option<&AudioRendition>,
) -> Option<u64> {
    let picture = match video {
        Some(video) => *averages.get(&video.id)?,
        None => 0,
    };
    let sound = match audio {
        Some(audio) => *averages.get(&audio.id)?,
        None => 0,
    };
    Some(picture + sound)
}

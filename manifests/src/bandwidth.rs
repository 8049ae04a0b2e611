//! Bit rates of HLS variants. Renditions and measured averages go in; attribute values in bits per second come out.

use plan::{AudioRendition, VideoRendition};

use crate::Averages;

/// `BANDWIDTH` of a variant: peak bits per second of the video plus the highest of the audio renditions that it may
/// play with (rfc8216bis §4.4.6.2). The value is correct before anything is encoded, since every segment of d seconds
/// has at most cap * d bits.
pub fn peak(video: Option<&VideoRendition>, audio: &[&AudioRendition]) -> u64 {
    let sounds = audio.iter().map(|a| u64::from(a.bound_bits_per_second));
    video.map_or(0, |v| v.cap_bits_per_second) + sounds.max().unwrap_or(0)
}

/// `AVERAGE-BANDWIDTH` of a variant: the same sum of measured bit rates, and never above its `BANDWIDTH`. `None`
/// until every rendition that the variant may play with is complete.
pub fn average(
    averages: &Averages,
    video: Option<&VideoRendition>,
    audio: &[&AudioRendition],
) -> Option<u64> {
    let picture = match video {
        Some(video) => *averages.get(&video.id)?,
        None => 0,
    };
    let mut sound = 0;
    for rendition in audio {
        sound = sound.max(*averages.get(&rendition.id)?);
    }
    Some(picture.saturating_add(sound).min(peak(video, audio)))
}

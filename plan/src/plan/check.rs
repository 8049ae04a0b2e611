//! What is refused before anything is planned: sources past a limit, and findings of the probe
//! that contradict themselves. What passes here, the rest of the crate computes with freely.

use crate::media_info::{MediaInfo, VideoTrack};
use crate::policy::{Limits, Policy};
use crate::timeline;
use crate::{Aperture, Code, Rational, Rejection};

/// Times further than this from nought are no times: 136 years in seconds. Recorders that stamp
/// the time of day since 1970 stay below it, and nanoseconds of it fit 63 bits.
const LATEST: Rational = Rational::new(1 << 32, 1);
const EARLIEST: Rational = Rational::new(-(1 << 32), 1);

/// Refuses what is past a limit of the policy, or makes no sense.
pub(super) fn check(info: &MediaInfo, policy: &Policy) -> Result<(), Rejection> {
    let limits = &policy.limits;
    // Captions lie in the stream of the picture.
    let picture = info.video.as_ref().map(|video| video.stream);
    let texts = info.text.iter().filter(|text| Some(text.stream) != picture);
    let listed = info.audio.len() + texts.count() + usize::from(picture.is_some());
    let streams = u64::from(info.streams).max(listed as u64);
    if streams > u64::from(limits.streams) {
        let message = format!("{streams} streams; at most {} are read.", limits.streams);
        return Err(Rejection::new(Code::LimitStreams, message));
    }
    if info.size > limits.size_bytes {
        let message = format!(
            "{} bytes; at most {} are taken.",
            info.size, limits.size_bytes
        );
        return Err(Rejection::new(Code::LimitSize, message));
    }
    check_times(info, limits)?;
    match &info.video {
        Some(video) => check_picture(video, limits),
        None => Ok(()),
    }
}

/// Before any boundary is written down: their number grows with the length.
fn check_times(info: &MediaInfo, limits: &Limits) -> Result<(), Rejection> {
    let is_time = |time: Rational| (EARLIEST..=LATEST).contains(&time);
    let spans = || timeline::spans(info);
    if !spans().all(|(start, end)| is_time(start) && is_time(end)) {
        let message = "The file's time stamps lie outside of any clock's range.";
        return Err(Rejection::new(Code::Corrupt, message));
    }
    let (Some(start), Some(end)) = (spans().map(|s| s.0).min(), spans().map(|s| s.1).max()) else {
        return Ok(());
    };
    let seconds = (end - start).scale_floor(1, 1).max(0) as u64;
    if seconds > limits.duration_seconds {
        let message = format!("The video lasts longer than {} s.", limits.duration_seconds);
        return Err(Rejection::new(Code::LimitDuration, message));
    }
    Ok(())
}

fn check_picture(video: &VideoTrack, limits: &Limits) -> Result<(), Rejection> {
    let (width, height) = (video.coded_width, video.coded_height);
    if width == 0 || height == 0 {
        let message = format!("Pictures of {width}x{height} hold nothing.");
        return Err(Rejection::new(Code::Corrupt, message));
    }
    let pixels = u64::from(width) * u64::from(height);
    if width.max(height) > limits.side_px || pixels > limits.frame_px {
        let message = format!("Pictures of {width}x{height} are larger than can be decoded here.");
        return Err(Rejection::new(Code::LimitDimensions, message));
    }
    let is_outside = |part: Aperture| !part.is_inside(width, height);
    if video.aperture.is_some_and(is_outside) {
        let message = "What is to be shown of the picture is none of it.";
        return Err(Rejection::new(Code::Corrupt, message));
    }
    if video.constant_rate && video.frame_rate <= Rational::ZERO {
        let message = "The picture's frame rate is not above nought.";
        return Err(Rejection::new(Code::Corrupt, message));
    }
    if video.frame_rate > Rational::new(i64::from(limits.frame_rate), 1) {
        let message = format!("More than {} pictures per second.", limits.frame_rate);
        return Err(Rejection::new(Code::LimitFrameRate, message));
    }
    Ok(())
}

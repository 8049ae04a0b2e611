//! Checks before planning: refuses sources that exceed a limit, and findings of the probe that contradict themselves.
//! The rest of the crate computes without further checks on what passes here.

use crate::codes::{Code, Rejection};
use crate::media_info::{Aperture, MediaInfo, VideoTrack};
use crate::policy::{Limits, Policy};
use crate::timeline;
use crate::units::Rational;

/// Latest valid time in seconds, about 136 years. Recorders that stamp the time of day since 1970 stay below it, and
/// such times in nanoseconds fit 63 bits.
const LATEST_TIME: Rational = Rational::new(1 << 32, 1);
/// Earliest valid time in seconds: as far from zero as the latest.
const EARLIEST_TIME: Rational = Rational::new(-(1 << 32), 1);

/// Refuses a source that exceeds a limit of the policy or contradicts itself.
pub(super) fn check(info: &MediaInfo, policy: &Policy) -> Result<(), Rejection> {
    let limits = &policy.limits;
    // Closed captions lie in the stream of the video and do not count twice.
    let picture = info.video.as_ref().map(|video| video.stream);
    let texts = info.text.iter().filter(|text| Some(text.stream) != picture);
    let listed = info.audio.len() + texts.count() + usize::from(picture.is_some());
    let streams = u64::from(info.streams).max(listed as u64);
    if streams > u64::from(limits.streams) {
        let message = format!(
            "The file has {streams} streams; at most {} are supported.",
            limits.streams
        );
        return Err(Rejection::new(Code::LimitStreams, message));
    }
    if info.size > limits.size_bytes {
        let message = format!(
            "The file has {} bytes; at most {} are accepted.",
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

/// Refuses invalid times and too long presentations. This check runs before boundaries are computed, since their
/// number grows with the length.
fn check_times(info: &MediaInfo, limits: &Limits) -> Result<(), Rejection> {
    let is_time = |time: Rational| (EARLIEST_TIME..=LATEST_TIME).contains(&time);
    let spans = || timeline::spans(info);
    if !spans().all(|(start, end)| is_time(start) && is_time(end)) {
        let message = "The file's time stamps are outside the valid range.";
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
        let message = format!("Frames of {width}x{height} pixels are empty.");
        return Err(Rejection::new(Code::Corrupt, message));
    }
    let pixels = u64::from(width) * u64::from(height);
    if width.max(height) > limits.side_px || pixels > limits.frame_px {
        let message =
            format!("Frames of {width}x{height} pixels are larger than this server decodes.");
        return Err(Rejection::new(Code::LimitDimensions, message));
    }
    let is_outside = |part: Aperture| !part.is_inside(width, height);
    if video.aperture.is_some_and(is_outside) {
        let message = "The area of the frame to be shown lies outside the frame.";
        return Err(Rejection::new(Code::Corrupt, message));
    }
    if video.constant_rate && video.frame_rate <= Rational::ZERO {
        let message = "The video's frame rate is not above zero.";
        return Err(Rejection::new(Code::Corrupt, message));
    }
    if video.frame_rate > Rational::new(i64::from(limits.frame_rate), 1) {
        let message = format!(
            "The video has more than {} frames per second.",
            limits.frame_rate
        );
        return Err(Rejection::new(Code::LimitFrameRate, message));
    }
    Ok(())
}

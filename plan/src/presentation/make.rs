//! A plan is made of what the probe found and the policy.

use crate::codes::{Code, Rejection};
use crate::media_info::{Index, MediaInfo, VideoTrack};
use crate::policy::Policy;
use crate::presentation::model::{Access, Content, Plan};
use crate::presentation::passthrough::Cut;
use crate::presentation::{audio, check, storyboard, trick_play, video};
use crate::timeline::{self, TimeLine};
use crate::units::Rational;

/// Makes the plan of a source under a policy. Equal arguments give equal plans. The function accepts any `info`,
/// since the probe's findings come from an untrusted file.
///
/// # Errors
/// A [`Rejection`] if the source exceeds a limit, contradicts itself, or has neither video nor audio.
pub fn make_plan(info: &MediaInfo, policy: &Policy) -> Result<Plan, Rejection> {
    check::check(info, policy)?;
    let nothing = || Rejection::new(Code::NoVideo, "The file contains neither video nor audio.");
    let usual = TimeLine::of(info, policy.segment_seconds).ok_or_else(nothing)?;
    let access = access(info);
    let cut = Cut::of(info, &usual, access, policy);
    let timeline = cut.as_ref().map_or(usual, |cut| cut.timeline.clone());
    let video = match (&info.video, &cut) {
        (Some(track), Some(cut)) => cut.renditions(track, access, policy),
        (Some(track), None) => video::renditions(track, &timeline, access, policy),
        (None, _) => Vec::new(),
    };
    let trick_play = info.video.as_ref().zip(video.last());
    let trick_play =
        trick_play.map(|(track, lowest)| trick_play::rendition(track, &timeline, access, lowest));
    let audio = audio::renditions(info, &timeline);
    let storyboard = info
        .video
        .as_ref()
        .map(|track| storyboard::storyboard(track, &timeline, access));
    Ok(Plan {
        access,
        worst_seek_us: info.video.as_ref().map_or(0, worst_seek_us),
        video,
        trick_play,
        audio,
        lazy: Vec::new(),
        coming: None,
        text: None,
        side_cars: Vec::new(),
        loudness: None,
        given_up: Vec::new(),
        storyboard,
        content: content(info),
        timeline,
        info: without_coded_pictures(info),
    })
}

/// Returns the findings without the list of coded frames: it is long, and nothing needs it after the segment
/// boundaries are fixed.
fn without_coded_pictures(info: &MediaInfo) -> MediaInfo {
    let mut info = info.clone();
    if let Some(video) = &mut info.video {
        video.coded = None;
    }
    info
}

/// How the engine reaches positions in a source. Open groups of pictures need a preroll, because decoders lose frames
/// in the first open group that they see, but not in the second. Seeks are not exact without an index, in VC-1 (its
/// entry points do not reset what later frames refer to), and in AVI with a variable rate (it counts frames, not
/// time).
fn access(info: &MediaInfo) -> Access {
    let is_inexact = |video: &VideoTrack| {
        matches!(video.codec.as_str(), "vc1" | "wmv3")
            || (info.container == "avi" && !video.constant_rate)
    };
    match info.index {
        Index::None => Access::Linear,
        _ if info.video.as_ref().is_some_and(is_inexact) => Access::Linear,
        _ if info.video.as_ref().is_some_and(|video| video.open_gops) => Access::Preroll(1),
        Index::Container | Index::Scanned(_) => Access::Exact,
    }
}

/// Approximate number of pixels that one core decodes per second: 1080p H.264 at 240 frames per second.
const DECODE_PIXELS_PER_SECOND: u64 = 500_000_000;

fn worst_seek_us(video: &VideoTrack) -> u64 {
    let frame = u64::from(video.coded_width) * u64::from(video.coded_height);
    let pixels = u128::from(video.longest_gop.unwrap_or(0)) * u128::from(frame);
    let us = pixels.saturating_mul(1_000_000) / u128::from(DECODE_PIXELS_PER_SECOND);
    u64::try_from(us).unwrap_or(u64::MAX)
}

fn content(info: &MediaInfo) -> Content {
    let Some(earliest) = timeline::spans(info).map(|span| span.0).min() else {
        return Content::default();
    };
    let mut spans = timeline::spans(info).map(|(start, end): (Rational, Rational)| {
        let us = |time: Rational| time.scale_round(1_000_000, 1);
        (us(start - earliest), us(end - start))
    });
    Content {
        video: info.video.as_ref().and_then(|_| spans.next()),
        audio: spans.collect(),
    }
}

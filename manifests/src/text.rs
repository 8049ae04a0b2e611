//! Text renditions as WebVTT: segments and a media playlist for HLS, one file for DASH.

use plan::Plan;
use plan::cues::{Cue, CueList, USUAL_PLACE};

use crate::webvtt;

/// Length of a text segment in seconds. A cue is repeated in every segment in which it is shown.
const SEGMENT_SECONDS: i64 = 60;

/// Number of segments of every text rendition of a plan.
pub fn segments(plan: &Plan) -> u32 {
    let us = plan.timeline.duration_us();
    let count = (us + SEGMENT_SECONDS * 1_000_000 - 1) / (SEGMENT_SECONDS * 1_000_000);
    u32::try_from(count).unwrap_or(u32::MAX).max(1)
}

/// All cues in one WebVTT file.
pub fn whole(list: &CueList) -> String {
    let mut text = String::from("WEBVTT\n");
    list.cues.iter().for_each(|cue| append(&mut text, cue));
    text
}

/// The cues that are shown in one segment. Times count from the start of the presentation (RFC 8216 §3.5).
pub fn segment(list: &CueList, index: u32) -> String {
    let from = i64::from(index) * SEGMENT_SECONDS * 1_000_000;
    let until = from + SEGMENT_SECONDS * 1_000_000;
    let mut text = String::from("WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n");
    let cues = list.cues.iter();
    let shown = cues.filter(|cue| cue.start_us < until && cue.end_us > from);
    shown.for_each(|cue| append(&mut text, cue));
    text
}

/// The media playlist of a text rendition, the same for all text renditions of a plan.
pub fn playlist(plan: &Plan) -> String {
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{SEGMENT_SECONDS}\n\
         #EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n"
    );
    let end = plan.timeline.duration_us();
    for index in 0..segments(plan) {
        let from = i64::from(index) * SEGMENT_SECONDS * 1_000_000;
        let us = (end - from).clamp(0, SEGMENT_SECONDS * 1_000_000);
        let (seconds, rest) = (us / 1_000_000, us % 1_000_000);
        text += &format!("#EXTINF:{seconds}.{rest:06},\n{index}.vtt\n");
    }
    text + "#EXT-X-ENDLIST\n"
}

fn append(text: &mut String, cue: &Cue) {
    // WebVTT times are in milliseconds, and a cue must last at least one.
    if cue.end_us / 1000 <= cue.start_us / 1000 {
        return;
    }
    *text += &format!(
        "\n{} --> {}{}\n{}\n",
        webvtt::time(cue.start_us),
        webvtt::time(cue.end_us),
        settings(cue.place),
        cue.text
    );
}

/// Cue settings (WebVTT §3.5) of a position on the numeric keypad.
fn settings(place: u8) -> String {
    if place == USUAL_PLACE {
        return String::new();
    }
    let line = match place {
        7.. => " line:0",
        4..=6 => " line:50%",
        _ => "",
    };
    let align = match place % 3 {
        1 => " align:start",
        0 => " align:end",
        _ => "",
    };
    format!("{line}{align}")
}

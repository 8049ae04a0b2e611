//! Chapters as a WebVTT track.

use plan::Plan;

use crate::webvtt;

/// The chapters track, relative to the presentation's start; nothing where there are none.
pub fn vtt(plan: &Plan) -> Option<String> {
    if plan.info.chapters.is_empty() {
        return None;
    }
    let end = plan.timeline.duration_us();
    let mut text = String::from("WEBVTT\n");
    for (number, chapter) in (1..).zip(&plan.info.chapters) {
        let at = |time: plan::Rational| {
            (time - plan.timeline.origin)
                .scale_round(1_000_000, 1)
                .clamp(0, end)
        };
        let (from, to) = (at(chapter.start), at(chapter.end));
        // A cue that is empty in milliseconds is no cue (WebVTT §4.1).
        if to / 1000 > from / 1000 {
            // Without a title it has its number: a cue without text is none.
            let title = match chapter.title.trim() {
                "" => format!("Chapter {number}"),
                title => webvtt::escape(title),
            };
            text += &format!(
                "\n{} --> {}\n{title}\n",
                webvtt::time(from),
                webvtt::time(to)
            );
        }
    }
    Some(text)
}

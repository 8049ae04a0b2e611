//! Chapters of a video as a WebVTT track. A plan goes in; the text of `chapters.vtt` comes out.

use plan::Plan;

use crate::webvtt;

/// The chapters track, with times relative to the presentation's start. `None` if the source has no chapters.
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
        // A cue whose start and end are the same millisecond is invalid (WebVTT §4.1).
        if to / 1000 > from / 1000 {
            // A chapter without a title gets its number as text, since a cue needs text.
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

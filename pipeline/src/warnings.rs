//! What is wrong with a video that can be watched, in its row.

use plan::{Code, Plan, RenditionId, VideoId, Warning};
use store::metadata::VideoRow;

use crate::inner::Inner;

/// Warnings of a video: damage all over a long one need not be told span by span.
const MOST: usize = 100;

/// Takes note of a warning, once.
pub(crate) async fn add(
    inner: &Inner,
    video: VideoId,
    warning: Warning,
) -> Result<(), store::Error> {
    let note = |row: &mut VideoRow| note(&mut row.warnings, &warning);
    inner.change(video, note).await.map(drop)
}

/// Some of a segment's picture or sound could not be decoded as it should.
pub(crate) async fn damaged(
    inner: &Inner,
    video: VideoId,
    plan: &Plan,
    rendition: RenditionId,
    segment: u32,
) -> Result<(), store::Error> {
    let (start, end) = plan.timeline.segment_frames(segment);
    let what = match plan.video_rendition(rendition) {
        Some(_) => "The picture is damaged here; what could be decoded is shown.",
        None => "The sound is damaged here; what could be decoded is heard.",
    };
    let warning = Warning {
        code: Code::Corrupt,
        message: what.to_owned(),
        span_us: Some((plan.timeline.frame_us(start), plan.timeline.frame_us(end))),
    };
    let note = |row: &mut VideoRow| stretch(&mut row.warnings, &warning);
    inner.change(video, note).await.map(drop)
}

fn note(warnings: &mut Vec<Warning>, warning: &Warning) -> bool {
    let is_new = warnings.len() < MOST && !warnings.contains(warning);
    if is_new {
        warnings.push(warning.clone());
    }
    is_new
}

/// As `note`, but what follows on another of its kind makes that longer.
fn stretch(warnings: &mut Vec<Warning>, warning: &Warning) -> bool {
    let Some((start, end)) = warning.span_us else {
        return note(warnings, warning);
    };
    let alike = |known: &&mut Warning| known.message == warning.message;
    for known in warnings.iter_mut().filter(alike) {
        if let Some((from, to)) = &mut known.span_us
            && start <= *to
            && *from <= end
        {
            let before = (*from, *to);
            (*from, *to) = (start.min(*from), end.max(*to));
            return before != (*from, *to);
        }
    }
    note(warnings, warning)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: i64, end: i64) -> Warning {
        Warning {
            code: Code::Corrupt,
            message: "damaged".to_owned(),
            span_us: Some((start, end)),
        }
    }

    #[test]
    fn damage_that_goes_on_is_one_warning_whatever_is_made_first() {
        let mut warnings = vec![];
        assert!(stretch(&mut warnings, &at(4, 8)));
        assert!(!stretch(&mut warnings, &at(4, 8)));
        assert!(stretch(&mut warnings, &at(8, 12)));
        assert!(stretch(&mut warnings, &at(2, 4)));
        assert_eq!(warnings, [at(2, 12)]);
        assert!(stretch(&mut warnings, &at(20, 24)));
        assert_eq!(warnings, [at(2, 12), at(20, 24)]);
    }

    #[test]
    fn there_is_an_end_to_warnings() {
        let mut warnings = vec![];
        for start in 0..1000 {
            stretch(&mut warnings, &at(start * 10, start * 10 + 4));
        }
        assert_eq!(warnings.len(), MOST);
    }
}

//! What is to be said of a video that can be watched, in its row: damage, guesses, what was left out.

use plan::{Code, Note, Plan, RenditionId, VideoId};
use store::metadata::VideoRow;
use transcoder::SegmentReport;

use crate::records::Records;

/// Notes of a video: damage all over a long one need not be told span by span.
const MOST: usize = 100;

/// Adds a note to a video's row, once.
pub(crate) async fn add(records: &Records, video: VideoId, note: Note) -> Result<(), store::Error> {
    let add = |row: &mut VideoRow| add_once(&mut row.notes, &note);
    records.change(video, add).await.map(drop)
}

/// Adds to a video's row what an engine found while it made a segment, and the probe had not said.
pub(crate) async fn of_segment(
    records: &Records,
    video: VideoId,
    plan: &Plan,
    (rendition, segment): (RenditionId, u32),
    report: &SegmentReport,
) -> Result<(), store::Error> {
    let is_picture = plan.video_rendition(rendition).is_some();
    let track = match is_picture {
        true => plan.info.video.as_ref().map(|video| video.stream),
        false => plan
            .audio_rendition(rendition)
            .and_then(|audio| plan.info.audio.get(audio.track as usize))
            .map(|audio| audio.stream),
    };
    let (start, end) = plan.timeline.segment_frames(segment);
    let note = |code, what| Note {
        span_us: Some((plan.timeline.frame_us(start), plan.timeline.frame_us(end))),
        track,
        ..Note::new(code, what)
    };
    let damage = || match is_picture {
        true => "The picture is damaged here; what could be decoded is shown.",
        false => "The sound is damaged here; what could be decoded is heard.",
    };
    let change = || match is_picture {
        true => {
            "The picture has another size, shape or colour here; it was brought to those of the rest."
        }
        false => {
            "The sound has other channels or another sample rate here; it was brought to those of the rest."
        }
    };
    let is_known = |known: &Note| (known.code, known.track) == (Code::FormatChanges, track);
    let converted = report.converted && !plan.info.notes.iter().any(is_known);
    let found = [
        report.damaged.then(|| note(Code::Corrupt, damage())),
        converted.then(|| note(Code::FormatChanges, change())),
    ];
    for note in found.into_iter().flatten() {
        let add = |row: &mut VideoRow| stretch(&mut row.notes, &note);
        records.change(video, add).await?;
    }
    Ok(())
}

fn add_once(notes: &mut Vec<Note>, note: &Note) -> bool {
    let is_new = notes.len() < MOST && !notes.contains(note);
    if is_new {
        notes.push(note.clone());
    }
    is_new
}

/// As `add_once`, but what follows on another of its kind makes that longer.
fn stretch(notes: &mut Vec<Note>, note: &Note) -> bool {
    let Some((start, end)) = note.span_us else {
        return add_once(notes, note);
    };
    let alike = |known: &&mut Note| (known.track, &known.message) == (note.track, &note.message);
    for known in notes.iter_mut().filter(alike) {
        if let Some((from, to)) = &mut known.span_us
            && start <= *to
            && *from <= end
        {
            let before = (*from, *to);
            (*from, *to) = (start.min(*from), end.max(*to));
            return before != (*from, *to);
        }
    }
    add_once(notes, note)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: i64, end: i64) -> Note {
        Note {
            span_us: Some((start, end)),
            ..Note::new(Code::Corrupt, "damaged")
        }
    }

    #[test]
    fn damage_that_goes_on_is_one_note_whatever_is_made_first() {
        let mut notes = vec![];
        assert!(stretch(&mut notes, &at(4, 8)));
        assert!(!stretch(&mut notes, &at(4, 8)));
        assert!(stretch(&mut notes, &at(8, 12)));
        assert!(stretch(&mut notes, &at(2, 4)));
        assert_eq!(notes, [at(2, 12)]);
        assert!(stretch(&mut notes, &at(20, 24)));
        assert_eq!(notes, [at(2, 12), at(20, 24)]);
    }

    #[test]
    fn there_is_an_end_to_notes() {
        let mut notes = vec![];
        for start in 0..1000 {
            stretch(&mut notes, &at(start * 10, start * 10 + 4));
        }
        assert_eq!(notes.len(), MOST);
    }
}

//! Notes of a video in its row, for a video that can be watched: damage, guesses, and what was left out.

use plan::{Code, Note, Plan, RenditionId, VideoId};
use store::metadata::VideoRow;
use transcoder::SegmentReport;

use crate::records::Records;

/// Notes of one video: damage all over a long video need not be listed span by span.
const MOST: usize = 100;

/// Adds a note to a video's row, unless the row has it.
pub(crate) async fn add(records: &Records, video: VideoId, note: Note) -> Result<(), store::Error> {
    let add = |row: &mut VideoRow| add_once(&mut row.notes, &note);
    records.change(video, add).await.map(drop)
}

/// Adds what an engine found while it made a segment to the notes of a video's row, unless the probe had said so.
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
        let add = |row: &mut VideoRow| add_or_extend(&mut row.notes, &note);
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

/// Adds a note like [`add_once`]; a note that touches an equal one in time makes that one longer instead.
fn add_or_extend(notes: &mut Vec<Note>, note: &Note) -> bool {
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
        assert!(add_or_extend(&mut notes, &at(4, 8)));
        assert!(!add_or_extend(&mut notes, &at(4, 8)));
        assert!(add_or_extend(&mut notes, &at(8, 12)));
        assert!(add_or_extend(&mut notes, &at(2, 4)));
        assert_eq!(notes, [at(2, 12)]);
        assert!(add_or_extend(&mut notes, &at(20, 24)));
        assert_eq!(notes, [at(2, 12), at(20, 24)]);
    }

    #[test]
    fn there_is_an_end_to_notes() {
        let mut notes = vec![];
        for start in 0..1000 {
            add_or_extend(&mut notes, &at(start * 10, start * 10 + 4));
        }
        assert_eq!(notes.len(), MOST);
    }
}

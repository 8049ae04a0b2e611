//! The text of a video: the source's own tracks are extracted once, and text files (side cars) are put beside the video
//! and taken away. Each of these makes a plan that lists the text the current one.

use plan::{Code, CueList, Note, Plan, VideoId};
use store::metadata::{State, VideoRow};

use crate::encoding::session::{EncodingSession, SessionError};
use crate::plans::loudness;
use crate::plans::planner::Planner;
use crate::plans::successor::{Successor, succeed};

/// Failures to extract the text after which the video goes without it.
const TRIES: u32 = 3;
/// Text files beside one source at most: a master playlist lists them all, and so does a menu.
const MOST_SIDE_CARS: usize = 100;

/// Reason why a text file was not put beside a video, or not taken away.
#[derive(Debug, thiserror::Error)]
pub enum SideCarError {
    /// The video has no plan yet.
    #[error("the video is not planned yet")]
    NotPlanned,
    /// The video failed and cannot be watched.
    #[error("the video failed")]
    Failed,
    /// None of the file's cues is shown before the video ends.
    #[error("no cue is within the video")]
    NoCues,
    /// The video has as many text files as it may have.
    #[error("the video has {MOST_SIDE_CARS} text files")]
    TooMany,
    /// There is no such video, or no text file in that language.
    #[error("no such text file")]
    NotFound,
    /// The store did not answer.
    #[error("the store did not answer: {0}")]
    Store(store::Error),
}

impl From<store::Error> for SideCarError {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound => Self::NotFound,
            error => Self::Store(error),
        }
    }
}

/// Whether a video is ready and lacks text that was never extracted, or the loudness by which its sound is to be
/// levelled.
pub(crate) fn lacks_what_viewers_need(planner: &Planner, row: &VideoRow, plan: &Plan) -> bool {
    was_whole(row) && (plan.lacks_text() || loudness::is_to_level(planner, plan))
}

fn was_whole(row: &VideoRow) -> bool {
    row.state == State::Ready && row.whole_plan == row.current_plan
}

/// Has the background look at a ready video again that lacks text or loudness.
pub(crate) async fn reopen(planner: &Planner, row: &VideoRow) {
    let (video, looked_at) = (row.id, &row.current_plan);
    let reopen = |row: &mut VideoRow| {
        let lacks = was_whole(row) && row.current_plan == *looked_at;
        if lacks {
            row.whole_plan = None;
        }
        lacks
    };
    if let Err(error) = planner.records.change(video, reopen).await {
        tracing::debug!(%error, %video, "a video could not be opened again for its text and loudness");
    }
}

/// Extracts the source's own text tracks, and makes the plan that lists them the current one.
pub(crate) async fn make_needed(
    planner: &Planner,
    session: &mut EncodingSession,
) -> Result<(), SessionError> {
    let lists = session.extract_texts().await?;
    Ok(add_text(planner, session.video(), &lists, None).await?)
}

/// Counts a failure of the engine at the text; after the last try the video goes without text, and a note says so.
pub(crate) async fn record_failure(
    planner: &Planner,
    video: VideoId,
    code: Code,
) -> Result<(), store::Error> {
    let faults = {
        let mut faults = planner.text_faults.lock();
        let faults = faults.entry(video).or_default();
        *faults += 1;
        *faults
    };
    if faults < TRIES {
        return Ok(());
    }
    let note = Note {
        track: None,
        code,
        message: "The text tracks could not be read.".to_owned(),
        span_us: None,
    };
    add_text(planner, video, &[], Some(note)).await
}

/// Adds cues to the current plan: one list for each text track of the source.
async fn add_text(
    planner: &Planner,
    video: VideoId,
    lists: &[CueList],
    note: Option<Note>,
) -> Result<(), store::Error> {
    let listing = |current: &Plan| {
        // Another process has extracted the text already.
        let plan = current.lacks_text().then(|| current.with_text(lists))?;
        let cues = (0..).zip(lists);
        Some(Successor {
            cues: cues
                .map(|(track, list)| (list.rendition(track), list.clone()))
                .collect(),
            plan,
        })
    };
    let is_living = |row: &VideoRow| row.state != State::Deleted;
    let encodings = (1..)
        .zip(lists)
        .filter_map(|(number, list)| encoding_note(number, list));
    let notes: Vec<Note> = note.into_iter().chain(encodings).collect();
    succeed(&planner.plans, video, is_living, listing, &notes).await?;
    planner.text_faults.lock().remove(&video);
    Ok(())
}

/// A note that the encoding of a text track was guessed; the tracks are counted from 1.
fn encoding_note(number: u32, list: &CueList) -> Option<Note> {
    let encoding = list.guessed_encoding.as_deref()?;
    let message = format!(
        "The text of subtitle track {number} is not in UTF-8, as it should be; it was read as {encoding}."
    );
    Some(Note::new(Code::Guessed, message))
}

/// Puts the cues of a text file beside a video; returns whether the video had none in this language before.
pub(crate) async fn put_side_car(
    planner: &Planner,
    video: VideoId,
    language: &str,
    label: &str,
    list: &CueList,
) -> Result<bool, SideCarError> {
    let mut is_new = false;
    let mut refused = None;
    let listing = |current: &Plan| {
        let end_us = current.timeline.duration_us();
        let cues = CueList::of(list.cues.clone(), end_us);
        is_new = current.side_car(language).is_none();
        refused = if cues.cues.is_empty() {
            Some(SideCarError::NoCues)
        } else if is_new && current.side_cars.len() >= MOST_SIDE_CARS {
            Some(SideCarError::TooMany)
        } else {
            None
        };
        if refused.is_some() {
            return None;
        }
        let plan = current.with_side_car(language, label, &cues);
        let id = plan.side_car(language)?.id;
        Some(Successor {
            cues: vec![(id, cues)],
            plan,
        })
    };
    change(planner, video, listing).await?;
    refused.map_or(Ok(is_new), Err)
}

/// Takes the text file of a language away from a video.
pub(crate) async fn remove_side_car(
    planner: &Planner,
    video: VideoId,
    language: &str,
) -> Result<(), SideCarError> {
    let mut is_there = false;
    let listing = |current: &Plan| {
        let plan = current.without_side_car(language);
        is_there = plan.is_some();
        plan.map(|plan| Successor {
            cues: Vec::new(),
            plan,
        })
    };
    change(planner, video, listing).await?;
    is_there.then_some(()).ok_or(SideCarError::NotFound)
}

/// Changes the text of a video that can be watched.
async fn change(
    planner: &Planner,
    video: VideoId,
    listing: impl FnMut(&Plan) -> Option<Successor> + Send,
) -> Result<(), SideCarError> {
    let is_open = |row: &VideoRow| matches!(row.state, State::Playable | State::Ready);
    let row = succeed(&planner.plans, video, is_open, listing, &[]).await?;
    match row.state {
        State::Playable | State::Ready => Ok(()),
        State::Waiting | State::Probing => Err(SideCarError::NotPlanned),
        State::Failed => Err(SideCarError::Failed),
        State::Deleted => Err(SideCarError::NotFound),
    }
}

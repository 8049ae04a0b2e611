//! `GET /watch/{video}`: the player. The page may be opened before the video is playable; it
//! waits for that by itself.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use catalog::Principal;
use plan::{Frames, Note, VideoId};
use store::metadata::{State as VideoState, VideoRow};
use store::{ImageFormat, ObjectKey};

use super::codecs::Codecs;
use super::remake::Remake;
use super::texts::Texts;
use super::{clock, loudness, message, page};
use crate::access;
use crate::app::App;
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "watch.html")]
struct Watch {
    id: String,
    title: String,
    state: &'static str,
    length: String,
    width: u32,
    height: u32,
    /// Length of a frame in seconds, for stepping.
    frame_s: f64,
    poster: bool,
    storyboard: bool,
    chapters: bool,
    notes: Vec<String>,
    error: Option<String>,
    /// There is nothing to play.
    failed: bool,
    /// Who may change it may have it tried again.
    retry: bool,
    /// These for who may change it.
    views: Option<String>,
    loudness: Vec<String>,
    texts: Option<Texts>,
    /// Likewise.
    codecs: Option<Codecs>,
    /// Likewise.
    remake: Option<Remake>,
}

/// The watch page; playback is public by id.
pub async fn watch(
    State(app): State<App>,
    Path(video): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let missing = || message(StatusCode::NOT_FOUND, "Not here", "There is no such video.");
    let Ok(id) = video.parse::<VideoId>() else {
        return Ok(missing());
    };
    let Some(row) = app.pipeline.video(id).await? else {
        return Ok(missing());
    };
    let plan = app.pipeline.plan_of(&row).await?;
    let plan = plan.as_deref();
    let poster = ObjectKey::Poster(id, ImageFormat::Jpeg);
    let objects = &app.pipeline.stores().objects;
    let principal = access::signed_in(&headers, &app).await;
    let views = views(&app, &row, principal.as_ref()).await?;
    let codecs = Codecs::of(&app, &row, principal.as_ref()).await?;
    let remake = Remake::of(&app, &row, principal.as_ref()).await?;
    let texts = Texts::of(&row, plan, principal.as_ref());
    let loudness = loudness::lines(&row, plan, principal.as_ref());
    let failed = row.state == VideoState::Failed;
    // What was guessed or left out is for who can change it.
    let is_owner = principal
        .as_ref()
        .is_some_and(|principal| principal.may_touch(row.owner));
    let retry = is_owner && crate::retry::may(&row);
    Ok(page(&Watch {
        id: row.id.to_string(),
        title: row.title,
        state: row.state.as_str(),
        length: row.duration_us.map(clock).unwrap_or_default(),
        width: row.width_px.unwrap_or(16),
        height: row.height_px.unwrap_or(9),
        frame_s: plan.map_or(1.0 / 30.0, |plan| {
            plan.timeline.frame_us(Frames(1)) as f64 / 1e6
        }),
        poster: objects.head(&poster).await?.is_some(),
        storyboard: plan.is_some_and(|plan| plan.storyboard.is_some()),
        chapters: plan.is_some_and(|plan| !plan.info.chapters.is_empty()),
        notes: match is_owner {
            true => row.notes.into_iter().map(said).collect(),
            false => Vec::new(),
        },
        error: row.error.filter(|_| failed).map(|error| error.message),
        failed,
        retry,
        views,
        loudness,
        texts,
        codecs,
        remake,
    }))
}

/// How often it was played, for who may change it.
async fn views(
    app: &App,
    row: &VideoRow,
    principal: Option<&Principal>,
) -> Result<Option<String>, Problem> {
    if !principal.is_some_and(|principal| principal.may_touch(row.owner)) {
        return Ok(None);
    }
    Ok(Some(match app.pipeline.views(row.id).await? {
        1 => "1 view".to_owned(),
        views => format!("{views} views"),
    }))
}

/// A note with its place.
fn said(note: Note) -> String {
    match note.span_us {
        Some((start, end)) => format!("{} to {}: {}", clock(start), clock(end), note.message),
        None => note.message,
    }
}

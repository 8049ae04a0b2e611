//! Watch page: the player of a video, and below it what only the owner sees. The page may be opened before the video is
//! playable; its script waits for that.

use accounts::Principal;
use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use plan::{Frames, Note, VideoId};
use store::metadata::{State as VideoState, VideoRow};
use store::{ImageFormat, ObjectKey};

use super::codecs::Codecs;
use super::layout::{clock, message, page};
use super::loudness;
use super::remake::Remake;
use super::texts::{Texts, Typed};
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
    /// Duration of a frame in seconds, for stepping frame by frame.
    frame_s: f64,
    poster: bool,
    storyboard: bool,
    chapters: bool,
    notes: Vec<String>,
    error: Option<String>,
    /// Whether the video failed, so that there is nothing to play.
    failed: bool,
    /// Whether the video has neither a picture nor a cover.
    is_sound: bool,
    signed_in: bool,
    /// Whether the visitor may change the video; all fields below are shown to such visitors only.
    is_owner: bool,
    /// Whether the page has a button to retry the video.
    retry: bool,
    views: Option<String>,
    loudness: Vec<String>,
    texts: Option<Texts>,
    codecs: Option<Codecs>,
    remake: Option<Remake>,
}

/// `GET /watch/{video}`: the watch page. It is public: whoever knows the id of a video can watch it. `404` if there is
/// no such video.
pub async fn watch(
    State(app): State<App>,
    Path(video): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let missing = || {
        let text = "There is no video at this address.";
        message(StatusCode::NOT_FOUND, "Video not found", text)
    };
    let Ok(id) = video.parse::<VideoId>() else {
        return Ok(missing());
    };
    let Some(row) = app.pipeline.videos().get(id).await? else {
        return Ok(missing());
    };
    let principal = access::signed_in(&headers, &app).await;
    Ok(page(&Watch::of(&app, row, principal.as_ref()).await?))
}

/// The watch page after a subtitle file was refused, with the reason and the form's fields.
pub async fn after(
    app: &App,
    row: VideoRow,
    principal: &Principal,
    typed: Typed,
    problem: &Problem,
) -> Result<Response, Problem> {
    let mut watch = Watch::of(app, row, Some(principal)).await?;
    let Some(texts) = watch.texts.take() else {
        return Ok(message(
            problem.status(),
            "Subtitles not added",
            problem.detail(),
        ));
    };
    watch.texts = Some(texts.after(typed, problem));
    Ok((problem.status(), page(&watch)).into_response())
}

impl Watch {
    async fn of(app: &App, row: VideoRow, principal: Option<&Principal>) -> Result<Self, Problem> {
        let plan = app.pipeline.videos().plan_of(&row).await?;
        let plan = plan.as_deref();
        let poster = ObjectKey::Poster(row.id, ImageFormat::Jpeg);
        let objects = &app.stores.objects;
        let views = views(app, &row, principal).await?;
        let codecs = Codecs::of(app, &row, principal).await?;
        let remake = Remake::of(app, &row, principal).await?;
        let texts = Texts::of(&row, plan, principal);
        let loudness = loudness::lines(&row, plan, principal);
        let failed = row.state == VideoState::Failed;
        // Notes about what was guessed or left out are for the owner only.
        let is_owner = principal.is_some_and(|principal| principal.may_touch(row.owner));
        let is_sound = plan.is_some_and(|plan| !plan.has_poster());
        let retry = is_owner && crate::retry::can_retry(&row);
        Ok(Self {
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
                true => row.notes.into_iter().map(describe_note).collect(),
                false => Vec::new(),
            },
            error: row.error.filter(|_| failed).map(|error| error.message),
            failed,
            is_sound,
            signed_in: principal.is_some(),
            is_owner,
            retry,
            views,
            loudness,
            texts,
            codecs,
            remake,
        })
    }
}

/// Number of views in words, for the owner of the video.
async fn views(
    app: &App,
    row: &VideoRow,
    principal: Option<&Principal>,
) -> Result<Option<String>, Problem> {
    if !principal.is_some_and(|principal| principal.may_touch(row.owner)) {
        return Ok(None);
    }
    Ok(Some(match app.pipeline.videos().views(row.id).await? {
        1 => "1 view".to_owned(),
        views => format!("{views} views"),
    }))
}

/// Text of a note, with the times that it is about.
fn describe_note(note: Note) -> String {
    match note.span_us {
        Some((start, end)) => format!("{} to {}: {}", clock(start), clock(end), note.message),
        None => note.message,
    }
}

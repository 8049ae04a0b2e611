//! Subtitle files on the watch page: the section that the owner of a video sees, and the forms that add and remove a
//! file.

use accounts::Principal;
use askama::Template;
use axum::extract::multipart::MultipartError;
use axum::extract::{Multipart, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use manifests::language;
use plan::Plan;
use store::metadata::{State as VideoState, VideoRow};

use super::layout::message;
use super::watch;
use crate::access::Authenticated;
use crate::api::owned;
use crate::app::App;
use crate::problem::Problem;
use crate::side_car;

/// Languages that the form suggests, by their own names; it accepts any other language too.
const SUGGESTED: [&str; 40] = [
    "ar", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "he", "hi",
    "hr", "hu", "id", "it", "ja", "ko", "lt", "lv", "nb", "nl", "pl", "pt", "pt-BR", "ro", "ru",
    "sk", "sl", "sr", "sv", "th", "tr", "uk", "vi", "zh",
];

/// Section of the watch page with the video's subtitle files, for its owner.
#[derive(Template)]
#[template(path = "texts.html")]
pub struct Texts {
    video: String,
    files: Vec<TextFile>,
    suggested: Vec<(&'static str, String)>,
    /// Fields of a form that the server refused, to be shown again; empty otherwise.
    typed: Typed,
    /// Reason why the server refused the form.
    trouble: Option<String>,
}

/// Fields of the form for a subtitle file, without the file itself.
#[derive(Default)]
pub struct Typed {
    language: String,
    name: String,
}

/// Subtitle file in the list.
struct TextFile {
    language: String,
    name: String,
    id: String,
}

impl Texts {
    /// The section, if the principal may change the video and the video can be played.
    pub fn of(row: &VideoRow, plan: Option<&Plan>, principal: Option<&Principal>) -> Option<Self> {
        let is_open = matches!(row.state, VideoState::Playable | VideoState::Ready);
        let may = principal.is_some_and(|principal| principal.may_touch(row.owner));
        let plan = plan.filter(|_| is_open && may)?;
        let files = plan.side_cars.iter().map(|text| TextFile {
            language: text.language.clone().unwrap_or_default(),
            name: text.label.clone(),
            id: text.id.to_string(),
        });
        let named = |tag: &&'static str| Some((*tag, language::name(tag)?));
        Some(Self {
            video: row.id.to_string(),
            files: files.collect(),
            suggested: SUGGESTED.iter().filter_map(named).collect(),
            typed: Typed::default(),
            trouble: None,
        })
    }

    /// The section after the server refused a form, with the form's fields and the reason.
    pub fn after(mut self, typed: Typed, problem: &Problem) -> Self {
        self.typed = typed;
        self.trouble = Some(problem.detail().to_owned());
        self
    }
}

/// `POST /watch/{video}/text`: adds the form's subtitle file and redirects to the watch page. If the file is refused,
/// the answer is the watch page with the reason and the fields as they were filled in.
pub async fn add(
    State(app): State<App>,
    known: Result<Authenticated, Problem>,
    Path(video): Path<String>,
    form: Multipart,
) -> Response {
    let owned = match known {
        Ok(known) => owned(&app, &known.0, &video).await.map(|row| (known, row)),
        Err(problem) => Err(problem),
    };
    let (known, row) = match owned {
        Ok(owned) => owned,
        Err(problem) => return respond(&video, "Subtitles not added", Err(problem)),
    };
    let mut typed = Typed::default();
    match add_file(&app, &known, &row, form, &mut typed).await {
        Ok(()) => respond(&video, "", Ok(())),
        Err(problem) => match watch::after(&app, row, &known.0, typed, &problem).await {
            Ok(page) => page,
            Err(problem) => respond(&video, "Subtitles not added", Err(problem)),
        },
    }
}

/// `POST /watch/{video}/text/{language}/remove`: removes the subtitle file of a language and redirects to the watch
/// page. Refusals are shown on a page.
pub async fn remove(
    State(app): State<App>,
    known: Result<Authenticated, Problem>,
    Path((video, language)): Path<(String, String)>,
) -> Response {
    let removed = match known {
        Ok(known) => remove_file(&app, &known, &video, &language).await,
        Err(problem) => Err(problem),
    };
    respond(&video, "Subtitles not removed", removed)
}

/// Redirect to the watch page, or a page with this title and the reason of a refusal.
fn respond(video: &str, title: &str, outcome: Result<(), Problem>) -> Response {
    match outcome {
        Ok(()) => Redirect::to(&format!("/watch/{video}#texts")).into_response(),
        Err(problem) => message(problem.status(), title, problem.detail()),
    }
}

/// Reads the form into `typed` and adds its file to the video.
async fn add_file(
    app: &App,
    known: &Authenticated,
    row: &VideoRow,
    mut form: Multipart,
    typed: &mut Typed,
) -> Result<(), Problem> {
    let seat = app.upload_seats.take(Some(known.0.owner));
    let _seat = seat.ok_or_else(Problem::busy)?;
    let mut file = Bytes::new();
    while let Some(field) = form.next_field().await.map_err(malformed)? {
        match field.name() {
            Some("language") => typed.language = field.text().await.map_err(malformed)?,
            Some("name") => typed.name = field.text().await.map_err(malformed)?,
            Some("file") => file = field.bytes().await.map_err(malformed)?,
            _ => {}
        }
    }
    let language = side_car::language_of(&typed.language)?;
    side_car::put(app, row, &language, &typed.name, file).await?;
    Ok(())
}

async fn remove_file(
    app: &App,
    known: &Authenticated,
    video: &str,
    language: &str,
) -> Result<(), Problem> {
    let row = owned(app, &known.0, video).await?;
    let language = side_car::language_of(language)?;
    Ok(app
        .pipeline
        .videos()
        .remove_side_car(row.id, &language)
        .await?)
}

/// Problem of a form that is too large or cannot be read.
fn malformed(error: MultipartError) -> Problem {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(side_car::MOST_BYTES as u64),
        _ => Problem::new(StatusCode::BAD_REQUEST, "bad_request", error.body_text()),
    }
}

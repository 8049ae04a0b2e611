//! Encoding again on the watch page: the section that the owner of a video sees if an older version of the program
//! encoded it, and the form that starts.

use accounts::Principal;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use pipeline::Remake as Made;
use store::metadata::VideoRow;

use super::layout::message;
use crate::access::Authenticated;
use crate::api::owned;
use crate::app::App;
use crate::problem::Problem;

/// Section of the watch page for the owner of a video that an older version of the program encoded.
#[derive(Template)]
#[template(path = "remake.html")]
pub struct Remake {
    video: String,
    /// State and needed space, in words.
    says: String,
    /// Label of the button; `None` if there is nothing to start.
    button: Option<&'static str>,
}

impl Remake {
    /// The section; `None` if the principal may not change the video, or if the video is up to date.
    pub async fn of(
        app: &App,
        row: &VideoRow,
        principal: Option<&Principal>,
    ) -> Result<Option<Self>, store::Error> {
        if !principal.is_some_and(|principal| principal.may_touch(row.owner)) {
            return Ok(None);
        }
        let (says, button) = match app.pipeline.videos().remake_of(row).await? {
            None | Some(Made::Current) => return Ok(None),
            Some(Made::Older { bytes }) => (
                format!(
                    "The old files are kept for 30 days, so that this needs about {} more space.",
                    size(bytes)
                ),
                Some("Encode again"),
            ),
            Some(Made::Pending { progress, .. }) => {
                let percent = progress.made * 100 / progress.total.max(1);
                (
                    format!("The video is being encoded again: {percent} %."),
                    None,
                )
            }
            Some(Made::Failed { bytes }) => {
                let says = format!(
                    "The video could not be encoded again completely, and stays as it is. Another try needs about {} of \
                     space.",
                    size(bytes)
                );
                (says, Some("Try again"))
            }
        };
        Ok(Some(Self {
            video: row.id.to_string(),
            says,
            button,
        }))
    }
}

/// Formats a number of bytes for people, in kB, MB or GB.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// `POST /watch/{video}/remake`: has a video encoded again and redirects to the watch page. Refusals are shown on a
/// page.
pub async fn start(
    State(app): State<App>,
    known: Result<Authenticated, Problem>,
    Path(video): Path<String>,
) -> Response {
    let started = match known {
        Ok(known) => ask(&app, &known, &video).await,
        Err(problem) => Err(problem),
    };
    match started {
        Ok(()) => Redirect::to(&format!("/watch/{video}#remake")).into_response(),
        Err(problem) => message(problem.status(), "Not encoded again", problem.detail()),
    }
}

async fn ask(app: &App, known: &Authenticated, video: &str) -> Result<(), Problem> {
    let row = owned(app, &known.0, video).await?;
    Ok(app.pipeline.videos().remake(row.id).await?)
}

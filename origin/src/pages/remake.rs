//! `POST /watch/{video}/remake`: the plain form on a video's page, by which its owner has it made again.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use catalog::Principal;
use pipeline::Remake as Made;
use store::metadata::VideoRow;

use super::message;
use crate::access::Known;
use crate::api::owned;
use crate::app::App;
use crate::problem::Problem;

/// What a video's page shows to who may change it, where an older version of the program has made it.
#[derive(Template)]
#[template(path = "remake.html")]
pub struct Remake {
    video: String,
    says: String,
    /// The button's label; nothing where there is nothing to start.
    button: Option<&'static str>,
}

impl Remake {
    /// Nothing where it is none of the principal's business, or as new as it can be.
    pub async fn of(
        app: &App,
        row: &VideoRow,
        principal: Option<&Principal>,
    ) -> Result<Option<Self>, store::Error> {
        if !principal.is_some_and(|principal| principal.may_touch(row.owner)) {
            return Ok(None);
        }
        let (says, button) = match app.pipeline.remake_of(row).await? {
            None | Some(Made::Current) => return Ok(None),
            Some(Made::Older { bytes }) => (
                format!(
                    "Old and new files are both kept for 30 days: about {} more.",
                    size(bytes)
                ),
                Some("Encode again"),
            ),
            Some(Made::Pending { progress, .. }) => {
                let percent = progress.made * 100 / progress.total.max(1);
                (format!("It is being encoded again: {percent} %."), None)
            }
            Some(Made::Failed { bytes }) => {
                let says = format!(
                    "Not all of it could be encoded again: it stays as it is. Another try takes about {}.",
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

/// Bytes as people say them.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// Has it made again and leads back to the page.
pub async fn start(
    State(app): State<App>,
    known: Result<Known, Problem>,
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

async fn ask(app: &App, known: &Known, video: &str) -> Result<(), Problem> {
    let row = owned(app, &known.0, video).await?;
    Ok(app.pipeline.remake(row.id).await?)
}

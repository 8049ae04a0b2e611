//! Codecs on the watch page: the list that the owner of a video sees, and the form that asks for another codec.

use accounts::Principal;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use pipeline::CodecState;
use plan::LazyCodec;
use store::metadata::{State as VideoState, VideoRow};

use super::layout::message;
use crate::access::Authenticated;
use crate::api::owned;
use crate::app::App;
use crate::lazy_codec;
use crate::problem::Problem;

/// Section of the watch page with the video's codecs, for its owner.
#[derive(Template)]
#[template(path = "codecs.html")]
pub struct Codecs {
    video: String,
    codecs: Vec<Line>,
    /// Whether a codec is being made, so that the page follows its progress.
    pending: bool,
}

/// Line of the list: a codec and its state.
struct Line {
    codec: &'static str,
    name: &'static str,
    /// State of the codec, in words.
    says: String,
    /// Label of the button, if there is one.
    button: Option<&'static str>,
}

impl Line {
    fn of(codec: LazyCodec, state: CodecState) -> Self {
        let (says, button) = match state {
            CodecState::Absent => ("not encoded".to_owned(), Some("Encode")),
            CodecState::Pending(progress) => {
                let percent = progress.made * 100 / progress.total.max(1);
                (format!("{percent} % encoded"), None)
            }
            CodecState::Failed => ("could not be encoded".to_owned(), Some("Try again")),
            CodecState::Listed => ("players can choose it".to_owned(), None),
        };
        Self {
            codec: codec.as_str(),
            name: match codec {
                LazyCodec::Hevc => "HEVC",
                LazyCodec::Av1 => "AV1 and Opus",
            },
            says,
            button,
        }
    }
}

impl Codecs {
    /// The section, if the principal may change the video and the video has a picture.
    pub async fn of(
        app: &App,
        row: &VideoRow,
        principal: Option<&Principal>,
    ) -> Result<Option<Self>, store::Error> {
        let is_open = matches!(row.state, VideoState::Playable | VideoState::Ready);
        let may = principal.is_some_and(|principal| principal.may_touch(row.owner));
        if !is_open || !may || row.width_px.is_none() {
            return Ok(None);
        }
        let states = app.pipeline.videos().codecs(row).await?;
        let is_pending = |(_, state): &(_, CodecState)| matches!(state, CodecState::Pending(_));
        Ok(Some(Self {
            video: row.id.to_string(),
            pending: states.iter().any(is_pending),
            codecs: states
                .into_iter()
                .map(|(codec, state)| Line::of(codec, state))
                .collect(),
        }))
    }
}

/// `POST /watch/{video}/codecs/{codec}`: asks for a codec and redirects to the watch page. Refusals are shown on a
/// page.
pub async fn add(
    State(app): State<App>,
    known: Result<Authenticated, Problem>,
    Path((video, codec)): Path<(String, String)>,
) -> Response {
    let added = match known {
        Ok(known) => ask(&app, &known, &video, &codec).await,
        Err(problem) => Err(problem),
    };
    match added {
        Ok(()) => Redirect::to(&format!("/watch/{video}#codecs")).into_response(),
        Err(problem) => message(problem.status(), "Codec not requested", problem.detail()),
    }
}

async fn ask(app: &App, known: &Authenticated, video: &str, codec: &str) -> Result<(), Problem> {
    let row = owned(app, &known.0, video).await?;
    let codec = lazy_codec::named(codec)?;
    Ok(app.pipeline.videos().add_codec(row.id, codec).await?)
}

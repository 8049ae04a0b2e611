//! A text file comes beside a video: every way to put one there ends here.

use axum::http::StatusCode;
use bytes::Bytes;
use manifests::language;
use pipeline::SideCarError;
use plan::CueList;
use plan::cues::TextError;
use store::metadata::VideoRow;

use crate::app::App;
use crate::problem::Problem;
use crate::receive::one_line;

/// Bytes of a text file: what it may have in text, and as much for times and UTF-16.
pub const MOST_BYTES: usize = 2 * plan::cues::MOST_BYTES;
/// Longest name in characters: a line of a menu.
const LONGEST_NAME: usize = 60;

/// Reads a file and puts it beside a video, in place of the one in its language. Says whether
/// there was none.
pub async fn put(
    app: &App,
    row: &VideoRow,
    language: &str,
    name: &str,
    file: Bytes,
) -> Result<bool, Problem> {
    // Some milliseconds for each megabyte, in which others are served.
    let parsed = tokio::task::spawn_blocking(move || CueList::parse(&file)).await;
    let list = match parsed {
        Ok(list) => list?,
        Err(_) => return Err(TextError::NotText.into()),
    };
    let label = one_line(name, LONGEST_NAME);
    let label = label.or_else(|| language::name(language));
    let label = label.unwrap_or_else(|| language.to_owned());
    let put = app.pipeline.put_side_car(row.id, language, &label, &list);
    Ok(put.await?)
}

/// The tag of what somebody typed or put into a path.
pub fn language_of(declared: &str) -> Result<String, Problem> {
    let tag = language::known_tag(declared.trim());
    tag.ok_or_else(|| {
        let detail = "The language is no tag that is known: `en`, `de` and `pt-BR` are some.";
        Problem::new(StatusCode::BAD_REQUEST, "bad_language", detail)
    })
}

impl From<TextError> for Problem {
    fn from(error: TextError) -> Self {
        let code = match error {
            TextError::NotText => "not_text",
            TextError::NoCues => "no_cues",
            TextError::TooMuch => "limit_cues",
        };
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, error.to_string())
    }
}

impl From<SideCarError> for Problem {
    fn from(error: SideCarError) -> Self {
        let conflict = |code, detail: &str| Self::new(StatusCode::CONFLICT, code, detail);
        match error {
            SideCarError::NotPlanned => {
                let detail = "The video is not playable yet; text can be put beside it then.";
                conflict("not_playable", detail)
            }
            SideCarError::Failed => conflict(
                "failed",
                "The video failed: text has nothing to stand beside.",
            ),
            SideCarError::TooMany => {
                conflict("limit_texts", "The video has as many text files as it may.")
            }
            SideCarError::NoCues => {
                let detail = "No cue of the file is shown before the video ends.";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "no_cues", detail)
            }
            SideCarError::NotFound => {
                let detail = "There is no text file in this language.";
                Self::new(StatusCode::NOT_FOUND, "not_found", detail)
            }
            SideCarError::Store(error) => error.into(),
        }
    }
}

//! Subtitle files that are added to a video, besides the subtitles of its source. The API and the video's page both use
//! this file.

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

/// Most bytes of a subtitle file: the limit of its text, and as much again for time stamps and UTF-16.
pub const MOST_BYTES: usize = 2 * plan::cues::MOST_BYTES;
/// Longest name of a subtitle track, in characters: it is a line of a menu.
const LONGEST_NAME: usize = 60;

/// Parses a subtitle file and adds it to a video; it replaces the file of the same language. Returns whether there was
/// no such file before.
pub async fn put(
    app: &App,
    row: &VideoRow,
    language: &str,
    name: &str,
    file: Bytes,
) -> Result<bool, Problem> {
    // Parsing takes some milliseconds for each megabyte; on its own thread it does not hold up other requests.
    let parsed = tokio::task::spawn_blocking(move || CueList::parse(&file)).await;
    let list = match parsed {
        Ok(list) => list?,
        Err(_) => return Err(TextError::NotText.into()),
    };
    let label = one_line(name, LONGEST_NAME);
    let label = label.or_else(|| language::name(language));
    let label = label.unwrap_or_else(|| language.to_owned());
    let put = app
        .pipeline
        .videos()
        .put_side_car(row.id, language, &label, &list);
    Ok(put.await?)
}

/// Language tag (BCP 47) of a text that somebody typed or put into a path.
///
/// # Errors
/// `400` if the text is not the tag of a known language.
pub fn language_of(declared: &str) -> Result<String, Problem> {
    let tag = language::known_tag(declared.trim());
    tag.ok_or_else(|| {
        let detail = "The language is unknown; use a language tag such as en, de or pt-BR.";
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
                let detail = "The video is not playable yet; you can add subtitles once it is.";
                conflict("not_playable", detail)
            }
            SideCarError::Failed => conflict(
                "failed",
                "The video failed, so subtitles cannot be added to it.",
            ),
            SideCarError::TooMany => {
                let detail = "The video has the highest possible number of subtitle files; remove one first.";
                conflict("limit_texts", detail)
            }
            SideCarError::NoCues => {
                let detail = "All subtitles of the file begin after the end of the video.";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "no_cues", detail)
            }
            SideCarError::NotFound => {
                let detail = "The video has no subtitle file in this language.";
                Self::new(StatusCode::NOT_FOUND, "not_found", detail)
            }
            SideCarError::Store(error) => error.into(),
        }
    }
}

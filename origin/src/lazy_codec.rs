//! Requests for another codec of a video: the codec's name in a path, and the errors. The API and the video's page both
//! use this file.

use axum::http::StatusCode;
use pipeline::CodecError;
use plan::LazyCodec;

use crate::problem::Problem;

/// Codec of a name in a path.
///
/// # Errors
/// `404` if there is no codec of this name.
pub fn named(name: &str) -> Result<LazyCodec, Problem> {
    let known = name.parse();
    known.map_err(|_| {
        let detail = "There is no such codec; hevc and av1 are available besides H.264.";
        Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
    })
}

impl From<CodecError> for Problem {
    fn from(error: CodecError) -> Self {
        let conflict = |code, detail: &str| Self::new(StatusCode::CONFLICT, code, detail);
        match error {
            CodecError::NotPlanned => {
                let detail = "The video is not playable yet; you can ask for a codec once it is.";
                conflict("not_playable", detail)
            }
            CodecError::Failed => conflict(
                "failed",
                "The video failed, so nothing of it can be encoded.",
            ),
            CodecError::NoPicture => conflict(
                "no_picture",
                "The video has no pictures; other codecs are for pictures only.",
            ),
            CodecError::NotFound => Self::not_found(),
            CodecError::Store(error) => error.into(),
        }
    }
}

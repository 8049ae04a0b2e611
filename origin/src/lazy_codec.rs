//! A video is to get another codec: every way to ask for one ends here.

use axum::http::StatusCode;
use pipeline::CodecError;
use plan::LazyCodec;

use crate::problem::Problem;

/// The codec of this name in a path.
pub fn named(name: &str) -> Result<LazyCodec, Problem> {
    let known = name.parse();
    known.map_err(|_| {
        let detail = "There is no such codec: `hevc` and `av1` are those besides H.264.";
        Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
    })
}

impl From<CodecError> for Problem {
    fn from(error: CodecError) -> Self {
        let conflict = |code, detail: &str| Self::new(StatusCode::CONFLICT, code, detail);
        match error {
            CodecError::NotPlanned => {
                let detail = "The video is not playable yet; a codec can be asked for then.";
                conflict("not_playable", detail)
            }
            CodecError::Failed => conflict("failed", "The video failed: nothing of it is made."),
            CodecError::NoPicture => conflict(
                "no_picture",
                "The video is sound alone, which has one codec.",
            ),
            CodecError::NotFound => Self::not_found(),
            CodecError::Store(error) => error.into(),
        }
    }
}

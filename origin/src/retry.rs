//! Retry of a failed video, for the API and for the video's page.

use axum::http::StatusCode;
use store::metadata::{Source, State, VideoRow};

use crate::app::App;
use crate::problem::Problem;

/// Whether a video can be retried: it failed, and its source is complete.
pub fn can_retry(row: &VideoRow) -> bool {
    row.state == State::Failed && row.source == Source::Complete
}

impl App {
    /// Retries a failed video.
    ///
    /// # Errors
    /// `409` if the video did not fail, or if its source is not complete.
    pub(crate) async fn retry(&self, row: &VideoRow) -> Result<(), Problem> {
        let conflict = |code, detail: &str| Problem::new(StatusCode::CONFLICT, code, detail);
        if row.state != State::Failed {
            return Err(conflict("not_failed", "The video did not fail."));
        }
        if !can_retry(row) {
            let detail = "The video's source is not complete; please upload it again.";
            return Err(conflict("source_gone", detail));
        }
        self.pipeline.videos().retry(row.id).await?;
        Ok(())
    }
}

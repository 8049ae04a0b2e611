//! Another try for a video that failed, by the API and by its page.

use axum::http::StatusCode;
use store::metadata::{Source, State, VideoRow};

use crate::app::App;
use crate::problem::Problem;

/// Whether there is anything to try again.
pub fn may(row: &VideoRow) -> bool {
    row.state == State::Failed && row.source == Source::Complete
}

impl App {
    /// Has a failed video tried again.
    ///
    /// # Errors
    /// A `409` where the video did not fail, or where not all of its source is stored.
    pub(crate) async fn retry(&self, row: &VideoRow) -> Result<(), Problem> {
        let conflict = |code, detail: &str| Problem::new(StatusCode::CONFLICT, code, detail);
        if row.state != State::Failed {
            return Err(conflict("not_failed", "The video did not fail."));
        }
        if !may(row) {
            let detail = "Not all of the video's source is there; please upload it again.";
            return Err(conflict("source_gone", detail));
        }
        self.pipeline.retry(row.id).await?;
        Ok(())
    }
}

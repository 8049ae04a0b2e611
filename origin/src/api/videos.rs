//! Operations on videos, one file each: create, get, list, delete, retry and encode again, and a video's codecs, sound
//! and subtitles.

pub mod codecs;
pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod remake;
pub mod retry;
pub mod sound;
pub mod text;

use accounts::Principal;
use plan::VideoId;
use store::metadata::VideoRow;

use crate::app::App;
use crate::problem::Problem;

/// Finds a video that the principal may change.
///
/// # Errors
/// `404` if there is no such video, and also if it belongs to somebody else: nobody learns that it exists.
pub(crate) async fn owned(
    app: &App,
    principal: &Principal,
    video: &str,
) -> Result<VideoRow, Problem> {
    let id: VideoId = video.parse().map_err(|_| Problem::not_found())?;
    let row = app.pipeline.videos().get(id).await?;
    let row = row.ok_or_else(Problem::not_found)?;
    if principal.may_touch(row.owner) {
        Ok(row)
    } else {
        Err(Problem::not_found())
    }
}

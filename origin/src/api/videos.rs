//! Videos: create, get, list, delete, try or make again; their codecs, sound and text.

pub mod codecs;
pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod remake;
pub mod retry;
pub mod sound;
pub mod text;

use catalog::Principal;
use plan::VideoId;
use store::metadata::VideoRow;

use crate::app::App;
use crate::problem::Problem;

/// A video that the principal may touch; of others it is not even said that they exist.
pub(crate) async fn owned(
    app: &App,
    principal: &Principal,
    video: &str,
) -> Result<VideoRow, Problem> {
    let id: VideoId = video.parse().map_err(|_| Problem::not_found())?;
    let row = app.pipeline.video(id).await?;
    let row = row.ok_or_else(Problem::not_found)?;
    if principal.may_touch(row.owner) {
        Ok(row)
    } else {
        Err(Problem::not_found())
    }
}

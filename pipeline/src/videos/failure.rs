//! Failure of a video: the reason is written into its row.

use plan::{Code, VideoId};
use store::metadata::{State, VideoError};
use transcoder::EngineFailure;

use crate::records::Records;

/// Failure of a video for lack of space; it ends when there is space again.
pub(crate) fn no_space() -> EngineFailure {
    failure(
        Code::NoSpace,
        "No space is left where media is stored; it goes on when there is some.",
    )
}

/// Failure of the engine, or of something that the engine needs.
pub(crate) fn failure(code: Code, message: &str) -> EngineFailure {
    EngineFailure {
        code,
        message: message.to_owned(),
    }
}

/// Has a video fail with this reason. A ready video stays ready, without the renditions that its plan got since.
pub(crate) async fn fail(records: &Records, video: VideoId, failure: EngineFailure) {
    let failed = records
        .change(video, |row| {
            if row.state == State::Ready && row.is_in_the_making() {
                row.whole_plan.clone_from(&row.current_plan);
                return true;
            }
            let open = matches!(row.state, State::Waiting | State::Probing | State::Playable);
            if open {
                row.state = State::Failed;
                row.error = Some(VideoError {
                    code: failure.code,
                    message: failure.message.clone(),
                });
            }
            open
        })
        .await;
    if let Err(error) = failed {
        tracing::error!(%error, %video, "the failure of a video could not be written into its row");
    }
}

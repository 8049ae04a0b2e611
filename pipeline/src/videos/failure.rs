//! How a video fails: the reason in its row.

use plan::{Code, VideoId};
use store::metadata::{State, VideoError};
use transcoder::EngineFailure;

use crate::records::Records;

/// What a video fails of for the time being.
pub(crate) fn no_space() -> EngineFailure {
    failure(
        Code::NoSpace,
        "No space is left where media is stored; it goes on when there is some.",
    )
}

/// A failure of the engine or of what it needs.
pub(crate) fn failure(code: Code, message: &str) -> EngineFailure {
    EngineFailure {
        code,
        message: message.to_owned(),
    }
}

/// Ends a video's life with its reason. A ready one stays ready: it goes without what its plan has
/// got since.
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
        tracing::error!(%error, %video, "a failure could not be noted");
    }
}

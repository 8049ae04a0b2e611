//! Codecs of a video besides H.264: listing them, and asking for one.

pub mod list;
pub mod put;

use pipeline::CodecState;
use plan::LazyCodec;
use serde::Serialize;
use store::metadata::VideoRow;
use utoipa::ToSchema;

use crate::app::App;

/// Codec that a video has, or may get, besides H.264.
#[derive(Serialize, ToSchema)]
pub struct Codec {
    /// Name of the codec: `hevc` or `av1`.
    #[schema(example = "av1")]
    codec: &'static str,
    /// State of the codec: `absent` if nobody asked for it; `pending` while it is encoded, or waits until the server
    /// has nothing else to encode; `listed` once players can choose it; `failed` if it could not be encoded completely.
    state: &'static str,
    /// Number of segments that are encoded, while the state is `pending`.
    made: Option<u64>,
    /// Number of all segments, while the state is `pending`.
    total: Option<u64>,
}

impl Codec {
    fn of(codec: LazyCodec, state: CodecState) -> Self {
        let (word, progress) = match state {
            CodecState::Absent => ("absent", None),
            CodecState::Pending(progress) => ("pending", Some(progress)),
            CodecState::Failed => ("failed", None),
            CodecState::Listed => ("listed", None),
        };
        Self {
            codec: codec.as_str(),
            state: word,
            made: progress.map(|progress| progress.made),
            total: progress.map(|progress| progress.total),
        }
    }

    /// All codecs that a video has, or may get.
    pub async fn all(app: &App, row: &VideoRow) -> Result<Vec<Self>, store::Error> {
        let states = app.pipeline.videos().codecs(row).await?;
        Ok(states
            .into_iter()
            .map(|(codec, state)| Self::of(codec, state))
            .collect())
    }
}

//! Codecs of a video besides H.264: what there is, and asking for one.

pub mod list;
pub mod put;

use pipeline::CodecState;
use plan::LazyCodec;
use serde::Serialize;
use store::metadata::VideoRow;
use utoipa::ToSchema;

use crate::app::App;

/// A codec that a video may have besides H.264.
#[derive(Serialize, ToSchema)]
pub struct Codec {
    /// `hevc` or `av1`.
    #[schema(example = "av1")]
    codec: &'static str,
    /// `absent`: nobody asked for it; `pending`: it is made when nothing else is to be; `listed`:
    /// players can choose it; `failed`: not all of it could be made.
    state: &'static str,
    /// Segments stored, while it is pending.
    made: Option<u64>,
    /// Segments in all, while it is pending.
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

    /// All that a video has or may have.
    pub async fn all(app: &App, row: &VideoRow) -> Result<Vec<Self>, store::Error> {
        let states = app.pipeline.codecs(row).await?;
        Ok(states
            .into_iter()
            .map(|(codec, state)| Self::of(codec, state))
            .collect())
    }
}

//! What an engine answered to an order, where the answer is not a stored object.

use plan::{CueList, Loudness, MediaInfo, RenditionId};

/// Answers of an engine to an order that are not stored as they are.
#[derive(Default)]
pub(super) struct Answers {
    pub(super) info: Option<MediaInfo>,
    pub(super) cues: Vec<CueList>,
    pub(super) loudness: Vec<Loudness>,
    /// Renditions whose stored init segments differ from the ones made now.
    pub(super) foreign: Vec<RenditionId>,
}

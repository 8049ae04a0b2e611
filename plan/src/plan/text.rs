//! Text renditions: known once the cues of the source's text tracks are extracted.

use serde::{Deserialize, Serialize};

use super::Plan;
use crate::RenditionId;
use crate::cues::CueList;
use crate::media_info::TextTrack;

/// Text of one track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextRendition {
    /// Its name, and a hash of its cues.
    pub id: RenditionId,
    /// Language tag, where the source declares one.
    pub language: Option<String>,
    /// What a menu shows.
    pub label: String,
    /// Whether players show it unless told otherwise.
    pub default: bool,
    /// Whether it is shown to who asks for no text: translations of what others say.
    pub forced: bool,
}

impl TextRendition {
    /// That of the source's text track number `track`.
    fn of(source: &TextTrack, track: usize, cues: &CueList) -> Self {
        let declared = [&source.title, &source.language].into_iter().flatten();
        let label = declared.into_iter().find(|text| !text.trim().is_empty());
        Self {
            id: cues.rendition(track as u32),
            language: source.language.clone(),
            label: label.map_or_else(|| format!("Text {}", track + 1), Clone::clone),
            default: source.default,
            forced: source.forced,
        }
    }
}

impl Plan {
    /// Whether the source has text whose cues are not extracted yet.
    pub fn lacks_text(&self) -> bool {
        self.text.is_none() && !self.info.text.is_empty()
    }

    /// The same presentation with these cues, one list for each track of `info.text`. Tracks
    /// without any are left out.
    #[must_use]
    pub fn with_text(&self, lists: &[CueList]) -> Self {
        let tracks = self.info.text.iter().zip(lists).enumerate();
        let with_cues = tracks.filter(|(_, (_, cues))| !cues.cues.is_empty());
        let text = with_cues.map(|(track, (source, cues))| TextRendition::of(source, track, cues));
        Self {
            text: Some(text.collect()),
            ..self.clone()
        }
    }

    /// The text rendition of this id.
    pub fn text_rendition(&self, id: RenditionId) -> Option<&TextRendition> {
        self.text.iter().flatten().find(|text| text.id == id)
    }
}

//! Text renditions: known once the cues of the source's text tracks are extracted, or a file was
//! put beside it.

use serde::{Deserialize, Serialize};

use super::Plan;
use crate::cues::CueList;
use crate::media_info::TextTrack;
use crate::{RenditionId, RenditionName};

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

    fn is_in(&self, language: &str) -> bool {
        self.language.as_deref() == Some(language)
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

    /// All text: that of the source, then that of files beside it.
    pub fn texts(&self) -> impl Iterator<Item = &TextRendition> {
        self.text.iter().flatten().chain(&self.side_cars)
    }

    /// The text that players show unless told otherwise: one at most, whatever the source says (RFC 8216 §4.3.4.1.1).
    pub fn default_text(&self) -> Option<RenditionId> {
        self.texts().find(|text| text.default).map(|text| text.id)
    }

    /// The file that was put beside the source in this language.
    pub fn side_car(&self, language: &str) -> Option<&TextRendition> {
        self.side_cars.iter().find(|text| text.is_in(language))
    }

    /// The same presentation with a file's cues, in place of those that it had in this language.
    ///
    /// Side-cars count from the number of the source's text tracks on, whether those are extracted
    /// or not: both may come first. A number that another one had may come again, since the hash
    /// of the cues stands beside it.
    #[must_use]
    pub fn with_side_car(&self, language: &str, label: &str, cues: &CueList) -> Self {
        let mut plan = self.clone();
        let before = plan.side_cars.iter().position(|text| text.is_in(language));
        let number = before.map(|at| plan.side_cars[at].id.name());
        let number = number.unwrap_or_else(|| plan.free_name());
        let text = TextRendition {
            id: cues.rendition_named(number),
            language: Some(language.to_owned()),
            label: label.to_owned(),
            default: false,
            forced: false,
        };
        match before {
            Some(at) => plan.side_cars[at] = text,
            None => plan.side_cars.push(text),
        }
        plan
    }

    /// The same presentation without the file of this language; nothing where there is none.
    pub fn without_side_car(&self, language: &str) -> Option<Self> {
        let mut plan = self.clone();
        plan.side_cars.retain(|text| !text.is_in(language));
        (plan.side_cars.len() < self.side_cars.len()).then_some(plan)
    }

    /// The least name that no side-car has.
    fn free_name(&self) -> RenditionName {
        let mut number = self.info.text.len() as u32;
        let is_taken = |name| self.side_cars.iter().any(|text| text.id.name() == name);
        while is_taken(RenditionName::Text(number)) {
            number += 1;
        }
        RenditionName::Text(number)
    }

    /// The text rendition of this id.
    pub fn text_rendition(&self, id: RenditionId) -> Option<&TextRendition> {
        self.texts().find(|text| text.id == id)
    }
}

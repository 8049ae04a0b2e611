//! Text renditions (subtitles). They become known when the cues of the source's text tracks are extracted, or when a
//! subtitle file (side-car) is added to the video.

use serde::{Deserialize, Serialize};

use crate::cues::CueList;
use crate::media_info::TextTrack;
use crate::presentation::model::Plan;
use crate::rendition::{RenditionId, RenditionName};

/// Text rendition: one text track or subtitle file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextRendition {
    /// Id of the rendition: its name and the hash of its cues.
    pub id: RenditionId,
    /// Language tag, if the source declares one.
    pub language: Option<String>,
    /// Label of the rendition in a player's menu.
    pub label: String,
    /// Whether players show the text by default.
    pub default: bool,
    /// Whether players show the text even if the viewer selects no subtitles, e.g. translations of foreign dialog.
    pub forced: bool,
}

impl TextRendition {
    /// Makes the rendition of the source's text track number `track`.
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
    /// Whether the source has text tracks whose cues are not extracted yet.
    pub fn lacks_text(&self) -> bool {
        self.text.is_none() && !self.info.text.is_empty()
    }

    /// Returns the plan with renditions of these cues, one list for each track of `info.text`. Tracks without cues
    /// are left out.
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

    /// All text renditions: those of the source, then those of subtitle files.
    pub fn texts(&self) -> impl Iterator<Item = &TextRendition> {
        self.text.iter().flatten().chain(&self.side_cars)
    }

    /// The text rendition that players show by default. At most one exists, whatever the source declares (RFC 8216
    /// §4.3.4.1.1).
    pub fn default_text(&self) -> Option<RenditionId> {
        self.texts().find(|text| text.default).map(|text| text.id)
    }

    /// The rendition of the subtitle file in this language.
    pub fn side_car(&self, language: &str) -> Option<&TextRendition> {
        self.side_cars.iter().find(|text| text.is_in(language))
    }

    /// Returns the plan with the cues of a subtitle file, which replaces the file that the language had before.
    ///
    /// The tracks' numbers of subtitle files start after those of the source's text tracks, even while those are not
    /// extracted, since either may come first. A number of a removed file may be used again, because the id also
    /// contains a hash of the cues.
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

    /// Returns the plan without the subtitle file of this language. `None` if there is no such file.
    pub fn without_side_car(&self, language: &str) -> Option<Self> {
        let mut plan = self.clone();
        plan.side_cars.retain(|text| !text.is_in(language));
        (plan.side_cars.len() < self.side_cars.len()).then_some(plan)
    }

    /// The rendition name with the lowest number that no subtitle file has.
    fn free_name(&self) -> RenditionName {
        let mut number = self.info.text.len() as u32;
        let is_taken = |name| self.side_cars.iter().any(|text| text.id.name() == name);
        while is_taken(RenditionName::Text(number)) {
            number += 1;
        }
        RenditionName::Text(number)
    }

    /// The text rendition with this id.
    pub fn text_rendition(&self, id: RenditionId) -> Option<&TextRendition> {
        self.texts().find(|text| text.id == id)
    }
}

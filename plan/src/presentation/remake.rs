//! Renewal of a ready video by the current generation. Its renditions are made again beside the existing ones, and
//! replace them once all are made.

use serde::{Deserialize, Serialize};

use crate::policy::Policy;
use crate::presentation::audio::AudioRendition;
use crate::presentation::lazy::Lazy;
use crate::presentation::model::Plan;
use crate::presentation::replace::Anew;
use crate::presentation::video::VideoRendition;
use crate::rendition::RenditionId;

/// All video and audio renditions of a presentation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// Video renditions, highest rung first.
    pub video: Vec<VideoRendition>,
    /// Trick-play rendition, with one frame for each segment.
    pub trick_play: Option<VideoRendition>,
    /// Audio renditions: stereo in track order, then 5.1 in track order.
    pub audio: Vec<AudioRendition>,
    /// Renditions in lazy codecs.
    pub lazy: Vec<Lazy>,
}

impl Media {
    pub(super) fn pictures(&self) -> impl Iterator<Item = &VideoRendition> {
        let lazy = self.lazy.iter().flat_map(|lazy| &lazy.video);
        self.video.iter().chain(&self.trick_play).chain(lazy)
    }

    pub(super) fn sounds(&self) -> impl Iterator<Item = &AudioRendition> {
        let lazy = self.lazy.iter().flat_map(|lazy| &lazy.audio);
        self.audio.iter().chain(lazy)
    }

    /// Ids of all these renditions.
    pub fn ids(&self) -> impl Iterator<Item = RenditionId> + '_ {
        let pictures = self.pictures().map(|video| video.id);
        pictures.chain(self.sounds().map(|sound| sound.id))
    }
}

impl Plan {
    pub(super) fn media(&self) -> Media {
        Media {
            video: self.video.clone(),
            trick_play: self.trick_play.clone(),
            audio: self.audio.clone(),
            lazy: self.lazy.clone(),
        }
    }

    pub(super) fn with_media(&self, media: Media) -> Self {
        Self {
            video: media.video,
            trick_play: media.trick_play,
            audio: media.audio,
            lazy: media.lazy,
            coming: None,
            ..self.clone()
        }
    }

    /// Ids of current renditions that an older generation has made.
    pub fn older(&self) -> Vec<RenditionId> {
        let own = self.media();
        own.ids().filter(|id| self.is_older(*id)).collect()
    }

    /// Ids of the renditions that will replace the current ones once all are made, without those that the plan has
    /// already.
    pub fn coming_ids(&self) -> Vec<RenditionId> {
        let lazy = self.coming_lazy().into_iter().flatten();
        self.coming_eager().into_iter().chain(lazy).collect()
    }

    /// Ids of the replacements in H.264 and of their audio.
    pub fn coming_eager(&self) -> Vec<RenditionId> {
        let Some(Media {
            video,
            trick_play,
            audio,
            ..
        }) = &self.coming
        else {
            return Vec::new();
        };
        let pictures = video.iter().chain(trick_play).map(|video| video.id);
        self.without_own(pictures.chain(audio.iter().map(|sound| sound.id)))
    }

    /// Ids of the replacements in lazy codecs, one list for each codec.
    pub fn coming_lazy(&self) -> Vec<Vec<RenditionId>> {
        let lazy = self.coming.iter().flat_map(|coming| &coming.lazy);
        lazy.map(|lazy| self.without_own(lazy.ids())).collect()
    }

    fn without_own(&self, ids: impl Iterator<Item = RenditionId>) -> Vec<RenditionId> {
        let own: Vec<RenditionId> = self.media().ids().collect();
        ids.filter(|id| !own.contains(id)).collect()
    }

    /// Returns the plan with replacements, as `policy` plans them today, for all renditions of an older generation.
    /// `None` if there are none, or if their replacements are planned already.
    pub fn remade(&self, policy: &Policy) -> Option<Self> {
        let older = self.older();
        let is_coming = self
            .coming
            .as_ref()
            .is_some_and(|coming| !coming.ids().any(|id| self.is_older(id)));
        if older.is_empty() || is_coming {
            return None;
        }
        let coming = Anew::new(self, &older, policy).of(&self.media());
        Some(Self {
            coming: Some(coming),
            ..self.clone()
        })
    }

    /// Returns the plan with the replacements as its current renditions. `None` if no replacements are planned.
    pub fn with_coming_in_place(&self) -> Option<Self> {
        Some(self.with_media(self.coming.clone()?))
    }
}

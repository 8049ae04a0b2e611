//! Renditions in lazy codecs (HEVC, AV1): they are made after everything else, and listed in the manifests once they
//! are complete.

use serde::{Deserialize, Serialize};

use crate::presentation::audio::AudioRendition;
use crate::presentation::model::Plan;
use crate::presentation::opus::in_opus;
use crate::presentation::video::codec::LazyCodec;
use crate::presentation::video::{VideoRendition, in_codec};
use crate::rendition::RenditionId;
use crate::timeline::TimeLine;

/// The presentation in one lazy codec, with the same rungs as in H.264.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lazy {
    /// Codec of the video renditions.
    pub codec: LazyCodec,
    /// Video renditions, highest rung first.
    pub video: Vec<VideoRendition>,
    /// Audio renditions that are played only with this video: Opus with AV1.
    pub audio: Vec<AudioRendition>,
}

impl Lazy {
    /// Ids of all video and audio renditions in this codec.
    pub fn ids(&self) -> impl Iterator<Item = RenditionId> + '_ {
        let pictures = self.video.iter().map(|video| video.id);
        pictures.chain(self.audio.iter().map(|audio| audio.id))
    }
}

impl Plan {
    /// The presentation's renditions in a lazy codec, if the plan has that codec.
    pub fn lazy_in(&self, codec: LazyCodec) -> Option<&Lazy> {
        self.lazy.iter().find(|lazy| lazy.codec == codec)
    }

    /// All video renditions in any codec, including future replacements; each appears once.
    pub fn every_picture(&self) -> impl Iterator<Item = &VideoRendition> {
        let lazy = self.lazy.iter().flat_map(|lazy| &lazy.video);
        let own = self.pictures().chain(lazy);
        let coming = self.coming.iter().flat_map(|coming| coming.pictures());
        let is_new = {
            let own = own.clone();
            move |video: &&VideoRendition| own.clone().all(|known| known.id != video.id)
        };
        own.chain(coming.filter(is_new))
    }

    /// All audio renditions in any codec, including future replacements; each appears once.
    pub fn every_sound(&self) -> impl Iterator<Item = &AudioRendition> {
        let lazy = self.lazy.iter().flat_map(|lazy| &lazy.audio);
        let own = self.audio.iter().chain(lazy);
        let coming = self.coming.iter().flat_map(|coming| coming.sounds());
        let is_new = {
            let own = own.clone();
            move |sound: &&AudioRendition| own.clone().all(|known| known.id != sound.id)
        };
        own.chain(coming.filter(is_new))
    }

    /// Returns the plan with renditions in one more codec. `None` if the plan has the codec already, or has no video.
    /// The order of codecs does not depend on the order in which they were added.
    pub fn with_codec(&self, codec: LazyCodec) -> Option<Self> {
        if self.video.is_empty() || self.lazy_in(codec).is_some() {
            return None;
        }
        // If replacements are planned, derive the new codec from them, so that it does not change again.
        let (video, audio) = match &self.coming {
            Some(coming) => (&coming.video, &coming.audio),
            None => (&self.video, &self.audio),
        };
        let lazy = Lazy {
            codec,
            video: video
                .iter()
                .map(|rung| in_codec(codec, rung, self.timeline.rate))
                .collect(),
            audio: audio_for(codec, audio, &self.timeline),
        };
        let mut plan = self.clone();
        let coming = plan.coming.iter_mut().map(|coming| &mut coming.lazy);
        for all in coming.chain([&mut plan.lazy]) {
            all.push(lazy.clone());
            all.sort_by_key(|lazy| lazy.codec);
        }
        Some(plan)
    }

    /// Derives the audio renditions of lazy codecs again after the main audio renditions have changed.
    pub(super) fn renew_lazy_sound(&mut self) {
        for lazy in &mut self.lazy {
            lazy.audio = audio_for(lazy.codec, &self.audio, &self.timeline);
        }
        if let Some(coming) = &mut self.coming {
            for lazy in &mut coming.lazy {
                lazy.audio = audio_for(lazy.codec, &coming.audio, &self.timeline);
            }
        }
    }
}

/// Audio renditions for video in this codec. The list is empty if that video is played with AAC.
fn audio_for(
    codec: LazyCodec,
    audio: &[AudioRendition],
    timeline: &TimeLine,
) -> Vec<AudioRendition> {
    match codec {
        LazyCodec::Hevc => Vec::new(),
        LazyCodec::Av1 => audio.iter().map(|sound| in_opus(sound, timeline)).collect(),
    }
}

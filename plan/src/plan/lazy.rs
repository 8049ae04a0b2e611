//! Renditions in other codecs: made after everything else, listed once they are whole.

use serde::{Deserialize, Serialize};

use super::opus::in_opus;
use super::video::in_codec;
use super::{AudioRendition, LazyCodec, Plan, VideoRendition};
use crate::RenditionId;
use crate::timeline::TimeLine;

/// The presentation in one more codec: the rungs of H.264 again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lazy {
    /// Which.
    pub codec: LazyCodec,
    /// Picture, highest rung first.
    pub video: Vec<VideoRendition>,
    /// Sound that only these pictures play with: Opus beside AV1.
    pub audio: Vec<AudioRendition>,
}

impl Lazy {
    /// Its renditions.
    pub fn ids(&self) -> impl Iterator<Item = RenditionId> + '_ {
        let pictures = self.video.iter().map(|video| video.id);
        pictures.chain(self.audio.iter().map(|audio| audio.id))
    }
}

impl Plan {
    /// What it has in a lazy codec.
    pub fn lazy_in(&self, codec: LazyCodec) -> Option<&Lazy> {
        self.lazy.iter().find(|lazy| lazy.codec == codec)
    }

    /// All renditions of picture, in whatever codec, and those that are to come; each once.
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

    /// All renditions of sound, in whatever codec, and those that are to come; each once.
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

    /// The same presentation in this codec too; nothing where it is that already, or has no
    /// picture. The order of codecs does not depend on when each came.
    pub fn with_codec(&self, codec: LazyCodec) -> Option<Self> {
        if self.video.is_empty() || self.lazy_in(codec).is_some() {
            return None;
        }
        // Of what is to come, where anything is: it stays then.
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
            audio: sound_beside(codec, audio, &self.timeline),
        };
        let mut plan = self.clone();
        let coming = plan.coming.iter_mut().map(|coming| &mut coming.lazy);
        for all in coming.chain([&mut plan.lazy]) {
            all.push(lazy.clone());
            all.sort_by_key(|lazy| lazy.codec);
        }
        Some(plan)
    }

    /// Its sound is another one.
    pub(super) fn renew_lazy_sound(&mut self) {
        for lazy in &mut self.lazy {
            lazy.audio = sound_beside(lazy.codec, &self.audio, &self.timeline);
        }
        if let Some(coming) = &mut self.coming {
            for lazy in &mut coming.lazy {
                lazy.audio = sound_beside(lazy.codec, &coming.audio, &self.timeline);
            }
        }
    }
}

/// The sound that pictures in a codec play with, where that is not AAC.
fn sound_beside(
    codec: LazyCodec,
    audio: &[AudioRendition],
    timeline: &TimeLine,
) -> Vec<AudioRendition> {
    match codec {
        LazyCodec::Hevc => Vec::new(),
        LazyCodec::Av1 => audio.iter().map(|sound| in_opus(sound, timeline)).collect(),
    }
}

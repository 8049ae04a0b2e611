//! Renditions in other codecs: made after everything else, listed once they are whole.

use serde::{Deserialize, Serialize};

use super::opus::in_opus;
use super::video::in_codec;
use super::{AudioRendition, LazyCodec, Plan, VideoRendition};
use crate::RenditionId;

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

    /// All renditions of picture, in whatever codec.
    pub fn every_picture(&self) -> impl Iterator<Item = &VideoRendition> {
        let lazy = self.lazy.iter().flat_map(|lazy| &lazy.video);
        self.pictures().chain(lazy)
    }

    /// All renditions of sound, in whatever codec.
    pub fn every_sound(&self) -> impl Iterator<Item = &AudioRendition> {
        let lazy = self.lazy.iter().flat_map(|lazy| &lazy.audio);
        self.audio.iter().chain(lazy)
    }

    /// The same presentation in this codec too; nothing where it is that already, or has no
    /// picture. The order of codecs does not depend on when each came.
    pub fn with_codec(&self, codec: LazyCodec) -> Option<Self> {
        if self.video.is_empty() || self.lazy_in(codec).is_some() {
            return None;
        }
        let rungs = self.video.iter();
        let lazy = Lazy {
            codec,
            video: rungs
                .map(|rung| in_codec(codec, rung, self.timeline.rate))
                .collect(),
            audio: self.sound_beside(codec),
        };
        let mut plan = self.clone();
        plan.lazy.push(lazy);
        plan.lazy.sort_by_key(|lazy| lazy.codec);
        Some(plan)
    }

    /// The sound that pictures in a codec play with, where that is not AAC.
    fn sound_beside(&self, codec: LazyCodec) -> Vec<AudioRendition> {
        let of = |sound| in_opus(sound, &self.timeline);
        match codec {
            LazyCodec::Hevc => Vec::new(),
            LazyCodec::Av1 => self.audio.iter().map(of).collect(),
        }
    }

    /// Its sound is another one.
    pub(super) fn renew_lazy_sound(&mut self) {
        let mut lazy = std::mem::take(&mut self.lazy);
        for lazy in &mut lazy {
            lazy.audio = self.sound_beside(lazy.codec);
        }
        self.lazy = lazy;
    }
}

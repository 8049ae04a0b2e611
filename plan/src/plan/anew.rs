//! Renditions that nobody can go on with, begun anew: an encoder of another version declares other parameter sets,
//! or we write other boxes than we did, and such segments cannot stand beside the ones that are there.

use super::video::{self, in_codec};
use super::{
    AudioRendition, MEDIA_GENERATION, Plan, SoundCodec, VideoRendition, audio, trick_play,
};
use crate::RenditionId;
use crate::canonical::Canonical;
use crate::policy::Policy;

impl VideoRendition {
    fn begun_anew(&self) -> Self {
        let encoder_epoch = self.encoder_epoch.saturating_add(1);
        Self {
            id: begun_anew(self.id, encoder_epoch),
            encoder_epoch,
            ..self.clone()
        }
    }
}

impl AudioRendition {
    fn begun_anew(&self) -> Self {
        let encoder_epoch = self.encoder_epoch.saturating_add(1);
        Self {
            id: begun_anew(self.id, encoder_epoch),
            encoder_epoch,
            ..self.clone()
        }
    }

    /// The same sound by this generation, of those that are planned today.
    pub(super) fn of_today(&self, planned: &[Self]) -> Self {
        let same = |fresh: &&Self| fresh.id.name() == self.id.name();
        let fresh = planned.iter().find(same).unwrap_or(self);
        match self.generation {
            MEDIA_GENERATION => self.clone(),
            _ => fresh.clone(),
        }
    }
}

fn begun_anew(id: RenditionId, encoder_epoch: u32) -> RenditionId {
    let mut hash = Canonical::new("encoder");
    hash.text(&id.to_string()).int(encoder_epoch);
    hash.rendition(id.name())
}

impl Plan {
    /// Whether this program writes segments of a rendition as those that are there; true of what is none of
    /// picture or sound.
    pub fn is_of_this_generation(&self, id: RenditionId) -> bool {
        let picture = self.video_rendition(id).map(|video| video.generation);
        let sound = || self.audio_rendition(id).map(|audio| audio.generation);
        let generation = picture.or_else(sound);
        generation.is_none_or(|generation| generation == MEDIA_GENERATION)
    }

    /// The same presentation, in which others stand for those that nobody can go on with: of the same settings, or
    /// planned as `policy` has it where they are of an older generation. Nothing where there are none. What of them
    /// is not made will never be.
    pub fn with_begun_anew(&self, which: &[RenditionId], policy: &Policy) -> Option<Self> {
        let is_one = |id: &RenditionId| which.contains(id) && self.has_media(*id);
        let given_up: Vec<RenditionId> = self.every_media().filter(is_one).collect();
        if given_up.is_empty() {
            return None;
        }
        let mut plan = self.clone();
        plan.video = self.pictures_anew(&given_up, policy);
        plan.trick_play = self.trick_play_anew(&given_up, plan.video.last());
        plan.audio = self.sounds_anew(&given_up);
        plan.lazy = self.lazy_anew(&given_up, &plan);
        plan.given_up.extend(given_up);
        Some(plan)
    }

    fn pictures_anew(&self, given_up: &[RenditionId], policy: &Policy) -> Vec<VideoRendition> {
        let planned = self.info.video.as_ref().map_or(Vec::new(), |track| {
            video::renditions(track, &self.timeline, self.access, policy)
        });
        let anew = |rung: &VideoRendition| match rung.generation == MEDIA_GENERATION {
            _ if !given_up.contains(&rung.id) => Some(rung.clone()),
            true => Some(rung.begun_anew()),
            // A source's own pictures are encoded from now on: how they are coded is not known any more.
            false => planned
                .iter()
                .find(|fresh| fresh.rung == rung.rung)
                .cloned(),
        };
        let rungs: Vec<VideoRendition> = self.video.iter().filter_map(anew).collect();
        match rungs.is_empty() {
            // The rungs of today, where there are none of yesterday's.
            true => planned,
            false => rungs,
        }
    }

    fn trick_play_anew(
        &self,
        given_up: &[RenditionId],
        lowest: Option<&VideoRendition>,
    ) -> Option<VideoRendition> {
        let before = self.trick_play.as_ref()?;
        if !given_up.contains(&before.id) {
            return Some(before.clone());
        }
        if before.generation == MEDIA_GENERATION {
            return Some(before.begun_anew());
        }
        let track = self.info.video.as_ref()?;
        Some(trick_play::rendition(
            track,
            &self.timeline,
            self.access,
            lowest?,
        ))
    }

    fn sounds_anew(&self, given_up: &[RenditionId]) -> Vec<AudioRendition> {
        let planned = audio::renditions(&self.info, &self.timeline);
        let anew = |sound: &AudioRendition| match sound.generation == MEDIA_GENERATION {
            _ if !given_up.contains(&sound.id) => Some(sound.clone()),
            true => Some(sound.begun_anew()),
            false => Some(match sound.gain_millibels {
                0 => sound.of_today(&planned),
                gain => sound.of_today(&planned).with_gain(gain),
            }),
        };
        self.audio.iter().filter_map(anew).collect()
    }

    /// Those in other codecs, by the rungs and sounds of `base`.
    fn lazy_anew(&self, given_up: &[RenditionId], base: &Self) -> Vec<super::Lazy> {
        let picture = |rung: &VideoRendition, codec| match rung.generation == MEDIA_GENERATION {
            _ if !given_up.contains(&rung.id) => Some(rung.clone()),
            true => Some(rung.begun_anew()),
            false => {
                let same = |of: &&VideoRendition| of.rung == rung.rung;
                let of = base.video.iter().find(same)?;
                Some(in_codec(codec, of, self.timeline.rate))
            }
        };
        let sound = |sound: &AudioRendition| match sound.generation == MEDIA_GENERATION {
            _ if !given_up.contains(&sound.id) => Some(sound.clone()),
            true => Some(sound.begun_anew()),
            false => {
                let same = |of: &&AudioRendition| {
                    of.encoding == SoundCodec::Aac && of.id.name() == sound.id.name()
                };
                let of = base.audio.iter().find(same)?;
                Some(super::opus::in_opus(of, &self.timeline))
            }
        };
        let anew = |lazy: &super::Lazy| super::Lazy {
            codec: lazy.codec,
            video: lazy
                .video
                .iter()
                .filter_map(|rung| picture(rung, lazy.codec))
                .collect(),
            audio: lazy.audio.iter().filter_map(sound).collect(),
        };
        self.lazy.iter().map(anew).collect()
    }
}

//! Replacement of renditions that nobody can continue. An encoder of another version declares other parameter sets,
//! or this program writes other boxes than before; such segments cannot stand beside the existing ones.
//!
//! [`Plan::with_begun_anew`] takes a plan and the renditions to give up, and returns a plan with replacements.

use crate::canonical::Canonical;
use crate::policy::Policy;
use crate::presentation::audio::AudioRendition;
use crate::presentation::generation::MEDIA_GENERATION;
use crate::presentation::lazy::Lazy;
use crate::presentation::model::Plan;
use crate::presentation::remake::Media;
use crate::presentation::video::{self, VideoRendition, in_codec};
use crate::presentation::{audio, opus, trick_play};
use crate::rendition::RenditionId;

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

    /// The current generation's rendition of the same audio, chosen from the renditions `planned` by this program. A
    /// rendition of the current generation is returned unchanged.
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
    /// Whether this program makes segments of a rendition by the same rules as the existing ones. Also true for ids
    /// that are neither video nor audio.
    pub fn is_of_this_generation(&self, id: RenditionId) -> bool {
        let generation = self.generation_of(id);
        generation.is_none_or(|generation| generation == MEDIA_GENERATION)
    }

    /// Whether a rendition was begun by an earlier generation of this program. Renditions of a later generation are
    /// not older and must not be undone.
    pub(super) fn is_older(&self, id: RenditionId) -> bool {
        let generation = self.generation_of(id);
        generation.is_some_and(|generation| generation < MEDIA_GENERATION)
    }

    fn generation_of(&self, id: RenditionId) -> Option<u32> {
        let picture = self.video_rendition(id).map(|video| video.generation);
        let sound = || self.audio_rendition(id).map(|audio| audio.generation);
        picture.or_else(sound)
    }

    /// Returns the plan with replacements for the renditions in `which`, whose missing segments will never be made.
    /// Replacements keep their settings, or are planned anew by `policy` if they are of an older generation. `None`
    /// if there is nothing to replace.
    pub fn with_begun_anew(&self, which: &[RenditionId], policy: &Policy) -> Option<Self> {
        let is_one = |id: &RenditionId| {
            let is_later = self.generation_of(*id) > Some(MEDIA_GENERATION);
            which.contains(id) && self.has_media(*id) && !is_later
        };
        let given_up: Vec<RenditionId> = self.every_media().filter(is_one).collect();
        if given_up.is_empty() {
            return None;
        }
        let anew = Anew::new(self, &given_up, policy);
        let coming = self.coming.as_ref().map(|coming| anew.of(coming));
        let mut plan = self.with_media(anew.of(&self.media()));
        plan.coming = coming;
        // Renditions that no plan of today contains stay as they are.
        let given_up = given_up.into_iter().filter(|id| !plan.has_media(*id));
        let given_up: Vec<RenditionId> = given_up.collect();
        if given_up.is_empty() {
            return None;
        }
        plan.given_up.extend(given_up);
        Some(plan)
    }
}

/// Planner of replacements for renditions that are given up.
pub(super) struct Anew<'a> {
    plan: &'a Plan,
    given_up: &'a [RenditionId],
    /// Video renditions as this program plans them today.
    pictures: Vec<VideoRendition>,
    /// Audio renditions as this program plans them today.
    sounds: Vec<AudioRendition>,
}

impl<'a> Anew<'a> {
    pub(super) fn new(plan: &'a Plan, given_up: &'a [RenditionId], policy: &Policy) -> Self {
        let track = plan.info.video.as_ref();
        let pictures = track.map_or(Vec::new(), |track| {
            video::renditions(track, &plan.timeline, plan.access, policy)
        });
        Self {
            plan,
            given_up,
            pictures,
            sounds: audio::renditions(&plan.info, &plan.timeline),
        }
    }

    pub(super) fn of(&self, media: &Media) -> Media {
        let video = self.rungs(&media.video);
        let trick_play = media.trick_play.as_ref();
        let trick_play = trick_play.and_then(|before| self.trick_play(before, video.last()));
        let mut anew = Media {
            audio: media.audio.iter().map(|sound| self.sound(sound)).collect(),
            lazy: Vec::new(),
            trick_play,
            video,
        };
        anew.lazy = media
            .lazy
            .iter()
            .map(|lazy| self.lazy(lazy, &anew))
            .collect();
        anew
    }

    fn rungs(&self, rungs: &[VideoRendition]) -> Vec<VideoRendition> {
        let anew = |rung: &VideoRendition| match rung.generation == MEDIA_GENERATION {
            _ if !self.given_up.contains(&rung.id) => Some(rung.clone()),
            true => Some(rung.begun_anew()),
            // A passed-through rendition of an older generation is encoded from now on, since the plan no longer has
            // the list of its coded frames.
            false => self
                .pictures
                .iter()
                .find(|fresh| fresh.rung == rung.rung)
                .cloned(),
        };
        let anew: Vec<VideoRendition> = rungs.iter().filter_map(anew).collect();
        match anew.is_empty() && !rungs.is_empty() {
            // All old rungs are gone: use the rungs that are planned today.
            true => self.pictures.clone(),
            false => anew,
        }
    }

    fn trick_play(
        &self,
        before: &VideoRendition,
        lowest: Option<&VideoRendition>,
    ) -> Option<VideoRendition> {
        if !self.given_up.contains(&before.id) {
            return Some(before.clone());
        }
        if before.generation == MEDIA_GENERATION {
            return Some(before.begun_anew());
        }
        let Plan {
            info,
            timeline,
            access,
            ..
        } = self.plan;
        let track = info.video.as_ref()?;
        Some(trick_play::rendition(track, timeline, *access, lowest?))
    }

    fn sound(&self, sound: &AudioRendition) -> AudioRendition {
        match sound.generation == MEDIA_GENERATION {
            _ if !self.given_up.contains(&sound.id) => sound.clone(),
            true => sound.begun_anew(),
            false => match sound.gain_millibels {
                0 => sound.of_today(&self.sounds),
                gain => sound.of_today(&self.sounds).with_gain(gain),
            },
        }
    }

    /// Replacements for renditions in another codec, derived from the rungs and audio of `base`.
    fn lazy(&self, lazy: &Lazy, base: &Media) -> Lazy {
        let timeline = &self.plan.timeline;
        let picture = |rung: &VideoRendition| match rung.generation == MEDIA_GENERATION {
            _ if !self.given_up.contains(&rung.id) => Some(rung.clone()),
            true => Some(rung.begun_anew()),
            false => {
                let of = base.video.iter().find(|of| of.rung == rung.rung)?;
                Some(in_codec(lazy.codec, of, timeline.rate))
            }
        };
        let sound = |sound: &AudioRendition| match sound.generation == MEDIA_GENERATION {
            _ if !self.given_up.contains(&sound.id) => Some(sound.clone()),
            true => Some(sound.begun_anew()),
            false => {
                let of = base
                    .audio
                    .iter()
                    .find(|of| of.id.name() == sound.id.name())?;
                Some(opus::in_opus(of, timeline))
            }
        };
        Lazy {
            codec: lazy.codec,
            video: lazy.video.iter().filter_map(picture).collect(),
            audio: lazy.audio.iter().filter_map(sound).collect(),
        }
    }
}

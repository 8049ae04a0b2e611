//! Renditions that nobody can go on with, begun anew: an encoder of another version declares other parameter sets,
//! and segments under those cannot stand beside the ones that are there.

use super::{AudioRendition, Plan, VideoRendition};
use crate::canonical::Canonical;
use crate::{RenditionId, RenditionName};

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
}

fn begun_anew(id: RenditionId, encoder_epoch: u32) -> RenditionId {
    let mut hash = Canonical::new("encoder");
    hash.text(&id.to_string()).int(encoder_epoch);
    let name: RenditionName = id.name();
    hash.rendition(name)
}

impl Plan {
    /// The same presentation, in which other renditions of the same settings stand for those that nobody can go on
    /// with; nothing where it has none of them. Where these are listed still, what of them is not made will never be.
    pub fn with_begun_anew(&self, which: &[RenditionId]) -> Option<Self> {
        let mut plan = self.clone();
        let mut given_up = Vec::new();
        let mut is_one = |id: RenditionId| {
            let is_one = which.contains(&id);
            if is_one {
                given_up.push(id);
            }
            is_one
        };
        let pictures = plan.video.iter_mut().chain(&mut plan.trick_play);
        let pictures = pictures.chain(plan.lazy.iter_mut().flat_map(|lazy| &mut lazy.video));
        for picture in pictures {
            if is_one(picture.id) {
                *picture = picture.begun_anew();
            }
        }
        let sounds = plan.audio.iter_mut();
        let sounds = sounds.chain(plan.lazy.iter_mut().flat_map(|lazy| &mut lazy.audio));
        for sound in sounds {
            if is_one(sound.id) {
                *sound = sound.begun_anew();
            }
        }
        if given_up.is_empty() {
            return None;
        }
        plan.given_up.extend(given_up);
        Some(plan)
    }
}

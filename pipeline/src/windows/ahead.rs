//! Where viewers are, and what they will ask for next.

use std::time::Duration;

use plan::RenditionId;
use store::Moment;

/// Segments made past a playhead: 24 s, as players buffer.
const AHEAD: u32 = 6;
/// Playheads followed at once in one video; the oldest gives way.
const PLAYHEADS: usize = 16;
/// A playhead that has not been seen for so long has left: a player that buffers 30 s
/// asks at least every few seconds.
const LEFT: Duration = Duration::from_secs(20);

struct Playhead {
    rendition: RenditionId,
    at: u32,
    seen: Moment,
}

/// The playheads of one video.
#[derive(Default)]
pub(crate) struct Playheads(Vec<Playhead>);

impl Playheads {
    /// A viewer asked for this segment.
    pub(crate) fn at(&mut self, rendition: RenditionId, segment: u32, now: Moment) {
        let follows = |p: &&mut Playhead| {
            p.rendition == rendition && (p.at..=p.at.saturating_add(AHEAD)).contains(&segment)
        };
        if let Some(playhead) = self.0.iter_mut().find(follows) {
            (playhead.at, playhead.seen) = (segment, now);
            return;
        }
        if self.0.len() >= PLAYHEADS
            && let Some(oldest) = (0..self.0.len()).min_by_key(|&i| self.0[i].seen)
        {
            self.0.swap_remove(oldest);
        }
        self.0.push(Playhead {
            rendition,
            at: segment,
            seen: now,
        });
    }

    /// Where somebody was last, of these renditions.
    pub(crate) fn latest(&self, of: impl Fn(RenditionId) -> bool) -> Option<(RenditionId, u32)> {
        let theirs = self.0.iter().filter(|playhead| of(playhead.rendition));
        theirs.max_by_key(|p| p.seen).map(|p| (p.rendition, p.at))
    }

    /// Whether anybody is near.
    pub(crate) fn is_any(&self, now: Moment) -> bool {
        self.0.iter().any(|p| now.since(p.seen) < LEFT)
    }

    /// The wanted segment with the least lead over its playhead, in all renditions in which
    /// it is wanted.
    pub(crate) fn next(
        &mut self,
        now: Moment,
        wanted: impl Fn(RenditionId, u32) -> bool,
    ) -> Option<(Vec<RenditionId>, u32)> {
        self.0.retain(|p| now.since(p.seen) < LEFT);
        let nexts: Vec<(RenditionId, u32, u32)> = self
            .0
            .iter()
            .filter_map(|p| {
                let lead =
                    (1..=AHEAD).find(|lead| wanted(p.rendition, p.at.saturating_add(*lead)))?;
                Some((p.rendition, p.at + lead, lead))
            })
            .collect();
        let &(_, segment, _) = nexts.iter().min_by_key(|(_, _, lead)| *lead)?;
        let same = nexts.iter().filter(|(_, index, _)| *index == segment);
        let mut renditions: Vec<RenditionId> = same.map(|(rendition, ..)| *rendition).collect();
        renditions.sort_unstable();
        renditions.dedup();
        Some((renditions, segment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendition(number: u32) -> RenditionId {
        RenditionId::new(plan::RenditionName::Video(number), &[0; 32])
    }

    #[test]
    fn sound_and_picture_go_ahead_together_up_to_a_bound() {
        let (picture, sound) = (rendition(480), rendition(360));
        let mut playheads = Playheads::default();
        let now = Moment::default();
        playheads.at(picture, 7, now);
        playheads.at(sound, 7, now);
        let first = playheads.next(now, |_, _| true);
        assert_eq!(first, Some((vec![sound, picture], 8)));
        let behind = playheads.next(now, |id, index| id == sound || index > 9);
        assert_eq!(behind, Some((vec![sound], 8)));
        assert_eq!(playheads.next(now, |_, index| index > 13), None);
    }

    #[test]
    fn who_seeks_away_is_followed_and_who_left_is_not() {
        let mut playheads = Playheads::default();
        let now = Moment::default();
        playheads.at(rendition(480), 7, now);
        playheads.at(rendition(480), 100, now + Duration::from_secs(15));
        let later = now + Duration::from_secs(25);
        let next = playheads.next(later, |_, _| true);
        assert_eq!(next, Some((vec![rendition(480)], 101)));
    }
}

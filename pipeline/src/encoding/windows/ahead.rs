//! Playheads: the places at which viewers are in one video, and the segments that their players will ask for next.

use std::time::Duration;

use plan::RenditionId;
use store::Moment;

use crate::encoding::turns::Viewer;

/// Segments that are made past a playhead: 24 seconds, about what players buffer.
const AHEAD: u32 = 6;
/// Playheads that are followed at once in one video. Beyond that, the oldest playhead of the network with the most
/// playheads is dropped.
const PLAYHEADS: usize = 16;
/// Time after which a viewer who was not seen has left. A player that buffers 30 seconds asks at least every few
/// seconds.
const LEFT: Duration = Duration::from_secs(20);

/// A place of a viewer in one video, in the pictures or in the sound.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) rendition: RenditionId,
    pub(crate) is_sound: bool,
    pub(crate) segment: u32,
}

/// A place in a video at which one player is.
struct Playhead {
    place: Place,
    /// When a viewer was seen here last.
    seen: Moment,
    /// The viewer who was seen here last.
    viewer: Viewer,
    /// Whether the viewer was seen elsewhere since. Another viewer who cannot be told apart may still be here.
    left: bool,
}

impl Playhead {
    /// Whether a viewer at this playhead would come to this place next, or is there already.
    fn leads_to(&self, place: Place) -> bool {
        let Place { segment, .. } = self.place;
        place.rendition == self.place.rendition
            && (segment..=segment.saturating_add(AHEAD)).contains(&place.segment)
    }
}

/// The playheads of one video.
#[derive(Default)]
pub(crate) struct Playheads(Vec<Playhead>);

impl Playheads {
    /// Notes that a viewer asked for a segment. The viewer's earlier playhead in the pictures, or in the sound, counts
    /// as left: a player has one of each. The earlier playheads of viewers who cannot be told from others stay.
    pub(crate) fn record(&mut self, place: Place, viewer: &Viewer, now: Moment) {
        if let Some(at) = self.0.iter().position(|p| p.leads_to(place)) {
            self.0.swap_remove(at);
        }
        if viewer.is_known() {
            let theirs =
                |p: &&mut Playhead| p.viewer.is_same(viewer) && p.place.is_sound == place.is_sound;
            self.0.iter_mut().filter(theirs).for_each(|p| p.left = true);
        }
        self.0.push(Playhead {
            place,
            seen: now,
            viewer: viewer.clone(),
            left: false,
        });
        if self.0.len() > PLAYHEADS {
            self.make_room();
        }
    }

    fn make_room(&mut self) {
        let of = |i: usize| self.0[i].viewer.network;
        let share = |i: &usize| {
            (0..self.0.len())
                .filter(|&other| of(other) == of(*i))
                .count()
        };
        let most = (0..self.0.len()).map(|i| share(&i)).max();
        let oldest = (0..self.0.len())
            .filter(|i| Some(share(i)) == most)
            .min_by_key(|&i| self.0[i].seen);
        if let Some(oldest) = oldest {
            self.0.swap_remove(oldest);
        }
    }

    /// Place at which a viewer was seen last, in the sound or in the pictures.
    pub(crate) fn latest(&self, is_sound: bool) -> Option<Place> {
        let theirs = self.0.iter().filter(|p| p.place.is_sound == is_sound);
        theirs.max_by_key(|p| p.seen).map(|p| p.place)
    }

    /// Whether any viewer was seen lately.
    pub(crate) fn is_any(&self, now: Moment) -> bool {
        self.0.iter().any(|p| now.since(p.seen) < LEFT)
    }

    /// The wanted segment that is closest after its playhead, in all renditions in which it is wanted. Of equally close
    /// ones the playhead that was seen last comes first; playheads that were left come last.
    pub(crate) fn next(
        &mut self,
        now: Moment,
        wanted: impl Fn(RenditionId, u32) -> bool,
    ) -> Option<(Vec<RenditionId>, u32)> {
        self.0.retain(|p| now.since(p.seen) < LEFT);
        let next_of = |p: &Playhead| {
            let Place {
                rendition, segment, ..
            } = p.place;
            let lead = (1..=AHEAD).find(|lead| wanted(rendition, segment.saturating_add(*lead)))?;
            Some((rendition, segment + lead, (p.left, lead, now.since(p.seen))))
        };
        let nexts: Vec<_> = self.0.iter().filter_map(next_of).collect();
        let &(_, segment, _) = nexts.iter().min_by_key(|(.., rank)| *rank)?;
        let same = nexts.iter().filter(|(_, index, _)| *index == segment);
        let mut renditions: Vec<RenditionId> = same.map(|(rendition, ..)| *rendition).collect();
        renditions.sort_unstable();
        renditions.dedup();
        Some((renditions, segment))
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn rendition(number: u32) -> RenditionId {
        RenditionId::new(plan::RenditionName::Video(number), &[0; 32])
    }

    fn picture(number: u32, segment: u32) -> Place {
        Place {
            rendition: rendition(number),
            is_sound: false,
            segment,
        }
    }

    fn viewer(address: u8) -> Viewer {
        Viewer {
            network: Some(IpAddr::from([192, 0, 2, address]).into()),
            ..Viewer::default()
        }
    }

    #[test]
    fn sound_and_picture_go_ahead_together_up_to_a_bound() {
        let mut playheads = Playheads::default();
        let now = Moment::default();
        let sound = Place {
            is_sound: true,
            ..picture(360, 7)
        };
        playheads.record(picture(480, 7), &viewer(1), now);
        playheads.record(sound, &viewer(1), now);
        let first = playheads.next(now, |_, _| true);
        assert_eq!(first, Some((vec![rendition(360), rendition(480)], 8)));
        let behind = playheads.next(now, |id, index| id == rendition(360) || index > 9);
        assert_eq!(behind, Some((vec![rendition(360)], 8)));
        assert_eq!(playheads.next(now, |_, index| index > 13), None);
    }

    #[test]
    fn who_seeks_away_is_followed_before_anything_is_made_where_they_were() {
        let mut playheads = Playheads::default();
        let now = Moment::default();
        playheads.record(picture(480, 7), &viewer(1), now);
        playheads.record(picture(720, 100), &viewer(1), now);
        let next = playheads.next(now, |_, _| true);
        assert_eq!(next, Some((vec![rendition(720)], 101)));
        let next = playheads.next(now, |_, index| index == 106 || index < 100);
        assert_eq!(next, Some((vec![rendition(720)], 106)));
        let next = playheads.next(now, |_, index| index < 100);
        assert_eq!(next, Some((vec![rendition(480)], 8)));
    }

    #[test]
    fn others_are_followed_too_and_the_last_seen_comes_first() {
        let mut playheads = Playheads::default();
        let at = |seconds| Moment::default() + Duration::from_secs(seconds);
        playheads.record(picture(480, 7), &viewer(1), at(0));
        playheads.record(picture(480, 100), &viewer(2), at(1));
        playheads.record(picture(480, 200), &Viewer::default(), at(2));
        playheads.record(picture(480, 300), &Viewer::default(), at(3));
        for (segment, most) in [(301, u32::MAX), (201, 300), (101, 200), (8, 100)] {
            let next = playheads.next(at(3), |_, index| index < most);
            assert_eq!(next, Some((vec![rendition(480)], segment)));
        }
    }

    #[test]
    fn one_network_that_is_everywhere_drives_out_nobody_else() {
        let mut playheads = Playheads::default();
        let at = |seconds| Moment::default() + Duration::from_secs(seconds);
        playheads.record(picture(480, 7), &viewer(1), at(0));
        for n in 0..100 {
            let session = Some(n.to_string());
            let stranger = Viewer {
                session,
                ..viewer(2)
            };
            playheads.record(picture(720, 100 * n + 50), &stranger, at(1));
        }
        assert_eq!(playheads.0.len(), PLAYHEADS);
        let next = playheads.next(at(1), |id, _| id == rendition(480));
        assert_eq!(next, Some((vec![rendition(480)], 8)));
    }

    #[test]
    fn who_has_not_been_seen_for_long_has_left() {
        let mut playheads = Playheads::default();
        let now = Moment::default();
        playheads.record(picture(480, 7), &viewer(1), now);
        assert!(playheads.is_any(now) && !playheads.is_any(now + LEFT));
        assert_eq!(playheads.next(now + LEFT, |_, _| true), None);
    }
}

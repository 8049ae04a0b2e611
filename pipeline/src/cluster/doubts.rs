//! When a worker doubts what it knows to be stored of videos that other workers look after.

use std::collections::HashMap;
use std::time::Duration;

use plan::VideoId;
use store::Moment;
use store::work::Chunk;

/// How long a chunk of another worker's video may stay at the front before the inventory of that video is doubted: an
/// event about a stored segment may have been missed. The time doubles with every doubt, up to [`DOUBTED_AT_MOST`].
const DOUBTED: Duration = Duration::from_secs(5);
/// The longest time until an inventory is doubted again.
const DOUBTED_AT_MOST: Duration = Duration::from_secs(60);

/// Chunks at the front of the order that other workers offer.
#[derive(Default)]
pub(super) struct Doubts(HashMap<Chunk, Doubt>);

/// The time at which a worker next doubts its inventory of a chunk's video.
struct Doubt {
    /// The next time at which the inventory is doubted.
    at: Moment,
    /// Time from the doubt before to the next one.
    patience: Duration,
}

impl Doubts {
    /// Videos of which the inventory is doubted now: one of these chunks has stayed at the front for long. A chunk that is
    /// stored, unknown to this worker, would keep it from offering what comes after the chunk.
    pub(super) fn due<'a>(
        &mut self,
        chunks: impl Iterator<Item = &'a Chunk>,
        now: Moment,
    ) -> Vec<VideoId> {
        let mut before = std::mem::take(&mut self.0);
        let mut due = Vec::new();
        for chunk in chunks {
            let mut doubt = before.remove(chunk).unwrap_or(Doubt {
                at: now + DOUBTED,
                patience: DOUBTED,
            });
            if now >= doubt.at {
                due.push(chunk.video);
                doubt.patience = (doubt.patience * 2).min(DOUBTED_AT_MOST);
                doubt.at = now + doubt.patience;
            }
            self.0.insert(chunk.clone(), doubt);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use store::work::Scope;

    use super::*;

    #[test]
    fn a_chunk_that_stays_at_the_front_is_doubted_less_and_less_often() {
        let chunk = Chunk {
            video: VideoId::new(),
            plan: String::new(),
            scope: Scope::Poster,
            index: 0,
        };
        let mut doubts = Doubts::default();
        let mut doubted = Vec::new();
        let second = |n| Moment::default() + Duration::from_secs(n);
        for n in 0..200 {
            if !doubts.due([&chunk].into_iter(), second(n)).is_empty() {
                doubted.push(n);
            }
        }
        assert_eq!(doubted, [5, 15, 35, 75, 135, 195]);
        // A chunk that left the front meanwhile begins anew.
        assert!(doubts.due([].into_iter(), second(200)).is_empty());
        assert!(doubts.due([&chunk].into_iter(), second(400)).is_empty());
    }
}

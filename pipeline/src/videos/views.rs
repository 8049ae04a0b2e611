//! View counts: each playback is counted once, in memory. Once a minute the counts are written to the store, and a
//! video with enough views gets lazy codecs.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashSet};
use std::hash::BuildHasher;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use plan::VideoId;
use store::Moment;
use tokio::sync::Notify;

use crate::encoding::turns::Viewer;
use crate::plans::codecs::{self, CodecError};
use crate::plans::planner::Planner;

/// Silence after which a viewer who comes back counts as a new view; in some cases twice as long.
const SILENCE: Duration = Duration::from_secs(1800);
/// Time from the first count to the writing: one statement a minute for each video that is watched.
const PAUSE: Duration = Duration::from_secs(60);
/// Viewers that are told apart within one time of silence, 8 bytes of hash each; further viewers are not counted.
const VIEWERS: usize = 1 << 17;
/// Videos whose views wait to be written; views of further videos are lost.
const VIDEOS: usize = 1 << 14;

/// Viewers who were counted lately, and the counts that are not written yet.
#[derive(Default)]
struct State {
    /// Start of the time that `lately` covers.
    since: Moment,
    lately: HashSet<u64>,
    /// Viewers of the time of silence before `lately`.
    before: HashSet<u64>,
    unwritten: BTreeMap<VideoId, u64>,
}

/// Viewers who were counted lately, and the counts that are not written yet.
#[derive(Default)]
pub(crate) struct ViewCounter {
    hasher: RandomState,
    state: Mutex<State>,
    /// Notified when a view was counted.
    counted: Notify,
}

impl ViewCounter {
    /// Counts a view of a video, unless the same viewer was counted lately. A network counts as one viewer: sessions
    /// are what players claim, and whoever makes sessions up could have any video encoded. The session is used only
    /// where the network is not known.
    pub(crate) fn note(&self, video: VideoId, viewer: &Viewer, now: Moment) {
        let session = viewer.session.as_ref().filter(|_| viewer.network.is_none());
        let viewer_hash = self.hasher.hash_one((video, viewer.network, session));
        let mut state = self.state.lock();
        state.rotate(now);
        if state.begin_view(viewer_hash) && state.count(video) {
            self.counted.notify_one();
        }
    }

    /// Takes out the count of the first video after this one.
    fn take_after(&self, video: Option<VideoId>) -> Option<(VideoId, u64)> {
        let mut state = self.state.lock();
        let from = video.map_or(Unbounded, Excluded);
        let (&video, &views) = state.unwritten.range((from, Unbounded)).next()?;
        state.unwritten.remove(&video);
        Some((video, views))
    }
}

impl State {
    fn rotate(&mut self, now: Moment) {
        let passed = now.since(self.since);
        if passed < SILENCE {
            return;
        }
        self.before = std::mem::take(&mut self.lately);
        if passed >= 2 * SILENCE {
            self.before.clear();
        }
        self.since = now;
    }

    /// Whether this viewer begins another view, instead of going on with one.
    fn begin_view(&mut self, viewer_hash: u64) -> bool {
        if self.lately.contains(&viewer_hash) || self.lately.len() >= VIEWERS {
            return false;
        }
        self.lately.insert(viewer_hash);
        !self.before.contains(&viewer_hash)
    }

    fn count(&mut self, video: VideoId) -> bool {
        let has_room = self.unwritten.len() < VIDEOS || self.unwritten.contains_key(&video);
        if has_room {
            *self.unwritten.entry(video).or_default() += 1;
        }
        has_room
    }
}

/// Writes counts, for ever.
pub(crate) async fn run(counter: Arc<ViewCounter>, planner: Arc<Planner>) {
    loop {
        counter.counted.notified().await;
        planner.records.stores.clock.sleep(PAUSE).await;
        write(&counter, &planner).await;
    }
}

/// Writes the count of each video once. If a store does not answer, the views of that video are lost, since they may
/// have been counted already; the other counts wait.
pub(crate) async fn write(counter: &ViewCounter, planner: &Planner) {
    let mut last = None;
    while let Some((video, views)) = counter.take_after(last) {
        last = Some(video);
        match planner
            .records
            .stores
            .metadata
            .views()
            .add(&video, views)
            .await
        {
            Ok(all) => add_earned_codecs(planner, video, all).await,
            Err(error) => {
                tracing::warn!(%error, %video, views, "view counts of a video may be lost: the store did not answer");
                counter.counted.notify_one();
                return;
            }
        }
    }
}

/// Gives a video with enough views the codecs of the settings. This is checked with every writing, since another
/// process may have ended before it could, and since settings change.
async fn add_earned_codecs(planner: &Planner, video: VideoId, views: u64) {
    if views < planner.config.lazy_after_views {
        return;
    }
    for &codec in &planner.config.lazy_codecs {
        // A video that failed, was deleted or has no picture gets no codec.
        if let Err(CodecError::Store(error)) = codecs::list(planner, video, codec).await {
            tracing::warn!(%error, %video, codec = codec.as_str(), "a codec that a video has earned could not be added");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str, session: &str) -> Viewer {
        let address: Option<std::net::IpAddr> = address.parse().ok();
        Viewer {
            network: address.map(Into::into),
            session: Some(session.to_owned()),
            deadline: None,
        }
    }

    fn minutes(n: u64) -> Moment {
        Moment::default() + Duration::from_secs(60 * n)
    }

    fn counts(views: &ViewCounter) -> Vec<u64> {
        let mut counts = Vec::new();
        let mut last = None;
        while let Some((video, count)) = views.take_after(last) {
            last = Some(video);
            counts.push(count);
        }
        counts
    }

    #[test]
    fn a_playback_counts_once_however_long_it_is_and_again_after_a_silence() {
        let (views, video) = (ViewCounter::default(), VideoId::new());
        for minute in (0..180).chain([209]) {
            views.note(video, &at("192.0.2.1", "a"), minutes(minute));
        }
        assert_eq!(counts(&views), [1]);
        for minute in [269, 350] {
            views.note(video, &at("192.0.2.1", "a"), minutes(minute));
        }
        assert_eq!(counts(&views), [2]);
    }

    #[test]
    fn sessions_do_not_make_a_network_many_but_tell_viewers_apart_where_it_is_not_known() {
        let (views, videos) = (ViewCounter::default(), [VideoId::new(), VideoId::new()]);
        for (address, session) in [
            ("192.0.2.1", "a"),
            ("192.0.2.1", "b"),
            ("2001:db8::1", "c"),
            ("2001:db8::2", "d"),
            ("", "a"),
            ("", "b"),
            ("", "a"),
        ] {
            for video in videos {
                views.note(video, &at(address, session), minutes(1));
            }
        }
        assert_eq!(counts(&views), [4, 4]);
    }

    #[test]
    fn memory_has_an_end() {
        let (views, video) = (ViewCounter::default(), VideoId::new());
        for session in 0..VIEWERS + 5 {
            views.note(video, &at("", &session.to_string()), minutes(0));
        }
        assert_eq!(counts(&views), [VIEWERS as u64]);
        for _ in 0..VIDEOS + 5 {
            views.note(VideoId::new(), &Viewer::default(), minutes(60));
        }
        assert_eq!(counts(&views).len(), VIDEOS);
    }
}

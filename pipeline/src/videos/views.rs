//! ViewCounter: each playback is counted once, in memory; once a minute the counts are written down, and
//! a video that has enough of them gets other codecs.

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

/// Who was away for so long, or for twice as long at most, plays the video another time.
const SILENCE: Duration = Duration::from_secs(1800);
/// From the first count to the writing: a statement a minute for each video that is watched.
const PAUSE: Duration = Duration::from_secs(60);
/// Viewers that are told apart in a time of silence, a hash of 8 bytes each; more are not counted.
const VIEWERS: usize = 1 << 17;
/// Videos whose views wait to be written; views of more are lost.
const VIDEOS: usize = 1 << 14;

#[derive(Default)]
struct State {
    /// When `lately` began.
    since: Moment,
    lately: HashSet<u64>,
    /// Those of the time of silence before.
    before: HashSet<u64>,
    unwritten: BTreeMap<VideoId, u64>,
}

/// Who plays what, and what of it is not written down yet.
#[derive(Default)]
pub(crate) struct ViewCounter {
    hasher: RandomState,
    state: Mutex<State>,
    counted: Notify,
}

impl ViewCounter {
    /// A viewer has got media of a video. A network counts as one viewer: sessions are what players
    /// say, and who makes them up would have any video encoded. Where the network is not known, the
    /// session has to do.
    pub(crate) fn note(&self, video: VideoId, viewer: &Viewer, now: Moment) {
        let session = viewer.session.as_ref().filter(|_| viewer.network.is_none());
        let mark = self.hasher.hash_one((video, viewer.network, session));
        let mut state = self.state.lock();
        state.pass(now);
        if state.is_another(mark) && state.count(video) {
            self.counted.notify_one();
        }
    }

    /// Takes out the first video after this one.
    fn take_after(&self, video: Option<VideoId>) -> Option<(VideoId, u64)> {
        let mut state = self.state.lock();
        let from = video.map_or(Unbounded, Excluded);
        let (&video, &views) = state.unwritten.range((from, Unbounded)).next()?;
        state.unwritten.remove(&video);
        Some((video, views))
    }
}

impl State {
    fn pass(&mut self, now: Moment) {
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

    /// Whether this one does not go on with what they play already.
    fn is_another(&mut self, mark: u64) -> bool {
        if self.lately.contains(&mark) || self.lately.len() >= VIEWERS {
            return false;
        }
        self.lately.insert(mark);
        !self.before.contains(&mark)
    }

    fn count(&mut self, video: VideoId) -> bool {
        let has_room = self.unwritten.len() < VIDEOS || self.unwritten.contains_key(&video);
        if has_room {
            *self.unwritten.entry(video).or_default() += 1;
        }
        has_room
    }
}

/// Writes counts down, for ever.
pub(crate) async fn run(counter: Arc<ViewCounter>, planner: Arc<Planner>) {
    loop {
        counter.counted.notified().await;
        planner.records.stores.clock.sleep(PAUSE).await;
        write(&counter, &planner).await;
    }
}

/// Writes down what was counted, each video once. Where a store does not answer, the views of one
/// video are lost, since they may be counted already, and the rest waits.
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
            Ok(all) => earn(planner, video, all).await,
            Err(error) => {
                tracing::warn!(%error, %video, views, "views may be lost");
                counter.counted.notify_one();
                return;
            }
        }
    }
}

/// A video with enough views gets the codecs of the settings: with every writing, since another
/// process may have ended before it could, and since settings change.
async fn earn(planner: &Planner, video: VideoId, views: u64) {
    if views < planner.config.lazy_after_views {
        return;
    }
    for &codec in &planner.config.lazy_codecs {
        // What failed, was deleted or has no picture gets none.
        if let Err(CodecError::Store(error)) = codecs::list(planner, video, codec).await {
            tracing::warn!(%error, %video, codec = codec.as_str(), "its views are not heeded yet");
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

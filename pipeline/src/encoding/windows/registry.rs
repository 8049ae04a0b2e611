//! The watch windows of a process: at most one for each video.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use plan::VideoId;

use super::window::Window;
use crate::encoding::turns::Network;
use crate::plans::planner::Planner;

/// Windows that one network may have open while other networks wait: the need of two viewers.
const WINDOWS_OF_ONE: usize = 2;

/// The open windows by video, and what they make segments with. A request is added to the waiting ones before its
/// window is looked up here, so that a window that closes meanwhile sees the request.
pub(crate) struct Windows {
    pub(super) planner: Arc<Planner>,
    open: Mutex<HashMap<VideoId, Arc<Window>>>,
}

/// Outcome of opening a window.
pub(crate) enum Opening {
    /// The video has a window already.
    Known(Arc<Window>),
    /// The window is new and nothing runs it yet. The second window, if any, was taken out to make room and must end.
    New(Arc<Window>, Option<Arc<Window>>),
    /// No more windows may be open.
    Full,
}

impl Windows {
    pub(crate) fn new(planner: &Arc<Planner>) -> Self {
        Self {
            planner: planner.clone(),
            open: Mutex::default(),
        }
    }

    /// Videos that have an open window, in the order of their ids.
    pub(crate) fn warm_videos(&self) -> Vec<VideoId> {
        let mut videos: Vec<_> = self.open.lock().keys().copied().collect();
        videos.sort_unstable();
        videos
    }

    /// The window of a video, if the video has one.
    pub(crate) fn of(&self, video: VideoId) -> Option<Arc<Window>> {
        self.open.lock().get(&video).cloned()
    }

    /// Returns the window of a video, or a new one if fewer than `most` are open or if nobody waits at one of them.
    pub(crate) fn open(
        &self,
        (video, network): (VideoId, Option<Network>),
        most: usize,
        new: impl FnOnce() -> Window,
    ) -> Opening {
        let waiting = &self.planner.sessions.waiting;
        let mut windows = self.open.lock();
        if let Some(window) = windows.get(&video) {
            return Opening::Known(window.clone());
        }
        let own = windows.values().filter(|w| w.network() == network).count();
        let has_its_share = network.is_some() && own >= WINDOWS_OF_ONE;
        if has_its_share && waiting.has_another_network(network) {
            return Opening::Full;
        }
        let mut leaving = None;
        if windows.len() >= most {
            let waited_for = waiting.videos();
            let idle = windows.keys().find(|video| !waited_for.contains(video));
            let Some(idle) = idle.copied() else {
                return Opening::Full;
            };
            leaving = windows.remove(&idle);
        }
        let window = Arc::new(new());
        windows.insert(video, window.clone());
        Opening::New(window, leaving)
    }

    /// Closes a window unless a request waits for its video; returns whether the window is closed.
    pub(crate) fn close(&self, window: &Arc<Window>) -> bool {
        let waiting = &self.planner.sessions.waiting;
        let mut windows = self.open.lock();
        let wanted = waiting.is_video_waited_for(window.video());
        let known = windows.get(&window.video());
        // Another window of the same video may be open by now.
        let own = known.is_some_and(|known| Arc::ptr_eq(known, window));
        let closed = (own && !wanted).then(|| windows.remove(&window.video()));
        drop(windows);
        if closed.is_some() {
            waiting.notify_change();
        }
        !own || !wanted
    }

    /// Closes all windows; returns whether any was open.
    pub(crate) fn close_all(&self) -> bool {
        // The windows are dropped after the lock is free, since a session that ends has more to do.
        let windows = std::mem::take(&mut *self.open.lock());
        !windows.is_empty()
    }
}

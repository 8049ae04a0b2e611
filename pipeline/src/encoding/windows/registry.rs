//! The watch windows of a process: at most one for each video.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use plan::VideoId;

use super::window::Window;
use crate::encoding::turns::Network;
use crate::plans::planner::Planner;

/// Windows of one network while others wait: those of two viewers.
const WINDOWS_OF_ONE: usize = 2;

/// Windows by video, and what they make segments with. Whoever adds a request to the waiting ones does so before it looks for a window here.
pub(crate) struct Windows {
    pub(super) planner: Arc<Planner>,
    open: Mutex<HashMap<VideoId, Arc<Window>>>,
}

/// What became of a request for a window.
pub(crate) enum Opening {
    /// The video has one.
    Known(Arc<Window>),
    /// It is new, and runs nowhere yet; another one may have to leave for it.
    New(Arc<Window>, Option<Arc<Window>>),
    /// There is no room for another one.
    Full,
}

impl Windows {
    pub(crate) fn new(planner: &Arc<Planner>) -> Self {
        Self {
            planner: planner.clone(),
            open: Mutex::default(),
        }
    }

    /// Videos that a session is warm for, in the order of their ids.
    pub(crate) fn warm_videos(&self) -> Vec<VideoId> {
        let mut videos: Vec<_> = self.open.lock().keys().copied().collect();
        videos.sort_unstable();
        videos
    }

    /// The window of a video, if it has one.
    pub(crate) fn of(&self, video: VideoId) -> Option<Arc<Window>> {
        self.open.lock().get(&video).cloned()
    }

    /// The window of a video, or a new one where there are fewer than `most`, or where nobody waits at one of them.
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

    /// Takes a window away unless somebody waits for its video; tells whether it is gone.
    pub(crate) fn close(&self, window: &Arc<Window>) -> bool {
        let waiting = &self.planner.sessions.waiting;
        let mut windows = self.open.lock();
        let wanted = waiting.is_video_waited_for(window.video());
        let known = windows.get(&window.video());
        // Another may stand in its place already.
        let own = known.is_some_and(|known| Arc::ptr_eq(known, window));
        let closed = (own && !wanted).then(|| windows.remove(&window.video()));
        drop(windows);
        if closed.is_some() {
            waiting.tell();
        }
        !own || !wanted
    }

    /// Takes all windows away; tells whether there were any.
    pub(crate) fn close_all(&self) -> bool {
        // Dropped after the lock: a session that ends has more to do.
        let windows = std::mem::take(&mut *self.open.lock());
        !windows.is_empty()
    }
}

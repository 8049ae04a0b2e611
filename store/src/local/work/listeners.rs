//! Workers within the process that listen to demands.

use std::collections::HashSet;
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use parking_lot::Mutex;
use plan::VideoId;
use tokio::sync::mpsc;

use crate::Error;
use crate::work::{Asked, Listener};

/// Largest number of demands that wait for a worker. Workers answer at once, so a full queue means that the worker
/// hangs.
const DEMANDS: usize = 256;

/// All listening workers.
#[derive(Default)]
pub(super) struct Listeners {
    ears: Vec<Weak<Ear>>,
    /// Counter that selects the next worker in turn.
    turn: usize,
}

pub(super) struct Ear {
    send: mpsc::Sender<Asked>,
    warm: Mutex<HashSet<VideoId>>,
}

impl Ear {
    /// Passes a demand to the worker. If its queue is full, the demand is dropped and thereby refused.
    pub(super) fn hand(&self, asked: Asked) {
        drop(self.send.try_send(asked));
    }
}

impl Listeners {
    pub(super) fn add(&mut self) -> LocalListener {
        let (send, heard) = mpsc::channel(DEMANDS);
        let ear = Arc::new(Ear {
            send,
            warm: Mutex::default(),
        });
        self.ears.push(Arc::downgrade(&ear));
        LocalListener { ear, heard }
    }

    /// A worker that has a warm session for the video.
    pub(super) fn warm_for(&mut self, video: VideoId) -> Option<Arc<Ear>> {
        self.living().find(|ear| ear.warm.lock().contains(&video))
    }

    /// The next worker in turn.
    pub(super) fn any(&mut self) -> Option<Arc<Ear>> {
        self.turn += 1;
        let turn = self.turn;
        let living: Vec<_> = self.living().collect();
        living.get(turn % living.len().max(1)).cloned()
    }

    fn living(&mut self) -> impl Iterator<Item = Arc<Ear>> {
        self.ears.retain(|ear| ear.strong_count() > 0);
        self.ears.iter().filter_map(Weak::upgrade)
    }
}

/// Receiver of one worker's demands.
pub(super) struct LocalListener {
    ear: Arc<Ear>,
    heard: mpsc::Receiver<Asked>,
}

#[async_trait]
impl Listener for LocalListener {
    async fn next(&mut self) -> Result<Asked, Error> {
        let asked = self.heard.recv().await;
        asked.ok_or_else(|| Error::unavailable("no more demands can arrive"))
    }

    async fn attend(&mut self, videos: &[VideoId]) -> Result<(), Error> {
        *self.ear.warm.lock() = videos.iter().copied().collect();
        Ok(())
    }
}

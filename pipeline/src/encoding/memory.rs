//! The engines' memory, shared by all sessions, first come first served. Who does not serve
//! anybody gives theirs back when somebody is short of it: one after another, not all at once.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};

pub(crate) struct Memory {
    total: u64,
    state: Mutex<State>,
    /// Told when somebody is to make room.
    short: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    free: u64,
    waiting: VecDeque<Waiting>,
    /// A session is ending to make room.
    leaving: bool,
}

struct Waiting {
    bytes: u64,
    call: oneshot::Sender<Share>,
}

/// A session's share; given back when dropped.
pub(crate) struct Share {
    memory: Weak<Memory>,
    bytes: u64,
    leaving: bool,
}

impl Share {
    /// Whether it covers this many bytes, or does now.
    pub(crate) fn grow(&mut self, bytes: u64, memory: &Memory) -> bool {
        let lacks = memory.at_most_all(bytes).saturating_sub(self.bytes);
        let mut state = memory.state.lock();
        if lacks > 0 && (lacks > state.free || !state.waiting.is_empty()) {
            return false;
        }
        state.free -= lacks;
        self.bytes += lacks;
        true
    }

    /// All of it; nothing is left here.
    pub(crate) fn take(&mut self) -> Self {
        let nothing = Self {
            memory: self.memory.clone(),
            bytes: 0,
            leaving: false,
        };
        std::mem::replace(self, nothing)
    }

    /// Whether its session should end to make room. One that is told so must end.
    pub(crate) fn makes_room(&mut self, memory: &Memory) -> bool {
        let mut state = memory.state.lock();
        if !state.leaving && state.is_short() {
            state.leaving = true;
            self.leaving = true;
        }
        self.leaving
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some(memory) = self.memory.upgrade() else {
            return;
        };
        let mut state = memory.state.lock();
        state.free += self.bytes;
        if self.leaving {
            state.leaving = false;
        }
        memory.give(&mut state);
    }
}

impl State {
    fn is_short(&self) -> bool {
        self.waiting.iter().any(|waiting| !waiting.call.is_closed())
    }
}

impl Memory {
    pub(crate) fn new(total_bytes: u64) -> Arc<Self> {
        let state = State {
            free: total_bytes,
            ..State::default()
        };
        Arc::new(Self {
            total: total_bytes,
            state: Mutex::new(state),
            short: watch::Sender::new(()),
        })
    }

    /// What needs more than there is gets all there is: one session always runs.
    fn at_most_all(&self, bytes: u64) -> u64 {
        bytes.min(self.total)
    }

    /// Waits for a share. Safe to drop at any time.
    pub(crate) async fn take(self: &Arc<Self>, bytes: u64) -> Share {
        loop {
            let (call, called) = oneshot::channel();
            {
                let mut state = self.state.lock();
                let bytes = self.at_most_all(bytes);
                state.waiting.push_back(Waiting { bytes, call });
                self.give(&mut state);
            }
            // Where the sender is never dropped before it has called.
            if let Ok(share) = called.await {
                return share;
            }
        }
    }

    /// A share if there is one now.
    pub(crate) fn try_take(self: &Arc<Self>, bytes: u64) -> Option<Share> {
        let mut share = self.share(0);
        share.grow(bytes, self).then_some(share)
    }

    fn share(self: &Arc<Self>, bytes: u64) -> Share {
        Share {
            memory: Arc::downgrade(self),
            bytes,
            leaving: false,
        }
    }

    /// Gives what is free to who has waited longest.
    fn give(self: &Arc<Self>, state: &mut State) {
        state.waiting.retain(|waiting| !waiting.call.is_closed());
        while let Some(next) = state.waiting.pop_front_if(|next| next.bytes <= state.free) {
            match next.call.send(self.share(next.bytes)) {
                Ok(()) => state.free -= next.bytes,
                // Gone this moment: nothing is to be given back.
                Err(share) => std::mem::forget(share),
            }
        }
        if !state.leaving && state.is_short() {
            self.short.send_replace(());
        }
    }

    /// Changes whenever somebody is to make room.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.short.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_session_always_runs_and_the_next_waits() {
        let memory = Memory::new(64);
        let mut all = memory.take(1).await;
        assert!(all.grow(1 << 40, &memory));
        let mut next = Box::pin(memory.take(1));
        assert!(futures::poll!(&mut next).is_pending());
        assert!(memory.state.lock().is_short());
        drop(all);
        let _next = next.await;
        assert!(!memory.state.lock().is_short());
    }

    #[tokio::test]
    async fn sessions_make_room_one_after_another_and_only_as_long_as_somebody_waits() {
        let memory = Memory::new(3);
        let mut shares = [
            memory.take(1).await,
            memory.take(1).await,
            memory.take(1).await,
        ];
        assert!(!shares[0].makes_room(&memory));
        let mut first = Box::pin(memory.take(1));
        assert!(futures::poll!(&mut first).is_pending());
        let [one, two, three] = &mut shares;
        assert!(one.makes_room(&memory) && !two.makes_room(&memory) && !three.makes_room(&memory));
        let [one, mut two, _three] = shares;
        drop(one);
        let _first = first.await;
        assert!(!two.makes_room(&memory));
        let gone = Box::pin(memory.take(1));
        drop(gone);
        assert!(!two.makes_room(&memory));
    }

    #[tokio::test]
    async fn who_waits_for_much_is_not_passed_by_who_wants_little() {
        let memory = Memory::new(2);
        let held = memory.take(1).await;
        let mut much = Box::pin(memory.take(2));
        assert!(futures::poll!(&mut much).is_pending());
        assert!(memory.try_take(1).is_none());
        drop(held);
        let _much = much.await;
    }
}

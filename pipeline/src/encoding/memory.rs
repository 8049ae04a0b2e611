//! The memory of engines, in bytes: sessions take shares of it, first come first served. When a session waits for
//! memory, sessions that no viewer waits for end and give their shares back, one after another.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};

/// The memory that the engines of a process share.
pub(crate) struct Memory {
    total: u64,
    state: Mutex<State>,
    /// Changes when some session is asked to make room.
    short: watch::Sender<()>,
}

/// Free bytes, and the sessions that wait for a share.
#[derive(Default)]
struct State {
    free: u64,
    waiting: VecDeque<Waiting>,
    /// Whether a session is ending to make room.
    leaving: bool,
}

/// A session that waits for a share of this many bytes.
struct Waiting {
    bytes: u64,
    /// Gives the share to the session.
    call: oneshot::Sender<Share>,
}

/// A session's share of the memory; it is given back when this is dropped.
pub(crate) struct Share {
    memory: Weak<Memory>,
    bytes: u64,
    leaving: bool,
}

impl Share {
    /// Grows the share to this many bytes if enough is free; returns whether the share covers them now.
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

    /// Moves the whole share out; an empty share is left here.
    pub(crate) fn take(&mut self) -> Self {
        let nothing = Self {
            memory: self.memory.clone(),
            bytes: 0,
            leaving: false,
        };
        std::mem::replace(self, nothing)
    }

    /// Has this session agree to end, if another one waits for memory and no session is ending yet. A session for which
    /// this returns true must end.
    pub(crate) fn agree_to_make_room(&mut self, memory: &Memory) -> bool {
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

    /// Limits a need to the total: a session that needs more than there is gets everything, so that one session can
    /// always run.
    fn at_most_all(&self, bytes: u64) -> u64 {
        bytes.min(self.total)
    }

    /// Waits for a share of this many bytes. Safe to drop at any time.
    pub(crate) async fn take(self: &Arc<Self>, bytes: u64) -> Share {
        loop {
            let (call, called) = oneshot::channel();
            {
                let mut state = self.state.lock();
                let bytes = self.at_most_all(bytes);
                state.waiting.push_back(Waiting { bytes, call });
                self.give(&mut state);
            }
            // The sender sends before it is dropped; the loop covers the impossible other case.
            if let Ok(share) = called.await {
                return share;
            }
        }
    }

    /// Takes a share of this many bytes if enough is free now.
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

    /// Gives free memory to the session that has waited longest.
    fn give(self: &Arc<Self>, state: &mut State) {
        state.waiting.retain(|waiting| !waiting.call.is_closed());
        while let Some(next) = state.waiting.pop_front_if(|next| next.bytes <= state.free) {
            match next.call.send(self.share(next.bytes)) {
                Ok(()) => state.free -= next.bytes,
                // The waiting session is gone this moment. Its share must not give memory back, since none was taken.
                Err(share) => std::mem::forget(share),
            }
        }
        if !state.leaving && state.is_short() {
            self.short.send_replace(());
        }
    }

    /// Subscribes to changes: some session is asked to make room.
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
        assert!(!shares[0].agree_to_make_room(&memory));
        let mut first = Box::pin(memory.take(1));
        assert!(futures::poll!(&mut first).is_pending());
        let [one, two, three] = &mut shares;
        assert!(
            one.agree_to_make_room(&memory)
                && !two.agree_to_make_room(&memory)
                && !three.agree_to_make_room(&memory)
        );
        let [one, mut two, _three] = shares;
        drop(one);
        let _first = first.await;
        assert!(!two.agree_to_make_room(&memory));
        let gone = Box::pin(memory.take(1));
        drop(gone);
        assert!(!two.agree_to_make_room(&memory));
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

//! Permission of a session to go on while viewers wait. Whatever viewers wait for is made in turns, whichever session
//! makes it.

use plan::SegmentKey;
use tokio::sync::oneshot;

use super::standing::Standing;
use crate::encoding::claims::Claims;
use crate::encoding::sessions::Sessions;
use crate::encoding::turns::Turn;

/// Permission of one session to go on. A foreground session works in a turn that its window took; another session takes
/// a turn when a request begins to wait for a segment that the session has claimed.
#[derive(Default)]
pub(super) struct Permission {
    /// The turn in which the session works, if it needs one.
    turn: Option<Turn>,
    /// Receives the turn that was queued for.
    called: Option<oneshot::Receiver<Turn>>,
    /// Whether the background gate was open at the last check.
    gate_is_open: bool,
}

impl Permission {
    /// Decides whether the session has to pause now; takes a turn, or queues for one, where somebody waits for the
    /// session's segments.
    pub(super) fn decide_pause(
        &mut self,
        sessions: &Sessions,
        standing: Standing,
        claims: &Claims,
    ) -> bool {
        if standing == Standing::Foreground {
            return false;
        }
        self.gate_is_open = sessions.gate.is_open();
        let video = claims.video();
        let is_own = |key: &SegmentKey| claims.holds(key);
        let Some(asked) = sessions.waiting.most_urgent(is_own) else {
            (self.turn, self.called) = (None, None);
            return match standing {
                Standing::Background => !self.gate_is_open,
                // Requests for other segments of the same video wait for this session's window anyway.
                _ => sessions.waiting.others_wait(|key| key.video == video),
            };
        };
        if self.turn.is_none() {
            let called = self
                .called
                .get_or_insert_with(|| sessions.turns.ask(&asked, video));
            if let Ok(turn) = called.try_recv() {
                self.take_turn(turn);
            }
        }
        self.turn.is_none()
    }

    /// Waits until the decision may change: the turn comes, or the background gate opens or closes. Safe to drop at any
    /// time.
    pub(super) async fn changes(&mut self, sessions: &Sessions, standing: Standing) {
        let other = !self.gate_is_open;
        tokio::select! {
            () = self.until_turn_comes() => {}
            () = sessions.gate.until(other), if standing == Standing::Background => {}
        }
    }

    /// Waits until the turn comes that was queued for; for ever if there is none.
    async fn until_turn_comes(&mut self) {
        match &mut self.called {
            Some(called) => match called.await {
                Ok(turn) => self.take_turn(turn),
                // The turns are gone, and this session soon will be.
                Err(_) => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }

    fn take_turn(&mut self, turn: Turn) {
        self.turn = Some(turn);
        self.called = None;
    }
}

//! Whether a session may go on while somebody waits: what is waited for is made in turns,
//! whoever is at it.

use plan::SegmentKey;
use tokio::sync::oneshot;

use super::standing::Standing;
use crate::encoding::claims::Claims;
use crate::encoding::sessions::Sessions;
use crate::encoding::turns::Turn;

/// A session's leave to go on. Those in the foreground have a turn of their own; others take
/// one when somebody comes to wait for what they are at.
#[derive(Default)]
pub(super) struct Leave {
    turn: Option<Turn>,
    called: Option<oneshot::Receiver<Turn>>,
    /// Whether it was calm when it was last asked for.
    calm: bool,
}

impl Leave {
    /// Whether the session is to hold now.
    pub(super) fn holds(
        &mut self,
        sessions: &Sessions,
        standing: Standing,
        claims: &Claims,
    ) -> bool {
        if standing == Standing::Foreground {
            return false;
        }
        self.calm = sessions.gate.is_calm();
        let video = claims.video();
        let is_own = |key: &SegmentKey| claims.holds(key);
        let Some(asked) = sessions.waiting.asked_of(is_own) else {
            (self.turn, self.called) = (None, None);
            return match standing {
                Standing::Background => !self.calm,
                // Those who wait for others of its own video wait for its session in any case.
                _ => sessions.waiting.others_wait(|key| key.video == video),
            };
        };
        if self.turn.is_none() {
            let called = self
                .called
                .get_or_insert_with(|| sessions.turns.ask(&asked, video));
            if let Ok(turn) = called.try_recv() {
                self.has(turn);
            }
        }
        self.turn.is_none()
    }

    /// Ends when whether it holds is to be looked at again: its turn comes, or calm. Safe to
    /// drop at any time.
    pub(super) async fn changes(&mut self, sessions: &Sessions, standing: Standing) {
        let other = !self.calm;
        tokio::select! {
            () = self.comes() => {}
            () = sessions.gate.until(other), if standing == Standing::Background => {}
        }
    }

    async fn comes(&mut self) {
        match &mut self.called {
            Some(called) => match called.await {
                Ok(turn) => self.has(turn),
                // The turns are no more, and so will this session be.
                Err(_) => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }

    fn has(&mut self, turn: Turn) {
        self.turn = Some(turn);
        self.called = None;
    }
}

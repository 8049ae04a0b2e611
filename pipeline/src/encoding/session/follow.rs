//! An order is followed to its end: products are stored, the engine pauses for viewers, and other sessions' claims are
//! skipped.

use bytes::Bytes;
use plan::{CueList, RenditionId, SegmentKey};
use store::Event;
use tokio::sync::broadcast::error::RecvError;
use transcoder::{End, Made, Order, SessionEvent};

use super::EncodingSession;
use super::answers::Answers;
use super::error::SessionError;
use super::leave::Permission;
use super::products;
use super::standing::Standing;

/// Ends without an error message at the same segment that count as three tries of it.
const UNEXPLAINED: u32 = 10;

impl EncodingSession {
    /// Follows an order to its end; then gives all claims back, and takes away the mark unless the engine died.
    pub(super) async fn carry_out(&mut self, what: Order) -> Result<Answers, SessionError> {
        let outcome = self.follow(what).await;
        self.claims.release_all();
        if !matches!(outcome, Err(SessionError::Unexplained))
            && let Some(key) = self.marked.take()
        {
            self.sessions
                .records
                .stores
                .metadata
                .tries()
                .unmark(&key)
                .await?;
        }
        outcome
    }

    /// Gives an order to the engine, and stores what the engine makes until the order is done.
    async fn follow(&mut self, what: Order) -> Result<Answers, SessionError> {
        let sessions = self.sessions.clone();
        let _gate_closed =
            (self.standing != Standing::Background).then(|| sessions.gate.hold_closed());
        let renditions = match &what {
            Order::Segments { renditions, .. } => renditions.clone(),
            _ => Vec::new(),
        };
        if let Order::Segments { first, count, .. } = &what {
            self.end = first.saturating_add(*count);
            self.mark(&renditions, *first).await?;
        }
        let mut others = self.claims.subscribe();
        let mut waiting = sessions.waiting.changes();
        let mut memory = sessions.memory.changes();
        let video = self.video();
        tracing::debug!(%video, order = ?what, standing = ?self.standing, "an order is given");
        let order = self.session.order(what).await;
        let stop = std::mem::take(&mut self.stop);
        let mut permission = Permission::default();
        let mut answers = Answers::default();
        let (mut paused, mut abandoned) = (false, false);
        loop {
            if self.agree_to_make_room() {
                return Err(SessionError::Busy);
            }
            let pause = permission.decide_pause(&sessions, self.standing, &self.claims);
            if pause != paused {
                paused = pause;
                tracing::debug!(%video, order, pause, "an engine pauses for viewers, or goes on");
                if pause {
                    self.session.hold().await;
                } else {
                    self.session.resume().await;
                }
            }
            let event = tokio::select! {
                event = self.session.next() => event,
                () = stop.cancelled(), if !abandoned => {
                    abandoned = true;
                    self.session.abandon(order).await;
                    continue;
                }
                // An error is impossible: the pipeline owns the sender.
                _ = waiting.changed() => continue,
                () = permission.changes(&sessions, self.standing) => continue,
                _ = memory.changed() => continue,
                claimed = others.recv() => {
                    match claimed {
                        Ok(claimed) if !self.claims.is_own(&claimed) && claimed.key.video == self.video() => {
                            self.session.skip(claimed.key.rendition, claimed.key.index).await;
                        }
                        // A missed claim costs a segment that is made twice, and nothing worse.
                        Ok(_) | Err(RecvError::Lagged(_) | RecvError::Closed) => {}
                    }
                    continue;
                }
            };
            let is_done = matches!(event, SessionEvent::Done(done) if done == order);
            if is_done {
                break;
            }
            self.handle_event(event, order, &renditions, &mut answers)
                .await?;
        }
        if paused {
            self.session.resume().await;
        }
        Ok(answers)
    }

    /// Stores or keeps what the engine said; an error ends the order.
    async fn handle_event(
        &mut self,
        event: SessionEvent,
        order: u32,
        renditions: &[RenditionId],
        answers: &mut Answers,
    ) -> Result<(), SessionError> {
        match event {
            SessionEvent::At {
                rendition, segment, ..
            } => self.record_arrival(renditions, rendition, segment).await,
            SessionEvent::Scanned(percent) => {
                let video = self.video();
                let event = Event::SourceScanned { video, percent };
                self.sessions.records.tell(event).await;
                Ok(())
            }
            SessionEvent::Probed(found) => {
                answers.info = Some(*found);
                Ok(())
            }
            SessionEvent::Made(Made::Cues { .. }, bytes) => {
                // Cue lists come in the order of their tracks. One that cannot be parsed is noticed later, since a
                // list is missing then.
                let list = serde_json::from_slice::<CueList>(&bytes);
                answers.cues.extend(list);
                Ok(())
            }
            SessionEvent::Made(Made::Loudness(measured), _) => {
                answers.loudness = measured;
                Ok(())
            }
            SessionEvent::Made(made, bytes) => self.store_product(made, bytes, answers).await,
            SessionEvent::Failed(failed, failure) if failed == order => {
                Err(SessionError::Fault(failure))
            }
            SessionEvent::Done(_) | SessionEvent::Failed(..) => Ok(()),
            SessionEvent::Ended(End::Fault(failure)) => Err(SessionError::Fault(failure)),
            SessionEvent::Ended(End::Finished | End::Unexplained) => Err(SessionError::Unexplained),
        }
    }

    /// Stores a product of the engine, and notes it in the session's report.
    async fn store_product(
        &mut self,
        made: Made,
        bytes: Bytes,
        answers: &mut Answers,
    ) -> Result<(), SessionError> {
        let key = match &made {
            Made::Segment {
                rendition, segment, ..
            } => Some(self.claims.key(*rendition, *segment)),
            _ => None,
        };
        if let Some(report) = &mut self.report {
            report.note(&made, &bytes);
        }
        let is_init = matches!(made, Made::Init(_));
        let (video, plan) = (self.video(), self.plan.as_deref());
        match products::store(&self.sessions, video, plan, made, bytes).await {
            Err(SessionError::Foreign(rendition)) if is_init => answers.foreign.push(rendition),
            stored => stored?,
        }
        if let Some(key) = key {
            self.record_stored(key);
        }
        Ok(())
    }

    /// Has the session agree to end because its memory is needed elsewhere; not while a request waits for its segments.
    fn agree_to_make_room(&mut self) -> bool {
        let is_own = |key: &SegmentKey| self.claims.holds(key);
        self.standing != Standing::Foreground
            && self.sessions.waiting.most_urgent(is_own).is_none()
            && self.share.agree_to_make_room(&self.sessions.memory)
    }

    /// Notes that the engine has come to a segment: its video renditions are claimed now.
    async fn record_arrival(
        &mut self,
        renditions: &[RenditionId],
        only: Option<RenditionId>,
        segment: u32,
    ) -> Result<(), SessionError> {
        if let Some(plan) = self.plan.clone() {
            for &rendition in renditions {
                let at_it = only.is_none_or(|only| only == rendition);
                if at_it && plan.video_rendition(rendition).is_some() {
                    let key = self.claims.key(rendition, segment);
                    self.claims.claim(key);
                }
            }
        }
        self.mark(renditions, segment).await
    }

    /// Notes that a segment is stored. A sound rendition's next segment is claimed, since the engine does not say when
    /// it comes to it.
    fn record_stored(&mut self, key: SegmentKey) {
        self.claims.release(&key);
        let sound = self
            .plan
            .as_ref()
            .is_some_and(|plan| plan.audio_rendition(key.rendition).is_some());
        if sound && key.index + 1 < self.end {
            let next = self.claims.key(key.rendition, key.index + 1);
            self.claims.claim(next);
        }
    }

    /// Leaves a mark in metadata at the segment that the engine makes now. Only background sessions leave marks: the
    /// background comes to whatever the others leave unmade.
    async fn mark(&mut self, renditions: &[RenditionId], segment: u32) -> Result<(), SessionError> {
        let Some(&rendition) = renditions.first() else {
            return Ok(());
        };
        let key = self.claims.key(rendition, segment);
        if self.standing != Standing::Background || self.marked == Some(key) {
            return Ok(());
        }
        let tries = self.sessions.records.stores.metadata.tries();
        if let Some(left) = self.marked.replace(key) {
            tries.unmark(&left).await?;
        }
        if tries.mark(&key).await?.unexplained >= UNEXPLAINED {
            return Err(SessionError::Deadly(segment));
        }
        Ok(())
    }
}

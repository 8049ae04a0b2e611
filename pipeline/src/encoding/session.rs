//! An engine session of one video: the pipeline gives orders, the engine makes products, and the session stores them.
//!
//! `leave` decides when a session pauses for viewers, `products` stores what the engine made, `report` keeps
//! statistics, and `error` lists what can go wrong. Begin with [`EncodingSession::make_segments`].

mod error;
mod leave;
mod products;
mod report;
mod standing;

use std::sync::Arc;

use plan::{Code, CueList, Loudness, MediaInfo, Plan, RenditionId, SegmentKey, VideoId};
use store::Event;
use store::metadata::VideoRow;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use transcoder::{End, EngineFailure, Made, Order, Session, SessionEvent, SourceReader, Still};

pub(crate) use self::error::{SessionError, is_store_away};
use self::leave::Permission;
use self::report::Report;
pub(crate) use self::standing::Standing;
use crate::encoding::claims::Claims;
use crate::encoding::memory::Share;
use crate::encoding::sessions::Sessions;
use crate::uploads::blocks::{Held, source_of};

/// Ends without an error message at the same segment that count as three tries of it.
const UNEXPLAINED: u32 = 10;

/// Orders of at most this many segments are claimed as a whole. Longer orders are claimed as they go on, so that
/// viewers need not wait for what an order comes to much later.
const CLAIMED_AT_ONCE: u32 = 2;

/// An engine session with its claims and its share of memory. Its engine is killed when this is dropped.
pub(crate) struct EncodingSession {
    sessions: Arc<Sessions>,
    session: Session,
    claims: Claims,
    plan: Option<Arc<Plan>>,
    standing: Standing,
    /// Ends the current order when cancelled, not the session.
    stop: CancellationToken,
    share: Share,
    /// One past the last segment of the current order.
    end: u32,
    /// Statistics of the session; taken out when the session ends.
    report: Option<Report>,
    /// Segment under which metadata has a mark of this session. The mark stays behind when the engine dies without an
    /// error message.
    marked: Option<SegmentKey>,
}

impl Drop for EncodingSession {
    fn drop(&mut self) {
        // The memory is given back only when the engine process is gone.
        let (share, gone) = (self.share.take(), self.session.until_gone());
        self.sessions.tasks.finish(async move {
            gone.await;
            drop(share);
        });
        if let Some(report) = self.report.take() {
            report.leave(&self.sessions);
        }
    }
}

/// Answers of an engine to an order that are not stored as they are.
#[derive(Default)]
struct Answers {
    info: Option<MediaInfo>,
    cues: Vec<CueList>,
    loudness: Vec<Loudness>,
    /// Renditions whose stored init segments differ from the ones made now.
    foreign: Vec<RenditionId>,
}

impl EncodingSession {
    /// Opens a session on the source of a video: an engine process with this share of memory.
    pub(crate) fn open(
        sessions: &Arc<Sessions>,
        row: &VideoRow,
        standing: Standing,
        share: Share,
    ) -> Result<Self, SessionError> {
        let (source, size) = source_of(
            sessions.config.source_file.as_deref(),
            &sessions.records.stores.objects,
            row,
        )
        .map_err(|error| {
            SessionError::Fault(EngineFailure {
                code: Code::SourceUnreachable,
                message: format!("The source cannot be read: {error}."),
            })
        })?;
        Self::open_source(sessions, row.id, standing, share, (source, size))
    }

    /// Opens a session whose source is a stored segment of the video in memory, instead of the uploaded file.
    pub(crate) fn open_held(
        sessions: &Arc<Sessions>,
        video: VideoId,
        standing: Standing,
        share: Share,
        held: Held,
    ) -> Result<Self, SessionError> {
        let size = held.0.len() as u64;
        Self::open_source(sessions, video, standing, share, (Arc::new(held), size))
    }

    fn open_source(
        sessions: &Arc<Sessions>,
        video: VideoId,
        standing: Standing,
        share: Share,
        (source, size): (Arc<dyn SourceReader>, u64),
    ) -> Result<Self, SessionError> {
        let (budget, limits) = (
            sessions.config.budget(),
            sessions.config.policy.limits.clone(),
        );
        // A process without an engine never opens a session.
        let engine = sessions.engine.as_ref().ok_or(SessionError::Busy)?;
        let session = Session::open(engine, source, size, budget, limits)?;
        Ok(Self {
            sessions: sessions.clone(),
            session,
            claims: Claims::new(&sessions.claims, video),
            plan: None,
            standing,
            stop: CancellationToken::new(),
            share,
            end: 0,
            report: Some(Report::new(sessions, video)),
            marked: None,
        })
    }

    /// The video that the session works at.
    pub(crate) fn video(&self) -> VideoId {
        self.claims.video()
    }

    /// Rendition of the storyboard in the session's plan, if the plan has one.
    pub(crate) fn storyboard(&self) -> Option<RenditionId> {
        let board = self.plan.as_ref()?.storyboard.as_ref()?;
        Some(board.id)
    }

    /// Returns the session with at least this much memory, in bytes, or ends the session if that much is not free.
    pub(crate) async fn with_memory(mut self, bytes: u64) -> Option<Self> {
        let sessions = self.sessions.clone();
        if self.share.grow(bytes, &sessions.memory) {
            return Some(self);
        }
        self.end().await;
        None
    }

    /// Kills the engine, waits until its process is gone, and gives the memory back.
    pub(crate) async fn end(mut self) {
        let (share, gone) = (self.share.take(), self.session.until_gone());
        drop(self);
        gone.await;
        drop(share);
    }

    /// Changes the work to which the session gives way, from the next order on.
    pub(crate) fn set_standing(&mut self, standing: Standing) {
        self.standing = standing;
    }

    /// Has the next order end when this token is cancelled; segments that are whole by then are stored.
    pub(crate) fn stop_next_order_on(&mut self, stop: CancellationToken) {
        self.stop = stop;
    }

    /// Has the session work by this plan from now on.
    pub(crate) async fn set_plan(&mut self, plan: &Arc<Plan>) {
        if self
            .plan
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, plan))
        {
            return;
        }
        self.session.plan(plan).await;
        self.plan = Some(plan.clone());
    }

    /// Probes the source.
    pub(crate) async fn probe(&mut self) -> Result<MediaInfo, SessionError> {
        let answers = self.carry_out(Order::Probe).await?;
        answers.info.ok_or(SessionError::Unexplained)
    }

    /// Extracts the cues of each text track of the source.
    pub(crate) async fn extract_texts(&mut self) -> Result<Vec<CueList>, SessionError> {
        let answers = self.carry_out(Order::Texts).await?;
        let tracks = self.plan.as_ref().map_or(0, |plan| plan.info.text.len());
        match answers.cues.len() == tracks {
            true => Ok(answers.cues),
            false => Err(SessionError::Unexplained),
        }
    }

    /// Measures the loudness of each sound rendition of the plan, before its gain.
    pub(crate) async fn measure_loudness(&mut self) -> Result<Vec<Loudness>, SessionError> {
        let answers = self.carry_out(Order::Loudness).await?;
        let sounds = self.plan.as_ref().map_or(0, |plan| plan.audio.len());
        match answers.loudness.len() == sounds {
            true => Ok(answers.loudness),
            false => Err(SessionError::Unexplained),
        }
    }

    /// Makes and stores init segments; returns the renditions whose stored init segments differ from the ones made now.
    pub(crate) async fn make_inits(
        &mut self,
        renditions: &[RenditionId],
    ) -> Result<Vec<RenditionId>, SessionError> {
        let renditions = renditions.to_vec();
        let answers = self.carry_out(Order::Inits { renditions }).await?;
        Ok(answers.foreign)
    }

    /// Makes and stores a still.
    pub(crate) async fn make_still(&mut self, still: Still) -> Result<(), SessionError> {
        self.carry_out(Order::Still(still)).await.map(drop)
    }

    /// Makes and stores a filler in the place of a segment.
    pub(crate) async fn make_filler(
        &mut self,
        rendition: RenditionId,
        segment: u32,
    ) -> Result<(), SessionError> {
        self.check_generation(&[rendition])?;
        let order = Order::Filler { rendition, segment };
        self.carry_out(order).await.map(drop)
    }

    /// Claims the first segments of these renditions before anybody can ask for them; the next order makes them.
    pub(crate) fn reserve(&mut self, renditions: &[RenditionId], count: u32) {
        for &rendition in renditions {
            for segment in 0..count {
                let key = self.claims.key(rendition, segment);
                self.claims.claim(key);
            }
        }
    }

    /// Makes consecutive segments of these renditions, except those that are stored or claimed by another session.
    pub(crate) async fn make_segments(
        &mut self,
        renditions: &[RenditionId],
        first: u32,
        count: u32,
    ) -> Result<(), SessionError> {
        self.check_generation(renditions)?;
        let inventory = self.sessions.inventory.known(self.video()).await?;
        let segments = first..first.saturating_add(count);
        let (mut wanted, mut skipped) = (Vec::new(), Vec::new());
        for &rendition in renditions {
            let mut any = false;
            for segment in segments.clone() {
                let key = self.claims.key(rendition, segment);
                // The first missing segment of each rendition is claimed now, later ones when the engine comes to them.
                if inventory.has(rendition, segment) || self.claims.is_claimed_by_other(&key) {
                    skipped.push(key);
                } else if (any && count > CLAIMED_AT_ONCE) || self.claims.claim(key) {
                    any = true;
                } else {
                    skipped.push(key);
                }
            }
            if any {
                wanted.push(rendition);
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        for key in skipped.iter().filter(|key| wanted.contains(&key.rendition)) {
            self.session.skip(key.rendition, key.index).await;
        }
        let order = Order::Segments {
            renditions: wanted,
            first,
            count,
        };
        self.carry_out(order).await.map(drop)
    }

    /// Refuses renditions of another generation: other rules shaped the bytes that are stored of them.
    fn check_generation(&self, renditions: &[RenditionId]) -> Result<(), SessionError> {
        let Some(plan) = &self.plan else {
            return Ok(());
        };
        let older = renditions
            .iter()
            .find(|&&id| !plan.is_of_this_generation(id));
        older.map_or(Ok(()), |&id| Err(SessionError::Foreign(id)))
    }

    /// Follows an order to its end; then gives all claims back, and takes away the mark unless the engine died.
    async fn carry_out(&mut self, what: Order) -> Result<Answers, SessionError> {
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
            match event {
                SessionEvent::At {
                    rendition, segment, ..
                } => {
                    self.record_arrival(&renditions, rendition, segment).await?;
                }
                SessionEvent::Scanned(percent) => {
                    let video = self.video();
                    sessions
                        .records
                        .tell(Event::SourceScanned { video, percent })
                        .await;
                }
                SessionEvent::Probed(found) => answers.info = Some(*found),
                SessionEvent::Made(Made::Cues { .. }, bytes) => {
                    // Cue lists come in the order of their tracks. One that cannot be parsed is noticed later, since a
                    // list is missing then.
                    answers
                        .cues
                        .extend(serde_json::from_slice::<CueList>(&bytes));
                }
                SessionEvent::Made(Made::Loudness(measured), _) => answers.loudness = measured,
                SessionEvent::Made(made, bytes) => {
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
                    let plan = self.plan.as_deref();
                    match products::store(&sessions, self.video(), plan, made, bytes).await {
                        Err(SessionError::Foreign(rendition)) if is_init => {
                            answers.foreign.push(rendition);
                        }
                        stored => stored?,
                    }
                    if let Some(key) = key {
                        self.record_stored(key);
                    }
                }
                SessionEvent::Done(done) if done == order => break,
                SessionEvent::Failed(failed, failure) if failed == order => {
                    return Err(SessionError::Fault(failure));
                }
                SessionEvent::Done(_) | SessionEvent::Failed(..) => {}
                SessionEvent::Ended(End::Fault(failure)) => {
                    return Err(SessionError::Fault(failure));
                }
                SessionEvent::Ended(End::Finished | End::Unexplained) => {
                    return Err(SessionError::Unexplained);
                }
            }
        }
        if paused {
            self.session.resume().await;
        }
        Ok(answers)
    }

    /// Has the session agree to end because its memory is needed elsewhere; not while a request waits for its segments.
    fn agree_to_make_room(&mut self) -> bool {
        let is_own = |key: &SegmentKey| self.claims.holds(key);
        self.standing != Standing::Foreground
            && self.sessions.waiting.most_urgent(is_own).is_none()
            && self.share.agree_to_make_room(&self.sessions.memory)
    }

    /// Has an idle session agree to end because its memory is needed elsewhere.
    pub(crate) fn agree_to_end_while_idle(&mut self) -> bool {
        self.share.agree_to_make_room(&self.sessions.memory)
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

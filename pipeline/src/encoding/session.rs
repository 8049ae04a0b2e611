//! An engine session of one video: orders given, products stored.

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
use self::leave::Leave;
use self::report::Report;
pub(crate) use self::standing::Standing;
use crate::encoding::claims::Claims;
use crate::encoding::memory::Share;
use crate::encoding::sessions::Sessions;
use crate::uploads::blocks::{Held, source_of};

/// Unexplained ends at the same segment that count as three tries.
const UNEXPLAINED: u32 = 10;

/// Orders of up to so many segments are claimed whole; longer ones as they go on, so that
/// viewers need not wait for what a chunk comes to much later.
const CLAIMED_AT_ONCE: u32 = 2;

/// A session and what is done with it. Dropped, its engine is killed.
pub(crate) struct EncodingSession {
    sessions: Arc<Sessions>,
    session: Session,
    claims: Claims,
    plan: Option<Arc<Plan>>,
    standing: Standing,
    /// Ends the order at hand, not the session.
    stop: CancellationToken,
    share: Share,
    /// One past the last segment of the order it is at.
    end: u32,
    /// Taken when the session ends.
    report: Option<Report>,
    /// Where the mark stands that an unexplained end leaves behind.
    marked: Option<SegmentKey>,
}

impl Drop for EncodingSession {
    fn drop(&mut self) {
        // Its memory is free when its engine is gone, and not before.
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

/// What an engine said, where that is not stored as it is.
#[derive(Default)]
struct Told {
    info: Option<MediaInfo>,
    cues: Vec<CueList>,
    loudness: Vec<Loudness>,
    /// Renditions of whose init segments others are stored.
    foreign: Vec<RenditionId>,
}

impl EncodingSession {
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
        Self::over(sessions, row.id, standing, share, (source, size))
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
        Self::over(sessions, video, standing, share, (Arc::new(held), size))
    }

    fn over(
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
        // Where there is none, nobody opens a session.
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

    pub(crate) fn video(&self) -> VideoId {
        self.claims.video()
    }

    /// The storyboard of the plan it works by.
    pub(crate) fn storyboard(&self) -> Option<RenditionId> {
        let board = self.plan.as_ref()?.storyboard.as_ref()?;
        Some(board.id)
    }

    /// The run with at least this much memory, if there is as much; it has ended if not.
    pub(crate) async fn grown(mut self, bytes: u64) -> Option<Self> {
        let sessions = self.sessions.clone();
        if self.share.grow(bytes, &sessions.memory) {
            return Some(self);
        }
        self.end().await;
        None
    }

    /// Kills its engine, and gives back its memory when that is gone.
    pub(crate) async fn end(mut self) {
        let (share, gone) = (self.share.take(), self.session.until_gone());
        drop(self);
        gone.await;
        drop(share);
    }

    pub(crate) fn set_standing(&mut self, standing: Standing) {
        self.standing = standing;
    }

    /// The next order ends when this is cancelled, with what is whole by then.
    pub(crate) fn next_until(&mut self, stop: CancellationToken) {
        self.stop = stop;
    }

    /// Works by this plan from now on.
    pub(crate) async fn plan(&mut self, plan: &Arc<Plan>) {
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

    pub(crate) async fn probe(&mut self) -> Result<MediaInfo, SessionError> {
        let told = self.carry_out(Order::Probe).await?;
        told.info.ok_or(SessionError::Unexplained)
    }

    /// The cues of each text track of the plan's source.
    pub(crate) async fn texts(&mut self) -> Result<Vec<CueList>, SessionError> {
        let told = self.carry_out(Order::Texts).await?;
        let tracks = self.plan.as_ref().map_or(0, |plan| plan.info.text.len());
        match told.cues.len() == tracks {
            true => Ok(told.cues),
            false => Err(SessionError::Unexplained),
        }
    }

    /// How loud each of the plan's sound renditions is before its gain.
    pub(crate) async fn loudness(&mut self) -> Result<Vec<Loudness>, SessionError> {
        let told = self.carry_out(Order::Loudness).await?;
        let sounds = self.plan.as_ref().map_or(0, |plan| plan.audio.len());
        match told.loudness.len() == sounds {
            true => Ok(told.loudness),
            false => Err(SessionError::Unexplained),
        }
    }

    /// Has init segments made and stored; returns the renditions of which others are stored.
    pub(crate) async fn inits(
        &mut self,
        renditions: &[RenditionId],
    ) -> Result<Vec<RenditionId>, SessionError> {
        let renditions = renditions.to_vec();
        let told = self.carry_out(Order::Inits { renditions }).await?;
        Ok(told.foreign)
    }

    pub(crate) async fn still(&mut self, still: Still) -> Result<(), SessionError> {
        self.carry_out(Order::Still(still)).await.map(drop)
    }

    pub(crate) async fn filler(
        &mut self,
        rendition: RenditionId,
        segment: u32,
    ) -> Result<(), SessionError> {
        self.can_go_on_with(&[rendition])?;
        let order = Order::Filler { rendition, segment };
        self.carry_out(order).await.map(drop)
    }

    /// Takes on the first segments, which are ordered next, before anybody can ask for them.
    pub(crate) fn reserve(&mut self, renditions: &[RenditionId], count: u32) {
        for &rendition in renditions {
            for segment in 0..count {
                let key = self.claims.key(rendition, segment);
                self.claims.claim(key);
            }
        }
    }

    /// Makes a run of segments, except what is stored or in somebody else's hands.
    pub(crate) async fn segments(
        &mut self,
        renditions: &[RenditionId],
        first: u32,
        count: u32,
    ) -> Result<(), SessionError> {
        self.can_go_on_with(renditions)?;
        let made = self.sessions.inventory.known(self.video()).await?;
        let segments = first..first.saturating_add(count);
        let (mut wanted, mut skipped) = (Vec::new(), Vec::new());
        for &rendition in renditions {
            let mut any = false;
            for segment in segments.clone() {
                let key = self.claims.key(rendition, segment);
                // The first of each is ours from now on, the others when we come to them.
                if made.has(rendition, segment) || self.claims.is_others(&key) {
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

    /// What older programs have begun they have written otherwise.
    fn can_go_on_with(&self, renditions: &[RenditionId]) -> Result<(), SessionError> {
        let Some(plan) = &self.plan else {
            return Ok(());
        };
        let older = renditions
            .iter()
            .find(|&&id| !plan.is_of_this_generation(id));
        older.map_or(Ok(()), |&id| Err(SessionError::Foreign(id)))
    }

    async fn carry_out(&mut self, what: Order) -> Result<Told, SessionError> {
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

    /// Gives an order and stores what it makes, until it is done.
    async fn follow(&mut self, what: Order) -> Result<Told, SessionError> {
        let sessions = self.sessions.clone();
        let _busy = (self.standing != Standing::Background).then(|| sessions.gate.disturb());
        let renditions = match &what {
            Order::Segments { renditions, .. } => renditions.clone(),
            _ => Vec::new(),
        };
        if let Order::Segments { first, count, .. } = &what {
            self.end = first.saturating_add(*count);
            self.mark(&renditions, *first).await?;
        }
        let mut others = self.claims.others();
        let mut waiting = sessions.waiting.changes();
        let mut memory = sessions.memory.changes();
        let video = self.video();
        tracing::debug!(%video, order = ?what, standing = ?self.standing, "an order is given");
        let order = self.session.order(what).await;
        let stop = std::mem::take(&mut self.stop);
        let mut leave = Leave::default();
        let mut told = Told::default();
        let (mut held, mut abandoned) = (false, false);
        loop {
            if self.makes_room() {
                return Err(SessionError::Busy);
            }
            let hold = leave.holds(&sessions, self.standing, &self.claims);
            if hold != held {
                held = hold;
                tracing::debug!(%video, order, hold, "an engine holds, or goes on");
                if hold {
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
                // The sender lives as long as the pipeline.
                _ = waiting.changed() => continue,
                () = leave.changes(&sessions, self.standing) => continue,
                _ = memory.changed() => continue,
                claimed = others.recv() => {
                    match claimed {
                        Ok(claimed) if !self.claims.is_own(&claimed) && claimed.key.video == self.video() => {
                            self.session.skip(claimed.key.rendition, claimed.key.index).await;
                        }
                        // A claim missed is a segment made twice, nothing worse.
                        Ok(_) | Err(RecvError::Lagged(_) | RecvError::Closed) => {}
                    }
                    continue;
                }
            };
            match event {
                SessionEvent::At {
                    rendition, segment, ..
                } => {
                    self.arrive(&renditions, rendition, segment).await?;
                }
                SessionEvent::Scanned(percent) => {
                    let video = self.video();
                    sessions
                        .records
                        .tell(Event::SourceScanned { video, percent })
                        .await;
                }
                SessionEvent::Probed(found) => told.info = Some(*found),
                SessionEvent::Made(Made::Cues { .. }, bytes) => {
                    // In the order of their tracks; what is none is noticed by their number.
                    told.cues.extend(serde_json::from_slice::<CueList>(&bytes));
                }
                SessionEvent::Made(Made::Loudness(measured), _) => told.loudness = measured,
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
                            told.foreign.push(rendition);
                        }
                        stored => stored?,
                    }
                    if let Some(key) = key {
                        self.leave(key);
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
        if held {
            self.session.resume().await;
        }
        Ok(told)
    }

    /// Whether its memory is needed more elsewhere: not while somebody waits for what it is at.
    fn makes_room(&mut self) -> bool {
        let is_own = |key: &SegmentKey| self.claims.holds(key);
        self.standing != Standing::Foreground
            && self.sessions.waiting.asked_of(is_own).is_none()
            && self.share.makes_room(&self.sessions.memory)
    }

    /// Whether its memory is needed elsewhere while it does nothing.
    pub(crate) fn is_to_leave(&mut self) -> bool {
        self.share.makes_room(&self.sessions.memory)
    }

    /// The engine has come to a segment: its pictures are ours.
    async fn arrive(
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

    /// A segment is stored: the sound goes on with its next one without a word.
    fn leave(&mut self, key: SegmentKey) {
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

    /// Leaves a mark in metadata of where the session is. Not for what somebody waits for:
    /// the background comes to whatever is left of it.
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

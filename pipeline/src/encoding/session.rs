//! An engine session of one video: the pipeline gives orders, the engine makes products, and the session stores them.
//!
//! `leave` decides when a session pauses for viewers, `products` stores what the engine made, `report` keeps
//! statistics, and `error` lists what can go wrong. Begin with [`EncodingSession::make_segments`].

mod answers;
mod error;
mod follow;
mod leave;
mod products;
mod report;
mod standing;

use std::sync::Arc;

use plan::{Code, CueList, Loudness, MediaInfo, Plan, RenditionId, SegmentKey, VideoId};
use store::metadata::VideoRow;
use tokio_util::sync::CancellationToken;
use transcoder::{EngineFailure, Order, Session, SourceReader, Still};

pub(crate) use self::error::{SessionError, is_store_away};
use self::report::Report;
pub(crate) use self::standing::Standing;
use crate::encoding::claims::Claims;
use crate::encoding::memory::Share;
use crate::encoding::sessions::Sessions;
use crate::uploads::blocks::{Held, source_of};

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

    /// Has an idle session agree to end because its memory is needed elsewhere.
    pub(crate) fn agree_to_end_while_idle(&mut self) -> bool {
        self.share.agree_to_make_room(&self.sessions.memory)
    }
}

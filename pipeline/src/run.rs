//! An engine session of one video: orders given, products stored.

use std::sync::Arc;

use bytes::Bytes;
use plan::{MediaInfo, Plan, RenditionId, RenditionKey, SegmentKey, VideoId};
use store::metadata::VideoRow;
use store::{ImageFormat, ObjectKey};
use transcoder::{
    Brake, End, EngineFailure, FileSource, Made, Order, Session, SessionEvent, SourceReader,
    StartError, Still,
};

use crate::blocks::BlockSource;
use crate::inner::Inner;

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// By the engine's own doing, at a segment where it had come to one.
    #[error("{failure}")]
    Fault {
        /// Why.
        failure: EngineFailure,
        /// Where.
        segment: Option<u32>,
    },
    /// Somebody killed the engine, or it went away without a word.
    #[error("the engine was killed")]
    Unexplained {
        /// Where.
        segment: Option<u32>,
    },
    /// No engine can be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The source cannot be opened.
    #[error("the source cannot be opened: {0}")]
    Source(#[from] std::io::Error),
    /// What was made could not be stored.
    #[error("the store did not answer: {0}")]
    Store(#[from] store::Error),
}

/// Whether a run gives way to requests that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is what they wait for.
    Foreground,
    /// It holds between two frames while any waits.
    Background,
}

/// What the engine reads: the stored blocks, or the file that stays where it is.
fn source(inner: &Inner, row: &VideoRow) -> Result<(Arc<dyn SourceReader>, u64), RunError> {
    if let Some(path) = &inner.config.source_file {
        let (file, size) = FileSource::open(path)?;
        return Ok((Arc::new(file), size));
    }
    let objects = inner.stores.objects.clone();
    let blocks = BlockSource {
        objects,
        parts: row.parts.clone(),
    };
    let size = blocks.size();
    Ok((Arc::new(blocks), size))
}

pub(crate) struct Run {
    inner: Arc<Inner>,
    video: VideoId,
    session: Session,
    brake: Brake,
    standing: Standing,
}

impl Run {
    pub(crate) fn open(
        inner: &Arc<Inner>,
        row: &VideoRow,
        standing: Standing,
    ) -> Result<Self, RunError> {
        let (source, size) = source(inner, row)?;
        let (budget, limits) = (inner.config.budget(), inner.config.policy.limits.clone());
        let session = Session::open(&inner.engine, source, size, budget, limits)?;
        let brake = session.brake();
        Ok(Self {
            inner: inner.clone(),
            video: row.id,
            session,
            brake,
            standing,
        })
    }

    pub(crate) fn set_standing(&mut self, standing: Standing) {
        self.standing = standing;
    }

    pub(crate) async fn plan(&self, plan: &Plan) {
        self.session.plan(plan).await;
    }

    pub(crate) async fn probe(&mut self) -> Result<MediaInfo, RunError> {
        self.carry_out(Order::Probe)
            .await?
            .ok_or_else(|| RunError::Unexplained { segment: None })
    }

    pub(crate) async fn inits(&mut self) -> Result<(), RunError> {
        self.carry_out(Order::Inits).await.map(drop)
    }

    pub(crate) async fn still(&mut self, still: Still) -> Result<(), RunError> {
        self.carry_out(Order::Still(still)).await.map(drop)
    }

    pub(crate) async fn filler(
        &mut self,
        rendition: RenditionId,
        segment: u32,
    ) -> Result<(), RunError> {
        self.carry_out(Order::Filler { rendition, segment })
            .await
            .map(drop)
    }

    /// Makes a run of segments; those that are stored already are skipped.
    pub(crate) async fn segments(
        &mut self,
        renditions: Vec<RenditionId>,
        first: u32,
        count: u32,
    ) -> Result<(), RunError> {
        let made = crate::made::known(&self.inner, self.video).await?;
        for &rendition in &renditions {
            for segment in (first..first + count).filter(|&n| made.has(rendition, n)) {
                self.session.skip(rendition, segment).await;
            }
        }
        self.carry_out(Order::Segments {
            renditions,
            first,
            count,
        })
        .await
        .map(drop)
    }

    /// Gives an order and stores what it makes, until it is done.
    async fn carry_out(&mut self, what: Order) -> Result<Option<MediaInfo>, RunError> {
        let order = self.session.order(what).await;
        let mut waiting = self.inner.waiting.subscribe();
        let (mut segment, mut info, mut held) = (None, None, false);
        loop {
            let hold = self.standing == Standing::Background && *waiting.borrow_and_update() > 0;
            if hold != held {
                held = hold;
                if hold {
                    self.brake.hold().await
                } else {
                    self.brake.resume().await
                }
            }
            let event = tokio::select! {
                event = self.session.next() => event,
                changed = waiting.changed(), if self.standing == Standing::Background => {
                    // The sender lives as long as the pipeline.
                    let _ = changed;
                    continue;
                }
            };
            match event {
                SessionEvent::At { segment: at, .. } => segment = Some(at),
                SessionEvent::Probed(found) => info = Some(*found),
                SessionEvent::Made(made, bytes) => self.store(made, bytes).await?,
                SessionEvent::Done(done) if done == order => break,
                SessionEvent::Failed(failed, failure) if failed == order => {
                    return Err(RunError::Fault { failure, segment });
                }
                SessionEvent::Done(_) | SessionEvent::Failed(..) => {}
                SessionEvent::Ended(End::Fault(failure)) => {
                    return Err(RunError::Fault { failure, segment });
                }
                SessionEvent::Ended(End::Finished | End::Unexplained) => {
                    return Err(RunError::Unexplained { segment });
                }
            }
        }
        if held {
            self.brake.resume().await;
        }
        Ok(info)
    }

    async fn store(&self, made: Made, bytes: Bytes) -> Result<(), RunError> {
        let (inner, video) = (&self.inner, self.video);
        // A deleted video gets nothing any more.
        if inner.living(video).await?.is_none() {
            return Err(store::Error::NotFound.into());
        }
        let objects = &inner.stores.objects;
        match made {
            Made::Segment {
                rendition,
                segment,
                report,
            } => {
                tracing::debug!(%video, %rendition, segment, us = report.encode_us, "made");
                inner
                    .publish(
                        SegmentKey {
                            video,
                            rendition,
                            index: segment,
                        },
                        bytes,
                    )
                    .await?;
            }
            Made::Sheet(sheet) => {
                if let Some(id) = self.storyboard().await? {
                    inner
                        .publish(
                            SegmentKey {
                                video,
                                rendition: id,
                                index: sheet,
                            },
                            bytes,
                        )
                        .await?;
                }
            }
            Made::Init(rendition) => {
                let key = ObjectKey::Init(RenditionKey { video, rendition });
                objects.put_if_absent(&key, bytes).await?;
            }
            Made::PosterJpeg(_) => {
                objects
                    .put(&ObjectKey::Poster(video, ImageFormat::Jpeg), bytes)
                    .await?;
                if let Some(made) = inner.made.lock().get_mut(&video) {
                    made.poster = true;
                }
            }
            Made::PosterWebp(_) => {
                objects
                    .put(&ObjectKey::Poster(video, ImageFormat::Webp), bytes)
                    .await?;
            }
            Made::Thumbnail { second, width } => {
                objects
                    .put(
                        &ObjectKey::Thumbnail {
                            video,
                            width,
                            second,
                        },
                        bytes,
                    )
                    .await?;
            }
        }
        Ok(())
    }

    async fn storyboard(&self) -> Result<Option<RenditionId>, store::Error> {
        let Some(row) = self.inner.living(self.video).await? else {
            return Ok(None);
        };
        let Some(hash) = &row.current_plan else {
            return Ok(None);
        };
        let plan = crate::plans::load(&self.inner, self.video, hash).await?;
        Ok(plan.storyboard.as_ref().map(|s| s.id))
    }
}

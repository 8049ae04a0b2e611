//! One rung's encoder as a lane on the pool: pictures queue up in order, at most a few of
//! them, and one thread at a time works them off.

use std::collections::VecDeque;
use std::sync::Arc;

use anyhow::Result;
use parking_lot::{Condvar, Mutex};
use plan::{Plan, VideoRendition};
use protocol::{Made, SegmentReport, ToParent};

use crate::encode_video::SegmentEncoder;
use crate::link::Link;
use crate::package;
use crate::pictures::Picture;

/// Pictures that wait for an encoder: enough to even out B-frame bursts; eight 1080p
/// pictures are 25 MB.
const WAITING: usize = 8;

/// What a lane is told.
enum Step {
    Begin { segment: u32 },
    Picture(Picture),
    End { segment: u32 },
}

/// Segments that came out larger than their cap, to be made again.
pub type Oversized = Vec<u32>;

/// A lane of one rendition for one order.
pub struct Lane {
    plan: Arc<Plan>,
    rendition: VideoRendition,
    link: Arc<Link>,
    order: u32,
    attempt: u32,
    last_attempt: bool,
    queue: Mutex<Queue>,
    moved: Condvar,
    work: Mutex<Work>,
}

#[derive(Default)]
struct Queue {
    steps: VecDeque<Step>,
    running: bool,
}

#[derive(Default)]
struct Work {
    encoder: Option<SegmentEncoder>,
    oversized: Oversized,
    failure: Option<anyhow::Error>,
}

impl Lane {
    /// A lane for try number `attempt`, from 0; in the last one whatever comes out is kept.
    pub fn new(
        plan: Arc<Plan>,
        rendition: VideoRendition,
        link: Arc<Link>,
        order: u32,
        attempt: u32,
        last_attempt: bool,
    ) -> Arc<Self> {
        Arc::new(Self {
            plan,
            rendition,
            link,
            order,
            attempt,
            last_attempt,
            queue: Mutex::default(),
            moved: Condvar::new(),
            work: Mutex::default(),
        })
    }

    /// Which rendition it makes.
    pub fn rendition(&self) -> &VideoRendition {
        &self.rendition
    }

    /// Starts a segment.
    pub fn begin(self: &Arc<Self>, pool: &rayon::ThreadPool, segment: u32) {
        self.push(pool, Step::Begin { segment });
    }

    /// Hands over the next picture; waits while the lane is full.
    pub fn picture(self: &Arc<Self>, pool: &rayon::ThreadPool, picture: Picture) {
        self.push(pool, Step::Picture(picture));
    }

    /// Ends a segment.
    pub fn end(self: &Arc<Self>, pool: &rayon::ThreadPool, segment: u32) {
        self.push(pool, Step::End { segment });
    }

    fn push(self: &Arc<Self>, pool: &rayon::ThreadPool, step: Step) {
        let mut queue = self.queue.lock();
        while queue.steps.len() >= WAITING {
            self.moved.wait(&mut queue);
        }
        queue.steps.push_back(step);
        if !queue.running {
            queue.running = true;
            let lane = self.clone();
            pool.spawn(move || lane.drain());
        }
    }

    fn drain(&self) {
        let mut work = self.work.lock();
        loop {
            let step = {
                let mut queue = self.queue.lock();
                let step = queue.steps.pop_front();
                queue.running = step.is_some();
                self.moved.notify_all();
                step
            };
            let Some(step) = step else { return };
            if work.failure.is_none()
                && let Err(error) = self.step(&mut work, step)
            {
                work.failure = Some(error);
            }
        }
    }

    fn step(&self, work: &mut Work, step: Step) -> Result<()> {
        match step {
            Step::Begin { segment } => {
                let (start, end) = self.plan.timeline.segment_frames(segment);
                let rate = self.plan.timeline.rate;
                let encoder =
                    SegmentEncoder::new(&self.rendition, end - start, rate, self.attempt)?;
                work.encoder = Some(encoder);
            }
            Step::Picture(picture) => {
                if let Some(encoder) = &mut work.encoder {
                    encoder.push(&picture)?;
                }
            }
            Step::End { segment } => {
                if let Some(encoder) = work.encoder.take() {
                    self.deliver(work, encoder, segment)?;
                }
            }
        }
        Ok(())
    }

    fn deliver(&self, work: &mut Work, encoder: SegmentEncoder, segment: u32) -> Result<()> {
        let (samples, encode_us) = encoder.finish()?;
        let (start, end) = self.plan.timeline.segment_frames(segment);
        let frames = end.0 - start.0;
        let bytes = package::video_segment(&self.rendition, segment, start.0, &samples)?;
        let rate = self.plan.timeline.rate;
        let cap_bits = self.rendition.cap_bits_per_second as i64 * frames * rate.den() / rate.num();
        if bytes.len() as i64 * 8 > cap_bits && !self.last_attempt {
            work.oversized.push(segment);
            return Ok(());
        }
        let report = SegmentReport {
            encode_us,
            frames: frames as u32,
            attempts: self.attempt + 1,
            warnings: Vec::new(),
        };
        let what = Made::Segment {
            rendition: self.rendition.id,
            segment,
            report,
        };
        self.link.say(
            &ToParent::Made {
                order: self.order,
                what,
            },
            &bytes,
        )?;
        Ok(())
    }

    /// Whether something went wrong; the producer need not go on then.
    pub fn has_failed(&self) -> bool {
        // A lane at work has not failed yet.
        self.work
            .try_lock()
            .is_some_and(|work| work.failure.is_some())
    }

    /// Waits until all is worked off.
    pub fn join(&self) -> Result<Oversized> {
        let mut queue = self.queue.lock();
        while queue.running {
            self.moved.wait(&mut queue);
        }
        drop(queue);
        let mut work = self.work.lock();
        match work.failure.take() {
            Some(error) => Err(error),
            None => Ok(std::mem::take(&mut work.oversized)),
        }
    }
}

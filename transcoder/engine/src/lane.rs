//! One rung's encoder as a lane on the pool: pictures queue up in order, at most a few of
//! them, and one thread at a time works them off.

use std::collections::VecDeque;
use std::sync::Arc;

use anyhow::Result;
use parking_lot::{Condvar, Mutex};
use plan::{Plan, VideoRendition};
use protocol::{Made, SegmentReport, ToParent};

use crate::encode_video::SegmentEncoder;
use crate::finish::Finish;
use crate::link::{Abandoned, Link};
use crate::package;
use crate::pictures::Picture;
use crate::turn::Turn;

/// Pictures that wait for an encoder: enough to even out B-frame bursts; eight 1080p
/// pictures are 25 MB.
const WAITING: usize = 8;

/// What a lane is told.
enum Step {
    Begin { segment: u32 },
    Picture(Picture),
    End { segment: u32, damaged: bool },
}

/// Segments that came out larger than their cap, to be made again.
pub type Oversized = Vec<u32>;

/// What a lane is to do.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// The order it belongs to.
    pub order: u32,
    /// Which try it is, from 0.
    pub attempt: u32,
    /// Whatever comes out is kept.
    pub last_attempt: bool,
    /// A segment may begin while the one before is finished.
    pub overlaps: bool,
}

/// A lane of one rendition for one order.
pub struct Lane {
    plan: Arc<Plan>,
    rendition: VideoRendition,
    link: Arc<Link>,
    task: Task,
    queue: Mutex<Queue>,
    moved: Condvar,
    /// Held by whoever works the queue off.
    work: Mutex<Work>,
    outcome: Mutex<Outcome>,
}

/// What pictures go through.
struct Work {
    finish: Finish,
    encoder: Option<SegmentEncoder>,
}

#[derive(Default)]
struct Queue {
    steps: VecDeque<Step>,
    running: bool,
    /// An encoder that got all its pictures is coding those that it looked ahead at.
    finishing: bool,
}

#[derive(Default)]
struct Outcome {
    oversized: Oversized,
    failure: Option<anyhow::Error>,
}

impl Lane {
    /// A lane that does this task.
    pub fn new(
        plan: Arc<Plan>,
        rendition: VideoRendition,
        link: Arc<Link>,
        turn: Turn,
        task: Task,
    ) -> Arc<Self> {
        let work = Work {
            finish: Finish::new(&rendition.color, turn),
            encoder: None,
        };
        Arc::new(Self {
            plan,
            rendition,
            link,
            task,
            queue: Mutex::default(),
            moved: Condvar::new(),
            work: Mutex::new(work),
            outcome: Mutex::default(),
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

    /// Hands over the next picture, in the rung's size but not turned yet; waits while the lane is full.
    pub fn picture(self: &Arc<Self>, pool: &rayon::ThreadPool, picture: Picture) {
        self.push(pool, Step::Picture(picture));
    }

    /// Ends a segment, of whose pictures some may have been damaged.
    pub fn end(self: &Arc<Self>, pool: &rayon::ThreadPool, segment: u32, damaged: bool) {
        self.push(pool, Step::End { segment, damaged });
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

    fn drain(self: &Arc<Self>) {
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
            if !self.has_failed() {
                // Here too, or a session that is told to hold goes on with all that waits.
                let go_on = self.link.go_on();
                let done = go_on.and_then(|()| self.step(&mut work, step));
                self.note(done);
            }
        }
    }

    fn note(&self, done: Result<()>) {
        if let Err(error) = done {
            self.outcome.lock().failure.get_or_insert(error);
        }
    }

    fn step(self: &Arc<Self>, work: &mut Work, step: Step) -> Result<()> {
        match step {
            Step::Begin { segment } => {
                let (start, end) = self.plan.timeline.segment_frames(segment);
                let rate = self.plan.timeline.rate;
                let fresh =
                    SegmentEncoder::new(&self.rendition, end - start, rate, self.task.attempt)?;
                work.encoder = Some(fresh);
            }
            Step::Picture(picture) => {
                if let Some(encoder) = &mut work.encoder {
                    encoder.push(&work.finish.run(picture)?)?;
                }
            }
            Step::End { segment, damaged } => {
                if let Some(encoder) = work.encoder.take() {
                    self.finish(encoder, segment, damaged)?;
                }
            }
        }
        Ok(())
    }

    /// Beside the next segment's first pictures: while an encoder only empties itself, nobody
    /// takes pictures, and the other cores run dry. One at a time, which bounds the memory.
    fn finish(
        self: &Arc<Self>,
        encoder: SegmentEncoder,
        segment: u32,
        damaged: bool,
    ) -> Result<()> {
        if !self.task.overlaps || std::mem::replace(&mut self.queue.lock().finishing, true) {
            return self.deliver(encoder, segment, damaged);
        }
        let lane = self.clone();
        rayon::spawn(move || {
            let done = lane.deliver(encoder, segment, damaged);
            lane.note(done);
            lane.queue.lock().finishing = false;
            lane.moved.notify_all();
        });
        Ok(())
    }

    fn deliver(&self, encoder: SegmentEncoder, segment: u32, damaged: bool) -> Result<()> {
        if self.has_failed() {
            return Ok(());
        }
        let (samples, encode_us) = encoder.finish(|| self.link.go_on())?;
        let (start, end) = self.plan.timeline.segment_frames(segment);
        let frames = end.0 - start.0;
        let bytes = package::video_segment(&self.rendition, segment, (start, end), &samples)?;
        let rate = self.plan.timeline.rate;
        let cap_bits = self.rendition.cap_bits_per_second as i64 * frames * rate.den() / rate.num();
        if bytes.len() as i64 * 8 > cap_bits && !self.task.last_attempt {
            self.outcome.lock().oversized.push(segment);
            return Ok(());
        }
        let report = SegmentReport {
            encode_us,
            frames: frames as u32,
            attempts: self.task.attempt + 1,
            damaged,
        };
        let what = Made::Segment {
            rendition: self.rendition.id,
            segment,
            report,
        };
        self.link.say(
            &ToParent::Made {
                order: self.task.order,
                what,
            },
            &bytes,
        )?;
        Ok(())
    }

    /// Whether something went wrong; the producer need not go on then.
    pub fn has_failed(&self) -> bool {
        self.outcome.lock().failure.is_some()
    }

    /// Drops what is queued, and waits until nobody works at the lane.
    pub fn give_up(&self) {
        self.note(Err(Abandoned.into()));
        // Why it ended is known.
        let _ = self.join();
    }

    /// Waits until all is worked off.
    pub fn join(&self) -> Result<Oversized> {
        let mut queue = self.queue.lock();
        while queue.running || queue.finishing {
            self.moved.wait(&mut queue);
        }
        drop(queue);
        let mut outcome = self.outcome.lock();
        match outcome.failure.take() {
            Some(error) => Err(error),
            None => Ok(std::mem::take(&mut outcome.oversized)),
        }
    }
}

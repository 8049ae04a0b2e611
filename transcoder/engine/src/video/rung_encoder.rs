//! One rung's encoder as a lane on the pool: pictures queue up in order, at most a few of
//! them, and one thread at a time works them off.

use std::collections::VecDeque;
use std::sync::Arc;

use anyhow::Result;
use parking_lot::{Condvar, Mutex};
use plan::{Plan, VideoRendition};
use protocol::SegmentReport;

use crate::link::{Abandoned, Link};
use crate::output::product::Coded;
use crate::output::remarks::Remarks;
use crate::video::attempts::{Attempts, Verdict};
use crate::video::encode::SegmentEncoder;
use crate::video::pictures::Picture;
use crate::video::transform::rotation::Rotation;
use crate::video::transform::tone_map::ToneMap;

/// Pictures that wait for an encoder: enough to even out B-frame bursts; eight 1080p
/// pictures are 25 MB.
const WAITING: usize = 8;
/// The number of pictures that wait for an encoder where there is no memory to spare.
const FEWER_WAITING: usize = 3;

/// What a lane is told.
enum Step {
    Begin { segment: u32 },
    Picture(Picture),
    End { segment: u32, remarks: Remarks },
}

/// Segments that are to be encoded again, from pictures that have to be decoded again, and what was tried of them.
pub type Unfinished = Vec<(u32, Attempts)>;

/// What a lane is to do.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// The order it belongs to.
    pub order: u32,
    pub extras: Extras,
}

/// What it may take memory for, besides an encoder.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extras {
    /// A segment may begin while the one before is finished, and more pictures wait.
    pub overlaps: bool,
    /// Pictures of a segment are kept until it is done; it is decoded again otherwise.
    pub keeps_pictures: bool,
}

/// A lane of one rendition for one order.
pub struct RungEncoder {
    plan: Arc<Plan>,
    rendition: VideoRendition,
    link: Arc<Link>,
    task: Task,
    /// What was tried already of the one segment that is encoded again.
    tried: Mutex<Option<Attempts>>,
    queue: Mutex<Queue>,
    moved: Condvar,
    /// Held by whoever works the queue off.
    work: Mutex<Work>,
    outcome: Mutex<Outcome>,
}

/// What pictures go through.
struct Work {
    finish: ToneMap,
    encoding: Option<Encoding>,
}

/// A segment that is being encoded.
struct Encoding {
    encoder: SegmentEncoder,
    attempts: Attempts,
    /// What the encoder got, where that is kept.
    kept: Vec<Picture>,
}

/// A segment whose pictures have all come.
struct Ended {
    segment: u32,
    remarks: Remarks,
    encoding: Encoding,
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
    unfinished: Unfinished,
    failure: Option<anyhow::Error>,
}

impl RungEncoder {
    /// A lane that does this task; with what was `tried` before, of one segment.
    pub fn new(
        plan: Arc<Plan>,
        rendition: VideoRendition,
        link: Arc<Link>,
        turn: Rotation,
        task: Task,
        tried: Option<Attempts>,
    ) -> Arc<Self> {
        let work = Work {
            finish: ToneMap::new(&rendition.color, turn),
            encoding: None,
        };
        Arc::new(Self {
            plan,
            rendition,
            link,
            task,
            tried: Mutex::new(tried),
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

    /// Ends a segment, with what is to be said of its pictures.
    pub fn end(self: &Arc<Self>, pool: &rayon::ThreadPool, segment: u32, remarks: Remarks) {
        self.push(pool, Step::End { segment, remarks });
    }

    fn push(self: &Arc<Self>, pool: &rayon::ThreadPool, step: Step) {
        let most = match self.task.extras.overlaps {
            true => WAITING,
            false => FEWER_WAITING,
        };
        let mut queue = self.queue.lock();
        while queue.steps.len() >= most {
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
                let tried = self.tried.lock().take();
                let attempts = tried.unwrap_or_else(|| Attempts::new(&self.rendition, segment));
                work.encoding = Some(Encoding {
                    encoder: self.encoder(segment, &attempts)?,
                    attempts,
                    kept: Vec::new(),
                });
            }
            Step::Picture(picture) => {
                if let Some(encoding) = &mut work.encoding {
                    let picture = work.finish.run(picture)?;
                    encoding.encoder.push(&picture)?;
                    if self.task.extras.keeps_pictures {
                        encoding.kept.push(picture);
                    }
                }
            }
            Step::End { segment, remarks } => {
                if let Some(encoding) = work.encoding.take() {
                    self.finish(Ended {
                        segment,
                        remarks,
                        encoding,
                    })?;
                }
            }
        }
        Ok(())
    }

    fn encoder(&self, segment: u32, attempts: &Attempts) -> Result<SegmentEncoder> {
        let (start, end) = self.plan.timeline.segment_frames(segment);
        let rate = self.plan.timeline.rate;
        SegmentEncoder::new(&self.rendition, end - start, rate, attempts.control)
    }

    /// Beside the next segment's first pictures: while an encoder only empties itself, nobody
    /// takes pictures, and the other cores run dry. One at a time, which bounds the memory.
    fn finish(self: &Arc<Self>, ended: Ended) -> Result<()> {
        let overlaps = self.task.extras.overlaps;
        if !overlaps || std::mem::replace(&mut self.queue.lock().finishing, true) {
            return self.deliver(ended);
        }
        let lane = self.clone();
        rayon::spawn(move || {
            let done = lane.deliver(ended);
            lane.note(done);
            lane.queue.lock().finishing = false;
            lane.moved.notify_all();
        });
        Ok(())
    }

    fn deliver(&self, ended: Ended) -> Result<()> {
        let Ended {
            segment,
            remarks,
            encoding:
                Encoding {
                    mut encoder,
                    mut attempts,
                    kept,
                },
        } = ended;
        let place = (self.rendition.id, segment);
        let (start, end) = self.plan.timeline.segment_frames(segment);
        let length = (end - start, self.plan.timeline.rate);
        while !self.has_failed() {
            let encoded = encoder.finish(|| self.link.go_on())?;
            let samples = &encoded.samples;
            let coded = Coded {
                init: encoded.init(&self.rendition)?,
                bytes: cmaf::video_segment(&self.rendition, segment, (start, end), samples)?,
                frames: length.0.0 as u32,
            };
            match attempts.judge(&self.rendition, length, &encoded.sizes(), coded)? {
                Verdict::Done(coded) => {
                    let report = SegmentReport {
                        encode_us: encoded.spent_us,
                        frames: coded.frames,
                        attempts: attempts.count,
                        damaged: remarks.damaged,
                        converted: remarks.converted,
                    };
                    return Ok(coded.say(&self.link, self.task.order, place, report)?);
                }
                Verdict::Again if kept.is_empty() => {
                    self.outcome.lock().unfinished.push((segment, attempts));
                    return Ok(());
                }
                Verdict::Again => {
                    encoder = self.encoder(segment, &attempts)?;
                    for picture in &kept {
                        self.link.go_on()?;
                        encoder.push(picture)?;
                    }
                }
            }
        }
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
    pub fn join(&self) -> Result<Unfinished> {
        let mut queue = self.queue.lock();
        while queue.running || queue.finishing {
            self.moved.wait(&mut queue);
        }
        drop(queue);
        let mut outcome = self.outcome.lock();
        match outcome.failure.take() {
            Some(error) => Err(error),
            None => Ok(std::mem::take(&mut outcome.unfinished)),
        }
    }
}

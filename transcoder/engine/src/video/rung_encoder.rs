//! The encoder of one rung as a lane on the thread pool: a few pictures at most wait in a queue, in order, and one
//! thread at a time encodes them.

use std::collections::VecDeque;
use std::sync::Arc;

use anyhow::Result;
use parking_lot::{Condvar, Mutex};
use plan::{Plan, VideoRendition};
use protocol::SegmentReport;

use crate::link::{Abandoned, Link};
use crate::output::product::CodedSegment;
use crate::output::remarks::Remarks;
use crate::video::attempts::{Attempts, Verdict};
use crate::video::encode::SegmentEncoder;
use crate::video::pictures::Picture;
use crate::video::transform::rotation::Rotation;
use crate::video::transform::tone_map::ToneMap;

/// Most pictures that wait for an encoder: enough to even out bursts of B-frames; eight 1080p pictures are 25 MB.
const MOST_WAITING: usize = 8;
/// Most pictures that wait for an encoder where there is no memory to spare.
const MOST_WAITING_IN_LITTLE_MEMORY: usize = 3;

/// Step of the work that waits in a lane's queue.
enum Step {
    Begin { segment: u32 },
    Picture(Picture),
    End { segment: u32, remarks: Remarks },
}

/// Numbers of the segments whose pictures have to be decoded and encoded again, with the attempts so far.
pub type Unfinished = Vec<(u32, Attempts)>;

/// Task of a lane.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// Number of the order that the task belongs to.
    pub order: u32,
    pub extras: Extras,
}

/// Uses of memory beyond that of one encoder that a lane is allowed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extras {
    /// A segment may begin while the one before is finished, and more pictures may wait.
    pub overlaps: bool,
    /// The pictures of a segment are kept until it is done; otherwise they are decoded again for another attempt.
    pub keeps_pictures: bool,
}

/// Lane that encodes one rendition for one order.
pub struct RungEncoder {
    plan: Arc<Plan>,
    rendition: VideoRendition,
    link: Arc<Link>,
    task: Task,
    /// Attempts so far of the one segment that is encoded again.
    tried: Mutex<Option<Attempts>>,
    queue: Mutex<Queue>,
    moved: Condvar,
    /// State of the encoding; the thread that works at the queue holds its lock.
    work: Mutex<Work>,
    outcome: Mutex<Outcome>,
}

/// State of the encoding of a lane: the last transformation and the segment at work.
struct Work {
    tone_map: ToneMap,
    encoding: Option<SegmentInProgress>,
}

/// Segment that is being encoded.
struct SegmentInProgress {
    encoder: SegmentEncoder,
    attempts: Attempts,
    /// Pictures that the encoder was given, where they are kept for another attempt.
    kept: Vec<Picture>,
}

/// Segment whose pictures have all come.
struct EndedSegment {
    segment: u32,
    remarks: Remarks,
    encoding: SegmentInProgress,
}

#[derive(Default)]
struct Queue {
    steps: VecDeque<Step>,
    running: bool,
    /// Whether an encoder that has all its pictures is finishing a segment beside the lane.
    is_finishing: bool,
}

#[derive(Default)]
struct Outcome {
    unfinished: Unfinished,
    failure: Option<anyhow::Error>,
}

impl RungEncoder {
    /// Makes a lane for a task. `tried` holds the earlier attempts of the one segment that is encoded again.
    pub fn new(
        plan: Arc<Plan>,
        rendition: VideoRendition,
        link: Arc<Link>,
        rotation: Rotation,
        task: Task,
        tried: Option<Attempts>,
    ) -> Arc<Self> {
        let work = Work {
            tone_map: ToneMap::new(&rendition.color, rotation),
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

    /// Rendition that the lane encodes.
    pub fn rendition(&self) -> &VideoRendition {
        &self.rendition
    }

    /// Queues the start of a segment.
    pub fn begin(self: &Arc<Self>, pool: &rayon::ThreadPool, segment: u32) {
        self.push(pool, Step::Begin { segment });
    }

    /// Queues the next picture, which has the rung's size but is not rotated yet; waits while the queue is full.
    pub fn picture(self: &Arc<Self>, pool: &rayon::ThreadPool, picture: Picture) {
        self.push(pool, Step::Picture(picture));
    }

    /// Queues the end of a segment, with the remarks on its pictures.
    pub fn end(self: &Arc<Self>, pool: &rayon::ThreadPool, segment: u32, remarks: Remarks) {
        self.push(pool, Step::End { segment, remarks });
    }

    fn push(self: &Arc<Self>, pool: &rayon::ThreadPool, step: Step) {
        let most = match self.task.extras.overlaps {
            true => MOST_WAITING,
            false => MOST_WAITING_IN_LITTLE_MEMORY,
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
                // The lane asks the link too: otherwise a session that is told to hold would still encode all that
                // waits.
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
                work.encoding = Some(SegmentInProgress {
                    encoder: self.encoder(segment, &attempts)?,
                    attempts,
                    kept: Vec::new(),
                });
            }
            Step::Picture(picture) => {
                if let Some(encoding) = &mut work.encoding {
                    let picture = work.tone_map.run(picture)?;
                    encoding.encoder.push(&picture)?;
                    if self.task.extras.keeps_pictures {
                        encoding.kept.push(picture);
                    }
                }
            }
            Step::End { segment, remarks } => {
                if let Some(encoding) = work.encoding.take() {
                    self.finish(EndedSegment {
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

    /// Finishes a segment beside the first pictures of the next one: while an encoder only empties itself, the lane
    /// takes no pictures and the other cores have nothing to do. Only one segment at a time is finished in this way,
    /// which bounds the memory.
    fn finish(self: &Arc<Self>, ended: EndedSegment) -> Result<()> {
        let overlaps = self.task.extras.overlaps;
        if !overlaps || std::mem::replace(&mut self.queue.lock().is_finishing, true) {
            return self.deliver(ended);
        }
        let lane = self.clone();
        rayon::spawn(move || {
            let done = lane.deliver(ended);
            lane.note(done);
            lane.queue.lock().is_finishing = false;
            lane.moved.notify_all();
        });
        Ok(())
    }

    fn deliver(&self, ended: EndedSegment) -> Result<()> {
        let EndedSegment {
            segment,
            remarks,
            encoding:
                SegmentInProgress {
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
            let coded = CodedSegment {
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
                    return Ok(coded.send(&self.link, self.task.order, place, report)?);
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

    /// Whether the lane has failed; the decoder need not go on then.
    pub fn has_failed(&self) -> bool {
        self.outcome.lock().failure.is_some()
    }

    /// Drops the queued steps, and waits until no thread works at the lane.
    pub fn give_up(&self) {
        self.note(Err(Abandoned.into()));
        // The reason of the failure is known already.
        let _ = self.join();
    }

    /// Waits until all queued steps are done; returns the segments that are to be encoded again.
    pub fn join(&self) -> Result<Unfinished> {
        let mut queue = self.queue.lock();
        while queue.running || queue.is_finishing {
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

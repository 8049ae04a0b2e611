//! The actor of a fake engine: what it does with the messages that it receives.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use plan::{Code, Plan, RenditionId, Size};
use protocol::{Decoder, EngineFailure, Made, Order, SegmentReport, Still, ToEngine, ToParent};

use sketch::{JPEG, WEBP, film};

use super::{Fault, MEASURED, PATIENCE, Planted, Script, State};

/// Reason why the actor ends.
enum Exit {
    HungUp,
    Signal(i32),
}

/// The actor: a fake engine with one source open.
pub struct Actor {
    script: Arc<Script>,
    /// Version of the actor's libraries.
    libraries: u8,
    stream: UnixStream,
    decoder: Decoder,
    plan: Option<Plan>,
    /// Size of the source in bytes.
    size: u64,
    read: Vec<u8>,
    held: bool,
    abandoned: u32,
    skipped: Vec<(RenditionId, u32)>,
    orders: Vec<(u32, Order)>,
}

impl Actor {
    pub fn new(script: Arc<Script>, stream: UnixStream) -> Self {
        let libraries = script.state.lock().unwrap().libraries;
        Self {
            script,
            libraries,
            stream,
            decoder: Decoder::default(),
            plan: None,
            size: 0,
            read: Vec::new(),
            held: false,
            abandoned: 0,
            skipped: Vec::new(),
            orders: Vec::new(),
        }
    }

    /// Follows messages until the session ends; returns the exit status of the process.
    pub fn play(mut self) -> ExitStatus {
        let exit = loop {
            if let Err(exit) = self.carry_out_next() {
                break exit;
            }
        };
        match exit {
            Exit::HungUp => ExitStatus::from_raw(0),
            Exit::Signal(signal) => ExitStatus::from_raw(signal),
        }
    }

    fn carry_out_next(&mut self) -> Result<(), Exit> {
        while self.orders.is_empty() {
            self.hear(true)?;
        }
        let (order, what) = self.orders.remove(0);
        let answer = match self.carry_out(order, what)? {
            Ok(()) => ToParent::Done { order },
            Err(failure) => ToParent::Failed { order, failure },
        };
        self.skipped.clear();
        self.say(&answer, b"")
    }

    /// Reads the messages that have arrived; waits for one if `wait` is true.
    fn hear(&mut self, wait: bool) -> Result<(), Exit> {
        self.stream
            .set_nonblocking(!wait)
            .map_err(|_| Exit::HungUp)?;
        let mut piece = [0; 65_536];
        let heard = self.stream.read(&mut piece);
        self.stream
            .set_nonblocking(false)
            .map_err(|_| Exit::HungUp)?;
        match heard {
            Ok(0) => return Err(Exit::HungUp),
            Ok(n) => self.decoder.buffer().extend_from_slice(&piece[..n]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
            Err(_) => return Err(Exit::HungUp),
        }
        while let Some((message, payload)) = self.decoder.take::<ToEngine>().unwrap() {
            match message {
                ToEngine::Order { order, what } => self.orders.push((order, what)),
                ToEngine::Plan(plan) => self.plan = Some(*plan),
                ToEngine::Hold => self.set_held(true),
                ToEngine::Resume => self.set_held(false),
                ToEngine::Abandon { order } => self.abandoned = order,
                ToEngine::Skip { rendition, segment } => self.skipped.push((rendition, segment)),
                ToEngine::Open { size, .. } => self.size = size,
                ToEngine::Bytes { .. } => self.read.extend_from_slice(&payload),
            }
        }
        Ok(())
    }

    fn set_held(&mut self, held: bool) {
        self.held = held;
        let mut state = self.script.state.lock().unwrap();
        state.held = if held { state.held + 1 } else { state.held - 1 };
        drop(state);
        self.script.moved.notify_all();
    }

    fn say(&mut self, message: &ToParent, payload: &[u8]) -> Result<(), Exit> {
        let frame = protocol::encode(message, payload).unwrap();
        self.stream.write_all(&frame).map_err(|_| Exit::HungUp)
    }

    fn carry_out(&mut self, order: u32, what: Order) -> Result<Result<(), EngineFailure>, Exit> {
        match what {
            Order::Probe => {
                let seconds = self.script.seconds.load(Ordering::Relaxed);
                let mut info = Box::new(film::info(seconds));
                if self.script.state.lock().unwrap().coded {
                    info.video.as_mut().unwrap().coded = Some(film::coded(seconds));
                }
                self.say(&ToParent::Probed { order, info }, b"")?;
            }
            Order::Inits { renditions } => {
                if let Some(failure) = self.refusal(&renditions, 0) {
                    return Ok(Err(failure));
                }
                for id in renditions {
                    let init = self.init(id);
                    self.made(order, Made::Init(id), &init)?;
                }
            }
            Order::Segments {
                renditions,
                first,
                count,
            } => {
                let last = first.saturating_add(count).saturating_sub(1);
                if let Some(failure) = self.refusal(&renditions, last) {
                    return Ok(Err(failure));
                }
                for segment in first..first + count {
                    if let Err(failure) = self.segment(order, &renditions, segment)? {
                        return Ok(Err(failure));
                    }
                }
            }
            Order::Filler { rendition, segment } => {
                if let Some(failure) = self.refusal(&[rendition], segment) {
                    return Ok(Err(failure));
                }
                if self.script.state.lock().unwrap().fillers_fail {
                    return Ok(Err(failure("not even a filler")));
                }
                self.said(order, (rendition, segment), "filler", 0)?;
            }
            Order::Still(Still::Poster) => {
                if self.script.state.lock().unwrap().poster_fails {
                    return Ok(Err(failure("no picture is good enough")));
                }
                let size = Size {
                    width: 2,
                    height: 2,
                };
                self.made(order, Made::PosterJpeg(size), JPEG)?;
                self.made(order, Made::PosterWebp(size), WEBP)?;
            }
            Order::Still(Still::Sheet(sheet)) => self.made(order, Made::Sheet(sheet), JPEG)?,
            Order::Still(Still::Thumbnail { second, width }) => {
                self.script.state.lock().unwrap().thumbnails.push(None);
                self.made(order, Made::Thumbnail { second, width }, JPEG)?;
            }
            Order::Still(Still::StoredThumbnail {
                rendition,
                segment,
                second,
                width,
            }) => {
                if let Some(failure) = self.refusal(&[rendition], segment) {
                    return Ok(Err(failure));
                }
                if !self.holds((rendition, segment))? {
                    return Ok(Err(failure("its source is another segment")));
                }
                let mut state = self.script.state.lock().unwrap();
                state.thumbnails.push(Some((rendition, segment)));
                drop(state);
                self.made(order, Made::Thumbnail { second, width }, JPEG)?;
            }
            // The source has no text.
            Order::Texts => {}
            Order::Loudness => {
                if self.script.state.lock().unwrap().loudness_fails {
                    return Ok(Err(failure("no sound can be heard")));
                }
                let plan = self.plan.as_ref().unwrap();
                let measured = vec![MEASURED; plan.audio.len()];
                self.made(order, Made::Loudness(measured), b"")?;
            }
        }
        Ok(Ok(()))
    }

    /// Refuses renditions and segments that the plan does not have.
    fn refusal(&self, renditions: &[RenditionId], last: u32) -> Option<EngineFailure> {
        let Some(plan) = &self.plan else {
            return Some(failure("there is no plan yet"));
        };
        let lacking = renditions.iter().find(|&&id| !plan.has_media(id));
        match lacking {
            Some(id) => Some(failure(&format!("the plan has no rendition {id}"))),
            None if last >= plan.segments() => Some(failure("the plan has no such segment")),
            None => None,
        }
    }

    /// Whether the source is the init segment of this rendition followed by this segment.
    fn holds(&mut self, (rendition, segment): (RenditionId, u32)) -> Result<bool, Exit> {
        let ask = ToParent::Read {
            read: 1,
            offset: 0,
            length: self.size as u32,
        };
        self.say(&ask, b"")?;
        while (self.read.len() as u64) < self.size {
            self.hear(true)?;
        }
        let word = sketch::word(&self.read).unwrap_or_default();
        let is_it = word == "filler" || word.starts_with(&format!("{rendition} {segment}"));
        let plan = self.plan.as_ref().unwrap();
        let of_any = |libraries| {
            self.read
                .starts_with(&sketch::init(plan, rendition, libraries))
        };
        Ok(is_it && (0..=self.libraries).any(of_any))
    }

    fn made(&mut self, order: u32, what: Made, bytes: &[u8]) -> Result<(), Exit> {
        self.say(&ToParent::Made { order, what }, bytes)
    }

    fn init(&self, id: RenditionId) -> Vec<u8> {
        sketch::init(self.plan.as_ref().unwrap(), id, self.libraries)
    }

    /// Makes a segment that contains this word, in at least so many bytes.
    fn said(
        &mut self,
        order: u32,
        (rendition, segment): (RenditionId, u32),
        word: &str,
        bytes: usize,
    ) -> Result<(), Exit> {
        let init = self.init(rendition);
        let plan = self.plan.as_ref().unwrap();
        let bytes = sketch::segment(plan, (rendition, segment), self.libraries, word, bytes);
        let what = Made::Segment {
            rendition,
            segment,
            init,
            report: SegmentReport::default(),
        };
        self.made(order, what, &bytes)
    }

    fn segment(
        &mut self,
        order: u32,
        renditions: &[RenditionId],
        segment: u32,
    ) -> Result<Result<(), EngineFailure>, Exit> {
        let rendition = None;
        let at = ToParent::At {
            order,
            rendition,
            segment,
        };
        self.say(&at, b"")?;
        self.wait_at_gate(order, segment)?;
        self.hear(false)?;
        while self.held && self.abandoned < order {
            self.hear(true)?;
        }
        for &rendition in renditions {
            self.hear(false)?;
            if self.abandoned >= order {
                return Ok(Ok(()));
            }
            if self.skipped.contains(&(rendition, segment)) {
                continue;
            }
            let plan = self.plan.as_ref().unwrap();
            let rung = plan.video_rendition(rendition);
            let is_copied = rung.is_some_and(|rung| rung.passed_through.is_some());
            if is_copied && self.script.state.lock().unwrap().uncopied == Some(segment) {
                return Ok(Err(failure("a key frame is not where the index has it")));
            }
            match self.fault(plan.audio_rendition(rendition).is_some(), segment) {
                Some(Fault::Fails) => return Ok(Err(failure("a poisoned stretch"))),
                Some(Fault::Dies(signal)) => return Err(Exit::Signal(signal)),
                None => {}
            }
            let mut state = self.script.state.lock().unwrap();
            *state.made.entry((rendition, segment)).or_default() += 1;
            state.order.push((rendition, segment));
            let size = rung.and_then(|rung| state.sizes.get(&rung.rung)).copied();
            drop(state);
            let word = match self.libraries {
                0 => format!("{rendition} {segment}"),
                version => format!("{rendition} {segment} by {version}"),
            };
            self.said(order, (rendition, segment), &word, size.unwrap_or(0))?;
        }
        Ok(Ok(()))
    }

    fn wait_at_gate(&mut self, order: u32, segment: u32) -> Result<(), Exit> {
        let began = Instant::now();
        let script = self.script.clone();
        let shut = |state: &mut State| {
            state.bog == Some(segment) || state.gate.is_some_and(|gate| segment >= gate)
        };
        if !shut(&mut script.state.lock().unwrap()) {
            return Ok(());
        }
        script.state.lock().unwrap().waiting += 1;
        script.moved.notify_all();
        let mut went_on = Err(Exit::HungUp);
        while began.elapsed() < PATIENCE {
            if self.hear(false).is_err() {
                break;
            }
            let state = script.state.lock().unwrap();
            // The actor has to watch both the script and its messages, so it wakes up after a moment.
            let moment = Duration::from_millis(5);
            let waited = script.moved.wait_timeout_while(state, moment, shut);
            if self.abandoned >= order || !waited.unwrap().1.timed_out() {
                went_on = Ok(());
                break;
            }
        }
        script.state.lock().unwrap().waiting -= 1;
        went_on
    }

    fn fault(&self, sound: bool, segment: u32) -> Option<Fault> {
        let mut state = self.script.state.lock().unwrap();
        let here = |p: &&mut Planted| p.sound == sound && p.segment == segment && p.times > 0;
        let planted = state.planted.iter_mut().find(here)?;
        planted.times -= 1;
        Some(planted.fault)
    }
}

fn failure(message: &str) -> EngineFailure {
    EngineFailure {
        code: Code::Corrupt,
        message: message.to_owned(),
    }
}

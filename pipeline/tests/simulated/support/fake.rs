//! An engine on a thread: it speaks the protocol, and makes bytes that say what they are.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use plan::media_info::{AudioTrack, CodedPictures, Color, Group, Index, VideoTrack};
use plan::{Code, Loudness, MediaInfo, Plan, Rational, RenditionId, Size};
use protocol::{Decoder, EngineFailure, Made, Order, SegmentReport, Still, ToEngine, ToParent};
use transcoder::Engine;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is measured of every sound.
pub const MEASURED: Loudness = Loudness {
    integrated_millibels: Some(-2300),
    range_millibels: 700,
    true_peak_millibels: Some(-900),
};

/// What happens at a segment instead of its being made.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The order fails.
    Fails,
    /// The process dies of this signal.
    Dies(i32),
}

/// A fault at a segment, in picture or sound, so many times.
struct Planted {
    sound: bool,
    segment: u32,
    fault: Fault,
    times: u32,
}

/// What engines do, and what they did.
pub struct Script {
    seconds: i64,
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    planted: Vec<Planted>,
    poster_fails: bool,
    loudness_fails: bool,
    /// The source could be passed through.
    coded: bool,
    /// A segment in which it cannot, whatever its index says.
    uncopied: Option<u32>,
    /// Segments are made only up to here, until it is moved.
    gate: Option<u32>,
    /// Nobody gets past this one.
    bog: Option<u32>,
    /// Engines that wait there, or at the gate.
    waiting: u32,
    /// Engines that are told to hold.
    held: u32,
    engines: u32,
    made: BTreeMap<(RenditionId, u32), u32>,
    /// The segments in the order in which they were made.
    order: Vec<(RenditionId, u32)>,
    fillers_fail: bool,
    /// Boxes, and the bytes of a segment in each.
    sizes: BTreeMap<u32, usize>,
}

impl Script {
    pub fn of(seconds: i64) -> Arc<Self> {
        Arc::new(Self {
            seconds,
            state: Mutex::default(),
            moved: Condvar::new(),
        })
    }

    pub fn picture_fault(&self, segment: u32, fault: Fault, times: u32) {
        self.plant(false, segment, fault, times);
    }

    pub fn sound_fault(&self, segment: u32, fault: Fault, times: u32) {
        self.plant(true, segment, fault, times);
    }

    fn plant(&self, sound: bool, segment: u32, fault: Fault, times: u32) {
        self.state.lock().unwrap().planted.push(Planted {
            sound,
            segment,
            fault,
            times,
        });
    }

    pub fn poster_fails(&self) {
        self.state.lock().unwrap().poster_fails = true;
    }

    pub fn loudness_fails(&self) {
        self.state.lock().unwrap().loudness_fails = true;
    }

    /// The source's pictures could be passed through as they are, but for those of a segment.
    pub fn is_coded(&self, uncopied: Option<u32>) {
        let mut state = self.state.lock().unwrap();
        (state.coded, state.uncopied) = (true, uncopied);
    }

    pub fn fillers_fail(&self, fail: bool) {
        self.state.lock().unwrap().fillers_fail = fail;
    }

    /// Segments in these boxes have so many bytes.
    pub fn are_sized<const N: usize>(&self, sizes: [(u32, usize); N]) {
        self.state.lock().unwrap().sizes = sizes.into();
    }

    /// Whatever was planted is gone.
    pub fn heal(&self) {
        let mut state = self.state.lock().unwrap();
        state.planted.clear();
        state.fillers_fail = false;
    }

    /// Engines wait before this segment and all later ones, or at none.
    pub fn gate(&self, segment: Option<u32>) {
        self.state.lock().unwrap().gate = segment;
        self.moved.notify_all();
    }

    /// Engines get stuck at this segment, for ever.
    pub fn bog(&self, segment: u32) {
        self.state.lock().unwrap().bog = Some(segment);
    }

    /// Waits until so many engines wait at the gate or are stuck.
    pub async fn until_waiting(self: &Arc<Self>, engines: u32) {
        self.until(move |state| state.waiting >= engines).await;
    }

    /// Waits until so many engines hold.
    pub async fn until_held(self: &Arc<Self>, engines: u32) {
        self.until(move |state| state.held >= engines).await;
    }

    async fn until(self: &Arc<Self>, reached: impl Fn(&State) -> bool + Send + 'static) {
        let script = self.clone();
        let wait = move || {
            let state = script.state.lock().unwrap();
            let waited = script
                .moved
                .wait_timeout_while(state, PATIENCE, |state| !reached(state));
            assert!(!waited.unwrap().1.timed_out(), "it does not come to that");
        };
        tokio::task::spawn_blocking(wait).await.unwrap();
    }

    /// How many engines were started.
    pub fn engines(&self) -> u32 {
        self.state.lock().unwrap().engines
    }

    /// How often each segment was made.
    pub fn made(&self) -> BTreeMap<(RenditionId, u32), u32> {
        self.state.lock().unwrap().made.clone()
    }

    /// The numbers of the segments in the order in which they were made.
    pub fn order(&self) -> Vec<u32> {
        let state = self.state.lock().unwrap();
        state.order.iter().map(|(_, segment)| *segment).collect()
    }

    /// The same, but their renditions.
    pub fn order_of_renditions(&self) -> Vec<RenditionId> {
        let state = self.state.lock().unwrap();
        state
            .order
            .iter()
            .map(|(rendition, _)| *rendition)
            .collect()
    }

    pub fn engine(self: &Arc<Self>) -> Engine {
        let script = self.clone();
        Engine::in_process(move |stream| {
            script.state.lock().unwrap().engines += 1;
            let mut actor = Actor {
                script: script.clone(),
                stream,
                decoder: Decoder::default(),
                plan: None,
                held: false,
                abandoned: 0,
                skipped: Vec::new(),
                orders: Vec::new(),
            };
            match actor.play() {
                Ok(()) | Err(Exit::HungUp) => ExitStatus::from_raw(0),
                Err(Exit::Signal(signal)) => ExitStatus::from_raw(signal),
            }
        })
    }
}

/// What is in a segment that an engine of these made.
pub fn content(rendition: RenditionId, segment: u32) -> String {
    format!("{rendition} {segment}")
}

enum Exit {
    HungUp,
    Signal(i32),
}

struct Actor {
    script: Arc<Script>,
    stream: UnixStream,
    decoder: Decoder,
    plan: Option<Plan>,
    held: bool,
    abandoned: u32,
    skipped: Vec<(RenditionId, u32)>,
    orders: Vec<(u32, Order)>,
}

impl Actor {
    fn play(&mut self) -> Result<(), Exit> {
        loop {
            while self.orders.is_empty() {
                self.hear(true)?;
            }
            let (order, what) = self.orders.remove(0);
            let answer = match self.carry_out(order, what)? {
                Ok(()) => ToParent::Done { order },
                Err(failure) => ToParent::Failed { order, failure },
            };
            self.skipped.clear();
            self.say(&answer, b"")?;
        }
    }

    /// Takes what there is to hear; waits for it if it must.
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
        while let Some((message, _)) = self.decoder.take::<ToEngine>().unwrap() {
            match message {
                ToEngine::Order { order, what } => self.orders.push((order, what)),
                ToEngine::Plan(plan) => self.plan = Some(*plan),
                ToEngine::Hold => self.set_held(true),
                ToEngine::Resume => self.set_held(false),
                ToEngine::Abandon { order } => self.abandoned = order,
                ToEngine::Skip { rendition, segment } => self.skipped.push((rendition, segment)),
                ToEngine::Open { .. } | ToEngine::Bytes { .. } => {}
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
                let mut info = Box::new(info(self.script.seconds));
                if self.script.state.lock().unwrap().coded {
                    info.video.as_mut().unwrap().coded = Some(coded(self.script.seconds));
                }
                self.say(&ToParent::Probed { order, info }, b"")?;
            }
            Order::Inits { renditions } => {
                for id in renditions {
                    self.made(order, Made::Init(id), "init")?;
                }
            }
            Order::Segments {
                renditions,
                first,
                count,
            } => {
                for segment in first..first + count {
                    if let Err(failure) = self.segment(order, &renditions, segment)? {
                        return Ok(Err(failure));
                    }
                }
            }
            Order::Filler { rendition, segment } => {
                if self.script.state.lock().unwrap().fillers_fail {
                    return Ok(Err(failure("not even a filler")));
                }
                let report = SegmentReport::default();
                let what = Made::Segment {
                    rendition,
                    segment,
                    report,
                };
                self.made(order, what, "filler")?;
            }
            Order::Still(Still::Poster) => {
                if self.script.state.lock().unwrap().poster_fails {
                    return Ok(Err(failure("no picture is good enough")));
                }
                let size = Size {
                    width: 2,
                    height: 2,
                };
                self.made(order, Made::PosterJpeg(size), "jpeg")?;
                self.made(order, Made::PosterWebp(size), "webp")?;
            }
            Order::Still(Still::Sheet(sheet)) => self.made(order, Made::Sheet(sheet), "sheet")?,
            Order::Still(Still::Thumbnail { second, width }) => {
                self.made(order, Made::Thumbnail { second, width }, "thumbnail")?;
            }
            // Its source has no text.
            Order::Texts => {}
            Order::Loudness => {
                if self.script.state.lock().unwrap().loudness_fails {
                    return Ok(Err(failure("no sound can be heard")));
                }
                let plan = self.plan.as_ref().unwrap();
                let measured = vec![MEASURED; plan.audio.len()];
                self.made(order, Made::Loudness(measured), "")?;
            }
        }
        Ok(Ok(()))
    }

    fn made(&mut self, order: u32, what: Made, bytes: &str) -> Result<(), Exit> {
        self.say(&ToParent::Made { order, what }, bytes.as_bytes())
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
            let what = Made::Segment {
                rendition,
                segment,
                report: SegmentReport::default(),
            };
            let mut content = content(rendition, segment);
            let rest = size.map_or(0, |size| size.saturating_sub(content.len()));
            content += &" ".repeat(rest);
            self.made(order, what, &content)?;
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
            // It has two things to listen to.
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

/// A key frame every two seconds, and 2.4 Mbit/s.
fn coded(seconds: i64) -> CodedPictures {
    let group = Group {
        pictures: 60,
        bytes: 600_000,
    };
    CodedPictures {
        record: vec![1, 100, 0, 31],
        groups: vec![group; seconds as usize / 2],
    }
}

/// A film of so many seconds: 1280x720 at 30 frames, and stereo.
fn info(seconds: i64) -> MediaInfo {
    let (start, end) = (Rational::ZERO, Rational::new(seconds, 1));
    MediaInfo {
        container: "mov,mp4,m4a,3gp,3g2,mj2".into(),
        cover: None,
        size: 8,
        streams: 2,
        video: Some(VideoTrack {
            stream: 0,
            codec: "h264".into(),
            profile: None,
            time_base: Rational::new(1, 15_360),
            coded_width: 1280,
            coded_height: 720,
            sample_aspect: Rational::new(1, 1),
            rotation: 0,
            mirrored: false,
            pixel_format: "yuv420p".into(),
            color: Color::default(),
            peak_nits: None,
            dolby_vision: None,
            interlaced: false,
            frame_rate: Rational::new(30, 1),
            constant_rate: true,
            rate_p95: None,
            start,
            end,
            frames: None,
            longest_gop: Some(60),
            open_gops: false,
            coded: None,
            aperture: None,
            complexity: None,
            default: true,
        }),
        audio: vec![AudioTrack {
            stream: 1,
            codec: "aac".into(),
            profile: None,
            time_base: Rational::new(1, 48_000),
            sample_rate: 48_000,
            channels: 2,
            layout: "stereo".into(),
            frame_samples: Some(1024),
            start,
            end,
            first_pts: 0,
            priming: 0,
            language: None,
            title: None,
            default: true,
        }],
        text: Vec::new(),
        skipped: Vec::new(),
        chapters: Vec::new(),
        index: Index::Container,
        warnings: Vec::new(),
    }
}

//! A parent for the engine: it starts the real program and serves it a file.

pub mod corpus;
pub mod edits;
pub mod marks;
pub mod sources;
pub mod watched;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use bytes::Bytes;
use plan::{Limits, MediaInfo, Plan, Policy, RenditionId};
use protocol::{Budget, Decoder, EngineFailure, Made, Order, ToEngine, ToParent};

const AMPLE_MEMORY: u64 = 2 << 30;

pub struct Engine {
    child: Child,
    stream: UnixStream,
    decoder: Decoder,
    source: File,
    orders: u32,
    /// Plan of the orders that follow.
    plan: Option<Plan>,
    /// Bytes of the source that the engine has asked for.
    pub asked_bytes: u64,
    /// Init segment of each rendition so far.
    declared: BTreeMap<RenditionId, Vec<u8>>,
}

/// Products of an order.
#[derive(Debug, Default)]
pub struct Output {
    pub info: Option<MediaInfo>,
    /// Progress that a probe reported, in per cent.
    pub scanned: Vec<u8>,
    pub inits: BTreeMap<RenditionId, Bytes>,
    pub segments: BTreeMap<(RenditionId, u32), Bytes>,
    /// Segments of which something could not be decoded.
    pub damaged: Vec<(RenditionId, u32)>,
    /// Segments of which something differed from most of its track.
    pub converted: Vec<(RenditionId, u32)>,
    /// Segments that were over their cap at the first attempt.
    pub made_again: Vec<(RenditionId, u32)>,
    pub stills: Vec<(Made, Bytes)>,
}

impl Engine {
    pub fn start(source: &Path, decode_threads: u32) -> Self {
        let program = Command::new(env!("CARGO_BIN_EXE_reelmill-engine"));
        Self::start_by(program, source, decode_threads, AMPLE_MEMORY)
    }

    /// Starts an engine that may have `bytes` bytes of memory.
    pub fn with_memory(source: &Path, bytes: u64) -> Self {
        let program = Command::new(env!("CARGO_BIN_EXE_reelmill-engine"));
        Self::start_by(program, source, 1, bytes)
    }

    /// Starts an engine whose system calls of these kinds are written to a file.
    pub fn traced(source: &Path, kinds: &str, trace: &Path) -> Self {
        let mut strace = Command::new("/usr/bin/strace");
        strace.args(["-f", "-qq", "-e", kinds, "-o"]).arg(trace);
        strace.arg(env!("CARGO_BIN_EXE_reelmill-engine"));
        Self::start_by(strace, source, 1, AMPLE_MEMORY)
    }

    /// Starts an engine on another processor, by its name in `qemu-x86_64 -cpu help`. Files that it opens are looked
    /// for in the folder `root` first.
    pub fn emulated(source: &Path, processor: &str, root: &Path) -> Self {
        let mut emulator = Command::new("/usr/bin/qemu-x86_64");
        emulator.args(["-cpu", processor, "-L"]).arg(root);
        emulator.arg(env!("CARGO_BIN_EXE_reelmill-engine"));
        Self::start_by(emulator, source, 1, AMPLE_MEMORY)
    }

    fn start_by(
        mut program: Command,
        source: &Path,
        decode_threads: u32,
        memory_bytes: u64,
    ) -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let child = program
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .spawn()
            .unwrap();
        let source = File::open(source).unwrap();
        let size = source.metadata().unwrap().len();
        let mut engine = Self {
            child,
            stream: ours,
            decoder: Decoder::default(),
            source,
            orders: 0,
            plan: None,
            asked_bytes: 0,
            declared: BTreeMap::new(),
        };
        let budget = Budget {
            encode_threads: 2,
            decode_threads,
            memory_bytes,
        };
        engine.say(&ToEngine::Open {
            size,
            budget,
            limits: Limits::default(),
        });
        engine
    }

    pub fn say(&mut self, message: &ToEngine) {
        self.stream
            .write_all(&protocol::encode(message, &[]).unwrap())
            .unwrap();
    }

    fn hear(&mut self) -> (ToParent, Bytes) {
        use std::io::Read;
        loop {
            if let Some(message) = self.decoder.take().unwrap() {
                return message;
            }
            let mut piece = [0; 65536];
            let read = self.stream.read(&mut piece).unwrap();
            assert!(read > 0, "the engine ended: {:?}", self.child.wait());
            self.decoder.buffer().extend_from_slice(&piece[..read]);
        }
    }

    pub fn order(&mut self, what: Order) -> Result<Output, EngineFailure> {
        self.orders += 1;
        let order = self.orders;
        self.say(&ToEngine::Order { order, what });
        let mut output = Output::default();
        loop {
            let (message, payload) = self.hear();
            match message {
                ToParent::Ready { .. } | ToParent::At { .. } => {}
                ToParent::Scanned { percent } => output.scanned.push(percent),
                ToParent::Read {
                    read,
                    offset,
                    length,
                } => {
                    let mut bytes = vec![0; length as usize];
                    let filled = self.source.read_at(&mut bytes, offset).unwrap();
                    bytes.truncate(filled);
                    self.asked_bytes += filled as u64;
                    let answer = ToEngine::Bytes { read };
                    self.stream
                        .write_all(&protocol::encode(&answer, &bytes).unwrap())
                        .unwrap();
                }
                ToParent::Probed { info, .. } => output.info = Some(*info),
                ToParent::Made {
                    what: Made::Init(id),
                    ..
                } => {
                    self.is_the_init(id, &payload);
                    output.inits.insert(id, payload);
                }
                ToParent::Made {
                    what:
                        Made::Segment {
                            rendition,
                            segment,
                            init,
                            report,
                        },
                    ..
                } => {
                    self.is_as_planned((rendition, segment), &init, &payload);
                    if report.damaged {
                        output.damaged.push((rendition, segment));
                    }
                    if report.converted {
                        output.converted.push((rendition, segment));
                    }
                    if report.attempts > 1 {
                        output.made_again.push((rendition, segment));
                    }
                    let twice = output.segments.insert((rendition, segment), payload);
                    assert!(twice.is_none(), "{rendition} {segment} was made twice");
                }
                ToParent::Made { what, .. } => output.stills.push((what, payload)),
                ToParent::Done { order: done } => {
                    assert_eq!(done, order);
                    return Ok(output);
                }
                ToParent::Failed { failure, .. } => return Err(failure),
            }
        }
    }

    pub fn inits(
        &mut self,
        renditions: impl IntoIterator<Item = RenditionId>,
    ) -> Result<Output, EngineFailure> {
        let renditions = renditions.into_iter().collect();
        self.order(Order::Inits { renditions })
    }

    pub fn probe(&mut self) -> Result<MediaInfo, EngineFailure> {
        self.order(Order::Probe)
            .map(|output| output.info.expect("a probe's answer"))
    }

    /// Most memory that the engine has had at a time, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = peak.unwrap().trim().trim_end_matches(" kB");
        kibibytes.parse::<u64>().unwrap() << 10
    }

    /// Hangs up and waits for the engine's end.
    pub fn finish(mut self) {
        self.stream.shutdown(std::net::Shutdown::Both).unwrap();
        self.child.wait().unwrap();
    }

    /// Checks a segment as the engine's parent does.
    fn is_as_planned(&mut self, (id, segment): (RenditionId, u32), init: &[u8], bytes: &[u8]) {
        self.is_the_init(id, init);
        let plan = self.plan.as_ref().unwrap();
        let found = cmaf::check::segment(plan, id, segment, init, bytes);
        assert_eq!(found, Ok(()), "{id} {segment}");
    }

    /// Checks that every init segment of a rendition is the same.
    fn is_the_init(&mut self, id: RenditionId, init: &[u8]) {
        let plan = self.plan.as_ref().unwrap();
        assert_eq!(cmaf::check::init(plan, id, init), Ok(()), "{id}");
        let known = self.declared.entry(id).or_insert_with(|| init.to_vec());
        assert_eq!(known, init, "{id} is decoded with two init segments");
    }

    pub fn plan(&mut self, plan: &Plan) {
        self.plan = Some(plan.clone());
        self.say(&ToEngine::Plan(Box::new(plan.clone())));
    }

    pub fn segments(&mut self, renditions: &[RenditionId], first: u32, count: u32) -> Output {
        self.try_segments(renditions, first, count).unwrap()
    }

    pub fn try_segments(
        &mut self,
        renditions: &[RenditionId],
        first: u32,
        count: u32,
    ) -> Result<Output, String> {
        let renditions = renditions.to_vec();
        let order = Order::Segments {
            renditions,
            first,
            count,
        };
        self.order(order).map_err(|failure| format!("{failure:?}"))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether everything is asked for where other runs take a sample (`WHOLE=1`).
pub fn whole() -> bool {
    std::env::var_os("WHOLE").is_some_and(|whole| whole == "1")
}

/// Starts an engine and plans the source.
pub fn planned(source: &Path, decode_threads: u32) -> (Engine, Plan) {
    let mut engine = Engine::start(source, decode_threads);
    let info = engine.probe().unwrap();
    let plan = plan::make_plan(&info, &Policy::default()).unwrap();
    engine.plan(&plan);
    (engine, plan)
}

//! Table of how mutants ended, and which ones a person should look at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use plan::Code;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// How a mutant ended.
pub enum Outcome {
    Ready(BTreeSet<Code>),
    Failed(Code, String),
    /// The video is ready and has no note, but a read of its packets finds something else.
    Untrue(String),
    /// The video had not ended within the limit.
    Stuck,
    Neither(String),
}

impl Outcome {
    pub fn codes(&self) -> Vec<Code> {
        match self {
            Self::Ready(notes) => notes.iter().copied().collect(),
            Self::Failed(code, _) => vec![*code],
            Self::Stuck | Self::Untrue(_) | Self::Neither(_) => Vec::new(),
        }
    }

    /// Whether the outcome is wrong for a damaged source: all bytes had arrived and there was space, and the code
    /// blames something other than the source.
    pub fn is_wrong(&self) -> bool {
        let never = [
            Code::Internal,
            Code::NoSpace,
            Code::SourceUnreachable,
            Code::UploadLost,
        ];
        let is_over = matches!(self, Self::Ready(_) | Self::Failed(..));
        !is_over || self.codes().iter().any(|code| never.contains(code))
    }

    fn name(&self) -> String {
        let list = |codes: &BTreeSet<Code>| {
            let names: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
            names.join(", ")
        };
        match self {
            Self::Ready(notes) if notes.is_empty() => "ready".to_owned(),
            Self::Ready(notes) => format!("ready, with a note: {}", list(notes)),
            Self::Failed(code, _) => format!("failed: {code}"),
            Self::Untrue(what) => format!("UNTRUE: {what}"),
            Self::Stuck => "STUCK".to_owned(),
            Self::Neither(state) => format!("NEITHER: {state}"),
        }
    }

    /// Whether a person should look at the mutant: the outcome is wrong, or its code says that the engine crashed, ran
    /// out of time or ran out of memory.
    pub fn is_to_be_looked_at(&self) -> bool {
        let by_engine = |code: &Code| code.as_str().starts_with("engine_");
        self.is_wrong() || self.codes().iter().any(by_engine)
    }
}

#[derive(Default)]
pub struct Table {
    counts: BTreeMap<String, usize>,
    to_look_at: Vec<String>,
    wrong: usize,
    slowest: Vec<(Duration, u64, String)>,
}

/// Number of the slowest mutants that are named.
const SLOWEST: usize = 5;

impl Table {
    pub fn add(&mut self, number: u64, what: &str, outcome: Outcome, took: Duration) {
        *self.counts.entry(outcome.name()).or_default() += 1;
        self.wrong += usize::from(outcome.is_wrong());
        if outcome.is_to_be_looked_at() {
            let why = match &outcome {
                Outcome::Failed(_, message) => message.as_str(),
                _ => "",
            };
            let line = format!("{number}: {} {why} ({what})", outcome.name());
            eprintln!("{line}");
            self.to_look_at.push(line);
        }
        self.slowest.push((took, number, what.to_owned()));
        self.slowest.sort_by(|a, b| b.cmp(a));
        self.slowest.truncate(SLOWEST);
    }

    pub fn print(&self, seed: u64, took: Duration) {
        let total: usize = self.counts.values().sum();
        println!("{total} mutants of seed {seed} in {} s", took.as_secs());
        for (name, count) in &self.counts {
            println!("{count:>8}  {name}");
        }
        for (took, number, what) in &self.slowest {
            println!("slow: {number} took {:.1} s ({what})", took.as_secs_f64());
        }
        for line in &self.to_look_at {
            println!("look at {line}");
        }
    }

    pub fn check(&self) {
        assert_eq!(
            self.wrong, 0,
            "mutants that ended as none may, listed above"
        );
    }
}

/// What was logged while mutants ran.
#[derive(Clone, Default)]
pub struct Said {
    /// Number of panics in tasks of this process, which tokio catches.
    panics: Arc<AtomicUsize>,
    /// Panics of our code in engines.
    engines: Arc<Mutex<BTreeSet<String>>>,
    /// Faults that engines called `internal`: where a filler helps, no other report names them.
    internal: Arc<Mutex<BTreeSet<String>>>,
}

/// Collects panics of this process and of engines; prints the whole log where only one mutant runs.
pub fn listen(shows: bool) -> Said {
    let said = Said::default();
    let panics = said.panics.clone();
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        panics.fetch_add(1, Ordering::Relaxed);
        usual(panic);
    }));
    let log = shows.then(|| {
        let log = tracing_subscriber::fmt::layer().with_ansi(false);
        log.with_writer(std::io::stderr)
    });
    let listener = tracing_subscriber::registry().with(said.clone()).with(log);
    tracing::subscriber::set_global_default(listener).unwrap();
    said
}

impl Said {
    pub fn check_panics(&self) {
        assert_eq!(
            self.panics.load(Ordering::Relaxed),
            0,
            "panics in the parent"
        );
        assert_eq!(*self.engines.lock(), BTreeSet::new(), "panics in engines");
    }

    pub fn print(&self) {
        for fault in &*self.internal.lock() {
            println!("on the way: {fault}");
        }
    }
}

impl<S: tracing::Subscriber> Layer<S> for Said {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let target = event.metadata().target();
        if target == "engine" || target.starts_with("pipeline") {
            event.record(&mut Listener(self));
        }
    }
}

struct Listener<'a>(&'a Said);

impl Visit for Listener<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let line = format!("{value:?}");
        // The line reads `thread 'x' (pid) panicked at file:line:column:`.
        if let Some((_, place)) = line.split_once("panicked at ") {
            self.0.engines.lock().insert(place.to_owned());
        }
        if field.name() == "error" && line.starts_with("internal") {
            self.0.internal.lock().insert(line);
        }
    }
}

//! Sessions with engines that end in other ways than they should, on threads and as real processes.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use plan::{Code, Limits, Policy};
use protocol::{Made, Order, SegmentReport, ToEngine, ToParent};
use transcoder::{Budget, End, Engine, Sandbox, Session, SessionEvent};

use super::wire::{Counting, UNREADABLE_FROM, Wire, fake, open};

const EXIT_0: fn() -> ExitStatus = || ExitStatus::from_raw(0);

fn read(wire: &mut Wire, read: u32, offset: u64) {
    let ask = ToParent::Read {
        read,
        offset,
        length: 100,
    };
    wire.say(&ask, &[]);
}

fn inits() -> Order {
    Order::Inits {
        renditions: Vec::new(),
    }
}

#[tokio::test]
async fn many_reads_at_once_are_all_answered_rightly() {
    const ASKED: u32 = 500;
    let engine = fake(|wire| {
        let Some(order) = wire.hear_order() else {
            return EXIT_0();
        };
        for n in 0..ASKED {
            read(wire, n, u64::from(n) * 7);
        }
        for _ in 0..ASKED {
            let Some((ToEngine::Bytes { read }, bytes)) = wire.hear() else {
                return ExitStatus::from_raw(6);
            };
            let first = u64::from(read) * 7 % 251;
            if bytes.len() != 100 || u64::from(bytes[0]) != first {
                return ExitStatus::from_raw(6);
            }
        }
        wire.say(&ToParent::Done { order }, &[]);
        while wire.hear().is_some() {}
        EXIT_0()
    });
    let mut session = open(&engine);
    let order = session.order(inits()).await;
    assert!(matches!(session.next().await, SessionEvent::Done(done) if done == order));
    assert_eq!(session.finish().await, End::Finished);
}

#[tokio::test]
async fn nothing_is_taken_of_a_session_whose_source_could_not_be_read() {
    let film = sketch::film::info(4);
    let plan = plan::make_plan(&film, &Policy::default()).unwrap();
    let told = plan.clone();
    let engine = fake(move |wire| {
        let Some(order) = wire.hear_order() else {
            return EXIT_0();
        };
        // Two reads cannot be answered and a third can; the engine then goes on as if all were well, as demuxers do.
        read(wire, 1, UNREADABLE_FROM);
        read(wire, 2, UNREADABLE_FROM + 100);
        read(wire, 3, 0);
        let id = told.video[0].id;
        while let Some((ToEngine::Bytes { .. }, _)) = wire.hear() {
            let what = Made::Init(id);
            let made = ToParent::Made { order, what };
            wire.say(&made, &sketch::init(&told, id, 0));
        }
        EXIT_0()
    });
    let mut session = open(&engine);
    session.plan(&plan).await;
    let renditions = vec![plan.video[0].id];
    session.order(Order::Inits { renditions }).await;
    loop {
        match session.next().await {
            // The product may come from the read that was answered, before the failed ones end the session.
            SessionEvent::Made(..) => {}
            event => {
                assert_eq!(code(&event), Some(Code::SourceUnreachable), "{event:?}");
                break;
            }
        }
    }
}

#[tokio::test]
async fn products_arrive_whole_and_in_order_though_their_owner_is_slow() {
    let film = sketch::film::info(300);
    let plan = plan::make_plan(&film, &Policy::default()).unwrap();
    let (id, products) = (plan.video[0].id, plan.segments());
    let told = plan.clone();
    let engine = fake(move |wire| {
        let Some(order) = wire.hear_order() else {
            return EXIT_0();
        };
        for segment in 0..products {
            let what = Made::Segment {
                rendition: id,
                segment,
                init: sketch::init(&told, id, 0),
                report: SegmentReport::default(),
            };
            let bytes = sketch::segment(&told, (id, segment), 0, &segment.to_string(), 100_000);
            wire.say(&ToParent::Made { order, what }, &bytes);
        }
        wire.say(&ToParent::Done { order }, &[]);
        EXIT_0()
    });
    let mut session = open(&engine);
    session.plan(&plan).await;
    let order = Order::Segments {
        renditions: vec![id],
        first: 0,
        count: products,
    };
    session.order(order).await;
    for n in 0..products {
        tokio::task::yield_now().await;
        let SessionEvent::Made(Made::Segment { segment, .. }, bytes) = session.next().await else {
            panic!("a product is missing");
        };
        assert_eq!((segment, sketch::word(&bytes).unwrap()), (n, n.to_string()));
        assert!(bytes.len() > 100_000);
    }
    assert!(matches!(session.next().await, SessionEvent::Done(1)));
    assert!(matches!(
        session.next().await,
        SessionEvent::Ended(End::Finished)
    ));
}

fn code(event: &SessionEvent) -> Option<Code> {
    match event {
        SessionEvent::Ended(End::Fault(failure)) => Some(failure.code),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_hangs_is_ended() {
    let engine = fake(|wire| {
        while wire.hear().is_some() {}
        EXIT_0()
    });
    let mut session = open(&engine);
    session.order(inits()).await;
    // The clock is paused: it jumps to the deadline as soon as nothing else happens.
    assert_eq!(code(&session.next().await), Some(Code::EngineTimeout));
}

#[tokio::test]
async fn an_engine_that_talks_nonsense_is_ended() {
    let engine = fake(|wire| {
        let _ = wire.stream.write_all(&[0xff; 64]);
        while wire.hear().is_some() {}
        EXIT_0()
    });
    let mut session = open(&engine);
    assert_eq!(code(&session.next().await), Some(Code::EngineCrashed));
}

#[tokio::test]
async fn an_engine_of_another_version_is_not_listened_to() {
    let engine = fake(|wire| {
        let ready = ToParent::Ready {
            protocol: protocol::PROTOCOL + 1,
            libraries: String::new(),
            lacking: Vec::new(),
        };
        wire.say(&ready, &[]);
        while wire.hear().is_some() {}
        EXIT_0()
    });
    let mut session = open(&engine);
    assert_eq!(code(&session.next().await), Some(Code::Internal));
}

#[tokio::test]
async fn an_engine_that_is_not_wholly_shut_in_runs_where_that_is_permitted() {
    let engine = fake(|wire| {
        let ready = ToParent::Ready {
            protocol: protocol::PROTOCOL,
            libraries: String::new(),
            lacking: vec!["Landlock".to_owned()],
        };
        wire.say(&ready, &[]);
        while let Some(order) = wire.hear_order() {
            wire.say(&ToParent::Done { order }, &[]);
        }
        EXIT_0()
    });
    let mut session = open(&engine.clone().sandboxed(Sandbox::Preferred));
    session.order(inits()).await;
    assert!(matches!(session.next().await, SessionEvent::Done(1)));
    let mut session = open(&engine.sandboxed(Sandbox::Required));
    session.order(inits()).await;
    let refused = loop {
        let event = session.next().await;
        if !matches!(event, SessionEvent::Done(_)) {
            break event;
        }
    };
    assert_eq!(code(&refused), Some(Code::Internal));
}

#[tokio::test]
async fn what_a_trial_was_not_refused_is_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let tried = |command: &str| program(folder.path(), command);
    let whole = tried("echo 'refused  fork'; echo 'refused  mount'");
    let trial = whole.trial().await.unwrap();
    assert_eq!((trial.refused, trial.gaps.len()), (2, 0));
    let gap = tried("echo 'refused  fork'; echo 'DONE     mount'; exit 1");
    let trial = gap.trial().await.unwrap();
    assert_eq!(
        (trial.refused, trial.gaps),
        (1, vec!["DONE     mount".to_owned()])
    );
    // A trial that printed nothing has not been refused anything either.
    assert_eq!(tried("kill -SEGV $$").trial().await.unwrap().gaps.len(), 1);
    assert_eq!(tried("exit 0").trial().await.unwrap().gaps.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_thread_is_gone() {
    let (sender, gone) = std::sync::mpsc::channel();
    let engine = fake(move |wire| {
        while wire.hear().is_some() {}
        sender.send(()).unwrap();
        EXIT_0()
    });
    assert_eq!(open(&engine).kill().await, End::Finished);
    gone.recv_timeout(Duration::from_secs(10)).unwrap();
    drop(open(&engine));
    gone.recv_timeout(Duration::from_secs(10)).unwrap();
}

/// Makes a program that ends as a shell command does.
pub fn program(folder: &Path, command: &str) -> Engine {
    let path = folder.join("engine");
    // The file is written by another process: a child of ours that another test starts meanwhile would hold the file
    // open for writing, and a file that is open for writing cannot be run.
    let written = std::process::Command::new("sh")
        .args([
            "-c",
            "printf '%s\\n' '#!/bin/sh' \"$1\" > \"$0\" && chmod 755 \"$0\"",
        ])
        .args([path.as_os_str(), command.as_ref()])
        .status();
    assert!(written.unwrap().success());
    Engine::at(path)
}

#[tokio::test]
async fn a_dropped_session_tells_when_its_process_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    let command = format!("echo $$ > {}; exec sleep 600", seen.display());
    let session = open(&program(folder.path(), &command));
    let process = loop {
        match std::fs::read_to_string(&seen).unwrap_or_default() {
            said if said.ends_with('\n') => break Path::new("/proc").join(said.trim()),
            _ => tokio::task::yield_now().await,
        }
    };
    assert!(process.exists());
    let gone = session.until_gone();
    drop(session);
    gone.await;
    assert!(!process.exists());
}

/// Ids of the processes that have recorded theirs, in order, once there are `count` of them.
async fn started(seen: &Path, count: usize) -> Vec<u32> {
    loop {
        let said = std::fs::read_to_string(seen).unwrap_or_default();
        if said.ends_with('\n') && said.lines().count() >= count {
            return said.lines().map(|line| line.parse().unwrap()).collect();
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_session_has_the_process_that_waited_for_it_and_another_waits_for_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    let command = format!("echo $$ >> {}; exec sleep 600", seen.display());
    let engine = program(folder.path(), &command).with_spare().unwrap();
    let first = started(&seen, 1).await[0];
    let runs = |process: u32| Path::new("/proc").join(process.to_string()).exists();
    let session = open(&engine);
    let second = started(&seen, 2).await[1];
    session.kill().await;
    assert!(!runs(first) && runs(second));
    // A spare process that ended while it waited is given to no session.
    let killed = std::process::Command::new("kill")
        .args(["-KILL", &second.to_string()])
        .status();
    assert!(killed.unwrap().success());
    let state = || std::fs::read_to_string(format!("/proc/{second}/stat")).unwrap_or_default();
    while runs(second) && !state().contains(") Z ") {
        tokio::task::yield_now().await;
    }
    let session = open(&engine);
    let all = started(&seen, 4).await;
    assert!(runs(all[2]) && runs(all[3]));
    session.kill().await;
    assert_eq!(all[2..].iter().filter(|process| runs(**process)).count(), 1);
}

#[tokio::test]
async fn the_end_of_a_process_is_told_by_whose_doing_it_was() {
    for (command, expected) in [
        ("kill -SEGV $$", Some(Code::EngineCrashed)),
        ("exit 3", Some(Code::EngineCrashed)),
        ("kill -XCPU $$", Some(Code::EngineTimeout)),
        (
            "echo 'memory allocation of 9 bytes failed' >&2; kill -ABRT $$",
            Some(Code::EngineMemory),
        ),
        ("kill -KILL $$", None),
        ("kill -TERM $$", None),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut session = open(&program(folder.path(), command));
        let event = session.next().await;
        assert_eq!(code(&event), expected, "{command}: {event:?}");
        let unexplained = matches!(event, SessionEvent::Ended(End::Unexplained));
        assert_eq!(unexplained, expected.is_none(), "{command}");
    }
}

#[tokio::test]
async fn a_process_gets_no_environment_and_may_talk_without_end() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    let command = format!(
        "tr '\\0' '\\n' < /proc/self/environ > {}; yes | head -c 1000000 >&2; exit 0",
        seen.display()
    );
    let mut session = open(&program(folder.path(), &command));
    let ended = tokio::time::timeout(Duration::from_secs(60), session.next()).await;
    assert!(matches!(ended, Ok(SessionEvent::Ended(End::Finished))));
    let environment = std::fs::read_to_string(seen).unwrap();
    assert!(!environment.contains("HOME="), "{environment}");
}

#[tokio::test]
async fn a_missing_program_is_said_to_be_missing() {
    let budget = Budget {
        encode_threads: 1,
        decode_threads: 1,
        memory_bytes: 0,
    };
    let engine = Engine::at("/nowhere/reelmill-engine");
    let opened = Session::open(&engine, Arc::new(Counting), 0, budget, Limits::default());
    let error = opened.err().expect("there is no such program").to_string();
    assert!(error.contains("/nowhere/reelmill-engine"), "{error}");
}

//! Limits on what a session accepts from an engine, and news that its owner is not told.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use plan::{Code, CueList, Plan, Policy};
use protocol::{Made, Order, ToEngine, ToParent};
use transcoder::{End, SessionEvent};

use super::ends::program;
use super::wire::{Wire, fake, open};

fn plan() -> Plan {
    plan::make_plan(&sketch::film::info(8), &Policy::default()).unwrap()
}

fn segments(plan: &Plan) -> Order {
    let renditions = vec![plan.video[0].id];
    Order::Segments {
        renditions,
        first: 0,
        count: 2,
    }
}

fn until_hung_up(wire: &mut Wire) -> ExitStatus {
    while wire.hear().is_some() {}
    ExitStatus::from_raw(0)
}

/// Code of the refusal with which the next event ends the session.
fn refused(event: &SessionEvent) -> &str {
    match event {
        SessionEvent::Ended(End::Fault(failure)) => failure
            .message
            .rsplit(['(', ')'])
            .nth(1)
            .unwrap_or_default(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_somebody_else_has_made_may_be_left_out_whenever_that_was_said() {
    let plan = plan();
    let engine = fake(|wire| {
        if let Some(order) = wire.hear_order() {
            wire.say(&ToParent::Done { order }, &[]);
        }
        until_hung_up(wire)
    });
    let mut session = open(&engine);
    session.plan(&plan).await;
    for segment in 0..2 {
        session.skip(plan.video[0].id, segment).await;
    }
    let order = session.order(segments(&plan)).await;
    let event = session.next().await;
    assert!(
        matches!(event, SessionEvent::Done(done) if done == order),
        "{event:?}"
    );
}

#[tokio::test]
async fn an_order_that_is_not_wanted_any_more_may_end_with_nothing() {
    let plan = plan();
    let engine = fake(|wire| {
        let Some(order) = wire.hear_order() else {
            return ExitStatus::from_raw(0);
        };
        while !matches!(wire.hear(), Some((ToEngine::Abandon { .. }, _)) | None) {}
        wire.say(&ToParent::Done { order }, &[]);
        until_hung_up(wire)
    });
    let mut session = open(&engine);
    session.plan(&plan).await;
    let order = session.order(segments(&plan)).await;
    session.abandon(order).await;
    let event = session.next().await;
    assert!(
        matches!(event, SessionEvent::Done(done) if done == order),
        "{event:?}"
    );
}

#[tokio::test]
async fn an_engine_that_is_to_hold_reads_no_more_than_what_it_is_at() {
    let plan = plan();
    let engine = fake(|wire| {
        while !matches!(wire.hear(), Some((ToEngine::Hold, _)) | None) {}
        let mut read = 0;
        while wire.say(
            &ToParent::Read {
                read,
                offset: 0,
                length: 1,
            },
            &[],
        ) && wire.hear().is_some()
        {
            read += 1;
        }
        ExitStatus::from_raw(0)
    });
    let mut session = open(&engine);
    session.plan(&plan).await;
    session.order(segments(&plan)).await;
    session.hold().await;
    assert_eq!(refused(&session.next().await), "idle_reads");
}

#[tokio::test]
async fn an_engine_that_does_not_listen_though_it_has_nothing_to_do_is_ended() {
    let (over, is_over) = std::sync::mpsc::channel::<()>();
    let is_over = std::sync::Mutex::new(is_over);
    let engine = fake(move |wire| {
        if let Some(order) = wire.hear_order() {
            wire.say(&ToParent::Done { order }, &[]);
        }
        // The answers are more than a socket holds.
        for read in 0..64 {
            let (offset, length) = (0, 256 << 10);
            wire.say(
                &ToParent::Read {
                    read,
                    offset,
                    length,
                },
                &[],
            );
        }
        let _ = is_over.lock().unwrap().recv();
        ExitStatus::from_raw(0)
    });
    let mut session = open(&engine);
    let renditions = Vec::new;
    session
        .order(Order::Inits {
            renditions: renditions(),
        })
        .await;
    assert!(matches!(session.next().await, SessionEvent::Done(_)));
    tokio::time::pause();
    session
        .order(Order::Inits {
            renditions: renditions(),
        })
        .await;
    let event = session.next().await;
    let is_timeout = matches!(&event, SessionEvent::Ended(End::Fault(failure)) if failure.code == Code::EngineTimeout);
    assert!(is_timeout, "{event:?}");
    drop(over);
}

#[tokio::test]
async fn an_engine_that_is_ready_again_and_again_is_not_listened_to() {
    let engine = fake(|wire| {
        for _ in 0..2 {
            let ready = ToParent::Ready {
                protocol: protocol::PROTOCOL,
                libraries: String::new(),
                lacking: Vec::new(),
            };
            wire.say(&ready, &[]);
        }
        until_hung_up(wire)
    });
    let mut session = open(&engine);
    assert_eq!(refused(&session.next().await), "twice");
}

/// Process for the test below; without that test's environment variable, this does nothing.
#[test]
fn many_threads() {
    if std::env::var_os("MANY_THREADS").is_none() {
        return;
    }
    let sleeper = || {
        std::thread::Builder::new()
            .stack_size(64 << 10)
            .spawn(std::thread::park)
    };
    let sleepers: Vec<_> = (0..1100).map(|_| sleeper().unwrap()).collect();
    for sleeper in sleepers {
        sleeper.join().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_with_more_threads_than_anything_takes_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let own = std::env::current_exe().unwrap();
    let command = format!(
        "MANY_THREADS=1 exec {} --exact bounds::many_threads",
        own.display()
    );
    let mut session = open(&program(folder.path(), &command));
    assert_eq!(refused(&session.next().await), "threads");
}

/// Plan of a source with two text tracks.
fn with_text() -> Plan {
    let mut film = sketch::film::info(8);
    film.text = vec![sketch::film::text(), sketch::film::text()];
    plan::make_plan(&film, &Policy::default()).unwrap()
}

/// Event after an engine has made these lists of cues, one for each track.
async fn cues(lists: &'static [&'static str]) -> SessionEvent {
    let engine = fake(move |wire| {
        let Some(order) = wire.hear_order() else {
            return ExitStatus::from_raw(0);
        };
        for (track, list) in (0..).zip(lists) {
            let what = Made::Cues { track };
            wire.say(&ToParent::Made { order, what }, list.as_bytes());
        }
        wire.say(&ToParent::Done { order }, &[]);
        until_hung_up(wire)
    });
    let mut session = open(&engine);
    session.plan(&with_text()).await;
    session.order(Order::Texts).await;
    loop {
        match session.next().await {
            SessionEvent::Made(..) => {}
            event => return event,
        }
    }
}

#[tokio::test]
async fn cues_are_within_the_presentation_and_are_text() {
    const GOOD: &str = r#"{"cues":[{"start_us":0,"end_us":1000000,"place":2,"text":"so\nit is"}]}"#;
    assert!(serde_json::from_str::<CueList>(GOOD).is_ok());
    let event = cues(&[GOOD, GOOD]).await;
    assert!(matches!(event, SessionEvent::Done(_)), "{event:?}");
    let bad: [&[&str]; 5] = [
        &[r#"{"cues":[{"start_us":0,"end_us":9000000,"place":2,"text":"after the end"}]}"#],
        &[r#"{"cues":[{"start_us":1000000,"end_us":0,"place":2,"text":"backwards"}]}"#],
        &[r#"{"cues":[{"start_us":0,"end_us":1000000,"place":2,"text":"00:01 --> 00:02"}]}"#],
        &[r#"{"cues":[{"start_us":0,"end_us":1000000,"place":77,"text":"nowhere"}]}"#],
        &["no list"],
    ];
    for lists in bad {
        assert_eq!(refused(&cues(lists).await), "cues", "{lists:?}");
    }
}

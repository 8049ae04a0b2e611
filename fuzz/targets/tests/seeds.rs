//! Seeds that are messages: written anew when the protocol has changed
//! (`RENEW_SEEDS=1 cargo test --workspace --test seeds`), and whole in every `make test`.

use std::path::{Path, PathBuf};

use plan::media_info::{Chapter, TextTrack};
use plan::{Limits, Loudness, Plan, Policy, RenditionId};
use protocol::{
    Budget, Decoder, EngineFailure, Made, Order, PROTOCOL, SegmentReport, Still, ToEngine, ToParent,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use targets::products;

#[path = "../../../plan/tests/suite/sources.rs"]
#[allow(dead_code)]
mod sources;

fn file(target: &str, name: &str) -> PathBuf {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    corpus.join(target).join(name)
}

fn plan_of_a_second() -> Plan {
    let mut plan = sources::planned(&sources::silent(
        sources::rational(30, 1),
        sources::rational(1, 1),
    ));
    plan.video.truncate(1);
    plan
}

fn write<M: Serialize>(target: &str, name: &str, messages: &[(M, &[u8])]) {
    // Pieces of 64 bytes.
    let mut stream = vec![64];
    for (message, payload) in messages {
        stream.extend_from_slice(&protocol::encode(message, payload).unwrap());
    }
    std::fs::write(file(target, name), stream).unwrap();
}

fn write_seeds() {
    let rendition: RenditionId = "v720-k3m9x2a7q0wd".parse().unwrap();
    let mut info = sources::everyday();
    info.chapters.push(Chapter {
        start: sources::rational(0, 1),
        end: sources::rational(5, 1),
        title: "One & two".to_owned(),
    });
    info.text.push(TextTrack {
        stream: 2,
        codec: "subrip".to_owned(),
        language: Some("eng".to_owned()),
        title: None,
        forced: false,
        default: true,
    });
    let probed = |info| ToParent::Probed {
        order: 1,
        info: Box::new(info),
    };
    write("to_parent", "everyday", &[(probed(info), &[])]);
    let tone = sources::source(None, vec![sources::sound(sources::rational(9, 1))]);
    write("to_parent", "sound", &[(probed(tone), &[])]);
    let segment = Made::Segment {
        rendition,
        segment: 7,
        init: b"ftyp".to_vec(),
        report: SegmentReport::default(),
    };
    let made = |what| ToParent::Made { order: 3, what };
    let cues = br#"{"cues":[{"start_us":0,"end_us":900000,"place":8,"text":"<i>No</i>"}]}"#;
    let loudness = Loudness {
        integrated_millibels: Some(-2310),
        range_millibels: 640,
        true_peak_millibels: Some(-300),
    };
    let failure = EngineFailure {
        code: plan::Code::Corrupt,
        message: "damaged".to_owned(),
    };
    let said: [(ToParent, &[u8]); 10] = [
        (
            ToParent::Ready {
                protocol: PROTOCOL,
                libraries: "libavcodec 1".to_owned(),
                lacking: vec!["Landlock".to_owned()],
            },
            &[],
        ),
        (
            ToParent::Read {
                read: 1,
                offset: 1 << 18,
                length: 1 << 18,
            },
            &[],
        ),
        (
            ToParent::At {
                order: 3,
                rendition: Some(rendition),
                segment: 7,
            },
            &[],
        ),
        (ToParent::Scanned { percent: 42 }, &[]),
        (made(segment), b"moof"),
        (made(Made::Init(rendition)), b"ftyp"),
        (made(Made::Cues { track: 0 }), cues),
        (made(Made::Loudness(vec![loudness])), &[]),
        (ToParent::Done { order: 3 }, &[]),
        (ToParent::Failed { order: 4, failure }, &[]),
    ];
    write("to_parent", "session", &said);

    let budget = Budget {
        encode_threads: 2,
        decode_threads: 2,
        memory_bytes: 1 << 30,
    };
    let order = |what| ToEngine::Order { order: 1, what };
    let orders: [(ToEngine, &[u8]); 12] = [
        (
            ToEngine::Open {
                size: 1000,
                budget,
                limits: Limits::default(),
            },
            &[],
        ),
        (order(Order::Probe), &[]),
        (order(Order::Loudness), &[]),
        (ToEngine::Bytes { read: 1 }, b"bytes"),
        (ToEngine::Plan(Box::new(plan_of_a_second())), &[]),
        (
            order(Order::Inits {
                renditions: vec![rendition],
            }),
            &[],
        ),
        (
            order(Order::Segments {
                renditions: vec![rendition],
                first: 0,
                count: 8,
            }),
            &[],
        ),
        (
            order(Order::Filler {
                rendition,
                segment: 1,
            }),
            &[],
        ),
        (order(Order::Still(Still::Poster)), &[]),
        (ToEngine::Hold, &[]),
        (ToEngine::Abandon { order: 1 }, &[]),
        (
            ToEngine::Skip {
                rendition,
                segment: 1,
            },
            &[],
        ),
    ];
    write("to_engine", "session", &orders);

    // Two renditions of each codec.
    std::fs::create_dir_all(file("products", "")).unwrap();
    for (which, id) in products::renditions().into_iter().enumerate() {
        let init = sketch::init(&products::PLAN, id, 0);
        let segment = sketch::segment(&products::PLAN, (id, products::SEGMENT), 0, "seed", 0);
        for (kind, name, product) in [(0, "init", init), (1, "segment", segment)] {
            let seed = [&[which as u8, kind], &product[..]].concat();
            std::fs::write(file("products", &format!("{which}-{name}")), seed).unwrap();
        }
    }
}

fn whole<M: DeserializeOwned>(target: &str, name: &str) -> Vec<M> {
    let bytes = std::fs::read(file(target, name)).unwrap();
    let mut decoder = Decoder::default();
    decoder.buffer().extend_from_slice(&bytes[1..]);
    let mut messages = Vec::new();
    while let Some((message, _)) = decoder.take().expect("seeds that fit the protocol") {
        messages.push(message);
    }
    assert!(decoder.buffer().is_empty());
    messages
}

/// Mutations of what is no message any more would find nothing.
#[test]
fn seeds_fit_the_protocol() {
    if std::env::var_os("RENEW_SEEDS").is_some() {
        write_seeds();
    }
    for (which, id) in products::renditions().into_iter().enumerate() {
        let seed = |kind| std::fs::read(file("products", &format!("{which}-{kind}"))).unwrap();
        let (init, segment) = (seed("init"), seed("segment"));
        let plan = &*products::PLAN;
        assert_eq!(cmaf::check::init(plan, id, &init[2..]), Ok(()), "{id}");
        let found = cmaf::check::segment(plan, id, products::SEGMENT, &init[2..], &segment[2..]);
        assert_eq!(found, Ok(()), "{id}");
    }
    assert_eq!(whole::<ToParent>("to_parent", "session").len(), 10);
    assert_eq!(whole::<ToEngine>("to_engine", "session").len(), 12);
    for name in ["everyday", "sound"] {
        let [ToParent::Probed { info, .. }] = &whole("to_parent", name)[..] else {
            panic!("{name} is another message");
        };
        assert!(plan::make_plan(info, &Policy::default()).is_ok(), "{name}");
    }
}

//! An engine that reads untrusted files may be taken over: any message of it that differs from its orders and the
//! plan ends the session, and nothing of that message reaches the owner.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use cmaf::VideoSample;
use plan::{Code, Frames, LazyCodec, Plan, Policy, RenditionId, Size};
use protocol::{EngineFailure, Made, Order, SegmentReport, Still, ToParent};
use transcoder::{End, SessionEvent};

use super::wire::{SIZE, Wire, fake, open};

/// Order, false message about it, and expected refusal.
struct Lie {
    name: &'static str,
    order: fn(&Plan) -> Order,
    tell: fn(&mut Wire, &Plan, u32),
    refused: &'static str,
}

/// Seconds of the film.
const SECONDS: i64 = 8;
/// Index of the segment that most false messages are about: two seconds of 30 pictures each.
const AT: u32 = 2;

fn plan() -> Plan {
    let film = sketch::film::info(SECONDS);
    let plan = plan::make_plan(&film, &Policy::default()).unwrap();
    let plan = plan.with_codec(LazyCodec::Hevc).unwrap();
    plan.with_codec(LazyCodec::Av1).unwrap()
}

fn top(plan: &Plan) -> RenditionId {
    plan.video[0].id
}

fn sound(plan: &Plan) -> RenditionId {
    plan.audio[0].id
}

fn lazy(plan: &Plan, codec: LazyCodec) -> RenditionId {
    plan.lazy_in(codec).unwrap().video[0].id
}

/// Order for the segment `AT` and the one after it.
fn segments(plan: &Plan) -> Order {
    Order::Segments {
        renditions: vec![
            top(plan),
            sound(plan),
            lazy(plan, LazyCodec::Hevc),
            lazy(plan, LazyCodec::Av1),
        ],
        first: AT,
        count: 2,
    }
}

fn inits(plan: &Plan) -> Order {
    Order::Inits {
        renditions: vec![top(plan), sound(plan)],
    }
}

fn probe(_: &Plan) -> Order {
    Order::Probe
}

fn loudness(_: &Plan) -> Order {
    Order::Loudness
}

fn thumbnail(_: &Plan) -> Order {
    Order::Still(Still::Thumbnail {
        second: 3,
        width: 320,
    })
}

fn poster(_: &Plan) -> Order {
    Order::Still(Still::Poster)
}

fn sheet(_: &Plan) -> Order {
    Order::Still(Still::Sheet(0))
}

fn texts(_: &Plan) -> Order {
    Order::Texts
}

/// Says that a segment is made, with the init segment that belongs to it.
fn made(wire: &mut Wire, plan: &Plan, order: u32, key: (RenditionId, u32), bytes: &[u8]) {
    let what = segment_of(plan, key);
    wire.say(&ToParent::Made { order, what }, bytes);
}

fn segment_of(plan: &Plan, (rendition, segment): (RenditionId, u32)) -> Made {
    Made::Segment {
        rendition,
        segment,
        init: sketch::init(plan, rendition, 0),
        report: SegmentReport::default(),
    }
}

fn good(plan: &Plan, (id, segment): (RenditionId, u32)) -> Vec<u8> {
    sketch::segment(plan, (id, segment), 0, "good", 0)
}

fn made_init(wire: &mut Wire, order: u32, id: RenditionId, bytes: &[u8]) {
    let what = Made::Init(id);
    wire.say(&ToParent::Made { order, what }, bytes);
}

fn still(wire: &mut Wire, order: u32, what: Made, bytes: &[u8]) {
    wire.say(&ToParent::Made { order, what }, bytes);
}

/// Segment of the top rung with these frames, whatever they contain.
fn of_frames(plan: &Plan, frames: impl Iterator<Item = (u32, Vec<u8>)>) -> Vec<u8> {
    let samples: Vec<VideoSample> = frames
        .map(|(position, data)| VideoSample { data, position })
        .collect();
    let (start, end) = plan.timeline.segment_frames(AT);
    // A segment with too many frames has the boxes of a longer plan.
    let end = end.max(start + Frames(samples.len() as i64));
    cmaf::video_segment(&plan.video[0], AT, (start, end), &samples).unwrap()
}

fn frames(plan: &Plan) -> u32 {
    let (start, end) = plan.timeline.segment_frames(AT);
    (end - start).0 as u32
}

/// Units behind their lengths.
fn units(units: &[&[u8]]) -> Vec<u8> {
    let prefixed = |unit: &&[u8]| [&(unit.len() as u32).to_be_bytes(), *unit].concat();
    units.iter().flat_map(prefixed).collect()
}

const KEY: &[u8] = &[0x65, 1];
const OTHER: &[u8] = &[0x41, 1];
const PARAMETERS: &[u8] = &[0x67, 1];
const BESIDE: &[u8] = &[6, 1];
const STUFFING: &[u8] = &[12, 1];

/// Segment of the top rung in which one frame is replaced.
fn with_frame(plan: &Plan, place: u32, frame: Vec<u8>) -> Vec<u8> {
    let usual = |position: u32| match position {
        0 => units(&[KEY]),
        _ => units(&[OTHER]),
    };
    let frames = (0..frames(plan)).map(|position| match position {
        at if at == place => (position, frame.clone()),
        _ => (position, usual(position)),
    });
    of_frames(plan, frames)
}

/// Good segment in which some bytes are replaced.
fn patched(bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = bytes.windows(from.len()).position(|part| part == from);
    let mut bytes = bytes;
    bytes[at.unwrap()..][..to.len()].copy_from_slice(to);
    bytes
}

/// Good segment in which a number in a box is raised by one; `after` is the number of bytes between the box's type
/// and it.
fn raised(bytes: Vec<u8>, kind: &[u8; 4], after: usize) -> Vec<u8> {
    let at = bytes.windows(4).position(|part| part == kind).unwrap() + 4 + after;
    let mut bytes = bytes;
    bytes[at] = bytes[at].wrapping_add(1);
    bytes
}

fn top_at(plan: &Plan) -> (RenditionId, u32) {
    (top(plan), AT)
}

const LIES: &[Lie] = &[
    // False messages about orders.
    Lie {
        name: "something made of an order that nobody gave",
        order: inits,
        tell: |wire, plan, order| {
            made_init(
                wire,
                order + 7,
                top(plan),
                &sketch::init(plan, top(plan), 0),
            )
        },
        refused: "no_order",
    },
    Lie {
        name: "something more once an order is done",
        order: thumbnail,
        tell: |wire, _, order| {
            let what = Made::Thumbnail {
                second: 3,
                width: 320,
            };
            still(wire, order, what.clone(), sketch::JPEG);
            wire.say(&ToParent::Done { order }, &[]);
            still(wire, order, what, b"");
        },
        refused: "no_order",
    },
    Lie {
        name: "an order done twice",
        order: thumbnail,
        tell: |wire, _, order| {
            let what = Made::Thumbnail {
                second: 3,
                width: 320,
            };
            still(wire, order, what, sketch::JPEG);
            wire.say(&ToParent::Done { order }, &[]);
            wire.say(&ToParent::Done { order }, &[]);
        },
        refused: "no_order",
    },
    Lie {
        name: "an order done of which nothing is made",
        order: segments,
        tell: |wire, _, order| {
            wire.say(&ToParent::Done { order }, &[]);
        },
        refused: "left_out",
    },
    Lie {
        name: "an order done of which one thing is missing",
        order: inits,
        tell: |wire, plan, order| {
            made_init(wire, order, top(plan), &sketch::init(plan, top(plan), 0));
            wire.say(&ToParent::Done { order }, &[]);
        },
        refused: "left_out",
    },
    Lie {
        name: "an order failed that nobody gave",
        order: inits,
        tell: |wire, _, order| {
            let failure = EngineFailure {
                code: Code::Corrupt,
                message: String::new(),
            };
            wire.say(
                &ToParent::Failed {
                    order: order + 1,
                    failure,
                },
                &[],
            );
        },
        refused: "no_order",
    },
    Lie {
        name: "at a segment that nobody ordered",
        order: segments,
        tell: |wire, _, order| {
            wire.say(
                &ToParent::At {
                    order,
                    rendition: None,
                    segment: AT + 2,
                },
                &[],
            );
        },
        refused: "unasked",
    },
    Lie {
        name: "at a segment before those",
        order: segments,
        tell: |wire, _, order| {
            wire.say(
                &ToParent::At {
                    order,
                    rendition: None,
                    segment: AT - 1,
                },
                &[],
            );
        },
        refused: "unasked",
    },
    Lie {
        name: "at a rendition that nobody ordered",
        order: segments,
        tell: |wire, plan, order| {
            let rendition = Some(plan.video[1].id);
            wire.say(
                &ToParent::At {
                    order,
                    rendition,
                    segment: AT,
                },
                &[],
            );
        },
        refused: "unasked",
    },
    Lie {
        name: "at a segment while it is to make init segments",
        order: inits,
        tell: |wire, _, order| {
            wire.say(
                &ToParent::At {
                    order,
                    rendition: None,
                    segment: 0,
                },
                &[],
            );
        },
        refused: "unasked",
    },
    Lie {
        name: "a source read that nobody probes",
        order: segments,
        tell: |wire, _, _| {
            wire.say(&ToParent::Scanned { percent: 3 }, &[]);
        },
        refused: "unasked",
    },
    Lie {
        name: "a source found that nobody probes",
        order: texts,
        tell: |wire, _, order| {
            let info = Box::new(sketch::film::info(SECONDS));
            wire.say(&ToParent::Probed { order, info }, &[]);
        },
        refused: "unasked",
    },
    Lie {
        name: "a source of another size",
        order: probe,
        tell: |wire, _, order| {
            let mut info = Box::new(sketch::film::info(SECONDS));
            info.size = SIZE + 1;
            wire.say(&ToParent::Probed { order, info }, &[]);
        },
        refused: "info",
    },
    Lie {
        name: "a source found twice",
        order: probe,
        tell: |wire, _, order| {
            for _ in 0..2 {
                let mut info = Box::new(sketch::film::info(SECONDS));
                info.size = SIZE;
                wire.say(&ToParent::Probed { order, info }, &[]);
            }
        },
        refused: "twice",
    },
    // False messages about things that were asked for.
    Lie {
        name: "an init segment in place of segments",
        order: segments,
        tell: |wire, plan, order| {
            made_init(wire, order, top(plan), &sketch::init(plan, top(plan), 0))
        },
        refused: "unasked",
    },
    Lie {
        name: "a segment in place of init segments",
        order: inits,
        tell: |wire, plan, order| made(wire, plan, order, top_at(plan), b""),
        refused: "unasked",
    },
    Lie {
        name: "a segment of another rendition",
        order: segments,
        tell: |wire, plan, order| {
            let key = (plan.video[1].id, AT);
            made(wire, plan, order, key, &good(plan, key));
        },
        refused: "unasked",
    },
    Lie {
        name: "a segment that is another's turn",
        order: segments,
        tell: |wire, plan, order| {
            let key = (top(plan), 0);
            made(wire, plan, order, key, &good(plan, key));
        },
        refused: "unasked",
    },
    Lie {
        name: "a segment that no video has",
        order: segments,
        tell: |wire, plan, order| {
            let what = segment_of(plan, (top(plan), u32::MAX));
            wire.say(&ToParent::Made { order, what }, &good(plan, top_at(plan)));
        },
        refused: "unasked",
    },
    Lie {
        name: "the same segment twice",
        order: segments,
        tell: |wire, plan, order| {
            for _ in 0..2 {
                made(wire, plan, order, top_at(plan), &good(plan, top_at(plan)));
            }
        },
        refused: "twice",
    },
    Lie {
        name: "a poster in place of segments",
        order: segments,
        tell: |wire, _, order| {
            still(
                wire,
                order,
                Made::PosterJpeg(Size {
                    width: 2,
                    height: 2,
                }),
                sketch::JPEG,
            );
        },
        refused: "unasked",
    },
    Lie {
        name: "another sheet",
        order: sheet,
        tell: |wire, _, order| still(wire, order, Made::Sheet(1), sketch::JPEG),
        refused: "unasked",
    },
    Lie {
        name: "a thumbnail of another second",
        order: thumbnail,
        tell: |wire, _, order| {
            still(
                wire,
                order,
                Made::Thumbnail {
                    second: 4,
                    width: 320,
                },
                sketch::JPEG,
            )
        },
        refused: "unasked",
    },
    Lie {
        name: "a thumbnail in another width",
        order: thumbnail,
        tell: |wire, _, order| {
            still(
                wire,
                order,
                Made::Thumbnail {
                    second: 3,
                    width: 321,
                },
                sketch::JPEG,
            )
        },
        refused: "unasked",
    },
    Lie {
        name: "a thumbnail that is no picture",
        order: thumbnail,
        tell: |wire, _, order| {
            still(
                wire,
                order,
                Made::Thumbnail {
                    second: 3,
                    width: 320,
                },
                b"<script>",
            )
        },
        refused: "still",
    },
    Lie {
        name: "a picture that is cut",
        order: sheet,
        tell: |wire, _, order| still(wire, order, Made::Sheet(0), &sketch::JPEG[..8]),
        refused: "still",
    },
    Lie {
        name: "a WebP that is longer than it says",
        order: poster,
        tell: |wire, _, order| {
            let bytes = [sketch::WEBP, b"<script>"].concat();
            still(
                wire,
                order,
                Made::PosterWebp(Size {
                    width: 2,
                    height: 2,
                }),
                &bytes,
            );
        },
        refused: "still",
    },
    Lie {
        name: "cues of a track that is not there",
        order: texts,
        tell: |wire, _, order| still(wire, order, Made::Cues { track: 0 }, b"{\"cues\":[]}"),
        refused: "unasked",
    },
    Lie {
        name: "loudness of fewer sounds",
        order: loudness,
        tell: |wire, _, order| still(wire, order, Made::Loudness(Vec::new()), b""),
        refused: "loudness",
    },
    Lie {
        name: "loudness that nothing has",
        order: loudness,
        tell: |wire, plan, order| {
            let loudest = plan::Loudness {
                integrated_millibels: Some(i32::MAX),
                range_millibels: 0,
                true_peak_millibels: None,
            };
            still(
                wire,
                order,
                Made::Loudness(vec![loudest; plan.audio.len()]),
                b"",
            );
        },
        refused: "loudness",
    },
    Lie {
        name: "bytes beside a loudness",
        order: loudness,
        tell: |wire, plan, order| {
            let soft = plan::Loudness {
                integrated_millibels: Some(-2300),
                range_millibels: 0,
                true_peak_millibels: Some(-300),
            };
            let what = Made::Loudness(vec![soft; plan.audio.len()]);
            still(wire, order, what, b"more");
        },
        refused: "message",
    },
    // False boxes.
    Lie {
        name: "boxes in boxes in boxes",
        order: segments,
        tell: |wire, plan, order| {
            // The nesting is as deep as the length of a segment allows.
            let mut inner = Vec::new();
            for kind in [b"moof", b"traf"].into_iter().cycle().take(200) {
                let size = (inner.len() as u32 + 8).to_be_bytes();
                inner = [&size[..], kind, &inner].concat();
            }
            let good = good(plan, top_at(plan));
            let at = good.windows(4).position(|part| part == b"moof").unwrap() - 4;
            let bytes = [&good[..at], &inner].concat();
            made(wire, plan, order, top_at(plan), &bytes);
        },
        refused: "boxes",
    },
    Lie {
        name: "another segment's bytes",
        order: segments,
        tell: |wire, plan, order| {
            made(
                wire,
                plan,
                order,
                top_at(plan),
                &good(plan, (top(plan), AT + 1)),
            )
        },
        refused: "sequence_number",
    },
    Lie {
        name: "another rendition's bytes",
        order: segments,
        tell: |wire, plan, order| {
            made(
                wire,
                plan,
                order,
                top_at(plan),
                &good(plan, (sound(plan), AT)),
            )
        },
        refused: "decode_time",
    },
    Lie {
        name: "a later start",
        order: segments,
        tell: |wire, plan, order| {
            let bytes = raised(good(plan, top_at(plan)), b"tfdt", 7);
            made(wire, plan, order, top_at(plan), &bytes);
        },
        refused: "decode_time",
    },
    Lie {
        name: "a picture too few",
        order: segments,
        tell: |wire, plan, order| {
            let bytes = of_frames(
                plan,
                (0..frames(plan) - 1).map(|n| (n, units(&[if n == 0 { KEY } else { OTHER }]))),
            );
            made(wire, plan, order, top_at(plan), &bytes);
        },
        refused: "frame_count",
    },
    Lie {
        name: "a picture too many",
        order: segments,
        tell: |wire, plan, order| {
            let bytes = of_frames(
                plan,
                (0..=frames(plan)).map(|n| (n, units(&[if n == 0 { KEY } else { OTHER }]))),
            );
            made(wire, plan, order, top_at(plan), &bytes);
        },
        refused: "frame_count",
    },
    Lie {
        name: "a thousand pictures",
        order: segments,
        tell: |wire, plan, order| {
            let bytes = of_frames(
                plan,
                (0..1000).map(|n| (n, units(&[if n == 0 { KEY } else { OTHER }]))),
            );
            made(wire, plan, order, top_at(plan), &bytes);
        },
        refused: "frame_count",
    },
    Lie {
        name: "a picture of no bytes",
        order: segments,
        tell: |wire, plan, order| {
            made(
                wire,
                plan,
                order,
                top_at(plan),
                &with_frame(plan, 3, Vec::new()),
            )
        },
        refused: "frame_size",
    },
    Lie {
        name: "two pictures at the same time",
        order: segments,
        tell: |wire, plan, order| {
            let frames = (0..frames(plan)).map(|n| {
                (
                    if n == 9 { 8 } else { n },
                    units(&[if n == 0 { KEY } else { OTHER }]),
                )
            });
            made(wire, plan, order, top_at(plan), &of_frames(plan, frames));
        },
        refused: "presentation_time",
    },
    Lie {
        name: "a picture after the end",
        order: segments,
        tell: |wire, plan, order| {
            let last = frames(plan) - 1;
            let frames = (0..=last).map(|n| {
                (
                    if n == last { n + 5 } else { n },
                    units(&[if n == 0 { KEY } else { OTHER }]),
                )
            });
            made(wire, plan, order, top_at(plan), &of_frames(plan, frames));
        },
        refused: "presentation_time",
    },
    Lie {
        name: "all pictures one later",
        order: segments,
        tell: |wire, plan, order| {
            let frames =
                (0..frames(plan)).map(|n| (n + 1, units(&[if n == 0 { KEY } else { OTHER }])));
            made(wire, plan, order, top_at(plan), &of_frames(plan, frames));
        },
        refused: "presentation_time",
    },
    Lie {
        name: "bytes after the end",
        order: segments,
        tell: |wire, plan, order| {
            let bytes = [good(plan, top_at(plan)), vec![0]].concat();
            made(wire, plan, order, top_at(plan), &bytes);
        },
        refused: "length",
    },
    Lie {
        name: "the last byte missing",
        order: segments,
        tell: |wire, plan, order| {
            let bytes = good(plan, top_at(plan));
            made(wire, plan, order, top_at(plan), &bytes[..bytes.len() - 1]);
        },
        refused: "length",
    },
    Lie {
        name: "an end in the middle of its boxes",
        order: segments,
        tell: |wire, plan, order| {
            made(
                wire,
                plan,
                order,
                top_at(plan),
                &good(plan, top_at(plan))[..60],
            )
        },
        refused: "length",
    },
    Lie {
        name: "nothing at all",
        order: segments,
        tell: |wire, plan, order| made(wire, plan, order, top_at(plan), b""),
        refused: "boxes",
    },
    Lie {
        name: "a page in place of media",
        order: segments,
        tell: |wire, plan, order| {
            made(
                wire,
                plan,
                order,
                top_at(plan),
                b"<html><script>alert(1)</script></html>",
            )
        },
        refused: "boxes",
    },
    Lie {
        name: "another brand",
        order: segments,
        tell: |wire, plan, order| {
            let bytes = patched(good(plan, top_at(plan)), b"cmfs", b"cmfx");
            made(wire, plan, order, top_at(plan), &bytes);
        },
        refused: "boxes",
    },
    Lie {
        name: "another kind of box",
        order: segments,
        tell: |wire, plan, order| {
            let bytes = patched(good(plan, top_at(plan)), b"tfhd", b"free");
            made(wire, plan, order, top_at(plan), &bytes);
        },
        refused: "boxes",
    },
    Lie {
        name: "another track",
        order: segments,
        tell: |wire, plan, order| {
            let bytes = raised(good(plan, top_at(plan)), b"tfhd", 7);
            made(wire, plan, order, top_at(plan), &bytes);
        },
        refused: "boxes",
    },
    Lie {
        name: "other flags of a picture",
        order: segments,
        tell: |wire, plan, order| {
            let bytes = patched(good(plan, top_at(plan)), &[1, 1, 0, 0], &[2, 0, 0, 0]);
            made(wire, plan, order, top_at(plan), &bytes);
        },
        refused: "boxes",
    },
    // False contents of pictures.
    Lie {
        name: "no key frame at the start",
        order: segments,
        tell: |wire, plan, order| {
            made(
                wire,
                plan,
                order,
                top_at(plan),
                &with_frame(plan, 0, units(&[OTHER])),
            )
        },
        refused: "key_frame",
    },
    Lie {
        name: "a key frame later",
        order: segments,
        tell: |wire, plan, order| {
            made(
                wire,
                plan,
                order,
                top_at(plan),
                &with_frame(plan, 7, units(&[KEY])),
            )
        },
        refused: "key_frame",
    },
    Lie {
        name: "parameter sets in a picture",
        order: segments,
        tell: |wire, plan, order| {
            made(
                wire,
                plan,
                order,
                top_at(plan),
                &with_frame(plan, 0, units(&[PARAMETERS, KEY])),
            )
        },
        refused: "parameter_sets",
    },
    Lie {
        name: "a unit that is longer than its picture",
        order: segments,
        tell: |wire, plan, order| {
            made(
                wire,
                plan,
                order,
                top_at(plan),
                &with_frame(plan, 4, vec![0, 0, 1, 0, 0x41]),
            )
        },
        refused: "units",
    },
    Lie {
        name: "stuffing",
        order: segments,
        tell: |wire, plan, order| {
            made(
                wire,
                plan,
                order,
                top_at(plan),
                &with_frame(plan, 4, units(&[OTHER, STUFFING])),
            )
        },
        refused: "units",
    },
    Lie {
        name: "a picture without a picture in it",
        order: segments,
        tell: |wire, plan, order| {
            made(
                wire,
                plan,
                order,
                top_at(plan),
                &with_frame(plan, 4, units(&[BESIDE])),
            )
        },
        refused: "units",
    },
    Lie {
        name: "half of a key frame",
        order: segments,
        tell: |wire, plan, order| {
            made(
                wire,
                plan,
                order,
                top_at(plan),
                &with_frame(plan, 0, units(&[KEY, OTHER])),
            )
        },
        refused: "units",
    },
    Lie {
        name: "H.264 in place of HEVC",
        order: segments,
        tell: |wire, plan, order| {
            let key = (lazy(plan, LazyCodec::Hevc), AT);
            made(wire, plan, order, key, &good(plan, top_at(plan)));
        },
        refused: "units",
    },
    Lie {
        name: "an open group in HEVC",
        order: segments,
        tell: |wire, plan, order| {
            let key = (lazy(plan, LazyCodec::Hevc), AT);
            let bytes = patched(good(plan, key), &[19 << 1, 1, 1], &[21 << 1, 1, 1]);
            made(wire, plan, order, key, &bytes);
        },
        refused: "units",
    },
    Lie {
        name: "another sequence header than AV1's init segment has",
        order: segments,
        tell: |wire, plan, order| {
            let key = (lazy(plan, LazyCodec::Av1), AT);
            let bytes = raised(good(plan, key), b"mdat", 5);
            made(wire, plan, order, key, &bytes);
        },
        refused: "parameter_sets",
    },
    // False contents of sound.
    Lie {
        name: "a frame of sound too few",
        order: segments,
        tell: |wire, plan, order| {
            let rendition = &plan.audio[0];
            let (start, end) = rendition.span(&plan.timeline, AT);
            let count = ((end - start).0 / rendition.encoding.frame() - 1) as usize;
            let frames = vec![vec![1]; count];
            let bytes = cmaf::audio_segment(rendition, AT, start, &frames, 1024).unwrap();
            made(wire, plan, order, (rendition.id, AT), &bytes);
        },
        refused: "frame_count",
    },
    Lie {
        name: "a frame of sound that no decoder takes",
        order: segments,
        tell: |wire, plan, order| {
            let key = (sound(plan), AT);
            let bytes = sketch::segment(plan, key, 0, "long", 2000);
            made(wire, plan, order, key, &bytes);
        },
        refused: "frame_size",
    },
    Lie {
        name: "sound that is cut short",
        order: segments,
        tell: |wire, plan, order| {
            let rendition = &plan.audio[0];
            let (start, end) = rendition.span(&plan.timeline, AT);
            let count = ((end - start).0 / rendition.encoding.frame()) as usize;
            let frames = vec![vec![1]; count];
            let bytes = cmaf::audio_segment(rendition, AT, start, &frames, 512).unwrap();
            made(wire, plan, order, (rendition.id, AT), &bytes);
        },
        refused: "duration",
    },
    Lie {
        name: "sound that starts elsewhere",
        order: segments,
        tell: |wire, plan, order| {
            let key = (sound(plan), AT);
            let bytes = raised(good(plan, key), b"tfdt", 6);
            made(wire, plan, order, key, &bytes);
        },
        refused: "decode_time",
    },
    Lie {
        name: "more sound than its limit",
        order: segments,
        tell: |wire, plan, order| {
            let key = (sound(plan), AT);
            let bytes = sketch::segment(plan, key, 0, "long", 200_000);
            made(wire, plan, order, key, &bytes);
        },
        refused: "too_large",
    },
    // False init segments.
    Lie {
        name: "a segment that is decoded with another level",
        order: segments,
        tell: |wire, plan, order| {
            let Made::Segment {
                rendition,
                segment,
                init,
                report,
            } = segment_of(plan, top_at(plan))
            else {
                return;
            };
            let init = raised(init, b"avcC", 3);
            let what = Made::Segment {
                rendition,
                segment,
                init,
                report,
            };
            wire.say(&ToParent::Made { order, what }, &good(plan, top_at(plan)));
        },
        refused: "boxes",
    },
    Lie {
        name: "a segment without its init segment",
        order: segments,
        tell: |wire, plan, order| {
            let Made::Segment {
                rendition,
                segment,
                report,
                ..
            } = segment_of(plan, top_at(plan))
            else {
                return;
            };
            let what = Made::Segment {
                rendition,
                segment,
                init: Vec::new(),
                report,
            };
            wire.say(&ToParent::Made { order, what }, &good(plan, top_at(plan)));
        },
        refused: "length",
    },
    Lie {
        name: "an init segment of another level",
        order: inits,
        tell: |wire, plan, order| {
            let mut other = plan.clone();
            other.video[0].level_idc += 1;
            other.video[0].codec = format!("avc1.6400{:02x}", other.video[0].level_idc);
            made_init(wire, order, top(plan), &sketch::init(&other, top(plan), 0));
        },
        refused: "codec",
    },
    Lie {
        name: "an init segment whose level is not that of its parameter sets",
        order: inits,
        tell: |wire, plan, order| {
            made_init(
                wire,
                order,
                top(plan),
                &raised(sketch::init(plan, top(plan), 0), b"avcC", 3),
            );
        },
        refused: "boxes",
    },
    Lie {
        name: "boxes in boxes in boxes",
        order: inits,
        tell: |wire, plan, order| {
            let init = sketch::init(plan, top(plan), 0);
            let head = init.windows(4).position(|kind| kind == b"moov").unwrap() - 4;
            let mut nested = Vec::new();
            while nested.len() < 40_000 {
                let size = (nested.len() as u32 + 8).to_be_bytes();
                nested = [&size, b"moov", &nested[..]].concat();
            }
            made_init(wire, order, top(plan), &[&init[..head], &nested].concat());
        },
        refused: "boxes",
    },
    Lie {
        name: "an init segment of another size",
        order: inits,
        tell: |wire, plan, order| {
            made_init(
                wire,
                order,
                top(plan),
                &raised(sketch::init(plan, top(plan), 0), b"avc1", 25),
            );
        },
        refused: "boxes",
    },
    Lie {
        name: "an init segment of sound in place of picture",
        order: inits,
        tell: |wire, plan, order| {
            made_init(wire, order, top(plan), &sketch::init(plan, sound(plan), 0))
        },
        refused: "codec",
    },
    Lie {
        name: "an init segment with something after it",
        order: inits,
        tell: |wire, plan, order| {
            let init = [sketch::init(plan, top(plan), 0), vec![0]].concat();
            made_init(wire, order, top(plan), &init);
        },
        refused: "length",
    },
    Lie {
        name: "an init segment of nothing",
        order: inits,
        tell: |wire, plan, order| made_init(wire, order, top(plan), b"\0\0\0\x10moovnothing."),
        refused: "boxes",
    },
    // Broken messages.
    Lie {
        name: "an init segment of a megabyte",
        order: inits,
        tell: |wire, plan, order| made_init(wire, order, top(plan), &vec![0; 1 << 20]),
        refused: "message",
    },
    Lie {
        name: "no message",
        order: inits,
        tell: |wire, _, _| wire.shout(&[0xff; 64]),
        refused: "message",
    },
    Lie {
        name: "bytes beside a message that has none",
        order: segments,
        tell: |wire, _, order| {
            wire.say(
                &ToParent::At {
                    order,
                    rendition: None,
                    segment: AT,
                },
                b"more",
            );
        },
        refused: "payload",
    },
    Lie {
        name: "a read beyond the source",
        order: inits,
        tell: |wire, _, _| {
            wire.say(
                &ToParent::Read {
                    read: 1,
                    offset: SIZE,
                    length: 1,
                },
                &[],
            );
        },
        refused: "read",
    },
    Lie {
        name: "a read of more than memory has",
        order: inits,
        tell: |wire, _, _| {
            wire.say(
                &ToParent::Read {
                    read: 1,
                    offset: 0,
                    length: u32::MAX,
                },
                &[],
            );
        },
        refused: "read",
    },
    Lie {
        name: "reads without end while there is nothing to do",
        order: thumbnail,
        tell: |wire, _, order| {
            still(
                wire,
                order,
                Made::Thumbnail {
                    second: 3,
                    width: 320,
                },
                sketch::JPEG,
            );
            wire.say(&ToParent::Done { order }, &[]);
            let mut read = 0;
            // The loop ends when nobody answers.
            while wire.say(
                &ToParent::Read {
                    read,
                    offset: 0,
                    length: 1,
                },
                &[],
            ) {
                read += 1;
                if wire.hear().is_none() {
                    break;
                }
            }
        },
        refused: "idle_reads",
    },
];

/// Result of a session whose engine sends such a false message: the number of products, and the end.
async fn outcome(lie: &'static Lie) -> (usize, End) {
    let plan = plan();
    let told = plan.clone();
    let engine = fake(move |wire| {
        if let Some(order) = wire.hear_order() {
            (lie.tell)(wire, &told, order);
        }
        while wire.hear().is_some() {}
        ExitStatus::from_raw(0)
    });
    let mut session = open(&engine);
    session.plan(&plan).await;
    session.order((lie.order)(&plan)).await;
    let mut products = 0;
    loop {
        match session.next().await {
            SessionEvent::Ended(end) => return (products, end),
            SessionEvent::Made(..) => products += 1,
            _ => {}
        }
    }
}

#[tokio::test]
async fn no_lie_is_believed_and_each_is_called_by_its_name() {
    assert!(LIES.len() >= 50, "{} lies", LIES.len());
    let mut wrong = Vec::new();
    for lie in LIES {
        let (products, end) = outcome(lie).await;
        let refused = format!("({})", lie.refused);
        let is_named = matches!(&end, End::Fault(failure)
            if failure.code == Code::EngineCrashed && failure.message.contains(&refused));
        // Messages before the false one are true and are passed on.
        let true_ones = match lie.refused {
            "twice" | "left_out" | "no_order" | "idle_reads" => 1,
            _ => 0,
        };
        if !is_named || products > true_ones {
            wrong.push(format!("{}: {products} products, {end:?}", lie.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn what_is_as_ordered_and_planned_is_taken() {
    for order in [segments as fn(&Plan) -> Order, inits] {
        let plan = plan();
        let (told, what) = (plan.clone(), order(&plan));
        let wanted = what.clone();
        let engine = fake(move |wire| {
            let Some(order) = wire.hear_order() else {
                return ExitStatus::from_raw(0);
            };
            match &wanted {
                Order::Inits { renditions } => {
                    for &id in renditions {
                        made_init(wire, order, id, &sketch::init(&told, id, 0));
                    }
                }
                Order::Segments {
                    renditions,
                    first,
                    count,
                } => {
                    for segment in *first..*first + *count {
                        for &id in renditions {
                            let key = (id, segment);
                            made(wire, &told, order, key, &good(&told, key));
                        }
                    }
                }
                _ => {}
            }
            wire.say(&ToParent::Done { order }, &[]);
            while wire.hear().is_some() {}
            ExitStatus::from_raw(0)
        });
        let mut session = open(&engine);
        session.plan(&plan).await;
        session.order(what).await;
        loop {
            match session.next().await {
                SessionEvent::Made(..) => {}
                SessionEvent::Done(_) => break,
                other => panic!("{other:?}"),
            }
        }
    }
}

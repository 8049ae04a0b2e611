//! A source that cannot be read, sought or decoded: an error with the right code, or read in
//! another way; never a picture held for ever.

use plan::Code;
use protocol::{Order, Still};

use crate::support::Engine;
use crate::support::planned;
use crate::support::sources::made;

#[test]
fn nothing_is_made_of_a_read_that_failed() {
    let folder = tempfile::tempdir().unwrap();
    let noise = "-f lavfi -i testsrc2=s=640x360:r=30:d=8,noise=alls=40:allf=t \
                 -c:v libx264 -preset ultrafast -qp 20 -g 30 -movflags +faststart";
    let source = made(folder.path(), "big.mp4", noise);
    let size = std::fs::metadata(&source).unwrap().len();
    assert!(
        size > 8 << 20,
        "large enough that the end is not read by the probe's start: {size}"
    );
    let (mut engine, plan) = planned(&source, 2);
    engine.unreadable_from = Some(size / 2);
    let renditions = vec![plan.video[0].id];
    let last = Order::Segments {
        renditions: renditions.clone(),
        first: plan.segments() - 1,
        count: 1,
    };
    let failure = engine.order(last.clone()).unwrap_err();
    assert_eq!(failure.code, Code::SourceUnreachable);
    let failure = engine.order(Order::Still(Still::Poster)).unwrap_err();
    assert_eq!(failure.code, Code::SourceUnreachable, "no poster of half");
    engine.unreadable_from = None;
    assert_eq!(
        engine.order(last).unwrap().segments.len(),
        1,
        "the session goes on"
    );
}

/// Every picture of a FLV file says that it needs others; there is no other place for a seek.
fn without_key_frames(file: &mut [u8]) {
    const HEADER: usize = 13;
    const TAG: usize = 11;
    const VIDEO: u8 = 9;
    const INTER: u8 = 2 << 4;
    let mut at = HEADER;
    while let Some(&[kind, a, b, c]) = file.get(at..at + 4).and_then(|tag| tag.first_chunk()) {
        if kind == VIDEO {
            file[at + TAG] = file[at + TAG] & 0xf | INTER;
        }
        at += TAG + u32::from_be_bytes([0, a, b, c]) as usize + 4;
    }
}

#[test]
fn what_has_no_place_to_seek_to_is_read_from_its_start() {
    let folder = tempfile::tempdir().unwrap();
    let picture = "-f lavfi -i testsrc2=s=160x90:r=25:d=3 -c:v flv -g 10 -output_ts_offset 1";
    let source = made(folder.path(), "late.flv", picture);
    let mut file = std::fs::read(&source).unwrap();
    without_key_frames(&mut file);
    std::fs::write(&source, file).unwrap();
    let (mut engine, plan) = planned(&source, 2);
    let made = engine.segments(&[plan.video[0].id], 0, plan.segments());
    assert_eq!(made.segments.len(), plan.segments() as usize);
    let poster = engine.order(Order::Still(Still::Poster)).unwrap();
    assert_eq!(poster.stills.len(), 2);
}

#[test]
fn damage_is_called_damage() {
    let folder = tempfile::tempdir().unwrap();
    let picture = "-f lavfi -i testsrc2=s=160x90:r=25:d=3 -c:v libx264 -preset ultrafast \
                   -movflags +faststart";
    let source = made(folder.path(), "sound.mp4", picture);
    let (_, plan) = planned(&source, 2);
    let mut file = std::fs::read(&source).unwrap();
    let samples = file.windows(4).position(|kind| kind == b"mdat").unwrap() + 4;
    file[samples..].fill(0);
    let damaged = folder.path().join("damaged.mp4");
    std::fs::write(&damaged, file).unwrap();
    let mut engine = Engine::start(&damaged, 2);
    engine.plan(&plan);
    let segment = Order::Segments {
        renditions: vec![plan.video[0].id],
        first: 0,
        count: 1,
    };
    for order in [segment, Order::Still(Still::Poster)] {
        assert_eq!(engine.order(order).unwrap_err().code, Code::Corrupt);
    }
}

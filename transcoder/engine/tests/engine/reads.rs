//! A source that cannot be sought or decoded gives an error with the right code, or is read in another way; it never
//! holds a picture for ever.

use plan::Code;
use protocol::{Order, Still};

use crate::support::Engine;
use crate::support::planned;
use crate::support::sources::made;

/// Marks every picture of an FLV file as depending on others, so that no seek finds a place.
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

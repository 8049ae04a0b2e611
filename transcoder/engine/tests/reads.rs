//! A source that cannot be read is an error, never a picture held for ever.

mod support;

use plan::Code;
use protocol::Order;
use support::sources::made;

#[test]
fn nothing_is_made_of_a_read_that_failed() {
    let folder = tempfile::tempdir().unwrap();
    let noise = "-f lavfi -i testsrc2=s=640x360:r=30:d=8,noise=alls=40:allf=t \
                 -c:v libx264 -preset ultrafast -qp 20 -movflags +faststart";
    let source = made(folder.path(), "big.mp4", noise);
    let size = std::fs::metadata(&source).unwrap().len();
    assert!(
        size > 8 << 20,
        "large enough that the end is not read by the probe's start: {size}"
    );
    let (mut engine, plan) = support::planned(&source, 2);
    engine.unreadable_from = Some(size / 2);
    let renditions = vec![plan.video[0].id];
    let last = Order::Segments {
        renditions: renditions.clone(),
        first: plan.segments() - 1,
        count: 1,
    };
    let failure = engine.order(last.clone()).unwrap_err();
    assert_eq!(failure.code, Code::SourceUnreachable);
    engine.unreadable_from = None;
    assert_eq!(
        engine.order(last).unwrap().segments.len(),
        1,
        "the session goes on"
    );
}

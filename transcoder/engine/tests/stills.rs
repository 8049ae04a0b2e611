//! Posters, sheets, thumbnails.

mod support;

use protocol::{Made, Order, Still};
use support::sources::{made, picture};

#[test]
fn stills_are_pictures_of_the_right_kind() {
    let folder = tempfile::tempdir().unwrap();
    let coded = format!(
        "{} -c:v libx264 -preset ultrafast -g 30",
        picture("30", "4")
    );
    let source = made(folder.path(), "s.mp4", &coded);
    let (mut engine, _) = support::planned(&source, 2);
    let poster = engine.order(Order::Still(Still::Poster)).unwrap().stills;
    assert_eq!(poster.len(), 2);
    assert!(poster[0].1.starts_with(&[0xff, 0xd8, 0xff]), "a JPEG");
    assert!(
        poster[1].1.starts_with(b"RIFF") && &poster[1].1[8..12] == b"WEBP",
        "a WebP"
    );
    let sheet = engine.order(Order::Still(Still::Sheet(0))).unwrap().stills;
    assert!(matches!(sheet[..], [(Made::Sheet(0), _)]));
    let thumbnail = Still::Thumbnail {
        second: 2,
        width: 320,
    };
    let thumbnail = engine.order(Order::Still(thumbnail)).unwrap().stills;
    assert!(thumbnail[0].1.len() > 1000);
}

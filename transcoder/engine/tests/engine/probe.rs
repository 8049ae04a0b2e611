//! Results of the probe for real and for hostile files.

use plan::{Code, Rational};
use protocol::Order;

use crate::support::Engine;
use crate::support::sources::{made, picture, sound};

fn refusal(name: &str, bytes: &[u8]) -> Code {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    Engine::start(&path, 1).probe().expect_err("a refusal").code
}

#[test]
fn what_is_no_media_is_refused_as_such() {
    assert_eq!(refusal("empty.mp4", b""), Code::NotMedia);
    assert_eq!(
        refusal("text.mp4", b"This is a text, however it is called.\n"),
        Code::NotMedia
    );
    let playlist = b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n";
    assert_eq!(refusal("list.m3u8", playlist), Code::NotMedia);
    let script = b"ffconcat version 1.0\nfile /etc/passwd\n";
    assert_eq!(refusal("list.ffconcat", script), Code::NotMedia);
}

#[test]
fn a_file_without_its_end_is_truncated() {
    let folder = tempfile::tempdir().unwrap();
    let whole = made(
        folder.path(),
        "w.mp4",
        &format!("{} -c:v libx264", picture("30", "2")),
    );
    let bytes = std::fs::read(whole).unwrap();
    assert_eq!(
        refusal("cut.mp4", &bytes[..bytes.len() / 2]),
        Code::Truncated
    );
}

/// The files are encrypted as packagers for players do, as shops did before, and with an index in front or behind.
#[test]
fn what_is_encrypted_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let coded = format!("{} -c:v libx264 -preset ultrafast", picture("30", "2"));
    let key = "-encryption_scheme cenc-aes-ctr -encryption_key 76a6c65c5ea762046bd749a2e632ccbb \
               -encryption_kid a7e61c373e219033c21091fa607bf3b8";
    for (name, flags) in [("behind.mp4", ""), ("front.mp4", "-movflags +faststart")] {
        let path = made(folder.path(), name, &format!("{coded} {key} {flags}"));
        let bytes = std::fs::read(path).unwrap();
        assert_eq!(refusal(name, &bytes), Code::Encrypted, "{name}");
    }
    let clear = made(folder.path(), "clear.mp4", &coded);
    let mut bytes = std::fs::read(clear).unwrap();
    let entry = bytes.windows(4).rposition(|word| word == b"avc1").unwrap();
    for kind in [b"drmi", b"encv"] {
        bytes[entry..entry + 4].copy_from_slice(kind);
        assert_eq!(refusal("sold.m4v", &bytes), Code::Encrypted);
    }
}

/// A source without an index is read whole; one with an index is not.
#[test]
fn a_long_read_says_how_far_it_has_come() {
    let folder = tempfile::tempdir().unwrap();
    let coded = "-f lavfi -i testsrc2=s=1280x720:r=30:d=1,noise=alls=40:allf=t -c:v mpeg2video \
                 -qscale:v 2 -g 1";
    let scanned = |name| {
        let path = made(folder.path(), name, coded);
        assert!(path.metadata().unwrap().len() > 16 << 20, "{name} is small");
        Engine::start(&path, 1).order(Order::Probe).unwrap().scanned
    };
    let told = scanned("long.ts");
    assert!(told.len() >= 3 && told.is_sorted(), "{told:?}");
    assert!((50..=100).contains(told.last().unwrap()), "{told:?}");
    assert_eq!(scanned("long.mp4"), [0u8; 0]);
}

#[test]
fn times_and_rates_are_exact() {
    let folder = tempfile::tempdir().unwrap();
    for (name, rate, container) in [
        ("a.mp4", "30000/1001", ""),
        ("b.mkv", "60000/1001", ""),
        ("c.ts", "30000/1001", "-f mpegts"),
        ("d.mov", "24", ""),
    ] {
        let inputs = format!("{} {}", picture(rate, "4"), sound("48000", "4"));
        let coded = format!("{inputs} -c:v libx264 -preset ultrafast -bf 2 -c:a aac {container}");
        let path = made(folder.path(), name, &coded);
        let info = Engine::start(&path, 1).probe().unwrap();
        let video = info.video.unwrap();
        let (num, den) = rate.split_once('/').unwrap_or((rate, "1"));
        let rate = Rational::new(num.parse().unwrap(), den.parse().unwrap());
        assert!(video.constant_rate, "{name}");
        assert_eq!(video.frame_rate, rate, "{name}");
        let seconds = (video.end - video.start).as_f64();
        assert!((seconds - 4.0).abs() < 0.05, "{name}: {seconds}");
        let sound = &info.audio[0];
        let offset = (sound.start - video.start).as_f64();
        assert!(offset.abs() < 0.045, "{name}: sound is {offset} s off");
        assert_eq!((video.coded_width, video.coded_height), (640, 360));
    }
}

/// Old programs wrote names with one byte for each letter.
#[test]
fn names_in_other_encodings_are_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let chapters = folder.path().join("chapters");
    let text = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=1\ntitle=Oeuvre_\n";
    std::fs::write(&chapters, text).unwrap();
    let inputs = format!("{} {}", picture("25", "2"), sound("48000", "2"));
    let named = format!(
        "{inputs} -f ffmetadata -i {} -map_metadata 2 -c:v libx264 -c:a aac -metadata:s:a:0 title=Musique_",
        chapters.display()
    );
    let path = made(folder.path(), "named.mkv", &named);
    let mut bytes = std::fs::read(&path).unwrap();
    for name in [&b"Oeuvre_"[..], b"Musique_"] {
        let at = bytes
            .windows(name.len())
            .position(|seen| seen == name)
            .unwrap();
        bytes[at + name.len() - 1] = 0xe9;
    }
    std::fs::write(&path, bytes).unwrap();
    let info = Engine::start(&path, 1).probe().unwrap();
    assert_eq!(info.chapters[0].title, "Oeuvre\u{fffd}");
    assert_eq!(info.audio[0].title.as_deref(), Some("Musique\u{fffd}"));
}

#[test]
fn places_that_begin_with_the_same_key_frame_are_tried_once() {
    let folder = tempfile::tempdir().unwrap();
    let times = |gop: u32| {
        let coded = format!("-c:v libx264 -preset ultrafast -g {gop} -x264-params scenecut=0");
        let source = made(
            folder.path(),
            &format!("{gop}.mp4"),
            &format!("{} {coded}", picture("30", "8")),
        );
        let info = Engine::start(&source, 1).probe().unwrap();
        let small = info.video.unwrap().complexity.unwrap().small.unwrap();
        let times = small.places.iter().map(|place| place.at_us / 1000);
        times.collect::<Vec<_>>()
    };
    // The trials are at the first picture, in the middles of the second and the third segment, and in the middles of
    // the film's thirds.
    assert_eq!(times(30), [0, 1000, 3000, 4000, 6000]);
    assert_eq!(times(60), [0, 2000, 4000, 6000]);
    assert_eq!(times(250), [0]);
}

//! Labels, languages and titles come from untrusted files. None of them may break a manifest.

use manifests::{Averages, chapters, dash, hls};
use plan::media_info::{Chapter, MediaInfo};
use proptest::prelude::*;

use crate::sources::{everyday, planned, rational, sound};

/// Text with everything that could break a playlist, an MPD or a WebVTT file.
const NASTY: &str =
    "\"]]>\n#EXT-X-ENDLIST\r\n'&<a b=\"c\">\u{0}\u{1b}\u{85}\u{2028}\u{fffe},URI=\"http://x/\"";

fn with(label: &str, language: &str, title: &str) -> MediaInfo {
    let mut info = everyday();
    let mut other = sound(rational(10, 1));
    other.stream = 2;
    info.audio.push(other);
    for track in &mut info.audio {
        track.title = Some(label.to_owned());
        track.language = Some(language.to_owned());
    }
    info.chapters.push(Chapter {
        start: rational(1, 1),
        end: rational(9, 1),
        title: title.to_owned(),
    });
    info
}

fn check(info: &MediaInfo) {
    let plan = planned(info);
    let text = hls::master(&plan, &Averages::new());
    let plain = hls::master(&planned(&with("L", "en", "T")), &Averages::new());
    // Every line of the playlist has the same tag as with harmless labels.
    assert_eq!(text.lines().count(), plain.lines().count());
    for (line, expected) in text.lines().zip(plain.lines()) {
        assert_eq!(line.split(':').next(), expected.split(':').next());
        assert!(
            line.chars()
                .all(|c| !c.is_control() && c != '\u{2028}' && c != '\u{2029}')
        );
    }
    let parsed = crate::hls::parsed_master(&text);
    assert_eq!(parsed.alternatives.len(), 2);
    assert_ne!(parsed.alternatives[0].name, parsed.alternatives[1].name);
    for (media, rendition) in parsed.alternatives.iter().zip(&plan.audio) {
        assert_eq!(media.uri, Some(format!("{}/playlist.m3u8", rendition.id)));
        assert!(media.other_attributes.is_none());
    }

    let mpd = crate::dash::parsed(&plan);
    assert_eq!(mpd.periods[0].adaptations.len(), 5);
    let text = dash::mpd(&plan, &Averages::new());
    assert!(
        text.chars()
            .all(|c| c == '\n' || !c.is_control() && c != '\u{fffe}' && c != '\u{ffff}')
    );

    let text = chapters::vtt(&plan).unwrap();
    assert_eq!(text.matches("-->").count(), 1);
    assert_eq!(text.lines().count(), 4);
}

#[test]
fn hostile_labels_remain_labels() {
    check(&with(NASTY, NASTY, NASTY));
    let names = ["a\n", "a ", "\"", ""];
    for name in names {
        check(&with(name, name, name));
    }
}

#[test]
fn a_language_that_is_not_a_tag_is_left_out() {
    let text = hls::master(&planned(&with("L", NASTY, "T")), &Averages::new());
    assert!(!text.contains("LANGUAGE"));
    assert!(!dash::mpd(&planned(&with("L", "no tag", "T")), &Averages::new()).contains("lang="));
}

#[test]
fn escaped_xml_is_parsed_to_the_original_text() {
    let label = "\"Tom & Jerry\" <1940> ]]> 'ü'";
    let mpd = crate::dash::parsed(&planned(&with(label, "en", "T")));
    assert_eq!(mpd.periods[0].adaptations[1].Label[0].content, label);
}

proptest! {
    #[test]
    fn no_source_text_breaks_a_manifest(label in any::<String>(), language in any::<String>(), title in any::<String>()) {
        check(&with(&label, &language, &title));
    }
}

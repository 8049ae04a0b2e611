//! Tests of text renditions: manifests list them once their cues are extracted.

use m3u8_rs::AlternativeMediaType;
use manifests::{Averages, dash, hls, text};
use plan::media_info::TextTrack;
use plan::{Cue, CueList, Plan};

use crate::dash::parsed;
use crate::hls::parsed_master;
use crate::snapshots::film;
use crate::sources::planned;

pub fn track(language: &str, forced: bool) -> TextTrack {
    TextTrack {
        stream: 9,
        codec: "subrip".to_owned(),
        language: Some(language.to_owned()),
        title: None,
        default: false,
        forced,
    }
}

pub fn cues(word: &str) -> CueList {
    let cue = Cue {
        start_us: 0,
        end_us: 1_000_000,
        place: 2,
        text: word.to_owned(),
    };
    CueList {
        cues: vec![cue],
        ..CueList::default()
    }
}

/// Film with English text, forced German text, and a track without any cue: its plans before and after extraction.
fn subtitled() -> (Plan, Plan) {
    let mut info = film();
    info.text = vec![track("eng", false), track("deu", true), track("fra", false)];
    let before = planned(&info);
    let after = before.with_text(&[cues("word"), cues("Wort"), CueList::default()]);
    (before, after)
}

#[test]
fn text_is_listed_after_extraction_and_nothing_else_changes() {
    let (before, after) = subtitled();
    assert!(before.lacks_text() && !after.lacks_text());
    assert_eq!(before.video, after.video);
    assert_eq!(before.audio, after.audio);
    let master = |plan: &Plan| parsed_master(&hls::master(plan, &Averages::new()));
    assert!(
        master(&before)
            .variants
            .iter()
            .all(|v| v.subtitles.is_none())
    );
    let master = master(&after);
    assert!(
        master
            .variants
            .iter()
            .all(|v| v.subtitles.as_deref() == Some("text"))
    );
    let texts = master.alternatives.iter();
    let texts: Vec<_> = texts
        .filter(|media| media.media_type == AlternativeMediaType::Subtitles)
        .map(|media| {
            (
                media.language.as_deref(),
                media.forced,
                media.uri.clone().unwrap(),
            )
        })
        .collect();
    let uri = |track: usize| format!("{}/playlist.m3u8", after.text.as_ref().unwrap()[track].id);
    assert_eq!(
        texts,
        [(Some("en"), false, uri(0)), (Some("de"), true, uri(1))]
    );
}

#[test]
fn in_dash_each_is_one_file() {
    let (_, plan) = subtitled();
    let sets = parsed(&plan).periods.remove(0).adaptations;
    let texts = sets
        .iter()
        .filter(|set| set.mimeType.as_deref() == Some("text/vtt"));
    let files: Vec<String> = texts
        .map(|set| set.representations[0].BaseURL[0].base.clone())
        .collect();
    let file = |track: usize| format!("{}/all.vtt", plan.text.as_ref().unwrap()[track].id);
    assert_eq!(files, [file(0), file(1)]);
    assert!(dash::mpd(&plan, &Averages::new()).contains("forced-subtitle"));
    assert!(text::whole(&cues("word")).ends_with("\nword\n"));
}

//! Tests of subtitle files beside a source: manifests list them with the source's own text, and cues that are written
//! can be read again.

use manifests::{Averages, dash, hls, text};
use plan::cues::TextError;
use plan::{Cue, CueList};
use proptest::prelude::*;

use crate::hls::parsed_master;
use crate::snapshots::film;
use crate::sources::planned;
use crate::text::{cues, track};

#[test]
fn the_order_of_extraction_and_file_does_not_change_the_list() {
    let mut info = film();
    info.text = vec![track("eng", false), track("ger", false)];
    let lists = [cues("word"), CueList::default()];
    let plan = planned(&info);
    let file = |plan: &plan::Plan| plan.with_side_car("de", "Deutsch", &cues("Wort"));
    let first = file(&plan.with_text(&lists));
    let last = file(&plan).with_text(&lists);
    assert_eq!(first, last);
    assert!(file(&plan).lacks_text());
    let master = parsed_master(&hls::master(&first, &Averages::new()));
    let texts: Vec<_> = master
        .alternatives
        .iter()
        .filter(|media| media.uri.as_ref().is_some_and(|uri| uri.starts_with('t')))
        .collect();
    let said: Vec<_> = texts
        .iter()
        .map(|media| (media.name.as_str(), media.language.as_deref()))
        .collect();
    assert_eq!(said, [("English", Some("en")), ("Deutsch", Some("de"))]);
    let uri = |id: plan::RenditionId| format!("{id}/all.vtt");
    let mpd = dash::mpd(&first, &Averages::new());
    assert!(first.texts().all(|text| mpd.contains(&uri(text.id))));
    assert!(first.side_cars[0].id.to_string().starts_with("t2-"));
}

#[test]
fn a_file_replaces_the_file_of_its_language_and_numbers_do_not_collide() {
    let plan = planned(&film());
    let with = |plan: &plan::Plan, language: &str, word| {
        plan.with_side_car(language, language, &cues(word))
    };
    let three = with(&with(&with(&plan, "de", "a"), "en", "a"), "fr", "a");
    let names = |plan: &plan::Plan| -> Vec<String> {
        plan.side_cars
            .iter()
            .map(|text| text.id.name().to_string())
            .collect()
    };
    assert_eq!(names(&three), ["t0", "t1", "t2"]);
    let replaced = with(&three, "en", "b");
    assert_eq!(names(&replaced), ["t0", "t1", "t2"]);
    assert_ne!(replaced.side_cars[1].id, three.side_cars[1].id);
    assert_eq!(with(&replaced, "en", "a"), three);
    let fewer = replaced.without_side_car("en").unwrap();
    assert_eq!(fewer.without_side_car("en"), None);
    assert_eq!(names(&with(&fewer, "it", "c")), ["t0", "t2", "t1"]);
    assert!(three.side_cars.iter().all(|text| three.lists(text.id)));
}

/// Random cue text of words, tags and escapes.
fn written() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "word", " ", "\n", "<i>", "</i>", "<b>", "</b>", "&amp;", "&lt;", "\u{a0}", "\u{2028}",
        "NOTE", "1", "--", "&#62;", "{\\an8}", "\u{feff}", "STYLE", "00:01", "WEBVTT",
    ]);
    prop::collection::vec(piece, 1..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn written_cues_are_parsed_to_the_same_cues(
        found in prop::collection::vec((0..400_000_i64, 1..9_000_i64, 1..=9_u8, written()), 1..20)
    ) {
        let time = |ms: i64| format!("{}:{:02}.{:03}", ms / 60_000, ms / 1000 % 60, ms % 1000);
        let file = found.iter().map(|(start, lasts, place, text)| {
            format!("{} --> {}\n{{\\an{place}}}{text}\n\n", time(*start), time(start + lasts))
        });
        let list = match CueList::parse(file.collect::<String>().as_bytes()) {
            Ok(list) => list,
            Err(TextError::NoCues) => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        let whole = text::whole(&list);
        let read = CueList::parse(whole.as_bytes());
        prop_assert_eq!(read.as_ref(), Ok(&list));
        // Each segment has exactly the cues that are shown in it.
        let shown = |from: i64, cue: &Cue| cue.start_us < from + 60_000_000 && cue.end_us > from;
        for index in 0..7_u32 {
            let from = i64::from(index) * 60_000_000;
            let cues: Vec<Cue> = list.cues.iter().filter(|cue| shown(from, cue)).cloned().collect();
            let vtt = text::segment(&list, index);
            let read = CueList::parse(vtt.as_bytes());
            prop_assert_eq!(read.map(|list| list.cues).unwrap_or_default(), cues);
        }
    }
}

//! Tests of the WebVTT tracks: storyboard, chapters and text.

use manifests::{chapters, storyboard, text};
use plan::media_info::Chapter;
use plan::{Cue, CueList};
use proptest::prelude::*;

use crate::sources::{everyday, planned, rational, silent, sound, source};

/// (start, end) of every cue in milliseconds.
fn cues(text: &str) -> Vec<(i64, i64)> {
    let ms = |time: &str| {
        let (clock, ms) = time.split_once('.').unwrap();
        let parts = clock.split(':').map(|part| part.parse::<i64>().unwrap());
        parts.fold(0, |sum, part| sum * 60 + part) * 1000 + ms.parse::<i64>().unwrap()
    };
    let times = text.lines().filter_map(|line| line.split_once(" --> "));
    times.map(|(from, to)| (ms(from), ms(to))).collect()
}

#[test]
fn a_tile_is_a_place_on_a_sheet() {
    let plan = planned(&everyday());
    let id = plan.storyboard.as_ref().unwrap().id;
    let text = storyboard::vtt(&plan).unwrap();
    let places: Vec<_> = text
        .lines()
        .filter(|line| line.contains("#xywh="))
        .collect();
    assert_eq!(places.len(), 31);
    assert_eq!(places[0], format!("{id}/0.jpg#xywh=0,0,160,90"));
    assert_eq!(places[6], format!("{id}/0.jpg#xywh=160,90,160,90"));
    assert_eq!(places[24], format!("{id}/0.jpg#xywh=640,360,160,90"));
    assert_eq!(places[25], format!("{id}/1.jpg#xywh=0,0,160,90"));
    assert!(text.starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n"));
    assert_eq!(cues(&text)[30], (30_000, 30_034));
}

#[test]
fn audio_only_sources_have_no_tiles_and_sources_without_chapters_no_track() {
    let plan = planned(&source(None, vec![sound(rational(20, 1))]));
    assert_eq!((storyboard::vtt(&plan), chapters::vtt(&plan)), (None, None));
}

#[test]
fn chapter_times_count_from_the_start_and_end_with_the_presentation() {
    let mut info = everyday();
    info.video.as_mut().unwrap().start = rational(2, 1);
    info.video.as_mut().unwrap().end = rational(32, 1);
    info.audio.clear();
    for (from, to) in [(0, 1), (1, 5), (5, 5), (9, 7), (10, 400), (400, 500)] {
        info.chapters.push(Chapter {
            start: rational(from, 1),
            end: rational(to, 1),
            title: format!("{from}"),
        });
    }
    let text = chapters::vtt(&planned(&info)).unwrap();
    assert_eq!(cues(&text), [(0, 3000), (8000, 30_000)]);
}

proptest! {
    #[test]
    fn tiles_cover_the_presentation_in_order(ms in 1i64..20_000_000) {
        let plan = planned(&silent(rational(30_000, 1001), rational(ms, 1000)));
        let text = storyboard::vtt(&plan).unwrap();
        let cues = cues(&text);
        prop_assert!(cues.len() <= 300 && cues[0].0 == 0);
        prop_assert!(cues.iter().all(|(from, to)| from < to));
        prop_assert!(cues.windows(2).all(|w| w[0].1 == w[1].0));
        prop_assert!(cues[cues.len() - 1].1 * 1000 >= plan.timeline.duration_us());
        prop_assert_eq!(cues.len() as u32, plan.storyboard.unwrap().tiles);
    }
}

fn said(from_s: i64, to_s: i64, text: &str) -> Cue {
    Cue {
        start_us: from_s * 1_000_000,
        end_us: to_s * 1_000_000,
        place: 2,
        text: text.to_owned(),
    }
}

#[test]
fn a_cue_stands_in_every_segment_that_it_is_shown_in() {
    let cues = vec![
        said(2, 4, "one"),
        said(58, 62, "two"),
        said(61, 63, "three"),
    ];
    let list = CueList {
        cues,
        ..CueList::default()
    };
    let first = text::segment(&list, 0);
    assert!(first.contains("\none\n") && first.contains("\ntwo\n") && !first.contains("three"));
    let second = text::segment(&list, 1);
    assert!(second.contains("\n00:00:58.000 --> 00:01:02.000\ntwo\n") && second.contains("three"));
    assert!(!text::segment(&list, 2).contains("-->"));
    assert_eq!(text::whole(&list).matches("-->").count(), 3);
}

#[test]
fn cues_above_or_aside_have_settings() {
    let place = |place| {
        let cues = vec![Cue {
            place,
            ..said(1, 2, "x")
        }];
        text::whole(&CueList {
            cues,
            ..CueList::default()
        })
    };
    assert!(place(2).contains("00:00:02.000\nx"));
    assert!(place(8).contains("00:00:02.000 line:0\nx"));
    assert!(place(6).contains("00:00:02.000 line:50% align:end\nx"));
    assert!(place(1).contains("00:00:02.000 align:start\nx"));
}

#[test]
fn text_playlists_last_as_long_as_the_presentation() {
    let plan = planned(&source(None, vec![sound(rational(150, 1))]));
    let playlist = text::playlist(&plan);
    let lengths = playlist
        .lines()
        .filter_map(|line| line.strip_prefix("#EXTINF:"));
    let lengths: Vec<&str> = lengths.collect();
    assert_eq!(lengths, ["60.000000,", "60.000000,", "30.000000,"]);
    assert!(m3u8_rs::parse_media_playlist_res(playlist.as_bytes()).is_ok());
}

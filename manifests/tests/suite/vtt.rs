//! WebVTT tracks.

use manifests::{chapters, storyboard};
use plan::media_info::Chapter;
use proptest::prelude::*;

use crate::sources::{everyday, planned, rational, silent, sound, source};

/// (start, end) of every cue, in milliseconds.
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
fn sound_alone_has_no_tiles_and_a_source_without_chapters_no_track() {
    let plan = planned(&source(None, vec![sound(rational(20, 1))]));
    assert_eq!((storyboard::vtt(&plan), chapters::vtt(&plan)), (None, None));
}

#[test]
fn chapters_count_from_the_presentation_s_start_and_end_with_it() {
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

//! Tests of the MPD against the plan.

use std::time::Duration;

use dash_mpd_core::{AdaptationSet, MPD, SegmentTemplate};
use manifests::{Averages, dash};
use plan::Plan;
use plan::media_info::MediaInfo;
use proptest::prelude::*;

use crate::snapshots::film;
use crate::sources::{everyday, planned, rational, silent, sound, source};

pub fn parsed(plan: &Plan) -> MPD {
    dash_mpd_core::parse(&dash::mpd(plan, &Averages::new())).unwrap()
}

fn sets(info: &MediaInfo) -> Vec<AdaptationSet> {
    parsed(&planned(info)).periods.remove(0).adaptations
}

/// (start, length) of every segment that a time line lists.
fn segments(template: &SegmentTemplate) -> Vec<(u64, u64)> {
    let mut all = Vec::new();
    for s in &template.SegmentTimeline.as_ref().unwrap().segments {
        let start = s.t.unwrap();
        all.extend((0..=s.r.unwrap_or(0) as u64).map(|n| (start + n * s.d, s.d)));
    }
    all
}

#[test]
fn a_film_is_one_picture_set_a_set_for_each_sound_and_the_storyboard() {
    let plan = planned(&film());
    let sets = sets(&film());
    let kinds: Vec<_> = sets
        .iter()
        .filter_map(|s| s.contentType.as_deref())
        .collect();
    assert_eq!(
        kinds,
        ["video", "audio", "audio", "audio", "image", "video"]
    );
    let representations = sets[0]
        .representations
        .iter()
        .map(|r| r.id.clone().unwrap());
    let ids = plan.video.iter().map(|v| v.id.to_string());
    assert!(representations.eq(ids));
    assert_eq!(sets[0].representations[0].bandwidth, Some(2_800_000));
    let languages: Vec<_> = sets[1..4]
        .iter()
        .filter_map(|s| s.lang.as_deref())
        .collect();
    assert_eq!(languages, ["en", "de", "en"]);
    let roles: Vec<_> = sets[1..4]
        .iter()
        .filter_map(|s| s.Role[0].value.as_deref())
        .collect();
    assert_eq!(roles, ["main", "alternate", "main"]);
    assert_eq!(sets[2].Label[0].content, "Deutsch");
}

#[test]
fn the_storyboard_is_a_grid_of_tiles() {
    let plan = planned(&everyday());
    let sets = sets(&everyday());
    let tiles = &sets[2];
    assert_eq!(tiles.mimeType.as_deref(), Some("image/jpeg"));
    let template = tiles.SegmentTemplate.as_ref().unwrap();
    assert_eq!(template.duration, Some(25.0));
    assert_eq!(template.startNumber, Some(0));
    assert_eq!(
        template.media.as_deref(),
        Some("$RepresentationID$/$Number$.jpg")
    );
    let sheet = &tiles.representations[0];
    assert_eq!(sheet.id, plan.storyboard.map(|s| s.id.to_string()));
    assert_eq!((sheet.width, sheet.height), (Some(800), Some(450)));
    let property = &sheet.essential_property[0];
    assert_eq!(
        property.schemeIdUri,
        "http://dashif.org/guidelines/thumbnail_tile"
    );
    assert_eq!(property.value.as_deref(), Some("5x5"));
}

/// Strict parsers read children in the order of the schema (ISO/IEC 23009-1 §5.3.7 and §5.3.3).
#[test]
fn a_label_stands_before_the_role_and_the_role_before_the_template() {
    let text = dash::mpd(&planned(&film()), &Averages::new());
    for set in text
        .split("<AdaptationSet")
        .filter(|set| set.contains("<Label>"))
    {
        let place = |tag: &str| set.find(tag).unwrap();
        assert!(place("<Label>") < place("<Role"));
        assert!(place("<Role") < place("<SegmentTemplate"));
    }
}

#[test]
fn players_need_not_wait_for_more_than_a_second() {
    let mpd = parsed(&planned(&everyday()));
    assert_eq!(mpd.minBufferTime, Some(Duration::from_secs(1)));
    assert_eq!(
        mpd.mediaPresentationDuration,
        Some(Duration::from_micros(30_033_333))
    );
    assert_eq!(mpd.mpdtype.as_deref(), Some("static"));
}

proptest! {
    #[test]
    fn time_lines_equal_those_of_the_plan(num in 10_000i64..=60_000, ms in 1i64..200_000) {
        let mut info = silent(rational(num, 1001), rational(ms, 1000));
        info.audio.push(sound(rational(ms, 1000)));
        let plan = planned(&info);
        let mpd = parsed(&plan);
        let longest = mpd.maxSegmentDuration.unwrap();
        let whole = mpd.mediaPresentationDuration.unwrap();
        prop_assert_eq!(whole, Duration::from_micros(plan.timeline.duration_us() as u64));
        let sets = &mpd.periods[0].adaptations;

        let template = sets[0].SegmentTemplate.as_ref().unwrap();
        let video = &plan.video[0];
        prop_assert_eq!(template.timescale, Some(u64::from(video.time_scale)));
        let frame = u64::from(video.frame_duration);
        let expected = plan.timeline.boundaries.windows(2).map(|w| {
            (w[0].0 as u64 * frame, (w[1].0 - w[0].0) as u64 * frame)
        });
        let listed = segments(template);
        prop_assert!(listed.iter().copied().eq(expected));
        for (_, length) in listed {
            let seconds = length as f64 / f64::from(video.time_scale);
            prop_assert!(seconds <= longest.as_secs_f64() + 1e-6);
        }

        let template = sets[1].SegmentTemplate.as_ref().unwrap();
        prop_assert_eq!(template.timescale, Some(48_000));
        let expected = (0..plan.segments()).map(|n| {
            let (start, end) = plan.audio[0].span(&plan.timeline, n);
            (start.0 as u64, (end.0 - start.0) as u64)
        });
        prop_assert!(segments(template).into_iter().eq(expected));
    }
}

#[test]
fn audio_only_presentations_have_no_video_set() {
    let info = source(None, vec![sound(rational(20, 1))]);
    let kinds: Vec<_> = sets(&info)
        .into_iter()
        .filter_map(|s| s.contentType)
        .collect();
    assert_eq!(kinds, ["audio"]);
}

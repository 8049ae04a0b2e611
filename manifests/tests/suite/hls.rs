//! Tests of the HLS playlists against the plan.

use m3u8_rs::{MasterPlaylist, MediaPlaylist, MediaPlaylistType};
use manifests::{Averages, hls};
use plan::media_info::MediaInfo;
use plan::{Plan, Policy, Rational, RenditionId};
use proptest::prelude::*;

use crate::snapshots::film;
use crate::sources::{everyday, planned, rational, silent, sound, source};

/// Parses a multivariant playlist and removes trick play, which the parser counts among the variants.
pub fn parsed_master(text: &str) -> MasterPlaylist {
    let mut playlist = parsed_whole(text);
    playlist.variants.retain(|variant| !variant.is_i_frame);
    playlist
}

pub fn parsed_whole(text: &str) -> MasterPlaylist {
    let (rest, playlist) = m3u8_rs::parse_master_playlist(text.as_bytes()).unwrap();
    assert!(rest.is_empty(), "{}", String::from_utf8_lossy(rest));
    playlist
}

fn master(info: &MediaInfo) -> MasterPlaylist {
    parsed_master(&hls::master(&planned(info), &Averages::new()))
}

pub fn media(text: &str) -> MediaPlaylist {
    let (_, playlist) = m3u8_rs::parse_media_playlist(text.as_bytes()).unwrap();
    playlist
}

/// `EXTINF` values in microseconds, read from the text itself, because the parser's floats are not precise enough.
fn lengths_us(text: &str) -> Vec<i64> {
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("#EXTINF:")?.strip_suffix(','));
    let us = |line: &str| {
        let (seconds, fraction) = line.split_once('.').unwrap();
        assert_eq!(fraction.len(), 6);
        seconds.parse::<i64>().unwrap() * 1_000_000 + fraction.parse::<i64>().unwrap()
    };
    lines.map(us).collect()
}

fn playlist(plan: &Plan, id: RenditionId) -> String {
    hls::media_playlist(plan, id).unwrap()
}

#[test]
fn the_start_rung_is_listed_first_and_the_others_from_the_top() {
    let heights: Vec<u64> = master(&everyday())
        .variants
        .iter()
        .map(|v| v.resolution.unwrap().height)
        .collect();
    assert_eq!(heights, [480, 1080, 720, 360, 240]);
}

#[test]
fn a_variant_declares_what_it_needs() {
    let plan = planned(&everyday());
    let first = &master(&everyday()).variants[0];
    assert_eq!(first.uri, format!("{}/playlist.m3u8", plan.video[2].id));
    assert_eq!(first.bandwidth, 1_400_000 + 170_000);
    assert_eq!(first.average_bandwidth, None);
    assert_eq!(first.codecs.as_deref(), Some("avc1.64001f,mp4a.40.2"));
    assert_eq!(first.audio.as_deref(), Some("stereo"));
    let text = hls::master(&plan, &Averages::new());
    assert!(text.contains(",FRAME-RATE=30.000,VIDEO-RANGE=SDR,"));
}

#[test]
fn frame_rates_are_rounded_to_three_decimals() {
    for ((num, den), printed) in [
        ((30_000, 1001), "29.970"),
        ((24_000, 1001), "23.976"),
        ((60_000, 1001), "59.940"),
        ((25, 2), "12.500"),
        ((10_001, 1000), "10.001"),
        ((59_999_999, 1_000_000), "60.000"),
    ] {
        let plan = planned(&silent(rational(num, den), rational(5, 1)));
        let text = hls::master(&plan, &Averages::new());
        assert!(text.contains(&format!("FRAME-RATE={printed},")), "{text}");
    }
}

#[test]
fn averages_appear_when_everything_a_variant_may_play_is_complete() {
    let plan = planned(&film());
    let mut averages = Averages::new();
    averages.insert(plan.video[0].id, 1_000_000);
    averages.insert(plan.audio[0].id, 128_000);
    let of = |averages: &Averages| {
        let playlist = parsed_master(&hls::master(&plan, averages));
        let top = |v: &&m3u8_rs::VariantStream| v.uri.starts_with(&plan.video[0].id.to_string());
        let variants: Vec<_> = playlist.variants.iter().filter(top).cloned().collect();
        variants
            .iter()
            .map(|v| v.average_bandwidth)
            .collect::<Vec<_>>()
    };
    assert_eq!(of(&averages), [None, None]);
    averages.insert(plan.audio[1].id, 131_000);
    assert_eq!(of(&averages), [Some(1_131_000), None]);
    averages.insert(plan.audio[2].id, 380_000);
    assert_eq!(of(&averages), [Some(1_131_000), Some(1_380_000)]);
}

/// Groups have corresponding members that differ only in URI and CHANNELS (RFC 8216 §4.3.4.1.1).
#[test]
fn both_groups_offer_every_language() {
    let playlist = master(&film());
    let of = |group: &str| {
        let members = playlist.alternatives.iter().filter(|a| a.group_id == group);
        members
            .map(|a| {
                (
                    a.name.clone(),
                    a.language.clone(),
                    a.default,
                    a.channels.clone().unwrap(),
                )
            })
            .collect::<Vec<_>>()
    };
    let text = |t: &str| t.to_owned();
    let german = (text("Deutsch"), Some(text("de")), false, text("2"));
    let english = |channels: &str| (text("English"), Some(text("en")), true, text(channels));
    assert_eq!(of("stereo"), [english("2"), german.clone()]);
    assert_eq!(of("surround"), [english("6"), german]);
    // Each video rendition is listed with both groups.
    let groups: Vec<_> = playlist
        .variants
        .iter()
        .filter_map(|v| v.audio.as_deref())
        .collect();
    assert!(groups.chunks(2).all(|pair| pair == ["stereo", "surround"]));
    assert_eq!(playlist.variants[1].bandwidth, 1_400_000 + 480_000);
}

#[test]
fn audio_only_presentations_have_one_variant_for_all_languages() {
    let one = master(&source(None, vec![sound(rational(20, 1))]));
    assert_eq!((one.variants.len(), one.alternatives.len()), (1, 0));
    assert_eq!(
        (one.variants[0].bandwidth, &one.variants[0].audio),
        (170_000, &None)
    );

    let mut second = sound(rational(20, 1));
    second.stream = 2;
    let info = source(None, vec![sound(rational(20, 1)), second]);
    let two = master(&info);
    assert_eq!((two.variants.len(), two.alternatives.len()), (1, 2));
    assert_eq!(two.variants[0].audio.as_deref(), Some("stereo"));
    assert_eq!(Some(&two.variants[0].uri), two.alternatives[0].uri.as_ref());
}

#[test]
fn tracks_with_the_same_name_are_numbered() {
    let mut info = film();
    info.audio[0].title = Some("Deutsch".to_owned());
    let names: Vec<_> = master(&info)
        .alternatives
        .into_iter()
        .map(|a| a.name)
        .collect();
    assert_eq!(names, ["Deutsch", "Deutsch 2", "Deutsch", "Deutsch 2"]);
}

#[test]
fn an_unknown_rendition_has_no_playlist() {
    let plan = planned(&everyday());
    let storyboard = plan.storyboard.as_ref().unwrap().id;
    assert_eq!(hls::media_playlist(&plan, storyboard), None);
    let other = planned(&film()).video[0].id;
    assert_eq!(hls::media_playlist(&plan, other), None);
}

fn rates() -> impl Strategy<Value = Rational> {
    let usual = [
        (24, 1),
        (25, 1),
        (30, 1),
        (60, 1),
        (24_000, 1001),
        (30_000, 1001),
    ];
    let any = (1i64..300_000, 1i64..1100).prop_filter("300 fps", |(n, d)| *n <= 300 * d);
    prop_oneof![prop::sample::select(usual.to_vec()), any].prop_map(|(n, d)| rational(n, d))
}

proptest! {
    #[test]
    fn media_playlists_list_every_segment_and_never_drift(
        rate in rates(), ms in 1i64..300_000, audio_ms in 0i64..300_000, seconds in 2u32..=10,
    ) {
        let mut info = silent(rate, rational(ms, 1000));
        info.audio.push(sound(rational(audio_ms, 1000)));
        let policy = Policy { segment_seconds: seconds, ..Policy::default() };
        let plan = plan::make_plan(&info, &policy).unwrap();
        let target = hls::target_duration(&plan);
        let mut longest = 0;
        for id in plan.media_ids() {
            let text = playlist(&plan, id);
            let lengths = lengths_us(&text);
            let is_picture = plan.video_rendition(id).is_some();
            let whole = if is_picture {
                plan.timeline.duration_us()
            } else {
                plan.timeline.sample_us(plan.timeline.samples)
            };
            prop_assert_eq!(lengths.iter().sum::<i64>(), whole);
            prop_assert!(lengths.iter().all(|&us| us > 0 && (us + 500_000) / 1_000_000 <= target));
            longest = longest.max(*lengths.iter().max().unwrap());

            let back = media(&text);
            prop_assert_eq!(back.version, Some(6));
            prop_assert_eq!(back.target_duration, target as u64);
            prop_assert_eq!(back.playlist_type, Some(MediaPlaylistType::Vod));
            prop_assert!(back.end_list && back.independent_segments);
            prop_assert_eq!(back.segments.len(), plan.segments() as usize);
            for (index, (segment, us)) in back.segments.iter().zip(&lengths).enumerate() {
                prop_assert_eq!(&segment.uri, &format!("{index}.m4s"));
                prop_assert!((f64::from(segment.duration) - *us as f64 / 1e6).abs() < 1e-5);
            }
            prop_assert_eq!(&back.segments[0].map.as_ref().unwrap().uri, "init.mp4");
        }
        // The target duration is not larger than necessary either.
        prop_assert_eq!(target, ((longest + 500_000) / 1_000_000).max(1));
    }
}

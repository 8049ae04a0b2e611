//! Pass-through of the source's own video as the top rung.

use plan::media_info::{CodedPictures, Group, MediaInfo, VideoTrack};
use plan::{Code, LazyCodec, Note, Plan, Policy, VideoCodec, make_plan};
use proptest::prelude::*;

use crate::sources::{picture, planned, rational, sound, source};

/// Start of an `AVCDecoderConfigurationRecord` of High profile at level 4.0.
const RECORD: [u8; 16] = [
    1, 100, 0, 40, 0xff, 0xe1, 0, 3, 0x67, 100, 0, 1, 0, 2, 0x68, 9,
];

fn wanted() -> Policy {
    Policy {
        passthrough: true,
        ..Policy::default()
    }
}

/// A 1080p30 source with 4 Mbit/s, whose groups of pictures have these numbers of frames.
fn in_groups(pictures: &[u32]) -> MediaInfo {
    let count: i64 = pictures.iter().map(|&n| i64::from(n)).sum();
    let group = |&pictures: &u32| Group {
        pictures,
        bytes: u64::from(pictures) * 4_000_000 / 8 / 30,
    };
    let mut video = picture((1920, 1080), rational(30, 1), rational(count, 30));
    video.coded = Some(CodedPictures {
        record: RECORD.to_vec(),
        reorder_frames: 2,
        groups: pictures.iter().map(group).collect(),
    });
    source(Some(video), vec![sound(rational(count, 30))])
}

fn passing(info: &MediaInfo) -> Plan {
    make_plan(info, &wanted()).unwrap()
}

fn ticks(plan: &Plan) -> Vec<i64> {
    plan.timeline.boundaries.iter().map(|at| at.0).collect()
}

#[test]
fn boundaries_are_the_key_frames_nearest_to_the_usual_places() {
    for (groups, expected) in [
        (&[60; 8][..], vec![0, 60, 120, 180, 300, 420, 480]),
        (&[30; 12], vec![0, 30, 60, 120, 240, 360]),
        (&[250, 250, 250, 50], vec![0, 250, 500, 750, 800]),
        (
            &[20, 25, 70, 90, 130, 40],
            vec![0, 20, 45, 115, 205, 335, 375],
        ),
        (&[300], vec![0, 300]),
    ] {
        let plan = passing(&in_groups(groups));
        assert!(plan.passed_through().is_some(), "{groups:?}");
        assert_eq!(ticks(&plan), expected, "{groups:?}");
    }
}

#[test]
fn the_top_rung_is_the_source_as_it_is_and_lower_ones_cost_less() {
    let info = in_groups(&[60; 20]);
    let plan = passing(&info);
    let top = &plan.video[0];
    assert_eq!(plan.passed_through(), Some(top));
    assert_eq!((top.codec.as_str(), top.level_idc), ("avc1.640028", 40));
    assert_eq!(top.encoding, VideoCodec::H264);
    assert_eq!(top.passed_through.as_deref(), Some(&RECORD[..]));
    // The cap is 4 Mbit/s, 64 bytes for each frame, and the boxes.
    assert!(
        (4_015_000..4_030_000).contains(&top.cap_bits_per_second),
        "{}",
        top.cap_bits_per_second
    );
    let rungs: Vec<u32> = plan.video.iter().map(|rung| rung.rung).collect();
    assert_eq!(rungs, [1080, 720, 480, 360, 240]);
    assert!(
        plan.video
            .iter()
            .skip(1)
            .all(|rung| rung.passed_through.is_none())
    );
    assert_eq!(
        plan.info.video.as_ref().unwrap().coded,
        None,
        "a plan does not keep the list of coded frames"
    );
    assert_eq!(plan.timeline.samples, planned(&info).timeline.samples);
}

#[test]
fn the_cap_is_the_rate_of_the_largest_segment() {
    let mut info = in_groups(&[60; 6]);
    let coded = info.video.as_mut().unwrap().coded.as_mut().unwrap();
    coded.groups[2].bytes = 2_000_000; // two seconds at 8 Mbit/s
    let cap = passing(&info).video[0].cap_bits_per_second;
    assert!((8_015_000..8_030_000).contains(&cap), "{cap}");
}

#[test]
fn rungs_with_the_same_or_a_higher_cap_are_left_out() {
    let mut info = in_groups(&[60; 6]);
    for group in &mut info.video.as_mut().unwrap().coded.as_mut().unwrap().groups {
        group.bytes = 300_000; // 1.2 Mbit/s
    }
    let plan = passing(&info);
    let rungs: Vec<u32> = plan.video.iter().map(|rung| rung.rung).collect();
    assert_eq!(rungs, [1080, 360, 240]);
    let encoded = plan.with_all_encoded(&wanted()).unwrap();
    let rungs: Vec<u32> = encoded.video.iter().map(|rung| rung.rung).collect();
    assert_eq!(rungs, [1080, 720, 480, 360, 240]);
}

#[test]
fn the_last_frame_is_held_while_audio_continues() {
    let mut info = in_groups(&[60; 4]);
    info.audio[0].end = rational(8_070, 1000);
    let plan = passing(&info);
    assert!(plan.passed_through().is_some());
    assert_eq!(ticks(&plan), [0, 60, 120, 180, 243]);
    info.audio[0].end = rational(20, 1);
    assert!(
        passing(&info).passed_through().is_none(),
        "the remaining audio is too long for a segment"
    );
}

#[test]
fn the_first_frame_is_shown_from_the_start() {
    let mut info = in_groups(&[60; 4]);
    let video = info.video.as_mut().unwrap();
    (video.start, video.end) = (rational(2, 30), rational(242, 30));
    let plan = passing(&info);
    assert!(plan.passed_through().is_some());
    assert_eq!(ticks(&plan), [0, 62, 122, 182, 242]);
}

#[test]
fn what_players_would_not_take_or_show_alike_is_encoded() {
    type Change = fn(&mut VideoTrack);
    let changes: [(&str, Change); 18] = [
        ("nothing known", |v| v.coded = None),
        ("open groups", |v| v.open_gops = true),
        ("another codec", |v| v.codec = "hevc".to_owned()),
        ("ten bits", |v| v.pixel_format = "yuv420p10le".to_owned()),
        ("4:4:4", |v| v.pixel_format = "yuv444p".to_owned()),
        ("turned", |v| v.rotation = 90),
        ("mirrored", |v| v.mirrored = true),
        ("fields", |v| v.interlaced = true),
        ("other pixels", |v| v.sample_aspect = rational(4, 3)),
        ("odd size", |v| v.coded_height = 1079),
        ("variable rate", |v| v.constant_rate = false),
        ("fast", |v| v.frame_rate = rational(120, 1)),
        ("full range", |v| v.color.range = Some("full".to_owned())),
        ("HDR", |v| v.color.transfer = Some("smpte2084".to_owned())),
        ("Dolby Vision", |v| v.dolby_vision = Some(8)),
        ("pictures missing", |v| groups(v)[3].pictures -= 2),
        ("profile", |v| v.coded.as_mut().unwrap().record[1] = 110),
        ("level", |v| v.coded.as_mut().unwrap().record[3] = 61),
    ];
    for (what, change) in changes {
        let mut info = in_groups(&[60; 10]);
        change(info.video.as_mut().unwrap());
        let plan = passing(&info);
        assert!(plan.passed_through().is_none(), "{what}");
        assert_eq!(plan, planned(&info), "{what}");
    }
}

fn groups(track: &mut VideoTrack) -> &mut Vec<Group> {
    &mut track.coded.as_mut().unwrap().groups
}

#[test]
fn video_that_cannot_be_cut_or_delivered_is_encoded() {
    let is_encoded = |info: &MediaInfo| passing(info) == planned(info);
    assert!(
        is_encoded(&in_groups(&[60, 301, 60])),
        "a group of more than ten seconds"
    );
    let mut large = in_groups(&[60; 10]);
    groups(large.video.as_mut().unwrap())[4].bytes = 6_000_000;
    assert!(is_encoded(&large), "the source has more than twice the cap");
    let mut small = in_groups(&[60; 10]);
    groups(small.video.as_mut().unwrap())
        .iter_mut()
        .for_each(|group| group.bytes = 50_000);
    assert!(
        is_encoded(&small),
        "the source has a lower rate than every rung"
    );
    let mut cut = in_groups(&[60; 10]);
    cut.notes.push(Note {
        track: None,
        code: Code::Truncated,
        message: String::new(),
        span_us: None,
    });
    assert_eq!(passing(&cut).passed_through(), None);
    let info = in_groups(&[60; 10]);
    assert_eq!(
        planned(&info).passed_through(),
        None,
        "the policy does not ask for pass-through"
    );
}

#[test]
fn a_plan_without_pass_through_keeps_everything_but_the_top_rung() {
    let plan = passing(&in_groups(&[50; 12]))
        .with_codec(LazyCodec::Hevc)
        .unwrap();
    let encoded = plan.with_all_encoded(&wanted()).unwrap();
    assert_eq!(encoded.timeline, plan.timeline);
    assert_eq!(encoded.video[1..], plan.video[1..]);
    assert_ne!(encoded.video[0].id, plan.video[0].id);
    assert!(encoded.passed_through().is_none());
    assert_eq!(
        (&encoded.audio, &encoded.trick_play),
        (&plan.audio, &plan.trick_play)
    );
    assert_eq!(encoded.with_all_encoded(&wanted()), None);
    let lazy = &plan.lazy[0].video;
    assert!(lazy.iter().all(|rung| rung.passed_through.is_none()));
}

proptest! {
    #[test]
    fn segments_meet_at_key_frames_and_are_neither_too_long_nor_too_short(
        groups in prop::collection::vec(1u32..=150, 1..60),
        seconds in 2u32..=10,
    ) {
        let policy = Policy { segment_seconds: seconds, ..wanted() };
        let plan = make_plan(&in_groups(&groups), &policy).unwrap();
        prop_assert!(plan.passed_through().is_some());
        let keys: Vec<i64> = groups.iter().scan(0, |at, &n| {
            let key = *at;
            *at += i64::from(n);
            Some(key)
        }).collect();
        let ticks = ticks(&plan);
        prop_assert!(ticks[..ticks.len() - 1].iter().all(|tick| keys.contains(tick)));
        let lengths = || ticks.windows(2).map(|pair| pair[1] - pair[0]);
        prop_assert!(lengths().all(|length| length <= 300));
        prop_assert!(ticks.len() == 2 || lengths().all(|length| length >= 15));
    }

    #[test]
    fn no_list_of_groups_panics(
        groups in prop::collection::vec((any::<u32>(), any::<u64>()), 0..20),
        record in prop::collection::vec(any::<u8>(), 0..8),
        end in 0i64..100_000,
    ) {
        let mut info = in_groups(&[60; 4]);
        let video = info.video.as_mut().unwrap();
        video.end = rational(end, 30);
        video.coded = Some(CodedPictures {
            record,
            reorder_frames: 2,
            groups: groups.into_iter().map(|(pictures, bytes)| Group { pictures, bytes }).collect(),
        });
        let _ = make_plan(&info, &wanted());
    }
}

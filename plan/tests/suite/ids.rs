//! Ids of renditions: equal for equal bytes, different for different bytes.

use plan::media_info::{Chapter, MediaInfo, TextTrack};
use plan::{Effort, Index, Policy, RenditionId, WorkKind, make_plan};

use crate::sources::{everyday, planned, rational, sound};

fn ids(info: &MediaInfo) -> Vec<RenditionId> {
    ids_under(info, &Policy::default())
}

fn ids_under(info: &MediaInfo, policy: &Policy) -> Vec<RenditionId> {
    let plan = make_plan(info, policy).unwrap();
    plan.media_ids()
        .chain(plan.storyboard.iter().map(|s| s.id))
        .collect()
}

/// The snapshot of a usual source's ids. A changed snapshot changes every URL of every video: it needs a decision to
/// raise `MEDIA_GENERATION`.
#[test]
fn the_plan_of_an_everyday_source() {
    insta::assert_json_snapshot!(planned(&everyday()));
}

#[test]
fn a_plan_survives_serialization() {
    let plan = planned(&everyday());
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<plan::Plan>(&text).unwrap(), plan);
}

#[test]
fn invalid_fractions_are_refused_when_a_plan_is_read() {
    for text in [
        r#"{"num":1,"den":0}"#,
        r#"{"num":-9223372036854775808,"den":1}"#,
    ] {
        assert!(
            serde_json::from_str::<plan::Rational>(text).is_err(),
            "{text}"
        );
    }
    let read: plan::Rational = serde_json::from_str(r#"{"num":4,"den":-6}"#).unwrap();
    assert_eq!(read, rational(-2, 3));
}

#[test]
fn labels_and_menu_flags_are_in_no_id() {
    let plain = everyday();
    type Change = fn(&mut MediaInfo);
    let changes: [(&str, Change); 7] = [
        ("title", |i| i.audio[0].title = Some("Director".to_owned())),
        ("default sound", |i| i.audio[0].default = false),
        ("default picture", |i| {
            i.video.as_mut().unwrap().default = false
        }),
        ("chapters", |i| {
            i.chapters.push(Chapter {
                start: rational(0, 1),
                end: rational(1, 1),
                title: "One".to_owned(),
            })
        }),
        ("text", |i| {
            i.text.push(TextTrack {
                stream: 2,
                codec: "mov_text".to_owned(),
                language: None,
                title: None,
                default: false,
                forced: false,
            })
        }),
        ("container", |i| i.container = "matroska,webm".to_owned()),
        ("size", |i| i.size += 1),
    ];
    for (what, change) in changes {
        let mut other = plain.clone();
        change(&mut other);
        assert_eq!(ids(&other), ids(&plain), "{what}");
    }
}

#[test]
fn another_track_beside_it_leaves_a_rendition_as_it_is() {
    let one = planned(&everyday());
    let mut info = everyday();
    let mut commentary = sound(rational(30, 1));
    commentary.stream = 2;
    commentary.channels = 6;
    commentary.surround = true;
    info.audio.push(commentary);
    let two = planned(&info);
    assert_eq!(
        two.audio
            .iter()
            .map(|a| (a.track, a.channels))
            .collect::<Vec<_>>(),
        [(0, 2), (1, 2), (1, 6)]
    );
    assert_eq!(two.audio[0].id, one.audio[0].id);
    assert_eq!(two.video, one.video);
}

#[test]
fn every_setting_that_shapes_pictures_is_in_their_ids() {
    let plain = planned(&everyday());
    type Change = fn(&mut MediaInfo);
    let changes: [(&str, Change); 14] = [
        ("stream", |i| i.video.as_mut().unwrap().stream = 5),
        ("size", |i| i.video.as_mut().unwrap().coded_width = 1918),
        ("aspect", |i| {
            i.video.as_mut().unwrap().sample_aspect = rational(1001, 1000)
        }),
        ("rotation", |i| i.video.as_mut().unwrap().rotation = 180),
        ("mirror", |i| i.video.as_mut().unwrap().mirrored = true),
        ("fields", |i| i.video.as_mut().unwrap().interlaced = true),
        ("pixels", |i| {
            i.video.as_mut().unwrap().pixel_format = "yuv422p".to_owned()
        }),
        ("range", |i| {
            i.video.as_mut().unwrap().color.range = Some("full".to_owned())
        }),
        ("matrix", |i| i.video.as_mut().unwrap().color.matrix = None),
        ("transfer", |i| {
            i.video.as_mut().unwrap().color.transfer = Some("smpte2084".to_owned())
        }),
        ("peak", |i| {
            let video = i.video.as_mut().unwrap();
            video.color.transfer = Some("smpte2084".to_owned());
            video.peak_nits = Some(4000);
        }),
        ("rate", |i| {
            i.video.as_mut().unwrap().frame_rate = rational(30_000, 1001)
        }),
        ("phase", |i| {
            i.video.as_mut().unwrap().start = rational(1, 100)
        }),
        ("access", |i| i.index = Index::None),
    ];
    for (what, change) in changes {
        let mut other = everyday();
        change(&mut other);
        let other = planned(&other);
        for (a, b) in plain.video.iter().zip(&other.video) {
            assert_ne!(a.id, b.id, "{what}");
        }
        assert_ne!(plain.storyboard, other.storyboard, "{what}");
    }
}

#[test]
fn every_setting_that_shapes_sound_is_in_its_id() {
    let plain = planned(&everyday());
    type Change = fn(&mut MediaInfo);
    let changes: [(&str, Change); 10] = [
        ("stream", |i| i.audio[0].stream = 5),
        ("language", |i| i.audio[0].language = Some("de".to_owned())),
        ("rate", |i| i.audio[0].sample_rate = 44_100),
        ("layout", |i| i.audio[0].layout = "mono".to_owned()),
        ("start", |i| i.audio[0].start = rational(1, 100)),
        ("end", |i| i.audio[0].end = rational(29, 1)),
        ("time base", |i| i.audio[0].time_base = rational(1, 1000)),
        ("first packet", |i| i.audio[0].first_pts = 0),
        ("priming", |i| i.audio[0].priming = 2112),
        ("packets", |i| i.audio[0].frame_samples = None),
    ];
    for (what, change) in changes {
        let mut other = everyday();
        change(&mut other);
        assert_ne!(planned(&other).audio[0].id, plain.audio[0].id, "{what}");
    }
}

/// Every setting of a policy is tested here. A new field does not compile until somebody has decided which ids it
/// shapes.
#[test]
fn the_policy_is_in_every_id_that_it_shapes() {
    let Policy {
        // This setting is tested below.
        effort: _,
        segment_seconds: _,
        // The gain is in the ids of the audio once a source's loudness is known.
        loudness_lufs: _,
        // These settings choose renditions, whose ids contain the choice.
        per_title: _,
        passthrough: _,
        // The limits refuse sources and shape no rendition.
        limits: _,
    } = Policy::default();
    let plain = ids(&everyday());
    let differs = |policy: Policy| {
        let other = ids_under(&everyday(), &policy);
        let pairs = plain.iter().zip(other);
        pairs.map(|(a, b)| *a != b).collect::<Vec<_>>()
    };
    let policy = Policy::default;
    assert!(
        differs(Policy {
            segment_seconds: 6,
            ..policy()
        })
        .into_iter()
        .all(|d| d)
    );
    // Effort shapes only the rungs, not audio or trick play.
    for effort in [Effort::Balanced, Effort::Quality] {
        let changed = differs(Policy { effort, ..policy() });
        assert_eq!(changed, [true, true, true, true, true, false, false, false]);
    }
}

#[test]
fn start_work_is_the_start_rungs_and_the_audio() {
    let plan = planned(&everyday());
    let names: Vec<String> = plan
        .renditions_of(WorkKind::Start)
        .iter()
        .map(|id| id.name().to_string())
        .collect();
    assert_eq!(names, ["v480", "v360", "a0"]);
    assert_eq!(plan.renditions_of(WorkKind::All).len(), 7);
    assert_eq!(plan.segment_count(plan.video[0].id), Some(plan.segments()));
    let storyboard = plan.storyboard.as_ref().unwrap();
    assert_eq!(plan.segment_count(storyboard.id), Some(2));
    assert_eq!(
        plan.segment_count(RenditionId::new(plan::RenditionName::Storyboard, &[0; 32])),
        None
    );
}

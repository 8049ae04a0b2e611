//! The trick-play rendition of a plan.

use plan::{Plan, RenditionName, WorkKind};

use crate::sources::{everyday, planned, rational, silent, sound, source};

#[test]
fn trick_play_has_the_size_of_the_lowest_rung_and_comes_last() {
    let plan = planned(&everyday());
    let (lowest, trick_play) = (
        plan.video.last().unwrap(),
        plan.trick_play.as_ref().unwrap(),
    );
    assert_eq!(trick_play.id.name(), RenditionName::TrickPlay(240));
    assert_eq!(trick_play.scale_path, lowest.scale_path);
    assert_eq!(
        (trick_play.time_scale, trick_play.frame_duration),
        (lowest.time_scale, lowest.frame_duration)
    );
    assert!(plan.pictures().last() == Some(trick_play));
    assert!(plan.renditions_of(WorkKind::All).contains(&trick_play.id));
    assert!(!plan.renditions_of(WorkKind::Start).contains(&trick_play.id));
    assert_eq!(plan.segment_count(trick_play.id), Some(plan.segments()));
}

#[test]
fn trick_play_has_the_first_frame_of_each_segment() {
    let plan = planned(&silent(rational(30, 1), rational(10, 1)));
    let trick_play = plan.trick_play.as_ref().unwrap();
    for segment in 0..plan.segments() {
        let (start, end) = plan.timeline.segment_frames(segment);
        assert_eq!(trick_play.pictures_of(end - start).0, 1);
        assert_eq!(plan.video[0].pictures_of(end - start), end - start);
    }
}

#[test]
fn audio_only_sources_have_no_trick_play() {
    let plan = planned(&source(None, vec![sound(rational(10, 1))]));
    assert_eq!(plan.trick_play, None);
}

/// Plans that were stored before trick play existed have no such field.
#[test]
fn plans_without_trick_play_are_read() {
    let plan = planned(&everyday());
    let mut json = serde_json::to_value(&plan).unwrap();
    assert!(json.as_object_mut().unwrap().remove("trick_play").is_some());
    let before: Plan = serde_json::from_value(json).unwrap();
    assert_eq!(
        before,
        Plan {
            trick_play: None,
            ..plan
        }
    );
    assert_eq!(before.pictures().count(), before.video.len());
}

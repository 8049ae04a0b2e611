//! Loudness: gains, and plans with measured loudness.

use plan::{Loudness, Plan, RenditionName};

use crate::sources;

fn loudness(integrated: i32, peak: i32) -> Loudness {
    Loudness {
        integrated_millibels: Some(integrated),
        range_millibels: 500,
        true_peak_millibels: Some(peak),
    }
}

#[test]
fn a_gain_reaches_the_target_or_stays_below_the_peaks() {
    for (integrated, peak, gain) in [
        (-2300, -1000, 700),
        (-900, -10, -700),
        // The peaks allow only 2 dB, or are too high already.
        (-2300, -300, 200),
        (-1700, 150, -250),
        // The difference is too small to be heard.
        (-1640, -300, 0),
        (-1600, 0, -100),
        // The audio is mostly noise.
        (-6000, -4000, 2000),
        // The measured values are meaningless.
        (i32::MAX, i32::MAX, i32::MIN),
        (i32::MIN, i32::MIN, 2000),
    ] {
        let given = loudness(integrated, peak).gain_millibels(-16);
        assert_eq!(given, gain, "for {integrated} LUFS, {peak} dBTP");
    }
}

#[test]
fn a_gain_changes_the_audio_renditions_and_nothing_else() {
    let plan = sources::planned(&sources::everyday());
    assert!(plan.lacks_loudness());
    let measured = vec![loudness(-2300, -900); plan.audio.len()];
    let known = plan.with_loudness(&measured, None);
    assert!(!known.lacks_loudness() && known.audio == plan.audio);
    let levelled = plan.with_loudness(&measured, Some(-16));
    assert_eq!(levelled.audio[0].gain_millibels, 700);
    assert_ne!(levelled.audio[0].id, plan.audio[0].id);
    assert_eq!(levelled.audio[0].id.name(), RenditionName::Stereo(0));
    let softer = plan.with_loudness(&measured, Some(-20));
    assert_ne!(softer.audio[0].id, levelled.audio[0].id);
    let mut but_sound = levelled.clone();
    (but_sound.audio, but_sound.loudness) = (plan.audio.clone(), None);
    assert_eq!(but_sound, plan);
}

/// Plans that were stored before loudness was measured have no such field.
#[test]
fn plans_without_loudness_are_read() {
    let plan = sources::planned(&sources::everyday());
    let mut json = serde_json::to_value(&plan).unwrap();
    assert!(json.as_object_mut().unwrap().remove("loudness").is_some());
    for rendition in json["audio"].as_array_mut().unwrap() {
        let gain = rendition.as_object_mut().unwrap().remove("gain_millibels");
        assert!(gain.is_some());
    }
    assert_eq!(serde_json::from_value::<Plan>(json).unwrap(), plan);
}

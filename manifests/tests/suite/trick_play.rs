//! Tests of trick play: an I-frame playlist in HLS, and an adaptation set of its own in DASH.

use manifests::{Averages, dash, hls};

use crate::hls::{media, parsed_whole};
use crate::sources::{everyday, planned, rational, sound, source};

#[test]
fn the_master_lists_one_i_frame_playlist() {
    let plan = planned(&everyday());
    let trick_play = plan.trick_play.as_ref().unwrap();
    let master = parsed_whole(&hls::master(&plan, &Averages::new()));
    let (listed, variants): (Vec<_>, Vec<_>) = master
        .variants
        .into_iter()
        .partition(|variant| variant.is_i_frame);
    assert_eq!((listed.len(), variants.len()), (1, plan.video.len()));
    assert_eq!(listed[0].uri, format!("{}/playlist.m3u8", trick_play.id));
    assert_eq!(listed[0].bandwidth, trick_play.cap_bits_per_second);
    assert_eq!(listed[0].codecs.as_deref(), Some("avc1.640015"));
    assert_eq!(listed[0].resolution.unwrap().height, 240);
    assert_eq!(listed[0].audio, None);
}

/// The I-frame playlist has one resource for each frame, with the times of the segments.
#[test]
fn the_i_frame_playlist_has_the_segments_of_the_other_playlists() {
    let plan = planned(&everyday());
    let of = |id| hls::media_playlist(&plan, id).unwrap();
    let own = of(plan.trick_play.as_ref().unwrap().id);
    assert!(own.contains("\n#EXT-X-I-FRAMES-ONLY\n#EXT-X-MAP:URI=\"init.mp4\"\n"));
    assert!(!own.contains("BYTERANGE"));
    assert_eq!(
        own.replace("#EXT-X-I-FRAMES-ONLY\n", ""),
        of(plan.video[0].id)
    );
    let parsed = media(&own);
    assert!(parsed.i_frames_only && parsed.version.unwrap() >= 5);
}

#[test]
fn the_dash_set_of_trick_play_refers_to_the_video() {
    let plan = planned(&everyday());
    let mut sets = crate::dash::parsed(&plan).periods.remove(0).adaptations;
    let own = sets.pop().unwrap();
    let property = &own.essential_property[0];
    assert_eq!(
        property.schemeIdUri,
        "http://dashif.org/guidelines/trickmode"
    );
    assert_eq!(
        (&property.value, &sets[0].id),
        (&Some("0".into()), &Some("0".into()))
    );
    let ids = sets.iter().filter_map(|set| set.id.clone());
    assert!(ids.into_iter().all(|id| own.id.as_ref() != Some(&id)));
    let representation = &own.representations[0];
    assert_eq!(representation.maxPlayoutRate, Some(120.0));
    assert_eq!(representation.codingDependency, Some(false));
}

#[test]
fn audio_only_presentations_have_no_trick_play() {
    let plan = planned(&source(None, vec![sound(rational(10, 1))]));
    assert!(!hls::master(&plan, &Averages::new()).contains("I-FRAME"));
    assert!(!dash::mpd(&plan, &Averages::new()).contains("trickmode"));
}

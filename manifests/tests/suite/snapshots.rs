//! Snapshots of every text of five sources, reviewed by a person.

use manifests::{Averages, chapters, dash, hls, storyboard};
use plan::LazyCodec;
use plan::media_info::{Chapter, MediaInfo};

use crate::sources::{everyday, picture, planned, rational, silent, sound, source};

/// All texts of a plan in one string, so that a change is seen as a whole.
fn texts(info: &MediaInfo) -> String {
    let plan = planned(info);
    let averages = Averages::new();
    let mut text = hls::master(&plan, &averages);
    let firsts = [
        plan.video.first().map(|v| v.id),
        plan.audio.first().map(|a| a.id),
        plan.trick_play.as_ref().map(|i| i.id),
    ];
    for id in firsts.into_iter().flatten() {
        text += &format!("\n=== {id}\n{}", hls::media_playlist(&plan, id).unwrap());
    }
    text += &format!("\n=== mpd\n{}", dash::mpd(&plan, &averages));
    for track in [storyboard::vtt(&plan), chapters::vtt(&plan)]
        .into_iter()
        .flatten()
    {
        text += &format!("\n=== {track}");
    }
    text
}

/// Film with 5.1 in English, stereo in German, chapters, and a start that is not zero.
pub fn film() -> MediaInfo {
    let start = rational(1, 2);
    let mut video = picture((1280, 534), rational(24, 1), rational(25, 2));
    let (mut english, mut german) = (sound(rational(25, 2)), sound(rational(25, 2)));
    (video.start, english.start, german.start) = (start, start, start);
    (english.channels, english.layout, english.surround) = (6, "5.1".to_owned(), true);
    english.language = Some("en".to_owned());
    (german.stream, german.default) = (2, false);
    (german.language, german.title) = (Some("de".to_owned()), Some("Deutsch".to_owned()));
    let mut info = source(Some(video), vec![english, german]);
    for (from, to, title) in [
        (0, 5, "One & only"),
        (5, 12, "Two --> three"),
        (12, 99, "End"),
    ] {
        info.chapters.push(Chapter {
            start: rational(from, 1) + start,
            end: rational(to, 1) + start,
            title: title.to_owned(),
        });
    }
    info
}

#[test]
fn full_hd_with_stereo() {
    insta::assert_snapshot!(texts(&everyday()));
}

#[test]
fn film_with_surround_and_two_languages() {
    insta::assert_snapshot!(texts(&film()));
}

#[test]
fn other_codecs_are_listed_once_all_of_them_is_whole() {
    let plan = planned(&film()).with_codec(LazyCodec::Av1).unwrap();
    let plan = plan.with_codec(LazyCodec::Hevc).unwrap();
    let mut averages = Averages::new();
    let [hevc, av1] = &plan.lazy[..] else {
        panic!("two codecs");
    };
    let unlisted = [hls::master(&plan, &averages), dash::mpd(&plan, &averages)];
    let almost = hevc.ids().chain(av1.ids().skip(1));
    averages.extend(almost.map(|id| (id, 100_000)));
    let mut text = hls::master(&plan, &averages);
    assert!(text.contains("hvc1") && !text.contains("av01") && !text.contains("opus"));
    assert!(
        unlisted
            .iter()
            .all(|text| !text.contains("hvc1") && !text.contains("av01"))
    );
    averages.extend(av1.ids().map(|id| (id, 100_000)));
    text = hls::master(&plan, &averages);
    text += &format!("\n=== mpd\n{}", dash::mpd(&plan, &averages));
    let opus = av1.audio[0].id;
    text += &format!(
        "\n=== {opus}\n{}",
        hls::media_playlist(&plan, opus).unwrap()
    );
    insta::assert_snapshot!(text);
}

#[test]
fn sound_alone() {
    insta::assert_snapshot!(texts(&source(None, vec![sound(rational(20, 1))])));
}

#[test]
fn sound_alone_in_two_languages() {
    let mut info = film();
    info.video = None;
    insta::assert_snapshot!(texts(&info));
}

#[test]
fn ntsc_picture_alone() {
    insta::assert_snapshot!(texts(&silent(rational(30_000, 1001), rational(20, 1))));
}

#[test]
fn portrait() {
    let video = picture((1080, 1920), rational(60, 1), rational(9, 1));
    insta::assert_snapshot!(texts(&source(Some(video), vec![sound(rational(9, 1))])));
}

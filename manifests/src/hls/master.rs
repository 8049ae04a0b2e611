//! The multivariant playlist. A plan and the measured averages go in; the text of `master.m3u8` comes out.

use std::collections::BTreeSet;

use plan::{AudioRendition, Plan, Rational, TextRendition, VideoRendition};

use super::attributes::{Attributes, quotable};
use plan::language;

use crate::{Averages, bandwidth, listed};

/// Variants of one codec, with the audio groups that they play with.
struct Codec<'a> {
    /// Video renditions of the variants, in order. Audio-only presentations have a single variant without video.
    pictures: Vec<Option<&'a VideoRendition>>,
    groups: Vec<Group<'a>>,
}

/// Audio group: one rendition of every source track, so that all groups offer the same choice (RFC 8216 §4.3.4.1.1).
struct Group<'a> {
    id: &'static str,
    renditions: Vec<&'a AudioRendition>,
}

impl<'a> Group<'a> {
    /// The rendition that plays by default: the one marked as default, or else the first.
    fn first(&self) -> Option<&'a AudioRendition> {
        let mut renditions = self.renditions.iter();
        let default = renditions.clone().find(|a| a.default);
        default.or_else(|| renditions.next()).copied()
    }
}

/// The multivariant playlist of a plan. The first variant is the one that players start with; the other rungs follow,
/// highest first, and then the lazy codecs.
pub fn master(plan: &Plan, averages: &Averages) -> String {
    // Version 4 is the highest that EXT-X-MEDIA needs (RFC 8216 §7), and nothing else here needs a higher one.
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    let codecs = codecs(plan, averages);
    // HEVC uses the audio groups of H.264, which must be listed only once.
    let mut listed = BTreeSet::new();
    let groups = codecs.iter().flat_map(|codec| &codec.groups);
    let is_new = |group: &&Group<'_>| has_choice(plan) && listed.insert(group.id);
    for group in groups.filter(is_new) {
        let mut names = BTreeSet::new();
        for rendition in &group.renditions {
            text.push_str(&audio_media(group.id, rendition, &mut names));
        }
    }
    let mut names = BTreeSet::new();
    for rendition in plan.texts() {
        text.push_str(&text_media(plan, rendition, &mut names));
    }
    for Codec { pictures, groups } in &codecs {
        for &video in pictures {
            for group in groups {
                text.push_str(&variant(plan, video, Some(group), averages));
            }
            if groups.is_empty() {
                text.push_str(&variant(plan, video, None, averages));
            }
        }
    }
    if let Some(rendition) = &plan.trick_play {
        text.push_str(&i_frames(rendition, averages));
    }
    text
}

/// Variants of H.264 first, then those of each complete lazy codec.
fn codecs<'a>(plan: &'a Plan, averages: &'a Averages) -> Vec<Codec<'a>> {
    let usual = || groups(&plan.audio, ["stereo", "surround"]);
    let first = Codec {
        pictures: variants(plan),
        groups: usual(),
    };
    let lazy = listed::lazy(plan, averages).map(|lazy| Codec {
        pictures: lazy.video.iter().map(Some).collect(),
        groups: match &lazy.audio[..] {
            [] => usual(),
            own => groups(own, ["stereo-opus", "surround-opus"]),
        },
    });
    std::iter::once(first).chain(lazy).collect()
}

/// Video renditions of the H.264 variants: the start rung first, then the others. Audio-only presentations have one
/// variant without video.
fn variants(plan: &Plan) -> Vec<Option<&VideoRendition>> {
    if plan.video.is_empty() {
        return vec![None];
    }
    let start = plan.start_rungs().first().copied().unwrap_or(0);
    let rest = (0..plan.video.len()).filter(|&rung| rung != start);
    let order = std::iter::once(start).chain(rest);
    order.map(|rung| plan.video.get(rung)).collect()
}

/// Whether audio is listed as groups. A single audio rendition without video is a variant by itself.
fn has_choice(plan: &Plan) -> bool {
    !plan.video.is_empty() || plan.audio.len() > 1
}

/// Audio groups: stereo of every track; and, if any track has 5.1, a second group with 5.1 and the stereo of other
/// tracks.
fn groups<'a>(sounds: &'a [AudioRendition], ids: [&'static str; 2]) -> Vec<Group<'a>> {
    let of = |channels: u32| sounds.iter().filter(move |a| a.channels == channels);
    let stereo: Vec<_> = of(2).collect();
    let surround = |stereo: &&'_ AudioRendition| of(6).find(|a| a.track == stereo.track);
    let mut groups = Vec::new();
    if of(6).next().is_some() {
        let renditions = stereo.iter().map(|a| surround(a).unwrap_or(a)).collect();
        groups.push(Group {
            id: ids[1],
            renditions,
        });
    }
    if !stereo.is_empty() {
        groups.insert(
            0,
            Group {
                id: ids[0],
                renditions: stereo,
            },
        );
    }
    groups
}

/// Value for NAME that is unique within its group (RFC 8216 §4.3.4.1) after the replacement of characters.
fn unique(label: &str, names: &mut BTreeSet<String>) -> String {
    let label = quotable(label);
    let mut name = label.clone();
    let mut count = 2;
    while !names.insert(name.clone()) {
        name = format!("{label} {count}");
        count += 1;
    }
    name
}

fn yes(value: bool) -> &'static str {
    if value { "YES" } else { "NO" }
}

/// Id of the group of all text renditions.
const TEXT_GROUP: &str = "text";

fn text_media(plan: &Plan, rendition: &TextRendition, names: &mut BTreeSet<String>) -> String {
    let language = rendition.language.as_deref();
    let name = unique(&language::label(&rendition.label, language), names);
    media("SUBTITLES", TEXT_GROUP, &name, language)
        .plain("DEFAULT", yes(plan.default_text() == Some(rendition.id)))
        .plain("AUTOSELECT", "YES")
        .plain("FORCED", yes(rendition.forced))
        .quoted("URI", &format!("{}/playlist.m3u8", rendition.id))
        .line("#EXT-X-MEDIA")
}

/// Writes an audio rendition. 5.1 has the same NAME as its stereo: corresponding renditions of two groups may differ
/// only in URI and CHANNELS (RFC 8216 §4.3.4.1.1), and players show one group at a time.
fn audio_media(group: &str, rendition: &AudioRendition, names: &mut BTreeSet<String>) -> String {
    let language = rendition.language.as_deref();
    let name = unique(&language::label(&rendition.label, language), names);
    media("AUDIO", group, &name, language)
        .plain("DEFAULT", yes(rendition.default))
        .plain("AUTOSELECT", "YES")
        .quoted("CHANNELS", &rendition.channels.to_string())
        .quoted("URI", &format!("{}/playlist.m3u8", rendition.id))
        .line("#EXT-X-MEDIA")
}

/// Attributes with which every EXT-X-MEDIA tag starts.
fn media(kind: &str, group: &str, name: &str, language: Option<&str>) -> Attributes {
    let attributes = Attributes::default()
        .plain("TYPE", kind)
        .quoted("GROUP-ID", group)
        .quoted("NAME", name);
    match language.and_then(language::tag) {
        Some(language) => attributes.quoted("LANGUAGE", &language),
        None => attributes,
    }
}

fn variant(
    plan: &Plan,
    video: Option<&VideoRendition>,
    group: Option<&Group<'_>>,
    averages: &Averages,
) -> String {
    let sounds = group.map_or(&[][..], |group| &group.renditions);
    let mut codecs: Vec<&str> = Vec::new();
    let spoken = sounds.iter().map(|a| a.codec.as_str());
    for codec in video.map(|v| v.codec.as_str()).into_iter().chain(spoken) {
        if !codecs.contains(&codec) {
            codecs.push(codec);
        }
    }
    let mut attributes = Attributes::default().plain("BANDWIDTH", bandwidth::peak(video, sounds));
    if let Some(average) = bandwidth::average(averages, video, sounds) {
        attributes = attributes.plain("AVERAGE-BANDWIDTH", average);
    }
    attributes = attributes.quoted("CODECS", &codecs.join(","));
    if let Some(video) = video {
        let size = video.size();
        attributes = attributes
            .plain("RESOLUTION", format_args!("{}x{}", size.width, size.height))
            .plain("FRAME-RATE", frame_rate(plan.timeline.rate))
            .plain("VIDEO-RANGE", "SDR")
            // The absence of captions is stated, so that players do not search the video for them.
            .plain("CLOSED-CAPTIONS", "NONE");
    }
    if let Some(group) = group.filter(|_| has_choice(plan)) {
        attributes = attributes.quoted("AUDIO", group.id);
    }
    if plan.texts().next().is_some() {
        attributes = attributes.quoted("SUBTITLES", TEXT_GROUP);
    }
    // An audio-only variant has the URI of its default rendition: players see from the equal URIs that both are the
    // same.
    let sound = group.and_then(Group::first).map(|a| a.id);
    let uri = match video.map(|v| v.id).or(sound) {
        Some(id) => format!("{id}/playlist.m3u8\n"),
        None => return String::new(),
    };
    attributes.line("#EXT-X-STREAM-INF") + &uri
}

/// Writes the trick-play rendition (RFC 8216 §4.3.4.3).
fn i_frames(rendition: &VideoRendition, averages: &Averages) -> String {
    let peak = bandwidth::peak(Some(rendition), &[]);
    let mut attributes = Attributes::default().plain("BANDWIDTH", peak);
    if let Some(average) = bandwidth::average(averages, Some(rendition), &[]) {
        attributes = attributes.plain("AVERAGE-BANDWIDTH", average);
    }
    let size = rendition.size();
    attributes
        .quoted("CODECS", &rendition.codec)
        .plain("RESOLUTION", format_args!("{}x{}", size.width, size.height))
        .plain("VIDEO-RANGE", "SDR")
        .quoted("URI", &format!("{}/playlist.m3u8", rendition.id))
        .line("#EXT-X-I-FRAME-STREAM-INF")
}

/// Frames per second with three decimals, rounded to the nearest.
fn frame_rate(rate: Rational) -> String {
    let thousandths = rate.scale_round(1000, 1);
    format!("{}.{:03}", thousandths / 1000, thousandths % 1000)
}

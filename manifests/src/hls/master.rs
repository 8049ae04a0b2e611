//! The multivariant playlist.

use std::collections::BTreeSet;

use plan::{AudioRendition, Plan, Rational, VideoRendition};

use super::attributes::Attributes;
use crate::{Averages, bandwidth};

/// A group of sound renditions that variants play with.
struct Group<'a> {
    id: &'static str,
    renditions: Vec<&'a AudioRendition>,
}

/// The multivariant playlist of a plan. The first variant is the one that players start with;
/// the others follow from the highest down.
pub fn master(plan: &Plan, averages: &Averages) -> String {
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    let groups = groups(plan);
    for group in &groups {
        let mut names = BTreeSet::new();
        for rendition in &group.renditions {
            text.push_str(&audio_media(group.id, rendition, &mut names));
        }
    }
    if plan.video.is_empty() {
        for rendition in &plan.audio {
            text.push_str(&variant(plan, None, Some(rendition), None, averages));
        }
        return text;
    }
    let start = plan.start_rungs().first().copied().unwrap_or(0);
    let rest = (0..plan.video.len()).filter(|&rung| rung != start);
    for rung in std::iter::once(start).chain(rest) {
        let video = plan.video.get(rung);
        if groups.is_empty() {
            text.push_str(&variant(plan, video, None, None, averages));
        }
        for group in &groups {
            let widest = group
                .renditions
                .iter()
                .copied()
                .max_by_key(|a| a.bound_bits_per_second);
            text.push_str(&variant(plan, video, widest, Some(group.id), averages));
        }
    }
    text
}

/// Stereo of every track, and 5.1 beside it where a track has it. Variants name a group only
/// where there is a picture: sound alone is listed as variants of its own.
fn groups(plan: &Plan) -> Vec<Group<'_>> {
    if plan.video.is_empty() {
        return Vec::new();
    }
    let of = |channels: u32| {
        plan.audio
            .iter()
            .filter(move |a| a.channels == channels)
            .collect()
    };
    let groups = [
        Group {
            id: "stereo",
            renditions: of(2),
        },
        Group {
            id: "surround",
            renditions: of(6),
        },
    ];
    groups
        .into_iter()
        .filter(|group| !group.renditions.is_empty())
        .collect()
}

fn audio_media(group: &str, rendition: &AudioRendition, names: &mut BTreeSet<String>) -> String {
    // NAME is unique within its group (RFC 8216 §4.3.4.1).
    let mut name = rendition.label.clone();
    let mut count = 2;
    while !names.insert(name.clone()) {
        name = format!("{} {count}", rendition.label);
        count += 1;
    }
    let yes = |value: bool| if value { "YES" } else { "NO" };
    let mut attributes = Attributes::default()
        .plain("TYPE", "AUDIO")
        .quoted("GROUP-ID", group)
        .quoted("NAME", &name);
    if let Some(language) = &rendition.language {
        attributes = attributes.quoted("LANGUAGE", language);
    }
    attributes
        .plain("DEFAULT", yes(rendition.default))
        .plain("AUTOSELECT", "YES")
        .quoted("CHANNELS", &rendition.channels.to_string())
        .quoted("URI", &format!("{}/playlist.m3u8", rendition.id))
        .line("#EXT-X-MEDIA")
}

fn variant(
    plan: &Plan,
    video: Option<&VideoRendition>,
    audio: Option<&AudioRendition>,
    group: Option<&str>,
    averages: &Averages,
) -> String {
    let codecs: Vec<&str> = video
        .map(|v| v.codec.as_str())
        .into_iter()
        .chain(audio.map(|a| a.codec.as_str()))
        .collect();
    let mut attributes = Attributes::default().plain("BANDWIDTH", bandwidth::peak(video, audio));
    if let Some(average) = bandwidth::average(averages, video, audio) {
        attributes = attributes.plain("AVERAGE-BANDWIDTH", average);
    }
    attributes = attributes.quoted("CODECS", &codecs.join(","));
    if let Some(video) = video {
        let size = video.size();
        attributes = attributes
            .plain("RESOLUTION", format_args!("{}x{}", size.width, size.height))
            .plain("FRAME-RATE", frame_rate(plan.timeline.rate))
            .plain("VIDEO-RANGE", "SDR");
    }
    if let Some(group) = group {
        attributes = attributes.quoted("AUDIO", group);
    }
    let id = video.map(|v| v.id).or(audio.map(|a| a.id));
    let uri = id
        .map(|id| format!("{id}/playlist.m3u8\n"))
        .unwrap_or_default();
    attributes.line("#EXT-X-STREAM-INF") + &uri
}

/// Frames per second with three decimals, rounded to the nearest.
fn frame_rate(rate: Rational) -> String {
    let thousandths = rate.scale_round(1000, 1);
    format!("{}.{:03}", thousandths / 1000, thousandths % 1000)
}

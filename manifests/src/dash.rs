//! The DASH manifest (MPD; ISO/IEC 23009-1, profile isoff-live) of the same segments as the HLS playlists.
//!
//! [`mpd`] takes a plan and the measured averages and returns the text of `manifest.mpd`.

mod trick_play;

use std::fmt::Display;

use plan::language;
use plan::timeline::SAMPLE_RATE;
use plan::{AudioRendition, Plan, Storyboard, TextRendition, VideoRendition};

use crate::xml::Xml;
use crate::{Averages, listed};

/// Duration of media that a player must buffer before it plays, if it receives a representation at its `bandwidth`
/// (§5.3.1.2). A segment exceeds its cap by at most the encoder's buffer, which is one second. A longer duration
/// would only delay the start (Shaka waits for it).
const MIN_BUFFER: &str = "PT1S";

/// Id of the adaptation set of the video in H.264.
const VIDEO_SET_ID: usize = 0;

/// The MPD of a plan. `bandwidth` is the upper bound of each representation. DASH has no average bit rate, so
/// `averages` only tells which codecs are complete.
pub fn mpd(plan: &Plan, averages: &Averages) -> String {
    let mut xml = Xml::document();
    let duration = seconds(plan.timeline.duration_us());
    let longest = seconds(crate::hls::longest_us(plan));
    xml.open(
        "MPD",
        &[
            ("xmlns", &"urn:mpeg:dash:schema:mpd:2011"),
            (
                "profiles",
                &"urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019",
            ),
            ("type", &"static"),
            ("mediaPresentationDuration", &duration),
            ("maxSegmentDuration", &longest),
            ("minBufferTime", &MIN_BUFFER),
        ],
    );
    xml.open(
        "Period",
        &[("id", &"0"), ("start", &"PT0S"), ("duration", &duration)],
    );
    if !plan.video.is_empty() {
        pictures(&mut xml, plan, &plan.video, VIDEO_SET_ID, H264_PRIORITY);
    }
    for (index, rendition) in plan.audio.iter().enumerate() {
        sound(&mut xml, plan, rendition, index + 1, H264_PRIORITY);
    }
    let first_text = plan.audio.len() + 1;
    for (index, rendition) in plan.texts().enumerate() {
        text(
            &mut xml,
            rendition,
            plan.default_text() == Some(rendition.id),
            first_text + index,
        );
    }
    let mut next = first_text + plan.texts().count();
    for (lazy, priority) in listed::lazy(plan, averages).zip(H264_PRIORITY + 1..) {
        pictures(&mut xml, plan, &lazy.video, next, priority);
        next += 1;
        for rendition in &lazy.audio {
            sound(&mut xml, plan, rendition, next, priority);
            next += 1;
        }
    }
    if let Some(storyboard) = &plan.storyboard {
        tiles(&mut xml, storyboard);
    }
    if let Some(rendition) = &plan.trick_play {
        trick_play::pictures(&mut xml, plan, rendition, next);
    }
    xml.finish()
}

/// Value of `selectionPriority` if the attribute is absent (§5.3.3.2). Players choose the adaptation set with the
/// highest priority among those that they can decode.
const H264_PRIORITY: u32 = 1;

fn pictures(xml: &mut Xml, plan: &Plan, rungs: &[VideoRendition], id: usize, priority: u32) {
    let rate = plan.timeline.rate;
    let frame_rate = match rate.den() {
        1 => rate.num().to_string(),
        den => format!("{}/{den}", rate.num()),
    };
    let mut attributes: Vec<(&str, &dyn Display)> = vec![
        ("id", &id),
        ("contentType", &"video"),
        ("mimeType", &"video/mp4"),
        ("segmentAlignment", &"true"),
        ("startWithSAP", &"1"),
    ];
    if priority != H264_PRIORITY {
        attributes.push(("selectionPriority", &priority));
    }
    xml.open("AdaptationSet", &attributes);
    if let Some(rendition) = rungs.first() {
        frames(xml, plan, rendition);
    }
    for video in rungs {
        let size = video.size();
        xml.empty(
            "Representation",
            &[
                ("id", &video.id),
                ("bandwidth", &video.cap_bits_per_second),
                ("codecs", &video.codec),
                ("width", &size.width),
                ("height", &size.height),
                ("frameRate", &frame_rate),
                ("sar", &"1:1"),
            ],
        );
    }
    xml.close();
}

/// Writes the segment template of a video rendition.
fn frames(xml: &mut Xml, plan: &Plan, rendition: &VideoRendition) {
    let duration = i64::from(rendition.frame_duration);
    let boundaries = plan.timeline.boundaries.iter();
    let boundaries: Vec<i64> = boundaries.map(|tick| tick.0 * duration).collect();
    template(xml, rendition.time_scale, &boundaries);
}

fn sound(xml: &mut Xml, plan: &Plan, rendition: &AudioRendition, id: usize, priority: u32) {
    let mut attributes: Vec<(&str, &dyn Display)> = vec![
        ("id", &id),
        ("contentType", &"audio"),
        ("mimeType", &"audio/mp4"),
        ("segmentAlignment", &"true"),
        ("startWithSAP", &"1"),
    ];
    let declared = rendition.language.as_deref();
    let language = declared.and_then(language::tag);
    if let Some(language) = &language {
        attributes.push(("lang", language));
    }
    if priority != H264_PRIORITY {
        attributes.push(("selectionPriority", &priority));
    }
    xml.open("AdaptationSet", &attributes);
    // The schema prescribes this order: elements of every representation base (such as labels), then roles, then
    // templates.
    let mut label = language::label(&rendition.label, declared);
    // Menus of DASH players list 5.1 beside its stereo, and would show both with the same label.
    if rendition.channels > 2 {
        label += " (5.1)";
    }
    xml.text("Label", &[], &label);
    let role = if rendition.default {
        "main"
    } else {
        "alternate"
    };
    xml.empty(
        "Role",
        &[
            ("schemeIdUri", &"urn:mpeg:dash:role:2011"),
            ("value", &role),
        ],
    );
    let timeline = &plan.timeline;
    let starts = (0..timeline.segments()).map(|n| rendition.span(timeline, n).0.0);
    let boundaries: Vec<i64> = starts.chain([timeline.samples.0]).collect();
    template(xml, SAMPLE_RATE as u32, &boundaries);
    xml.open(
        "Representation",
        &[
            ("id", &rendition.id),
            ("bandwidth", &rendition.bound_bits_per_second),
            ("codecs", &rendition.codec),
            ("audioSamplingRate", &SAMPLE_RATE),
        ],
    );
    xml.empty(
        "AudioChannelConfiguration",
        &[
            ("schemeIdUri", &"urn:mpeg:mpegB:cicp:ChannelConfiguration"),
            ("value", &rendition.channels),
        ],
    );
    xml.close();
    xml.close();
}

/// Writes a text rendition as one WebVTT file: raw WebVTT has no segments in DASH (DASH-IF IOP part 7 §4.2).
fn text(xml: &mut Xml, rendition: &TextRendition, is_default: bool, id: usize) {
    let mut attributes: Vec<(&str, &dyn Display)> = vec![
        ("id", &id),
        ("contentType", &"text"),
        ("mimeType", &"text/vtt"),
    ];
    let declared = rendition.language.as_deref();
    let language = declared.and_then(language::tag);
    if let Some(language) = &language {
        attributes.push(("lang", language));
    }
    xml.open("AdaptationSet", &attributes);
    let label = language::label(&rendition.label, declared);
    xml.text("Label", &[], &label);
    let role = match rendition.forced {
        true => "forced-subtitle",
        false => "subtitle",
    };
    let scheme: &dyn Display = &"urn:mpeg:dash:role:2011";
    xml.empty("Role", &[("schemeIdUri", scheme), ("value", &role)]);
    if is_default {
        xml.empty("Role", &[("schemeIdUri", scheme), ("value", &"main")]);
    }
    xml.open(
        "Representation",
        // `bandwidth` is mandatory, but players do not choose text by it.
        &[("id", &rendition.id), ("bandwidth", &1000)],
    );
    xml.text("BaseURL", &[], &format!("{}/all.vtt", rendition.id));
    xml.close();
    xml.close();
}

/// Writes a segment template with its time line: runs of segments of equal length, counted from 0.
fn template(xml: &mut Xml, time_scale: u32, boundaries: &[i64]) {
    xml.open(
        "SegmentTemplate",
        &[
            ("timescale", &time_scale),
            ("startNumber", &0),
            ("initialization", &"$RepresentationID$/init.mp4"),
            ("media", &"$RepresentationID$/$Number$.m4s"),
        ],
    );
    xml.open("SegmentTimeline", &[]);
    let mut runs: Vec<(i64, i64, i64)> = Vec::new();
    for pair in boundaries.windows(2) {
        let length = pair[1] - pair[0];
        match runs.last_mut() {
            Some((_, run, repeats)) if *run == length => *repeats += 1,
            _ => runs.push((pair[0], length, 0)),
        }
    }
    for (start, length, repeats) in runs {
        match repeats {
            0 => xml.empty("S", &[("t", &start), ("d", &length)]),
            _ => xml.empty("S", &[("t", &start), ("d", &length), ("r", &repeats)]),
        }
    }
    xml.close();
    xml.close();
}

/// Writes the storyboard as an adaptation set of images with `thumbnail_tile` (DASH-IF IOP).
fn tiles(xml: &mut Xml, storyboard: &Storyboard) {
    let (columns, rows) = (storyboard.columns, storyboard.rows);
    let sheet_seconds = columns * rows * storyboard.interval_seconds;
    let size = storyboard.tile;
    xml.open(
        "AdaptationSet",
        &[("contentType", &"image"), ("mimeType", &"image/jpeg")],
    );
    xml.empty(
        "SegmentTemplate",
        &[
            ("startNumber", &0),
            ("duration", &sheet_seconds),
            ("media", &"$RepresentationID$/$Number$.jpg"),
        ],
    );
    xml.open(
        "Representation",
        &[
            ("id", &storyboard.id),
            // A tile of this size takes about 4 kB. Players only compare the value with other representations.
            ("bandwidth", &(columns * rows * 32_000 / sheet_seconds)),
            ("width", &(size.width * columns)),
            ("height", &(size.height * rows)),
        ],
    );
    xml.empty(
        "EssentialProperty",
        &[
            (
                "schemeIdUri",
                &"http://dashif.org/guidelines/thumbnail_tile",
            ),
            ("value", &format!("{columns}x{rows}")),
        ],
    );
    xml.close();
    xml.close();
}

/// A duration as `xs:duration` in seconds, exact to the microsecond.
fn seconds(us: i64) -> String {
    match us % 1_000_000 {
        0 => format!("PT{}S", us / 1_000_000),
        rest => format!("PT{}.{rest:06}S", us / 1_000_000),
    }
}

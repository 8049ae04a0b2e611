//! Comparison of the corpus's facts about a file with those of the probe and the plan.

use plan::media_info::{DynamicRange, TextTrack, VideoTrack};
use plan::{MediaInfo, Plan};
use serde_json::Value;

/// Most difference of times in seconds, where the corpus names none.
const TOLERANCE_S: f64 = 0.1;
/// Most difference of one track's start from the other's, in seconds.
const SYNCHRONISM_S: f64 = 0.045;
/// Most relative difference of a rate that counts as constant: phones stamp 30 pictures a second as 29.97 to 30.03 on
/// average of a short clip.
const RATE: f64 = 0.002;

/// Expected values, and the differences from them.
struct Facts<'a> {
    expected: &'a Value,
    problems: Vec<String>,
}

impl Facts<'_> {
    /// Compares a number with the expected one, or with one of `also_…`.
    fn near(&mut self, what: &str, got: f64, tolerance: f64) {
        let Some(wanted) = self.expected[what].as_f64() else {
            return;
        };
        let also = self.expected[format!("also_{what}")].as_array();
        let also = also.into_iter().flatten().filter_map(Value::as_f64);
        if !also
            .chain([wanted])
            .any(|right| (got - right).abs() <= tolerance)
        {
            self.problems
                .push(format!("{what} is {got:.3}, not {wanted:.3}"));
        }
    }

    /// Compares any other value, if one is expected.
    fn same(&mut self, what: &str, got: impl Into<Value>) {
        let got = got.into();
        let wanted = &self.expected[what];
        let also = self.expected[format!("also_{what}")].as_array();
        let is_right = got == *wanted || also.is_some_and(|also| also.contains(&got));
        if !is_right && !wanted.is_null() {
            self.problems.push(format!("{what} is {got}, not {wanted}"));
        }
    }

    fn tolerance(&self, what: &str, otherwise: f64) -> f64 {
        self.expected[what].as_f64().unwrap_or(otherwise)
    }
}

/// Differences of a file from its expected values.
pub fn compare(info: &MediaInfo, plan: &Plan, expected: &Value) -> Vec<String> {
    let mut facts = Facts {
        expected,
        problems: Vec::new(),
    };
    times(&mut facts, plan);
    picture(&mut facts, info, plan);
    tracks(&mut facts, info);
    if expected["audio_only"] == true && (info.video.is_some() || info.audio.is_empty()) {
        facts.problems.push("not sound alone".to_owned());
    }
    facts.problems
}

fn times(facts: &mut Facts, plan: &Plan) {
    let seconds = |us: i64| us as f64 / 1e6;
    let frame = plan.timeline.rate.den() as f64 / plan.timeline.rate.num() as f64;
    let tolerance = facts.tolerance("tol_s", TOLERANCE_S);
    let duration = seconds(plan.timeline.duration_us());
    facts.near("duration_s", duration, tolerance + frame);
    if let Some((start, length)) = plan.content.video {
        // Where a blank part before everything may be left out, starts count from its end.
        let trimmed = facts.expected["duration_s"].as_f64().unwrap_or(duration) - duration;
        let trimmed = match facts.expected["also_duration_s"].is_array() && trimmed > tolerance {
            true => trimmed,
            false => 0.0,
        };
        facts.near("video_start_s", seconds(start) + trimmed, SYNCHRONISM_S);
        facts.near("video_s", seconds(length), tolerance + frame);
    }
    if let Some(&(start, length)) = plan.content.audio.first() {
        facts.near("audio_start_s", seconds(start), SYNCHRONISM_S);
        facts.near("audio_s", seconds(length), tolerance);
    }
}

fn picture(facts: &mut Facts, info: &MediaInfo, plan: &Plan) {
    let Some(video) = &info.video else {
        if facts.expected["display_width"].is_number() {
            facts.problems.push("no picture".to_owned());
        }
        return;
    };
    facts.near("coded_width", f64::from(video.coded_width), 0.5);
    facts.near("coded_height", f64::from(video.coded_height), 0.5);
    let rate = video.frame_rate.as_f64();
    facts.near("fps", rate, rate * RATE);
    match (video.frames, facts.expected["min_frames"].as_f64()) {
        (Some(frames), None) => {
            let tolerance = facts.tolerance("tol_frames", 0.0);
            facts.near("frames", frames as f64, tolerance + 0.5);
        }
        // Of a damaged file, fewer pictures decode than there are.
        (Some(frames), Some(least)) if (frames as f64) < least => {
            facts.problems.push(format!("{frames} frames"));
        }
        _ => {}
    }
    facts.same("vfr", !video.constant_rate);
    // Mirroring and then turning right equals turning left and then mirroring.
    let rotation = match video.mirrored {
        true => (360 - video.rotation) % 360,
        false => video.rotation,
    };
    facts.same("rotation", rotation);
    facts.same("hdr", hdr(video));
    facts.same("interlaced", video.interlaced);
    facts.same("video_codec", video.codec.clone());
    if facts.expected["display_width"].is_number() {
        let clean = video.aperture.map(|part| vec![part.width, part.height]);
        facts.same("clean_aperture", clean);
        let mirrored = facts.expected["mirror"] == true;
        if video.mirrored != mirrored {
            facts.problems.push(format!("mirrored: {}", video.mirrored));
        }
        display(facts, plan);
        color(facts, video);
    }
}

fn hdr(video: &VideoTrack) -> String {
    match (video.dolby_vision, video.dynamic_range()) {
        (Some(profile), _) => format!("dovi-p{profile}"),
        (None, DynamicRange::Hdr10) => "hdr10".to_owned(),
        (None, DynamicRange::Hlg) => "hlg".to_owned(),
        (None, DynamicRange::Sdr) => "sdr".to_owned(),
    }
}

/// Compares the top rung's size, which is rounded to even numbers.
fn display(facts: &mut Facts, plan: &Plan) {
    let size = plan.video[0].size();
    let tolerance = facts.tolerance("tol_px", 1.0);
    let wanted = [
        facts.expected["display_width"].clone(),
        facts.expected["display_height"].clone(),
    ];
    // Larger pictures are scaled down into the largest box.
    let scale = |side: f64, other: f64| side * (3840.0 / side.max(other)).min(1.0);
    let is_right = |pair: &[Value]| {
        let (Some(width), Some(height)) = (pair[0].as_f64(), pair[1].as_f64()) else {
            return false;
        };
        (f64::from(size.width) - scale(width, height)).abs() <= tolerance
            && (f64::from(size.height) - scale(height, width)).abs() <= tolerance
    };
    let also = facts.expected["also_display"].as_array();
    let also = also
        .into_iter()
        .flatten()
        .filter_map(|pair| pair.as_array());
    if !is_right(&wanted) && !also.into_iter().any(|pair| is_right(pair)) {
        facts.problems.push(format!(
            "{}x{} is shown, not {}x{}",
            size.width, size.height, wanted[0], wanted[1]
        ));
    }
}

fn color(facts: &mut Facts, video: &VideoTrack) {
    let got = serde_json::json!({
        "range": video.color.range,
        "matrix": video.color.matrix,
        "transfer": video.color.transfer,
        "primaries": video.color.primaries,
        "pix_fmt": video.pixel_format,
    });
    facts.same("color", got);
}

fn tracks(facts: &mut Facts, info: &MediaInfo) {
    let language = |language: &Option<String>| language.clone().unwrap_or_else(|| "und".to_owned());
    let sound: Vec<Value> = info
        .audio
        .iter()
        .map(|track| {
            serde_json::json!({
                "codec": track.codec,
                "channels": track.channels,
                "sample_rate": track.sample_rate,
                "lang": language(&track.language),
            })
        })
        .collect();
    facts.same("audio_tracks", sound);
    let is_caption = |track: &&TextTrack| track.codec == "eia_608";
    let captions = info.text.iter().filter(is_caption);
    let captions: Vec<&str> = captions.map(|_| "cea-608").collect();
    let wanted = facts.expected["captions"].as_array();
    let wanted: Vec<&str> = wanted
        .into_iter()
        .flatten()
        .filter_map(|c| c.as_str())
        .collect();
    if wanted != captions {
        let problem = format!("captions are {captions:?}, not {wanted:?}");
        facts.problems.push(problem);
    }
    let text = info
        .text
        .iter()
        .filter(|track| !is_caption(track))
        .map(|track| (track.stream, track.codec.clone()));
    let bitmaps = info.skipped.iter().filter(|track| track.kind == "subtitle");
    let bitmaps = bitmaps.map(|track| (track.stream, track.codec.clone().unwrap_or_default()));
    let mut subtitles: Vec<(u32, String)> = text.chain(bitmaps).collect();
    subtitles.sort();
    let wanted = facts.expected["subtitle_tracks"].as_array();
    let formats: Vec<&str> = wanted
        .into_iter()
        .flatten()
        .filter_map(|track| track["format"].as_str())
        .collect();
    let got: Vec<&str> = subtitles.iter().map(|(_, codec)| codec.as_str()).collect();
    if wanted.is_some() && formats != got {
        facts
            .problems
            .push(format!("subtitles are {got:?}, not {formats:?}"));
    }
    facts.same("chapters", info.chapters.len());
}

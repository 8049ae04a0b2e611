//! The tracks of a source as its container declares them.

use std::ffi::CStr;

use ffmpeg_next::codec::{self, Id, packet::side_data};
use ffmpeg_next::format::context::Input;
use ffmpeg_next::format::stream::Disposition;
use ffmpeg_next::{Stream, color, frame, media};
use plan::Rational;
use plan::media_info::{AudioTrack, Color, SkippedTrack, TextTrack, VideoTrack};

use super::light;
use crate::ffi::{self, Declared};
use crate::times::rational;

/// Titles and languages longer than this are cut.
const LONGEST_LABEL: usize = 200;

/// What `find` found.
#[derive(Default)]
pub struct Found {
    pub video: Option<VideoTrack>,
    /// From one decoded picture to the next, in seconds, where that was looked at.
    pub picture_step: Option<Rational>,
    pub audio: Vec<AudioTrack>,
    pub text: Vec<TextTrack>,
    pub skipped: Vec<SkippedTrack>,
    /// The first cover picture that can be decoded.
    pub cover: Option<u32>,
}

/// Sorts the streams into tracks; times are filled in later.
pub fn find(input: &Input) -> Found {
    let mut found = Found::default();
    for stream in input.streams() {
        let parameters = stream.parameters();
        let declared = ffi::declared(&parameters);
        let id = parameters.id();
        let decodable = id != Id::None && codec::decoder::find(id).is_some();
        let picture = stream.disposition().contains(Disposition::ATTACHED_PIC);
        match parameters.medium() {
            media::Type::Video if picture => {
                if decodable && found.cover.is_none() {
                    found.cover = Some(stream.index() as u32);
                }
                found.skip(&stream, "video", "a cover picture");
            }
            media::Type::Video if !decodable => found.skip(&stream, "video", "no decoder"),
            media::Type::Video if found.video.is_some() => {
                found.skip(&stream, "video", "a second picture track");
            }
            media::Type::Video => found.video = Some(video(&stream, &declared)),
            media::Type::Audio if !decodable => found.skip(&stream, "audio", "no decoder"),
            media::Type::Audio if declared.sample_rate <= 0 || declared.channels <= 0 => {
                found.skip(&stream, "audio", "no sample rate or channels");
            }
            media::Type::Audio => found.audio.push(audio(&stream, &declared)),
            media::Type::Subtitle if is_text(id) => found.text.push(text(&stream)),
            media::Type::Subtitle => found.skip(&stream, "subtitle", "bitmap subtitles"),
            media::Type::Attachment => found.skip(&stream, "attachment", "not shown"),
            _ => found.skip(&stream, "data", "not shown"),
        }
    }
    found
}

impl Found {
    /// Notes sound tracks of which nothing can be decoded.
    pub fn skip_silent(&mut self, tracks: Vec<AudioTrack>) {
        let skipped = tracks.into_iter().map(|track| SkippedTrack {
            stream: track.stream,
            kind: "audio".to_owned(),
            codec: Some(track.codec),
            reason: "nothing of it can be decoded".to_owned(),
        });
        self.skipped.extend(skipped);
    }

    fn skip(&mut self, stream: &Stream, kind: &str, reason: &str) {
        let id = stream.parameters().id();
        self.skipped.push(SkippedTrack {
            stream: stream.index() as u32,
            kind: kind.to_owned(),
            codec: (id != Id::None).then(|| id.name().to_owned()),
            reason: reason.to_owned(),
        });
    }
}

/// The sentence for a source whose samples are encrypted (ISO/IEC 23001-7).
pub fn encrypted(input: &Input) -> Option<&'static str> {
    let tags = [u32::from_le_bytes(*b"encv"), u32::from_le_bytes(*b"enca")];
    let is_encrypted = |stream: Stream| {
        tags.contains(&ffi::declared(&stream.parameters()).codec_tag)
            || stream
                .side_data()
                .any(|data| data.kind() == side_data::Type::EncryptionInitInfo)
    };
    let found = input.streams().any(is_encrypted);
    found.then_some("The file is encrypted; reelmill has no key to it.")
}

fn video(stream: &Stream, declared: &Declared) -> VideoTrack {
    let aspect = rational(declared.sample_aspect);
    let (rotation, mirrored) = display_matrix(stream);
    let rate = rational(stream.avg_frame_rate());
    VideoTrack {
        stream: stream.index() as u32,
        codec: stream.parameters().id().name().to_owned(),
        profile: ffi::profile_name(stream.parameters().id(), declared.profile),
        time_base: rational(stream.time_base()),
        coded_width: declared.width.max(0) as u32,
        coded_height: declared.height.max(0) as u32,
        sample_aspect: if aspect.num() > 0 {
            aspect
        } else {
            Rational::new(1, 1)
        },
        rotation,
        mirrored,
        pixel_format: String::new(),
        color: Color::default(),
        peak_nits: light::of_stream(stream),
        dolby_vision: light::dolby_vision(stream),
        interlaced: false,
        frame_rate: rate,
        constant_rate: true,
        rate_p95: None,
        start: Rational::ZERO,
        end: Rational::ZERO,
        frames: None,
        longest_gop: None,
        open_gops: false,
        coded: None,
        aperture: None,
        complexity: None,
        default: stream.disposition().contains(Disposition::DEFAULT),
    }
}

/// Whether pictures of this track may be pairs of fields.
pub fn may_be_interlaced(input: &Input, track: &VideoTrack) -> bool {
    const CODECS: [&str; 7] = [
        "h264",
        "mpeg2video",
        "mpeg4",
        "vc1",
        "dvvideo",
        "prores",
        "dnxhd",
    ];
    let stream = input.stream(track.stream as usize);
    let declared = stream.map(|stream| ffi::declared(&stream.parameters()));
    CODECS.contains(&&*track.codec) && declared.is_some_and(|d| !d.is_progressive)
}

/// Fills in what only a decoded picture tells.
pub fn describe_picture(track: &mut VideoTrack, picture: &frame::Video) {
    track.coded_width = picture.width();
    track.coded_height = picture.height();
    track.pixel_format = picture
        .format()
        .descriptor()
        .map_or_else(String::new, |d| d.name().to_owned());
    track.peak_nits = light::of_picture(picture).or(track.peak_nits);
    let aspect = rational(picture.aspect_ratio());
    if aspect.num() > 0 {
        track.sample_aspect = aspect;
    }
    // What the container says of colour comes first (ISO/IEC 14496-12 §12.1.5).
    let own = colors(
        picture.color_range(),
        picture.color_space(),
        picture.color_primaries(),
        picture.color_transfer_characteristic(),
    );
    let known = &mut track.color;
    known.range = known.range.take().or(own.range);
    known.matrix = known.matrix.take().or(own.matrix);
    known.primaries = known.primaries.take().or(own.primaries);
    known.transfer = known.transfer.take().or(own.transfer);
}

/// Fills in what the container tells of colour, as a decoder has it that has decoded nothing.
pub fn describe_colors(track: &mut VideoTrack, fresh: &codec::decoder::Video) {
    track.color = colors(
        fresh.color_range(),
        fresh.color_space(),
        fresh.color_primaries(),
        fresh.color_transfer_characteristic(),
    );
}

fn colors(
    range: color::Range,
    matrix: color::Space,
    primaries: color::Primaries,
    transfer: color::TransferCharacteristic,
) -> Color {
    let declared = |name: Option<&'static str>| {
        name.filter(|n| !matches!(*n, "unknown" | "reserved" | "unspecified"))
            .map(str::to_owned)
    };
    Color {
        range: match range {
            color::Range::MPEG => Some("limited".to_owned()),
            color::Range::JPEG => Some("full".to_owned()),
            _ => None,
        },
        matrix: declared(matrix.name()),
        primaries: declared(primaries.name()),
        transfer: declared(transfer.name()),
    }
}

fn audio(stream: &Stream, declared: &Declared) -> AudioTrack {
    let frame_samples = u32::try_from(declared.frame_samples)
        .ok()
        .filter(|&n| n > 0);
    AudioTrack {
        stream: stream.index() as u32,
        codec: stream.parameters().id().name().to_owned(),
        profile: ffi::profile_name(stream.parameters().id(), declared.profile),
        time_base: rational(stream.time_base()),
        sample_rate: declared.sample_rate.max(0) as u32,
        channels: declared.channels.clamp(0, 64) as u32,
        layout: format!("{} channels", declared.channels),
        frame_samples,
        start: Rational::ZERO,
        end: Rational::ZERO,
        first_pts: 0,
        priming: declared.initial_padding.max(0) as u32,
        language: tag(stream, c"language").filter(|l| l != "und"),
        title: tag(stream, c"title"),
        default: stream.disposition().contains(Disposition::DEFAULT),
    }
}

fn text(stream: &Stream) -> TextTrack {
    TextTrack {
        stream: stream.index() as u32,
        codec: stream.parameters().id().name().to_owned(),
        language: tag(stream, c"language").filter(|l| l != "und"),
        title: tag(stream, c"title"),
        default: stream.disposition().contains(Disposition::DEFAULT),
        forced: stream.disposition().contains(Disposition::FORCED),
    }
}

/// Captions that lie in the pictures of a track. Broadcasts have room for them whether anybody
/// speaks or not; a list of cues that turns out empty is left out later.
pub fn captions(video: &VideoTrack) -> TextTrack {
    TextTrack {
        stream: video.stream,
        codec: Id::EIA_608.name().to_owned(),
        language: None,
        title: Some("CC".to_owned()),
        default: false,
        forced: false,
    }
}

fn is_text(id: Id) -> bool {
    matches!(
        id,
        Id::MOV_TEXT
            | Id::SUBRIP
            | Id::SRT
            | Id::ASS
            | Id::SSA
            | Id::WEBVTT
            | Id::TEXT
            | Id::EIA_608
    )
}

fn tag(stream: &Stream, name: &CStr) -> Option<String> {
    let whole = ffi::tag(&stream.metadata(), name)?;
    let value: String = whole.chars().take(LONGEST_LABEL).collect();
    (!value.trim().is_empty()).then_some(value)
}

/// Degrees clockwise, and whether the picture is mirrored first, from a display matrix
/// (ISO/IEC 14496-12 §8.3.2.3): x' = a x + c y, y' = b x + d y, y pointing down.
fn display_matrix(stream: &Stream) -> (u16, bool) {
    let is_matrix = |data: &side_data::SideData| data.kind() == side_data::Type::DisplayMatrix;
    let Some(data) = stream.side_data().find(is_matrix) else {
        return (0, false);
    };
    let value = |index: usize| {
        let bytes = data.data().get(index * 4..index * 4 + 4)?;
        Some(i64::from(i32::from_ne_bytes(bytes.try_into().ok()?)))
    };
    let (Some(a), Some(b), Some(c), Some(d)) = (value(0), value(1), value(3), value(4)) else {
        return (0, false);
    };
    let mirrored = a * d - b * c < 0;
    let rotation = match (d, -c) {
        (cos, sin) if cos.abs() >= sin.abs() => {
            if cos < 0 {
                180
            } else {
                0
            }
        }
        (_, sin) => {
            if sin > 0 {
                90
            } else {
                270
            }
        }
    };
    (rotation, mirrored)
}

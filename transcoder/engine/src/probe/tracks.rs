//! The tracks of a source, as its container declares them.

mod describe;

use std::ffi::CStr;

use ffmpeg_next::codec::{self, Id, packet::side_data};
use ffmpeg_next::format::context::Input;
use ffmpeg_next::format::stream::Disposition;
use ffmpeg_next::{Stream, media};
use plan::media_info::{AudioTrack, Color, SkippedTrack, TextTrack, VideoTrack};
use plan::{Code, Note, Rational};

pub use self::describe::{describe_colors, describe_picture};
use super::containers::flv::Unread;
use super::containers::matroska::{Segment, Track};
use super::pictures::light;
use crate::ffi::{self, Declared};
use crate::input::boxes;
use crate::input::times::rational;

/// Most characters of a title or a language; longer ones are cut.
const LONGEST_LABEL: usize = 200;

/// Declared tracks of a source, and the notes on them so far.
#[derive(Default)]
pub struct DeclaredTracks {
    pub video: Option<VideoTrack>,
    /// Candidates for the picture track, in the order of the file.
    pub further: Vec<VideoTrack>,
    /// Ratio of a pixel's width to its height for `video`'s stream, where the container declares it.
    pub container_aspect: Option<Rational>,
    /// Seconds from one decoded picture to the next, where several were decoded.
    pub picture_step: Option<Rational>,
    pub audio: Vec<AudioTrack>,
    pub text: Vec<TextTrack>,
    pub skipped: Vec<SkippedTrack>,
    pub notes: Vec<Note>,
    /// Stream of the first cover picture that can be decoded.
    pub cover: Option<u32>,
    /// Facts of a Matroska file that FFmpeg does not report.
    pub matroska: Option<Segment>,
}

/// Sorts the streams into tracks; their times are filled in later.
pub fn find(input: &Input, matroska: Option<Segment>) -> DeclaredTracks {
    let mut found = DeclaredTracks {
        matroska,
        ..DeclaredTracks::default()
    };
    for stream in input.streams() {
        let parameters = stream.parameters();
        let declared = ffi::declared(&parameters);
        let id = parameters.id();
        let decodable = id != Id::None && codec::decoder::find(id).is_some();
        let picture = stream.disposition().contains(Disposition::ATTACHED_PIC);
        let is_enabled = found
            .of_matroska(&stream)
            .is_none_or(|track| track.is_enabled);
        match parameters.medium() {
            media::Type::Video if picture => {
                if decodable && found.cover.is_none() {
                    found.cover = Some(stream.index() as u32);
                }
                found.skip(&stream, "video", "a cover picture");
            }
            media::Type::Attachment => found.skip(&stream, "attachment", "not shown"),
            media::Type::Video if !decodable => found.skip(&stream, "video", NO_DECODER),
            media::Type::Audio if !decodable => found.skip(&stream, "audio", NO_DECODER),
            media::Type::Video if !is_enabled => {
                found.skip(&stream, "video", "the file marks it as not to be played")
            }
            media::Type::Audio if !is_enabled => {
                found.skip(&stream, "audio", "the file marks it as not to be played")
            }
            media::Type::Video => found.further.push(video(&stream, &declared)),
            media::Type::Audio => {
                let track = found.audio(&stream, &declared);
                found.audio.push(track);
            }
            _ => match found.text_codec(&stream) {
                Some(codec) => {
                    let track = found.text(&stream, codec);
                    found.text.push(track);
                }
                None if parameters.medium() == media::Type::Subtitle => {
                    let reason = match id {
                        Id::None => NO_DECODER,
                        _ => "it consists of pictures of text, which are not read",
                    };
                    found.skip(&stream, "subtitle", reason);
                }
                None => found.skip(&stream, "data", "not shown"),
            },
        }
    }
    found
}

/// Reason for leaving out a track that no decoder here reads.
pub const NO_DECODER: &str = "no decoder";
/// Reason for leaving out a sound track whose packets are all damaged.
const NOTHING_DECODES: &str = "nothing of it can be decoded";

/// Entry for a sound track that is left out.
pub fn skipped_sound(track: &AudioTrack, reason: &str) -> SkippedTrack {
    SkippedTrack {
        stream: track.stream,
        kind: "audio".to_owned(),
        codec: Some(track.codec.clone()),
        reason: reason.to_owned(),
    }
}

impl DeclaredTracks {
    /// Leaves out a sound track of which nothing can be decoded.
    pub fn skip_silent(&mut self, track: &AudioTrack) {
        self.skipped.push(skipped_sound(track, NOTHING_DECODES));
    }

    /// Whether a sound track was left out because nothing of it can be decoded.
    pub fn has_skipped_silent(&self) -> bool {
        let mut skipped = self.skipped.iter();
        skipped.any(|track| track.reason == NOTHING_DECODES)
    }

    /// Leaves out tracks of a codec that FFmpeg takes for another.
    pub fn skip_unread(&mut self, unread: Unread) {
        let skipped = |stream: u32, kind: &str, codec: &str| SkippedTrack {
            stream,
            kind: kind.to_owned(),
            codec: Some(codec.to_owned()),
            reason: NO_DECODER.to_owned(),
        };
        // FFmpeg may have made no stream of such a track.
        let of_kind = |known: &mut Vec<SkippedTrack>, kind: &str| {
            known.retain(|track| track.kind != kind);
        };
        if let Some(codec) = unread.picture {
            of_kind(&mut self.skipped, "video");
            let streams: Vec<u32> = self.further.drain(..).map(|track| track.stream).collect();
            self.skipped.push(skipped(
                streams.first().copied().unwrap_or(0),
                "video",
                &codec,
            ));
        }
        if let Some(codec) = unread.sound {
            of_kind(&mut self.skipped, "audio");
            let streams: Vec<u32> = self.audio.drain(..).map(|track| track.stream).collect();
            self.skipped.push(skipped(
                streams.first().copied().unwrap_or(1),
                "audio",
                &codec,
            ));
        }
    }

    /// Leaves out a picture track.
    pub fn skip_picture(&mut self, track: &VideoTrack, reason: &str) {
        self.skipped.push(SkippedTrack {
            stream: track.stream,
            kind: "video".to_owned(),
            codec: Some(track.codec.clone()),
            reason: reason.to_owned(),
        });
    }

    /// Leaves out sound and text tracks whose stream is not kept.
    pub fn keep_only(&mut self, is_kept: impl Fn(u32) -> bool, reason: &str) {
        let skipped = &mut self.skipped;
        self.audio.retain(|track| {
            let keeps = is_kept(track.stream);
            if !keeps {
                skipped.push(skipped_sound(track, reason));
            }
            keeps
        });
        self.text.retain(|track| {
            let keeps = is_kept(track.stream);
            if !keeps {
                skipped.push(SkippedTrack {
                    stream: track.stream,
                    kind: "subtitle".to_owned(),
                    codec: Some(track.codec.clone()),
                    reason: reason.to_owned(),
                });
            }
            keeps
        });
    }

    /// Notes on the tracks that are left out, except those that no viewer would miss.
    pub fn notes_of_skipped(&self) -> Vec<Note> {
        let is_missed = |track: &&SkippedTrack| {
            matches!(&*track.kind, "video" | "audio" | "subtitle")
                && track.reason != "a cover picture"
        };
        let note = |track: &SkippedTrack| {
            let what = match &*track.kind {
                "video" => "picture",
                "audio" => "sound",
                _ => "subtitle",
            };
            let codec = track.codec.as_deref().unwrap_or("unknown");
            let (code, message) = match track.reason.as_str() {
                NO_DECODER => (
                    Code::UnsupportedCodec,
                    format!(
                        "A {what} track is left out: this server cannot decode its codec ({codec})."
                    ),
                ),
                reason => (
                    Code::TrackSkipped,
                    format!("A {what} track ({codec}) is left out: {reason}."),
                ),
            };
            Note::new(code, message).of_track(track.stream)
        };
        self.skipped.iter().filter(is_missed).map(note).collect()
    }

    /// Facts that Matroska declares of a stream.
    pub fn of_matroska(&self, stream: &Stream) -> Option<&Track> {
        self.matroska.as_ref()?.tracks.get(stream.index())
    }

    fn skip(&mut self, stream: &Stream, kind: &str, reason: &str) {
        let id = stream.parameters().id();
        let name = self.of_matroska(stream).map(|track| track.codec.clone());
        self.skipped.push(SkippedTrack {
            stream: stream.index() as u32,
            kind: kind.to_owned(),
            codec: match id {
                Id::None => name.or_else(|| fourcc(stream)),
                id => Some(id.name().to_owned()),
            },
            reason: reason.to_owned(),
        });
    }

    /// Language of a stream: by BCP 47 where the container has that, otherwise as the container writes it.
    fn language(&self, stream: &Stream) -> Option<String> {
        let own = self
            .of_matroska(stream)
            .and_then(|track| track.language.clone());
        own.or_else(|| tag(stream, c"language"))
            .filter(|l| l != "und")
    }

    /// Codec of a stream's text; none where the stream is no text, or pictures of text.
    fn text_codec(&self, stream: &Stream) -> Option<String> {
        const MATROSKA_WEBVTT: &str = "S_TEXT/WEBVTT";
        let id = stream.parameters().id();
        if is_text(id) {
            return Some(id.name().to_owned());
        }
        let is_webvtt = self
            .of_matroska(stream)
            .is_some_and(|track| track.codec == MATROSKA_WEBVTT);
        let is_boxed = fourcc(stream).as_deref() == Some("wvtt");
        match (is_webvtt, is_boxed) {
            (true, _) => Some(plan::media_info::WEBVTT_CUES.to_owned()),
            (_, true) => Some(plan::media_info::WEBVTT_BOXES.to_owned()),
            _ => None,
        }
    }

    fn audio(&self, stream: &Stream, declared: &Declared) -> AudioTrack {
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
            layout: String::new(),
            surround: false,
            setups: Vec::new(),
            frame_samples,
            start: Rational::ZERO,
            end: Rational::ZERO,
            first_pts: 0,
            priming: declared.initial_padding.max(0) as u32,
            language: self.language(stream),
            title: tag(stream, c"title"),
            default: stream.disposition().contains(Disposition::DEFAULT),
        }
    }

    fn text(&self, stream: &Stream, codec: String) -> TextTrack {
        TextTrack {
            stream: stream.index() as u32,
            codec,
            language: self.language(stream),
            title: tag(stream, c"title"),
            default: stream.disposition().contains(Disposition::DEFAULT),
            forced: stream.disposition().contains(Disposition::FORCED),
        }
    }
}

/// Four letters by which a container names a stream's codec.
fn fourcc(stream: &Stream) -> Option<String> {
    let tag = ffi::declared(&stream.parameters()).codec_tag.to_le_bytes();
    let is_name = tag
        .iter()
        .all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    is_name.then(|| String::from_utf8_lossy(&tag).trim().to_owned())
}

/// Whether a source's samples are encrypted (ISO/IEC 23001-7).
pub fn is_encrypted(input: &Input) -> bool {
    input.streams().any(|stream| {
        let tag = ffi::declared(&stream.parameters()).codec_tag;
        boxes::says_encrypted(&tag.to_le_bytes())
            || stream
                .side_data()
                .any(|data| data.kind() == side_data::Type::EncryptionInitInfo)
    })
}

fn video(stream: &Stream, declared: &Declared) -> VideoTrack {
    let (rotation, mirrored) = display_matrix(stream);
    let rate = rational(stream.avg_frame_rate());
    VideoTrack {
        stream: stream.index() as u32,
        codec: stream.parameters().id().name().to_owned(),
        profile: ffi::profile_name(stream.parameters().id(), declared.profile),
        time_base: rational(stream.time_base()),
        coded_width: declared.width.max(0) as u32,
        coded_height: declared.height.max(0) as u32,
        sample_aspect: Rational::new(1, 1),
        own_aspect: Rational::ZERO,
        rotation,
        mirrored,
        pixel_format: String::new(),
        color: Color::default(),
        own_color: Color::default(),
        peak_nits: light::of_stream(stream),
        dolby_vision: light::dolby_vision(stream),
        interlaced: false,
        fields_apart: false,
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

/// Text track of the captions that lie in the pictures of a track. Broadcasts have room for captions whether anybody
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

/// Rotation in degrees clockwise, and whether the picture is mirrored first, from a display matrix (ISO/IEC 14496-12
/// §8.3.2.3): x' = a x + c y, y' = b x + d y, y pointing down.
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

//! What is in a source: the first order of every new upload.

mod aperture;
pub mod boxes;
mod coded;
mod complexity;
mod gops;
mod head;
mod light;
mod progress;
mod rate;
mod samples;
mod spans;
mod tracks;

use anyhow::Result;
use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Error, frame};
use plan::media_info::Chapter;
use plan::{Code, Index, Limits, MediaInfo, Rational, Warning};
use protocol::EngineFailure;

use crate::captions::Captions;
use crate::pictures::video_decoder;
use crate::source::Source;
use crate::{ffi, fields, open, times};

/// Packets within which a picture must decode, or the track is damaged past use.
const TRIAL_PACKETS: usize = 400;

/// Pictures within which one must be of fields, where the track may be interlaced: film in a
/// telecined broadcast has three whole frames in a row.
const TRIAL_PICTURES: usize = 5;
/// The Dolby Vision profile whose base layer is in colours of its own.
const WITHOUT_BASE: u8 = 5;

/// Probes a source.
pub fn probe(source: &Source, limits: &Limits) -> Result<MediaInfo> {
    if source.size() > limits.size_bytes {
        return Err(reject(Code::LimitSize, "The file is larger than is taken.").into());
    }
    let mut input = open::open(source).map_err(|error| head::refusal(source, error))?;
    let streams = input.streams().count() as u32;
    if streams > limits.streams {
        let message = format!("{streams} streams; at most {} are read.", limits.streams);
        return Err(reject(Code::LimitStreams, message).into());
    }
    let mut found = tracks::find(&input);
    if let Some(video) = &found.video {
        check_size(video.coded_width, video.coded_height, limits)?;
    }
    if let Some(encrypted) = tracks::encrypted(&input) {
        return Err(reject(Code::Encrypted, encrypted).into());
    }
    if found.video.is_none() && found.audio.is_empty() {
        return Err(nothing_to_play(&found).into());
    }
    if let Some(video) = &mut found.video {
        if video.dolby_vision == Some(WITHOUT_BASE) {
            let message = "Dolby Vision profile 5 has no picture that is shown without a licence.";
            return Err(reject(Code::UnsupportedCodec, message).into());
        }
        let looked = trial(&mut input, video, limits)?;
        found.picture_step = looked.step;
        if looked.has_captions {
            found.text.push(tracks::captions(video));
        }
    }
    if let Some(video) = &mut found.video
        && input.format().name().contains("mp4")
        && let Some(stream) = input.stream(video.stream as usize)
    {
        aperture::describe(source, stream.id(), video);
    }
    let Some(index) = spans::measure(source, &mut input, &mut found)? else {
        return Err(head::without_packets(source).into());
    };
    let silent = samples::measure(source, &mut input, &mut found.audio)?;
    found.skip_silent(silent);
    if found.video.is_none() && found.audio.is_empty() {
        let message = "No sound of the file can be decoded.";
        return Err(reject(Code::Corrupt, message).into());
    }
    if let (Some(video), Index::Container) = (&mut found.video, &index) {
        video.complexity = complexity::measure(&mut input, video);
    }
    let cut = spans::is_cut(&input, source.size(), &found).then(|| Warning {
        code: Code::Truncated,
        message: "The file ends before its picture or sound does: it was cut off.".to_owned(),
        span_us: None,
    });
    Ok(MediaInfo {
        container: input.format().name().to_owned(),
        size: source.size(),
        streams,
        chapters: chapters(&input),
        cover: found.cover.filter(|_| found.video.is_none()),
        video: found.video,
        audio: found.audio,
        text: found.text,
        skipped: found.skipped,
        index,
        warnings: cut.into_iter().collect(),
    })
}

/// A rejection as the engine reports it.
pub fn reject(code: Code, message: impl Into<String>) -> EngineFailure {
    EngineFailure {
        code,
        message: message.into(),
    }
}

/// Refuses pictures that are larger than is decoded here.
pub fn check_size(width: u32, height: u32, limits: &Limits) -> Result<(), EngineFailure> {
    let pixels = u64::from(width) * u64::from(height);
    if width.max(height) > limits.side_px || pixels > limits.frame_px {
        let message = format!("Pictures of {width}x{height} are larger than can be decoded here.");
        return Err(reject(Code::LimitDimensions, message));
    }
    Ok(())
}

fn nothing_to_play(found: &tracks::Found) -> EngineFailure {
    let undecodable = found
        .skipped
        .iter()
        .find(|s| s.kind == "video" || s.kind == "audio");
    match undecodable {
        Some(track) => {
            let codec = track.codec.as_deref().unwrap_or("unknown");
            reject(
                Code::UnsupportedCodec,
                format!("The codec `{codec}` cannot be decoded here."),
            )
        }
        None => reject(Code::NoVideo, "The file holds neither picture nor sound."),
    }
}

/// What the first pictures tell besides.
struct Looked {
    /// From one to the next, in seconds, where several were looked at.
    step: Option<Rational>,
    /// Whether they hold CEA-608 captions.
    has_captions: bool,
}

/// Decodes the first picture: declared sizes and formats are not believed. And some more, where
/// they may be of fields.
fn trial(
    input: &mut Input,
    video: &mut plan::media_info::VideoTrack,
    limits: &Limits,
) -> Result<Looked> {
    let stream = video.stream as usize;
    let nal_length = input
        .stream(stream)
        .map_or(0, |stream| ffi::nal_length(&stream.parameters()));
    let captions = Captions::of(&video.codec, nal_length);
    let mut has_captions = false;
    let corrupt = || reject(Code::Corrupt, "No picture of the file can be decoded.");
    let mut decoder = video_decoder(input, stream, 1).map_err(|_| corrupt())?;
    tracks::describe_colors(video, &decoder);
    let wanted = match tracks::may_be_interlaced(input, video) {
        true => TRIAL_PICTURES,
        false => 1,
    };
    let mut picture = frame::Video::empty();
    let mut stamps = Vec::new();
    let (mut packets, mut pictures) = (0, 0);
    let mut draining = false;
    loop {
        match decoder.receive_frame(&mut picture) {
            Ok(()) => {
                if pictures == 0 {
                    check_size(picture.width(), picture.height(), limits)?;
                    tracks::describe_picture(video, &picture);
                }
                pictures += 1;
                stamps.extend(ffi::best_timestamp(&picture));
                video.interlaced |= fields::are_in(&picture);
            }
            Err(_) if draining && pictures == 0 => return Err(corrupt().into()),
            Err(_) => {}
        }
        if pictures == wanted || draining && pictures > 0 {
            let steps = stamps.windows(2).map(|pair| pair[1] - pair[0]);
            let least = steps.filter(|&step| step > 0).min();
            let step = least.map(|step| times::seconds(step, video.time_base));
            return Ok(Looked { step, has_captions });
        }
        let mut packet = ffmpeg_next::Packet::empty();
        match packet.read(input) {
            Ok(()) if packet.stream() != stream => {}
            Ok(()) => {
                packets += 1;
                let data = packet.data().unwrap_or_default();
                has_captions |= captions.is_some_and(|kind| !kind.pairs(data).is_empty());
                let _ = decoder.send_packet(&packet);
            }
            Err(Error::InvalidData) => packets += 1,
            Err(_) => draining = true,
        }
        if packets > TRIAL_PACKETS {
            draining = true;
        }
        if draining {
            let _ = decoder.send_eof();
        }
    }
}

fn chapters(input: &Input) -> Vec<Chapter> {
    /// More than anybody scrolls through; bounds what a hostile file costs.
    const MOST: usize = 1000;
    let chapter = |c: ffmpeg_next::Chapter| {
        let base = times::rational(c.time_base());
        Chapter {
            start: times::seconds(c.start(), base),
            end: times::seconds(c.end(), base),
            title: ffi::tag(&c.metadata(), c"title").unwrap_or_default(),
        }
    };
    input.chapters().take(MOST).map(chapter).collect()
}

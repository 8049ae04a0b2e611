//! The probe: it finds out what a source contains. It is the first order of every new upload.
//!
//! A source and the limits go in; a `MediaInfo` or a refusal comes out. `containers` reads what FFmpeg does not
//! report, `tracks` the declared streams, `pictures` the first pictures, `spans` the times of all tracks. Begin with
//! `probe`.

mod choice;
mod clock;
pub(crate) mod containers;
mod fill;
mod kinds;
mod observed_track;
pub(crate) mod pictures;
mod progress;
mod samples;
mod second_best;
mod spans;
mod tracks;

use crate::input::boxes;
use crate::probe::containers::flv;
use crate::probe::containers::head;
use crate::probe::containers::matroska;
use crate::probe::containers::truncation;
use crate::probe::pictures::aperture;
use crate::probe::pictures::complexity;
use crate::probe::pictures::samples_of_pictures;
use crate::refusal::{check_size, reject};
use anyhow::Result;
use ffmpeg_next::format::context::Input;
use plan::media_info::Chapter;
use plan::{Code, Index, Limits, MediaInfo, Note};
use protocol::EngineFailure;

use crate::ffi;
use crate::input::source::Source;
use crate::input::{open, times};

/// Dolby Vision profile whose base layer is in colours of its own, which other players cannot show.
const WITHOUT_BASE: u8 = 5;

/// Probes a source.
pub fn probe(source: &Source, limits: &Limits) -> Result<MediaInfo> {
    if source.size() > limits.size_bytes {
        let message = format!(
            "The file has {} bytes; at most {} are accepted.",
            source.size(),
            limits.size_bytes
        );
        return Err(reject(Code::LimitSize, message).into());
    }
    let mut input = open::open(source).map_err(|error| head::refusal(source, error))?;
    let streams = shown_streams(&input);
    if streams > limits.streams {
        let message = format!(
            "The file has {streams} streams; at most {} are supported.",
            limits.streams
        );
        return Err(reject(Code::LimitStreams, message).into());
    }
    let is_matroska = input.format().name().contains("matroska");
    let segment = is_matroska.then(|| matroska::Segment::read(source.reader(), source.size()));
    let mut found = tracks::find(&input, segment.flatten());
    for video in &found.further {
        check_size(video.coded_width, video.coded_height, limits)?;
    }
    // FFmpeg reports an encrypted track under the codec that is encrypted in it.
    let is_mp4 = input.format().name().contains("mp4");
    let says_so = || is_mp4 && boxes::is_encrypted(source.reader(), source.size());
    if tracks::is_encrypted(&input) || says_so() {
        return Err(reject(Code::Encrypted, head::ENCRYPTED).into());
    }
    if input.format().name() == "flv" {
        found.skip_unread(flv::unread(source.reader(), source.size()));
    }
    choice::choose(source, &mut input, &mut found)?;
    if found.video.is_none() && found.audio.is_empty() {
        return Err(nothing_to_play(&found).into());
    }
    probe_pictures(source, &mut input, &mut found, limits)?;
    let Some(measured) = spans::measure(source, &mut input, &mut found, limits)? else {
        return Err(match found.has_skipped_silent() {
            true => reject(Code::Corrupt, "No sound of the file can be decoded."),
            false => head::without_packets(source),
        }
        .into());
    };
    if let (Some(video), Index::Container) = (&mut found.video, &measured.index) {
        video.complexity = complexity::measure(&mut input, video);
    }
    if let Some(note) = truncation::missing(source, &input, &found) {
        found.notes.insert(0, note);
    } else if measured.has_unreadable {
        let message = "A part of the file cannot be read; the rest is shown.";
        found.notes.insert(0, Note::new(Code::Corrupt, message));
    }
    found
        .notes
        .extend(truncation::rest(source, &input, &measured));
    let second_best = second_best::notes(source, &input, &found);
    found.notes.extend(second_best);
    found.notes.extend(found.notes_of_skipped());
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
        index: measured.index,
        joins: measured.joins,
        notes: found.notes,
    })
}

/// Number of streams that a viewer might see or hear: fonts, data and covers do not count towards the limit.
fn shown_streams(input: &Input) -> u32 {
    use ffmpeg_next::format::stream::Disposition;
    use ffmpeg_next::media::Type;
    let is_shown = |stream: &ffmpeg_next::Stream| {
        let medium = stream.parameters().medium();
        matches!(medium, Type::Video | Type::Audio | Type::Subtitle)
            && !stream.disposition().contains(Disposition::ATTACHED_PIC)
    };
    input.streams().filter(is_shown).count() as u32
}

/// Decodes the first pictures. Where a picture track holds no picture, the sound remains.
fn probe_pictures(
    source: &Source,
    input: &mut Input,
    found: &mut tracks::DeclaredTracks,
    limits: &Limits,
) -> Result<()> {
    let Some(mut video) = found.video.take() else {
        return Ok(());
    };
    if video.dolby_vision == Some(WITHOUT_BASE) {
        let message =
            "Dolby Vision profile 5 has no base layer that can be shown without a licence.";
        return Err(reject(Code::UnsupportedCodec, message).into());
    }
    match samples_of_pictures::first(input, &mut video, found.container_aspect, limits)? {
        Some(first) => {
            found.picture_step = first.step;
            if first.has_captions {
                found.text.push(tracks::captions(&video));
            }
            if input.format().name().contains("mp4")
                && let Some(stream) = input.stream(video.stream as usize)
            {
                aperture::describe(source, stream.id(), &mut video);
            }
            video.aperture = video
                .aperture
                .or_else(|| samples_of_pictures::crop(input, found, &video));
            let stream = input.stream(video.stream as usize);
            let own = stream.and_then(|stream| found.of_matroska(&stream));
            let is_one_of_two = own.is_some_and(|own| own.picture.is_one_of_two_views);
            let shows_one = is_one_of_two && video.aperture.is_some();
            if shows_one || first.holds_two_views {
                let note = second_best::note_on_two_views(video.stream, shows_one);
                found.notes.push(note);
            }
            found.video = Some(video);
        }
        None if holds_samples(input, &video) => {
            return Err(reject(Code::Corrupt, "No picture of the file can be decoded.").into());
        }
        None if found.audio.is_empty() => {
            return Err(reject(
                Code::NoVideo,
                "The file declares a video track but contains no picture.",
            )
            .into());
        }
        None => found.skip_picture(&video, "the file declares it, but it contains no picture"),
    }
    Ok(())
}

fn nothing_to_play(found: &tracks::DeclaredTracks) -> EngineFailure {
    let undecodable = found
        .skipped
        .iter()
        .find(|s| s.kind == "video" || s.kind == "audio");
    match undecodable {
        Some(track) => {
            let codec = track.codec.as_deref().unwrap_or("unknown");
            reject(
                Code::UnsupportedCodec,
                format!("This server cannot decode the codec `{codec}`."),
            )
        }
        None => reject(Code::NoVideo, "The file contains neither video nor audio."),
    }
}

/// Whether the container says that a track has pictures.
fn holds_samples(input: &Input, video: &plan::media_info::VideoTrack) -> bool {
    let is_mp4 = input.format().name().contains("mp4");
    let stream = input.stream(video.stream as usize);
    is_mp4 && stream.is_some_and(|stream| stream.frames() > 0)
}

fn chapters(input: &Input) -> Vec<Chapter> {
    /// Most chapters that are read: more than anybody scrolls through. The limit bounds the cost of a hostile file.
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

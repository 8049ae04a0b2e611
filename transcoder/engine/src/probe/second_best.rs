//! Notes on content that is played, but perhaps not as its maker meant it.

use ffmpeg_next::format::context::Input;
use plan::{Code, Note};

use super::containers::transport;
use super::tracks::DeclaredTracks;
use crate::input::boxes;
use crate::input::source::Source;

/// Most mono tracks that may be the channels of one sound; more are independent sounds.
const MOST_MONO_TRACKS: usize = 24;

/// Notes on the tracks that are played.
pub fn notes(source: &Source, input: &Input, found: &DeclaredTracks) -> Vec<Note> {
    let mut notes = Vec::new();
    notes.extend(note_on_mono_tracks(input, found));
    if input.format().name() == "mpegts" {
        notes.extend(notes_on_other_codecs(source, input, found));
    }
    if input.format().name().contains("mp4") {
        notes.extend(notes_on_other_entries(source, input, found));
    }
    notes
}

/// Note on a picture that holds the views of both eyes: either one view is shown, or the picture is shown as it is
/// stored.
pub fn note_on_two_views(stream: u32, shows_one: bool) -> Note {
    let (code, what) = match shows_one {
        true => (
            Code::TrackSkipped,
            "The picture holds the views of both eyes; the first of them is shown.",
        ),
        false => (
            Code::Guessed,
            "The picture holds the views of both eyes; it is shown as it is stored.",
        ),
    };
    Note::new(code, what).of_track(stream)
}

/// Note on several mono tracks: cameras and broadcasters store each channel as a track, and do not say which belong
/// together.
fn note_on_mono_tracks(input: &Input, found: &DeclaredTracks) -> Option<Note> {
    let format = input.format();
    let stores_so = ["mp4", "mxf"]
        .iter()
        .any(|name| format.name().contains(name));
    let tracks = &found.audio;
    let first = tracks.first()?;
    let is_alike = tracks.iter().all(|track| {
        track.channels == 1 && track.language == first.language && track.title == first.title
    });
    let count = tracks.len();
    let message = format!(
        "The sound is in {count} tracks of one channel each, and the file does not say whether they belong together; each is offered alone."
    );
    (stores_so && is_alike && (2..=MOST_MONO_TRACKS).contains(&count))
        .then(|| Note::new(Code::Guessed, message))
}

/// Notes on streams of a broadcast that change to another codec.
fn notes_on_other_codecs(source: &Source, input: &Input, found: &DeclaredTracks) -> Vec<Note> {
    let changes = transport::changes(source.reader(), source.size());
    let note = |stream: u32| {
        let identifier = u16::try_from(input.stream(stream as usize)?.id()).ok()?;
        let (before, after) = changes.get(&identifier)?;
        let message = format!(
            "The track changes from {before} to {after}. The part after the change is not decoded: its last picture is held, or its sound is silent."
        );
        Some(Note::new(Code::UnsupportedCodec, message).of_track(stream))
    };
    played_streams(found).filter_map(note).collect()
}

/// Indexes of the streams that are played.
fn played_streams(found: &DeclaredTracks) -> impl Iterator<Item = u32> {
    let picture = found.video.iter().map(|video| video.stream);
    picture.chain(found.audio.iter().map(|audio| audio.stream))
}

/// Notes on tracks whose sample entries are of several codecs: FFmpeg reads the samples of the first.
fn notes_on_other_entries(source: &Source, input: &Input, found: &DeclaredTracks) -> Vec<Note> {
    let entries = boxes::sample_entries(source.reader(), source.size());
    let note = |stream: u32| {
        let number = u32::try_from(input.stream(stream as usize)?.id()).ok()?;
        let (_, kinds) = entries.iter().find(|(track, _)| *track == number)?;
        let first = kinds.first()?;
        let other = kinds.iter().find(|kind| *kind != first)?;
        let (code, how) = match boxes::says_encrypted(other) {
            true => (Code::Encrypted, "encrypted".to_owned()),
            false => (
                Code::UnsupportedCodec,
                format!("coded as `{}`", other.escape_ascii()),
            ),
        };
        let message =
            format!("A part of the track is {how}, unlike its first part, and was left out.");
        Some(Note::new(code, message).of_track(stream))
    };
    played_streams(found).filter_map(note).collect()
}

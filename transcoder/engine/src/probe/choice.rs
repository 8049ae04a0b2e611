//! The choice of the picture track that is the film, and of the tracks that go with it. The default track comes
//! before the first one; a track with a single picture is not chosen where another has more; tracks of another
//! programme are left out.

use std::collections::HashMap;

use anyhow::Result;
use ffmpeg_next::Error;
use ffmpeg_next::format::context::Input;
use plan::media_info::VideoTrack;

use super::tracks::DeclaredTracks;
use crate::ffi;
use crate::input::demux::next_packet;
use crate::input::open;
use crate::input::source::Source;

/// Most packets, of any track, that are read to learn which tracks have pictures.
const LOOKED_AT: usize = 1500;
/// Pictures from which on a track counts as moving, and not as a poster.
const MOVING: usize = 2;

const ANOTHER_PROGRAMME: &str = "it belongs to another programme of the broadcast";

/// Chooses the film's picture out of the tracks that could be it, and leaves out the other ones.
pub fn choose(source: &Source, input: &mut Input, found: &mut DeclaredTracks) -> Result<()> {
    let programmes = ffi::programmes(input);
    let mut candidates = std::mem::take(&mut found.further);
    // Tracks that are equally good stay in the order of the file.
    candidates.sort_by_key(|track| !track.default);
    let counts = match candidates.len() {
        0 | 1 => HashMap::new(),
        _ => pictures(source, input, &candidates)?,
    };
    let count = |track: &VideoTrack| counts.get(&track.stream).copied().unwrap_or(0);
    let chosen = [MOVING, 1, 0]
        .into_iter()
        .find_map(|least| candidates.iter().position(|track| count(track) >= least));
    if let Some(chosen) = chosen {
        let track = candidates.remove(chosen);
        for other in candidates {
            let has = |track: &VideoTrack| {
                programmes
                    .iter()
                    .position(|all| all.contains(&track.stream))
            };
            let reason = match (has(&track), has(&other)) {
                (Some(own), Some(its)) if own != its => ANOTHER_PROGRAMME,
                _ => "only one video track of a file is shown",
            };
            found.skip_picture(&other, reason);
        }
        found.container_aspect = container_aspect(input, found, &track);
        found.video = Some(track);
    }
    keep_programme(&programmes, found);
    Ok(())
}

/// Number of pictures of each track, counted until the choice is clear.
fn pictures(
    source: &Source,
    input: &mut Input,
    tracks: &[VideoTrack],
) -> Result<HashMap<u32, usize>> {
    let mut counts: HashMap<u32, usize> = HashMap::new();
    if input.format().name().contains("mp4") {
        for track in tracks {
            let stream = input.stream(track.stream as usize);
            counts.insert(
                track.stream,
                stream.map_or(0, |stream| ffi::index_count(&stream)),
            );
        }
        return Ok(counts);
    }
    for _ in 0..LOOKED_AT {
        let first = tracks.first().map_or(0, |track| track.stream);
        let is_enough = tracks
            .iter()
            .all(|track| counts.get(&track.stream).is_some_and(|&n| n >= MOVING));
        if is_enough || counts.get(&first).is_some_and(|&count| count >= MOVING) {
            break;
        }
        match next_packet(input) {
            Ok(packet) => *counts.entry(packet.stream() as u32).or_default() += 1,
            Err(Error::InvalidData) => {}
            Err(Error::Exit) => anyhow::bail!("the parent is gone"),
            Err(_) => break,
        }
    }
    open::rewind(source, input)?;
    Ok(counts)
}

/// Leaves out tracks of another programme than that of the picture, or of the first sound where there is no picture:
/// they belong to another film.
fn keep_programme(programmes: &[Vec<u32>], found: &mut DeclaredTracks) {
    let first = found.video.as_ref().map(|video| video.stream);
    let Some(first) = first.or_else(|| found.audio.first().map(|audio| audio.stream)) else {
        return;
    };
    let Some(own) = programmes
        .iter()
        .find(|programme| programme.contains(&first))
    else {
        return;
    };
    let is_elsewhere = |stream: u32| {
        programmes
            .iter()
            .any(|programme| programme.contains(&stream))
    };
    found.keep_only(
        |stream| own.contains(&stream) || !is_elsewhere(stream),
        ANOTHER_PROGRAMME,
    );
}

/// Ratio of a pixel's width to its height, where the container declares it. Matroska declares a display size instead,
/// and FFmpeg reports one also for files that declare none.
fn container_aspect(
    input: &Input,
    found: &DeclaredTracks,
    track: &VideoTrack,
) -> Option<plan::Rational> {
    let stream = input.stream(track.stream as usize)?;
    let Some(own) = found.of_matroska(&stream).map(|own| own.picture) else {
        let aspect = crate::input::times::rational(ffi::container_aspect(&stream));
        return (aspect.num() > 0).then_some(aspect);
    };
    let [left, top, right, bottom] = own.crop;
    let width = own.stored.0.checked_sub(left.checked_add(right)?)?;
    let height = own.stored.1.checked_sub(top.checked_add(bottom)?)?;
    let product = |a: u64, b: u64| i64::try_from(a.checked_mul(b)?).ok().filter(|&n| n > 0);
    let wide = product(own.display.0, height)?;
    let high = product(own.display.1, width)?;
    plan::Rational::checked(wide, high)
}

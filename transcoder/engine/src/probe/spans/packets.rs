//! Reading of the first packets and of index entries, with which each way of measuring a source begins.

use std::collections::HashMap;

use anyhow::Result;
use ffmpeg_next::Error;
use ffmpeg_next::format::context::Input;

use crate::ffi;
use crate::input::demux::next_packet;
use crate::probe::observed_track::ObservedTrack;
use crate::probe::tracks::DeclaredTracks;
/// Most packets that are read at the start to find a track's first packet.
const HEAD_PACKETS: usize = 3000;

/// Reads packets from the start, until every track has begun and there are `wanted` pictures.
pub(crate) fn head(
    input: &mut Input,
    found: &DeclaredTracks,
    wanted: usize,
) -> Result<HashMap<u32, ObservedTrack>> {
    let mut seen: HashMap<u32, ObservedTrack> = HashMap::new();
    let video = found.video.as_ref().map(|v| v.stream);
    let tracks: Vec<u32> = tracks(found).collect();
    for _ in 0..HEAD_PACKETS {
        let packet = match next_packet(input) {
            Ok(packet) => packet,
            Err(Error::InvalidData) => continue,
            Err(Error::Exit) => anyhow::bail!("the parent is gone"),
            Err(_) => break,
        };
        let stream = packet.stream() as u32;
        if tracks.contains(&stream) {
            let entry = seen.entry(stream);
            entry
                .or_insert_with(|| ObservedTrack::of(input, found, stream))
                .take(&packet, 0);
        }
        let has_begun = |track| seen.get(track).is_some_and(ObservedTrack::has_begun);
        let begun = tracks.iter().all(has_begun);
        let pictures = video.map(|video| seen.get(&video).map_or(0, |s| s.stamps.len()));
        if begun && pictures.is_none_or(|pictures| pictures >= wanted) {
            break;
        }
    }
    Ok(seen)
}

/// Demuxer's own index of a stream.
pub(crate) fn entries(input: &Input, stream: usize) -> Vec<ffi::IndexEntry> {
    let stream = input.stream(stream);
    stream
        .map(|stream| ffi::index_entries(&stream))
        .unwrap_or_default()
}

/// Indexes of the streams that are shown.
pub(crate) fn tracks(found: &DeclaredTracks) -> impl Iterator<Item = u32> + '_ {
    let video = found.video.iter().map(|video| video.stream);
    video.chain(found.audio.iter().map(|audio| audio.stream))
}

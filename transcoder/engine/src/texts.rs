//! The text tracks of a source, as cue lists: one reading of the source for all of them.

mod ass;
mod track;

use anyhow::Result;
use ffmpeg_next::{Error, Packet};
use plan::Plan;
use plan::cues::CueList;

use crate::source::Source;
use crate::{ffi, open};
use track::Track;

/// The cue lists of all text tracks of a plan's source, in the order of `info.text`.
pub fn extract(source: &Source, plan: &Plan) -> Result<Vec<CueList>> {
    let mut input = open::open(source)?;
    let tracks = plan.info.text.iter();
    let mut tracks: Vec<Track> = tracks
        .map(|track| Track::new(&input, track, plan))
        .collect();
    let streams: Vec<usize> = tracks.iter().map(Track::stream).collect();
    ffi::keep_only(&mut input, &streams);
    loop {
        source.link().go_on()?;
        let mut packet = Packet::empty();
        match packet.read(&mut input) {
            Ok(()) => {}
            Err(Error::InvalidData) => continue,
            Err(Error::Exit) => anyhow::bail!("the parent is gone"),
            Err(_) => break,
        }
        for track in tracks
            .iter_mut()
            .filter(|track| track.stream() == packet.stream())
        {
            track.take(&packet, plan);
        }
    }
    source.check()?;
    Ok(tracks.into_iter().map(|track| track.finish(plan)).collect())
}

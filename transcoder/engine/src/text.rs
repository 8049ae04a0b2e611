//! The text tracks of a source, as lists of cues. One reading of the source serves all of them.
//!
//! `track` collects a track's cues, in one of three ways: `ass` converts the ASS that FFmpeg's decoders give, with
//! `styles`; `boxes` reads WebVTT in MP4; `captions` finds CEA-608 in pictures.

mod ass;
mod boxes;
pub(crate) mod captions;
mod styles;
mod track;

use anyhow::Result;
use plan::Plan;
use plan::cues::CueList;

use self::track::Track;
use crate::input::open;
use crate::input::single_pass::read_through;
use crate::input::source::Source;

/// Reads the cue lists of all text tracks of a plan's source, in the order of `info.text`.
pub fn extract(source: &Source, plan: &Plan) -> Result<Vec<CueList>> {
    let input = open::open(source)?;
    let tracks = plan.info.text.iter();
    let mut tracks: Vec<Track> = tracks
        .map(|track| Track::new(&input, track, plan))
        .collect();
    let streams: Vec<usize> = tracks.iter().map(Track::stream).collect();
    drop(input);
    read_through(source, &plan.info, &streams, |packet| {
        let of_it = tracks
            .iter_mut()
            .filter(|track| track.stream() == packet.stream());
        of_it.for_each(|track| track.take(packet, plan));
        Ok(())
    })?;
    Ok(tracks.into_iter().map(|track| track.finish(plan)).collect())
}

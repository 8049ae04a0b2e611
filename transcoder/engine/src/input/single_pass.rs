//! A source that is read once, from its first packet to its last, for some of its streams.

use anyhow::Result;
use ffmpeg_next::Packet;
use plan::MediaInfo;

use crate::input::demux::Demux;
use crate::input::source::Source;

/// Hands over every packet of these streams, on the plan's time line. What cannot be parsed is left out.
///
/// # Errors
/// Where the parent is gone or wants no more of it, or `take` fails.
pub fn read_through(
    source: &Source,
    info: &MediaInfo,
    streams: &[usize],
    mut take: impl FnMut(&Packet) -> Result<()>,
) -> Result<()> {
    let mut demux = Demux::open(source, info, streams)?;
    while let Some(packet) = demux.next()? {
        take(&packet)?;
        source.link().go_on()?;
    }
    Ok(())
}

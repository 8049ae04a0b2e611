//! One reading of some streams of a source, from the first packet to the last.

use anyhow::Result;
use ffmpeg_next::Packet;
use plan::MediaInfo;

use crate::input::demux::Demux;
use crate::input::source::Source;

/// Passes every packet of these streams to `take`, on the plan's time line. Bytes that cannot be parsed are left out.
///
/// # Errors
/// An error is returned where the parent is gone or has withdrawn the order, or where `take` fails.
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

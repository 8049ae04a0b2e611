//! A source that is read once, from its first packet to its last, for some of its streams.

use anyhow::{Result, bail};
use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Error, Packet};

use crate::ffi;
use crate::source::Source;

/// Hands over every packet of these streams. What cannot be parsed is left out.
///
/// # Errors
/// Where the parent is gone or wants no more of it, or `take` fails.
pub fn read_through(
    source: &Source,
    mut input: Input,
    streams: &[usize],
    mut take: impl FnMut(&Packet) -> Result<()>,
) -> Result<()> {
    ffi::keep_only(&mut input, streams);
    loop {
        source.link().go_on()?;
        let mut packet = Packet::empty();
        match packet.read(&mut input) {
            Ok(()) => take(&packet)?,
            Err(Error::InvalidData) => {}
            Err(Error::Exit) => bail!("the parent is gone"),
            Err(_) => break,
        }
    }
    Ok(())
}

//! The cover of a source that has no picture track.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use ffmpeg_next::{codec, frame};

use crate::input::open;
use crate::output::segments::SegmentMaker;
use crate::refusal::check_size;
use crate::video::pictures::Picture;

/// Packets from the start among which the cover is looked for: demuxers give it among the first.
const PACKETS: usize = 100;

/// Decodes the cover in its stored size.
pub fn decode(maker: &SegmentMaker) -> Result<Picture> {
    let source = maker.source();
    let cover = maker.plan().info.cover;
    let cover = cover.context("the source has no cover")? as usize;
    let mut input = open::open(source)?;
    let stream = input
        .stream(cover)
        .context("the source has no stream with the cover")?;
    let context = codec::Context::from_parameters(stream.parameters())?;
    let mut decoder = context.decoder().video()?;
    let packets = input.packets().take(PACKETS);
    for (_, packet) in packets.filter(|(stream, _)| stream.index() == cover) {
        decoder.send_packet(&packet)?;
    }
    decoder.send_eof()?;
    let mut picture = frame::Video::empty();
    let decoded = decoder.receive_frame(&mut picture);
    decoded?;
    check_size(picture.width(), picture.height(), maker.limits())?;
    Ok(Arc::new(picture.into()))
}

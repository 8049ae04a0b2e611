//! Decoding of a picture from a stored segment: the source of such a session is an init segment of a rendition
//! followed by one of its segments.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::{codec, frame, media};
use plan::{Code, Frames, Size, VideoRendition};

use crate::ffi::{self, YuvEncoding};
use crate::input::open;
use crate::output::segments::SegmentMaker;
use crate::refusal::{check_size, reject};
use crate::video::pictures::Picture;
use crate::video::transform::cascade::is_full_range;
use crate::video::transform::filter_graph::Shape;
use crate::video::transform::scaler::Scaler;

/// Decodes the picture at a place of the segment in presentation order, or its last picture, and scales it to a size,
/// in the rendition's own colours.
pub fn picture(
    maker: &SegmentMaker,
    rendition: &VideoRendition,
    place: Frames,
    size: Size,
) -> Result<Picture> {
    let decoded = decode(maker, place)?;
    let shape = Shape {
        format: Pixel::YUV420P,
        width: size.width,
        height: size.height,
    };
    let colours = |full_range| YuvEncoding {
        matrix: ffi::matrix_constant(&rendition.color.matrix),
        full_range,
    };
    // A source's own pictures may have another range than those that we encode.
    let own = colours(is_full_range(&decoded));
    let scaled = Scaler::new(&decoded, own, (shape, colours(false)))?.run(&decoded)?;
    Ok(Arc::new(scaled.into()))
}

fn decode(maker: &SegmentMaker, place: Frames) -> Result<frame::Video> {
    let mut input = open::open(maker.source())?;
    let stream = input.streams().best(media::Type::Video);
    let stream = stream.context("the segment has no picture")?;
    let index = stream.index();
    let context = codec::Context::from_parameters(stream.parameters())?;
    let mut decoder = context.decoder().video()?;
    check_size(decoder.width(), decoder.height(), maker.limits())?;
    let mut last = None;
    let mut left = place.0;
    // Receives decoded pictures, passing over those before the wanted one; returns whether that one has come.
    let mut take = |decoder: &mut codec::decoder::Video| {
        let mut picture = frame::Video::empty();
        while decoder.receive_frame(&mut picture).is_ok() {
            last = Some(std::mem::replace(&mut picture, frame::Video::empty()));
            if left == 0 {
                return true;
            }
            left -= 1;
        }
        false
    };
    let mut is_there = false;
    for (_, packet) in input
        .packets()
        .filter(|(stream, _)| stream.index() == index)
    {
        maker.source().link().go_on()?;
        decoder.send_packet(&packet)?;
        is_there = take(&mut decoder);
        if is_there {
            break;
        }
    }
    if !is_there {
        decoder.send_eof()?;
        take(&mut decoder);
    }
    Ok(last.ok_or_else(|| reject(Code::Corrupt, "A stored segment has no picture."))?)
}

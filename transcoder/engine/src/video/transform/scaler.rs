//! A scaler from pictures of one format and size to another. swscale converts to planar YUV in the right range,
//! without a change of size. zimg changes the size, in a third of swscale's time, and knows where chroma samples lie.
//! Both work in integers alone: what zimg computes for ranges and for RGB differs from processor to processor.

use anyhow::{Context as _, Result};
use ffmpeg_next::chroma::Location;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame;
use ffmpeg_next::software::scaling::{self, Flags};
use plan::Rational;

use crate::ffi::{self, YuvEncoding};
use crate::video::transform::filter_graph::{FilterGraph, Shape};

/// Flags of swscale: bicubic, exactly rounded, and the same bits on every machine.
pub const FLAGS: Flags = Flags::BICUBIC
    .union(Flags::ACCURATE_RND)
    .union(Flags::FULL_CHR_H_INP)
    .union(Flags::BITEXACT);

/// The same kernel in the syntax of libavfilter's zscale. Chroma samples lie beside the left luma sample, where
/// decoders of H.264 expect them (ITU-T H.264 §E.2.1). The fixed colours make zimg convert none, whatever the picture
/// declares.
const ZIMG: &str = "filter=bicubic:param_a=0:param_b=0.6:dither=none:c=left:\
     rangein=limited:range=limited:matrixin=709:matrix=709:\
     primariesin=709:primaries=709:transferin=709:transfer=709";

/// Scaler in up to two steps: conversion by swscale, change of size by zimg.
pub struct Scaler {
    convert: Option<(scaling::Context, Shape)>,
    resize: Option<FilterGraph>,
}

impl Scaler {
    /// Makes a scaler from pictures like this one to planar YUV of shape `to`.
    pub fn new(
        picture: &frame::Video,
        how: YuvEncoding,
        (to, wanted): (Shape, YuvEncoding),
    ) -> Result<Self> {
        let from = Shape::of(picture);
        let Some(planar) = planar(from) else {
            return Ok(Self {
                convert: Some(converter((from, how), (to, wanted))?),
                resize: None,
            });
        };
        let convert = match planar == from && how == wanted {
            true => None,
            false => Some(converter((from, how), (planar, wanted))?),
        };
        let site = site(picture);
        let resize = match planar == to && site == LEFT {
            true => None,
            false => {
                let (width, height) = (to.width, to.height);
                let format = to.format.descriptor().context("no such pixel format")?;
                let filters = format!(
                    "zscale=w={width}:h={height}:cin={site}:{ZIMG},format={}",
                    format.name()
                );
                Some(FilterGraph::new(&filters, planar, Rational::new(1, 1))?)
            }
        };
        Ok(Self { convert, resize })
    }

    /// Scales a picture.
    pub fn run(&mut self, picture: &frame::Video) -> Result<frame::Video> {
        let mut own = frame::Video::empty();
        match &mut self.convert {
            Some((context, to)) => {
                own = frame::Video::new(to.format, to.width, to.height);
                context.run(picture, &mut own)?;
            }
            None => ffi::share(&mut own, picture)?,
        }
        let Some(chain) = &mut self.resize else {
            return Ok(own);
        };
        // Pictures here are whole, but one that is marked as interlaced would be scaled field by field.
        ffi::make_progressive(&mut own);
        chain.push(&own)?;
        chain.pull()?.context("the filters gave no picture")
    }
}

fn converter(
    (from, how): (Shape, YuvEncoding),
    (to, wanted): (Shape, YuvEncoding),
) -> Result<(scaling::Context, Shape)> {
    let mut context = scaling::Context::get(
        from.format,
        from.width,
        from.height,
        to.format,
        to.width,
        to.height,
        FLAGS,
    )?;
    ffi::set_colour(&mut context, how, wanted);
    Ok((context, to))
}

/// zimg's name of the chroma location that decoders of H.264 expect, and that is assumed where a picture declares
/// none.
pub const LEFT: &str = "left";

/// zimg's name of the chroma location of a picture.
pub fn site(picture: &frame::Video) -> &'static str {
    match picture.chroma_location() {
        Location::Unspecified | Location::Left => LEFT,
        Location::Center => "center",
        Location::TopLeft => "topleft",
        Location::Top => "top",
        Location::BottomLeft => "bottomleft",
        Location::Bottom => "bottom",
    }
}

/// Planar YUV format with as many chroma samples as a format; none where zimg cannot take it, since it wants whole
/// chroma samples.
fn planar(from: Shape) -> Option<Shape> {
    use Pixel::*;
    let (format, wider, higher) = match from.format {
        YUV420P | YUVJ420P => (YUV420P, 2, 2),
        deep @ (YUV420P9LE | YUV420P10LE | YUV420P12LE | YUV420P14LE | YUV420P16LE) => (deep, 2, 2),
        YUV422P | YUVJ422P => (YUV422P, 2, 1),
        deep @ (YUV422P9LE | YUV422P10LE | YUV422P12LE | YUV422P14LE | YUV422P16LE) => (deep, 2, 1),
        YUV444P | YUVJ444P => (YUV444P, 1, 1),
        deep @ (YUV444P9LE | YUV444P10LE | YUV444P12LE | YUV444P14LE | YUV444P16LE) => (deep, 1, 1),
        GBRP | RGB24 | BGR24 | RGBA | BGRA | ARGB | ABGR | RGBZ | BGRZ | ZRGB | ZBGR | PAL8
        | GBRAP => (YUV444P, 1, 1),
        GBRP9LE | GBRP10LE | GBRP12LE | GBRP14LE | GBRP16LE | RGB48LE | RGB48BE | RGBA64LE
        | RGBA64BE | GBRAP16LE => (YUV444P16LE, 1, 1),
        _ => return Option::None,
    };
    let is_whole = from.width.is_multiple_of(wider) && from.height.is_multiple_of(higher);
    is_whole.then_some(Shape { format, ..from })
}

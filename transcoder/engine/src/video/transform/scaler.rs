//! One scaler: pictures of one kind in, of another size or kind out. swscale makes them planar YUV
//! in the right range, in their own size; zimg makes them larger or smaller, in a third of
//! swscale's time, and knows where chroma samples lie. Both in integers alone: what zimg does to
//! ranges and to red, green and blue differs from processor to processor.

use anyhow::{Context as _, Result};
use ffmpeg_next::chroma::Location;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame;
use ffmpeg_next::software::scaling::{self, Flags};
use plan::Rational;

use crate::ffi::{self, Encoding};
use crate::video::transform::filter_graph::{FilterGraph, Shape};

/// Bicubic, rounded exactly and bit for bit the same on every machine.
pub const FLAGS: Flags = Flags::BICUBIC
    .union(Flags::ACCURATE_RND)
    .union(Flags::FULL_CHR_H_INP)
    .union(Flags::BITEXACT);

/// The same kernel in libavfilter's syntax; chroma beside the left luma sample, where decoders of
/// H.264 expect it (ITU-T H.264 §E.2.1). Nothing is done about colours, whatever the picture says
/// of them.
const ZIMG: &str = "filter=bicubic:param_a=0:param_b=0.6:dither=none:c=left:\
     rangein=limited:range=limited:matrixin=709:matrix=709:\
     primariesin=709:primaries=709:transferin=709:transfer=709";

/// What scales, step by step.
pub struct Scaler {
    convert: Option<(scaling::Context, Shape)>,
    resize: Option<FilterGraph>,
}

impl Scaler {
    /// Takes pictures such as this one to the planar YUV of shape `to`.
    pub fn new(
        picture: &frame::Video,
        how: Encoding,
        (to, wanted): (Shape, Encoding),
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

    /// The picture as it is wanted.
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
        // Lines of one field would lie elsewhere; what comes here is whole.
        ffi::make_progressive(&mut own);
        chain.push(&own)?;
        chain.pull()?.context("no picture came out")
    }
}

fn converter(
    (from, how): (Shape, Encoding),
    (to, wanted): (Shape, Encoding),
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

/// Where decoders of H.264 expect them, and where they are taken to be if nothing is said of it.
pub const LEFT: &str = "left";

/// Where chroma samples lie, by zimg's name.
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

/// The planar YUV with as many chroma samples; nothing where zimg does not take that: it wants
/// whole chroma samples.
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

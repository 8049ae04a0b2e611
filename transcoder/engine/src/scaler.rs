//! One scaler: pictures of one kind in, of another size or kind out. zimg where it can, which takes
//! a third of swscale's time and knows where chroma samples lie; swscale for all else.

use anyhow::{Context as _, Result};
use ffmpeg_next::chroma::Location;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame;
use ffmpeg_next::software::scaling::{self, Flags};
use plan::Rational;

use crate::chain::{Chain, Shape};
use crate::ffi::{self, Encoding};

/// Bicubic, rounded exactly and bit for bit the same on every machine.
pub const FLAGS: Flags = Flags::BICUBIC
    .union(Flags::ACCURATE_RND)
    .union(Flags::FULL_CHR_H_INP)
    .union(Flags::BITEXACT);

/// The same kernel in libavfilter's syntax; chroma beside the left luma sample, where decoders of
/// H.264 expect it (ITU-T H.264 §E.2.1). Primaries and curves stay what they are, whatever the
/// picture says of them.
const ZIMG: &str = "filter=bicubic:param_a=0:param_b=0.6:dither=none:c=left:\
     primariesin=709:primaries=709:transferin=709:transfer=709";

/// Where zimg finds the samples of a format.
enum Samples {
    /// In planes of luma and chroma, `log2` of so much wider and higher than chroma.
    Planes { wider: u32, higher: u32 },
    /// In red, green and blue, after these filters.
    Colours(&'static str),
    /// Nowhere.
    Elsewhere,
}

/// What scales.
pub enum Scaler {
    Zimg(Chain),
    Swscale(scaling::Context, Shape),
}

impl Scaler {
    /// Takes pictures of shape `from` to the planar YUV of shape `to`.
    pub fn new((from, how): (Shape, Encoding), (to, wanted): (Shape, Encoding)) -> Result<Self> {
        let (prepare, is_rgb) = match samples(from.format) {
            Samples::Planes { wider, higher }
                if from.width % (1 << wider) == 0 && from.height % (1 << higher) == 0 =>
            {
                ("", false)
            }
            Samples::Colours(prepare) => (prepare, true),
            _ => return Self::swscale((from, how), (to, wanted)),
        };
        let range = |is_full| if is_full { "full" } else { "limited" };
        // One matrix on both sides is none.
        let (matrix_in, matrix) = match is_rgb {
            true => (
                "gbr".to_owned(),
                ffi::matrix_code(wanted.matrix).to_string(),
            ),
            false => ("709".to_owned(), "709".to_owned()),
        };
        let filters = format!(
            "{prepare}zscale=w={}:h={}:{ZIMG}:matrixin={matrix_in}:matrix={matrix}:\
             rangein={}:range={},format={}",
            to.width,
            to.height,
            range(how.full_range || is_rgb),
            range(wanted.full_range),
            to.format
                .descriptor()
                .context("no such pixel format")?
                .name(),
        );
        Ok(Self::Zimg(Chain::new(&filters, from, Rational::new(1, 1))?))
    }

    fn swscale((from, how): (Shape, Encoding), (to, wanted): (Shape, Encoding)) -> Result<Self> {
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
        Ok(Self::Swscale(context, to))
    }

    /// The picture as it is wanted.
    pub fn run(&mut self, picture: &frame::Video) -> Result<frame::Video> {
        match self {
            Self::Swscale(context, to) => {
                let mut out = frame::Video::new(to.format, to.width, to.height);
                context.run(picture, &mut out)?;
                Ok(out)
            }
            Self::Zimg(chain) => {
                let mut own = frame::Video::empty();
                ffi::share(&mut own, picture)?;
                // Lines of one field would lie elsewhere; what comes here is whole.
                ffi::make_progressive(&mut own);
                chain.push(&own)?;
                chain.pull()?.context("no picture came out")
            }
        }
    }
}

/// Whether chroma samples lie where decoders of H.264 expect them, or nothing is said of it.
pub fn is_sited_left(picture: &frame::Video) -> bool {
    matches!(
        picture.chroma_location(),
        Location::Unspecified | Location::Left
    )
}

fn samples(format: Pixel) -> Samples {
    use Pixel::*;
    let planes = |wider, higher| Samples::Planes { wider, higher };
    match format {
        YUV420P | YUVJ420P | YUV420P9LE | YUV420P10LE | YUV420P12LE | YUV420P14LE | YUV420P16LE => {
            planes(1, 1)
        }
        YUV422P | YUVJ422P | YUV422P9LE | YUV422P10LE | YUV422P12LE | YUV422P14LE | YUV422P16LE => {
            planes(1, 0)
        }
        YUV444P | YUVJ444P | YUV444P9LE | YUV444P10LE | YUV444P12LE | YUV444P14LE | YUV444P16LE => {
            planes(0, 0)
        }
        GBRP | GBRP9LE | GBRP10LE | GBRP12LE | GBRP14LE | GBRP16LE => Samples::Colours(""),
        RGB24 | BGR24 | RGBA | BGRA | ARGB | ABGR | RGBZ | BGRZ | ZRGB | ZBGR | PAL8 | GBRAP => {
            Samples::Colours("format=rgb24,format=gbrp,")
        }
        RGB48LE | RGB48BE | RGBA64LE | RGBA64BE | GBRAP16LE => {
            Samples::Colours("format=rgb48le,format=gbrp16le,")
        }
        _ => Samples::Elsewhere,
    }
}

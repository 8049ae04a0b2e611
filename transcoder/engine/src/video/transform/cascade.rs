//! The cascade: from a decoded picture down the sizes of the ladder, each from the one above.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame;
use ffmpeg_next::software::scaling;
use plan::media_info::VideoTrack;
use plan::{Conversion, OutputColor, Size};

use crate::ffi::{self, Encoding};
use crate::video::pictures::Picture;
use crate::video::transform::filter_graph::Shape;
use crate::video::transform::letterbox::{self, Letterbox};
use crate::video::transform::rotation::Rotation;
use crate::video::transform::scaler::{FLAGS, LEFT, Scaler, site};

/// Scales pictures along one path, before they are turned and tone-mapped, so that this is done
/// in the sizes that are wanted alone; remembers the last picture, since held ones repeat.
pub struct Cascade {
    path: Vec<Size>,
    format: Pixel,
    matrix: i32,
    steps: Vec<Option<Scaler>>,
    fit: Letterbox,
    /// Of the last picture, the size in which it was shown, its range and chroma.
    input: Option<(Shape, Size, bool, &'static str)>,
    last: Option<(Picture, Vec<Picture>)>,
}

impl Cascade {
    /// A cascade along `path`, upright sizes of which the first is the top's, of a track's pictures,
    /// which will be turned.
    pub fn new(path: &[Size], track: &VideoTrack, color: &OutputColor) -> Self {
        let turn = Rotation::of(track);
        let (format, matrix) = match &color.conversion {
            Conversion::Kept => (Pixel::YUV420P, &color.matrix),
            // Its curve needs more steps than eight bits have.
            Conversion::Light { matrix, .. } => (Pixel::YUV420P10LE, matrix),
        };
        Self {
            path: path.iter().map(|&size| turn.before(size)).collect(),
            format,
            matrix: ffi::matrix_constant(matrix),
            steps: path.iter().map(|_| None).collect(),
            fit: Letterbox::of(track),
            input: None,
            last: None,
        }
    }

    /// The picture in every size of the path.
    pub fn run(&mut self, picture: &Picture) -> Result<Vec<Picture>> {
        if let Some((last, sizes)) = &self.last
            && Arc::ptr_eq(last, picture)
        {
            return Ok(sizes.clone());
        }
        let whole = *self.path.first().context("an empty path")?;
        let shown = self.fit.inside(picture, whole);
        let full_range = is_full_range(picture);
        let input = (Shape::of(picture), shown, full_range, site(picture));
        if self.input.replace(input) != Some(input) {
            // What changes in mid-stream.
            self.steps[0] = None;
        }
        let to = Encoding {
            matrix: self.matrix,
            full_range: false,
        };
        let source = Encoding {
            matrix: self.matrix,
            full_range,
        };
        let mut sizes: Vec<Picture> = Vec::with_capacity(self.path.len());
        for step in 0..self.path.len() {
            let scaled = match sizes.last() {
                None if shown == whole => self.scale(step, whole, picture, source, to)?,
                None => {
                    let inner = self.scale(step, shown, picture, source, to)?;
                    Arc::new(letterbox::framed(&inner, whole).into())
                }
                Some(above) => self.scale(step, self.path[step], &above.clone(), to, to)?,
            };
            sizes.push(scaled);
        }
        self.last = Some((picture.clone(), sizes.clone()));
        Ok(sizes)
    }

    fn scale(
        &mut self,
        step: usize,
        size: Size,
        picture: &Picture,
        from: Encoding,
        to: Encoding,
    ) -> Result<Picture> {
        let format = self.format;
        let wanted = Shape {
            format,
            width: size.width,
            height: size.height,
        };
        let shape = Shape::of(picture);
        if shape == wanted && from == to && site(picture) == LEFT {
            return Ok(picture.clone());
        }
        let slot = &mut self.steps[step];
        if slot.is_none() {
            *slot = Some(Scaler::new(picture, from, (wanted, to))?);
        }
        let scaler = slot.as_mut().context("a scaler was just made")?;
        Ok(Arc::new(scaler.run(picture)?.into()))
    }
}

/// Whether its values go from 0 to 255, and not from 16 to 235.
pub fn is_full_range(picture: &frame::Video) -> bool {
    picture.color_range() == ffmpeg_next::color::Range::JPEG
        || matches!(
            picture.format(),
            Pixel::YUVJ420P | Pixel::YUVJ422P | Pixel::YUVJ444P
        )
}

/// BT.601, by the name that FFmpeg has for it.
pub const STILL_MATRIX: &str = "smpte170m";

/// A `yuv420p` picture of the same size in the encoding of still pictures: BT.601, full range
/// for JPEG (JFIF), limited for WebP.
pub fn for_still(picture: &Picture, matrix: &str, full_range: bool) -> Result<Picture> {
    let (width, height) = (picture.width(), picture.height());
    let format = Pixel::YUV420P;
    let mut context = scaling::Context::get(format, width, height, format, width, height, FLAGS)?;
    let from = ffi::Encoding {
        matrix: ffi::matrix_constant(matrix),
        full_range: false,
    };
    let to = ffi::Encoding {
        matrix: ffi::matrix_constant(STILL_MATRIX),
        full_range,
    };
    ffi::set_colour(&mut context, from, to);
    let mut out = frame::Video::new(format, width, height);
    context.run(picture, &mut out)?;
    Ok(Arc::new(out.into()))
}

/// A picture of any format, such as a cover, in `yuv420p` of a size: BT.601, limited range. What
/// does not say otherwise is in BT.601 too, as JFIF has it.
pub fn flat(picture: &Picture, size: Size) -> Result<Picture> {
    let shape = Shape::of(picture);
    let format = Pixel::YUV420P;
    let (width, height) = (size.width, size.height);
    let mut context = scaling::Context::get(
        shape.format,
        shape.width,
        shape.height,
        format,
        width,
        height,
        FLAGS,
    )?;
    let matrix = ffi::matrix_constant(STILL_MATRIX);
    let encoding = |full_range| Encoding { matrix, full_range };
    ffi::set_colour(
        &mut context,
        encoding(is_full_range(picture)),
        encoding(false),
    );
    let mut out = frame::Video::new(format, width, height);
    context.run(picture, &mut out)?;
    Ok(Arc::new(out.into()))
}

/// A black `yuv420p` picture, in limited range.
pub fn black(size: Size) -> frame::Video {
    let mut picture = frame::Video::new(Pixel::YUV420P, size.width, size.height);
    picture.data_mut(0).fill(16);
    picture.data_mut(1).fill(128);
    picture.data_mut(2).fill(128);
    picture
}

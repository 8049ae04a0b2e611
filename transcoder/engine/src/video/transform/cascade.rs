//! The scaling cascade: from a decoded picture down the sizes of the ladder, each scaled from the one above.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame;
use ffmpeg_next::software::scaling;
use plan::media_info::VideoTrack;
use plan::{Conversion, OutputColor, Size};

use crate::ffi::{self, YuvEncoding};
use crate::video::pictures::Picture;
use crate::video::transform::filter_graph::Shape;
use crate::video::transform::letterbox::{self, Letterbox};
use crate::video::transform::rotation::Rotation;
use crate::video::transform::scaler::{FLAGS, LEFT, Scaler, site};

/// Scaler of pictures along one path of sizes. It works before rotation and tone mapping, so that these are done only
/// in the sizes that are wanted. It remembers the last picture, since held pictures repeat.
pub struct Cascade {
    path: Vec<Size>,
    format: Pixel,
    matrix: i32,
    steps: Vec<Option<Scaler>>,
    letterbox: Letterbox,
    /// Shape, shown size, range and chroma location of the last picture.
    input: Option<(Shape, Size, bool, &'static str)>,
    last: Option<(Picture, Vec<Picture>)>,
}

impl Cascade {
    /// Makes a cascade along `path`, a list of upright sizes from the largest down, for the pictures of a track,
    /// which are rotated later.
    pub fn new(path: &[Size], track: &VideoTrack, color: &OutputColor) -> Self {
        let turn = Rotation::of(track);
        let (format, matrix) = match &color.conversion {
            Conversion::Kept => (Pixel::YUV420P, &color.matrix),
            // The tone curve needs more steps than eight bits have.
            Conversion::Light { matrix, .. } => (Pixel::YUV420P10LE, matrix),
        };
        Self {
            path: path.iter().map(|&size| turn.before(size)).collect(),
            format,
            matrix: ffi::matrix_constant(matrix),
            steps: path.iter().map(|_| None).collect(),
            letterbox: Letterbox::of(track),
            input: None,
            last: None,
        }
    }

    /// Scales a picture to every size of the path.
    pub fn run(&mut self, picture: &Picture) -> Result<Vec<Picture>> {
        if let Some((last, sizes)) = &self.last
            && Arc::ptr_eq(last, picture)
        {
            return Ok(sizes.clone());
        }
        let whole = *self.path.first().context("the scale path is empty")?;
        let shown = self.letterbox.size_inside(picture, whole);
        let full_range = is_full_range(picture);
        let input = (Shape::of(picture), shown, full_range, site(picture));
        if self.input.replace(input) != Some(input) {
            // A stream may change the shape of its pictures inside.
            self.steps[0] = None;
        }
        let to = YuvEncoding {
            matrix: self.matrix,
            full_range: false,
        };
        let source = YuvEncoding {
            matrix: self.matrix,
            full_range,
        };
        let mut sizes: Vec<Picture> = Vec::with_capacity(self.path.len());
        for step in 0..self.path.len() {
            let scaled = match sizes.last() {
                None if shown == whole => self.scale(step, whole, picture, source, to)?,
                None => {
                    let inner = self.scale(step, shown, picture, source, to)?;
                    Arc::new(letterbox::frame_in_black(&inner, whole).into())
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
        from: YuvEncoding,
        to: YuvEncoding,
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

/// Whether the values of a picture go from 0 to 255 (full range), and not from 16 to 235.
pub fn is_full_range(picture: &frame::Video) -> bool {
    picture.color_range() == ffmpeg_next::color::Range::JPEG
        || matches!(
            picture.format(),
            Pixel::YUVJ420P | Pixel::YUVJ422P | Pixel::YUVJ444P
        )
}

/// FFmpeg's name of the colour matrix BT.601.
pub const STILL_MATRIX: &str = "smpte170m";

/// Converts a `yuv420p` picture to the encoding of still pictures, in the same size: BT.601, in full range for JPEG
/// (JFIF), in limited range for WebP.
pub fn to_still_encoding(picture: &Picture, matrix: &str, full_range: bool) -> Result<Picture> {
    let (width, height) = (picture.width(), picture.height());
    let format = Pixel::YUV420P;
    let mut context = scaling::Context::get(format, width, height, format, width, height, FLAGS)?;
    let from = ffi::YuvEncoding {
        matrix: ffi::matrix_constant(matrix),
        full_range: false,
    };
    let to = ffi::YuvEncoding {
        matrix: ffi::matrix_constant(STILL_MATRIX),
        full_range,
    };
    ffi::set_colour(&mut context, from, to);
    let mut out = frame::Video::new(format, width, height);
    context.run(picture, &mut out)?;
    Ok(Arc::new(out.into()))
}

/// Converts a picture of any format, such as a cover, to `yuv420p` of a size: BT.601, limited range. A picture that
/// declares no matrix is taken to be in BT.601 too, as in JFIF.
pub fn to_yuv420p(picture: &Picture, size: Size) -> Result<Picture> {
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
    let encoding = |full_range| YuvEncoding { matrix, full_range };
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

//! The cascade: from a decoded picture down the sizes of the ladder, each from the one above.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame;
use ffmpeg_next::software::scaling::{self, Flags};
use plan::{OutputColor, Size};

use crate::ffi;
use crate::pictures::Picture;
use crate::turn::Turn;

/// Bicubic, rounded exactly and bit for bit the same on every machine.
const FLAGS: Flags = Flags::BICUBIC
    .union(Flags::ACCURATE_RND)
    .union(Flags::FULL_CHR_H_INP)
    .union(Flags::BITEXACT);

/// Scales pictures along one path; remembers the last picture, since held ones repeat.
pub struct Cascade {
    path: Vec<Size>,
    turn: Turn,
    matrix: i32,
    steps: Vec<Option<scaling::Context>>,
    input: Option<(Pixel, u32, u32)>,
    last: Option<(Picture, Vec<Picture>)>,
}

impl Cascade {
    /// A cascade along `path`, whose first size is the top's.
    pub fn new(path: Vec<Size>, turn: Turn, colour: &OutputColor) -> Self {
        let steps = path.iter().map(|_| None).collect();
        let matrix = ffi::matrix_constant(&colour.matrix);
        Self {
            path,
            turn,
            matrix,
            steps,
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
        let shape = (picture.format(), picture.width(), picture.height());
        if self.input.replace(shape) != Some(shape) {
            // A size or format that changes in mid-stream.
            self.steps[0] = None;
        }
        let mut sizes: Vec<Picture> = Vec::with_capacity(self.path.len());
        for step in 0..self.path.len() {
            let size = self.path[step];
            let scaled = match sizes.last() {
                None => {
                    let before_turn = self.turn.before(size);
                    let full_range = is_full_range(picture);
                    let upright = self.scale(step, picture, before_turn, full_range)?;
                    self.turn.apply(upright)
                }
                Some(above) => self.scale(step, &above.clone(), size, false)?,
            };
            sizes.push(scaled);
        }
        self.last = Some((picture.clone(), sizes.clone()));
        Ok(sizes)
    }

    fn scale(
        &mut self,
        step: usize,
        from: &Picture,
        to: Size,
        full_range: bool,
    ) -> Result<Picture> {
        let same = from.format() == Pixel::YUV420P
            && (from.width(), from.height()) == (to.width, to.height)
            && !full_range;
        if same {
            return Ok(from.clone());
        }
        let slot = &mut self.steps[step];
        if slot.is_none() {
            let mut context = scaling::Context::get(
                from.format(),
                from.width(),
                from.height(),
                Pixel::YUV420P,
                to.width,
                to.height,
                FLAGS,
            )?;
            let encoding = |full_range| ffi::Encoding {
                matrix: self.matrix,
                full_range,
            };
            ffi::set_colour(&mut context, encoding(full_range), encoding(false));
            *slot = Some(context);
        }
        let context = slot.as_mut().context("a scaler was just made")?;
        let mut out = frame::Video::new(Pixel::YUV420P, to.width, to.height);
        context.run(from, &mut out)?;
        Ok(Arc::new(out.into()))
    }
}

fn is_full_range(picture: &Picture) -> bool {
    picture.color_range() == ffmpeg_next::color::Range::JPEG
        || matches!(
            picture.format(),
            Pixel::YUVJ420P | Pixel::YUVJ422P | Pixel::YUVJ444P
        )
}

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
        matrix: ffi::matrix_constant("smpte170m"),
        full_range,
    };
    ffi::set_colour(&mut context, from, to);
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

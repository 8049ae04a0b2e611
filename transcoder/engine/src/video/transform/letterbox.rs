//! Letterboxing of pictures that have another shape than the rest of their source, such as where a broadcast changes
//! from 16:9 to 4:3: they are shown as large as they fit, in the middle of black.

use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame;
use plan::media_info::VideoTrack;
use plan::{Rational, Size};

use crate::input::times::rational;

/// Difference between two shapes, in per mille, below which they count as the same: sizes are rounded.
const ALIKE_PER_MILLE: i64 = 10;

/// Size and shape of the pictures that a source's plan was made for.
#[derive(Clone, Copy)]
pub struct Letterbox {
    size: (u32, u32),
    aspect: Rational,
    /// Pixel aspect ratio that the pictures themselves declare; zero where they declare none.
    own_aspect: Rational,
}

impl Letterbox {
    /// Letterbox of a track.
    pub fn of(track: &VideoTrack) -> Self {
        Self {
            size: track.shown_size(),
            aspect: track.sample_aspect,
            own_aspect: track.own_aspect,
        }
    }

    /// Whether a picture has another size or pixel aspect ratio than most of its track.
    pub fn differs_from_track(&self, picture: &frame::Video) -> bool {
        (picture.width(), picture.height()) != self.size || !self.is_usual(picture)
    }

    /// Whether a picture declares no other pixel aspect ratio than most of its track.
    fn is_usual(&self, picture: &frame::Video) -> bool {
        let declared = rational(picture.aspect_ratio());
        declared.num() <= 0 || declared == self.own_aspect
    }

    /// Size in which a picture is shown inside `whole`, the size that the source's usual pictures take.
    pub fn size_inside(&self, picture: &frame::Video, whole: Size) -> Size {
        let size = (picture.width(), picture.height());
        let declared = rational(picture.aspect_ratio());
        let is_usual = self.is_usual(picture);
        if size == self.size && is_usual {
            return whole;
        }
        // The ratio is taken relative to the usual pictures, since the container may declare another one for all of
        // them.
        let aspect = match (is_usual, self.own_aspect.num()) {
            (true, _) => self.aspect,
            (false, 1..) => ratio(self.aspect, declared, self.own_aspect),
            (false, _) => declared,
        };
        let own = shape(self.size, self.aspect);
        // Width of the picture's shape relative to the source's, in per mille.
        let wide = shape(size, aspect).scale_round(1000 * own.den(), own.num().max(1));
        let part = |side: u32, num: i64, den: i64| {
            let side = i64::from(side) * num / den.max(1);
            (side as u32 & !1).max(2)
        };
        match wide {
            _ if (wide - 1000).abs() < ALIKE_PER_MILLE => whole,
            ..1000 => Size {
                width: part(whole.width, wide, 1000),
                ..whole
            },
            _ => Size {
                height: part(whole.height, 1000, wide),
                ..whole
            },
        }
    }
}

/// Computes `a * b / c`; 1 where the result does not fit.
fn ratio(a: Rational, b: Rational, c: Rational) -> Rational {
    let product = |a: i64, b: i64, c: i64| a.checked_mul(b)?.checked_mul(c);
    let num = product(a.num(), b.num(), c.den());
    let den = product(a.den(), b.den(), c.num());
    let found = num
        .zip(den)
        .and_then(|(num, den)| Rational::checked(num, den));
    found.unwrap_or(Rational::new(1, 1))
}

/// Ratio of width to height of a picture as it is shown.
fn shape((width, height): (u32, u32), aspect: Rational) -> Rational {
    let wide = Rational::new(i64::from(width), i64::from(height.max(1)));
    ratio(wide, aspect, Rational::new(1, 1))
}

/// Puts a picture into the middle of a black one, in limited range. The format is `yuv420p` or `yuv420p10le`.
pub fn frame_in_black(picture: &frame::Video, whole: Size) -> frame::Video {
    let deep = picture.format() == Pixel::YUV420P10LE;
    let mut out = frame::Video::new(picture.format(), whole.width, whole.height);
    for plane in 0..3 {
        let level: u16 = if plane == 0 { 16 } else { 128 };
        if deep {
            let level = (level << 2).to_le_bytes();
            out.data_mut(plane)
                .chunks_exact_mut(2)
                .for_each(|sample| sample.copy_from_slice(&level));
        } else {
            out.data_mut(plane).fill(level as u8);
        }
        let bytes = 1 + usize::from(deep);
        let half = u32::from(plane > 0);
        // The margin is a whole number of chroma samples.
        let margin = |whole: u32, inner: u32| (((whole - inner) / 2) & !1) as usize >> half;
        let left = margin(whole.width, picture.width()) * bytes;
        let top = margin(whole.height, picture.height());
        let (from, to) = (picture.stride(plane), out.stride(plane));
        let width = (picture.width().div_ceil(1 << half) as usize) * bytes;
        for row in 0..picture.height().div_ceil(1 << half) as usize {
            let source = &picture.data(plane)[row * from..][..width];
            out.data_mut(plane)[(top + row) * to + left..][..width].copy_from_slice(source);
        }
    }
    out
}

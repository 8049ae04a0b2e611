//! Turning and mirroring of 4:2:0 pictures, as a display matrix asks for.

use std::sync::Arc;

use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame;
use plan::{Size, media_info::VideoTrack};

use crate::pictures::Picture;

/// What is done to a stored picture so that it stands upright: mirrored left to right first,
/// then turned clockwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    quarters: u8,
    mirrored: bool,
}

impl Turn {
    /// What this track needs.
    pub fn of(track: &VideoTrack) -> Self {
        Self {
            quarters: (track.rotation / 90 % 4) as u8,
            mirrored: track.mirrored,
        }
    }

    /// The size before the turn of what has `size` after it.
    pub fn before(self, size: Size) -> Size {
        match self.quarters % 2 {
            1 => Size {
                width: size.height,
                height: size.width,
            },
            _ => size,
        }
    }

    /// Turns a `yuv420p` picture.
    pub fn apply(self, picture: Picture) -> Picture {
        if self.quarters == 0 && !self.mirrored {
            return picture;
        }
        let stored = Size {
            width: picture.width(),
            height: picture.height(),
        };
        let upright = self.before(stored);
        let mut out = frame::Video::new(Pixel::YUV420P, upright.width, upright.height);
        for plane in 0..3 {
            let (width, height) = (picture.plane_width(plane), picture.plane_height(plane));
            let (in_stride, out_stride) = (picture.stride(plane), out.stride(plane));
            let from = picture.data(plane);
            let to = out.data_mut(plane);
            for y in 0..height as usize {
                let row = &from[y * in_stride..][..width as usize];
                for (column, &sample) in row.iter().enumerate() {
                    let x = if self.mirrored {
                        width as usize - 1 - column
                    } else {
                        column
                    };
                    let (last_x, last_y) = (width as usize - 1, height as usize - 1);
                    let (to_x, to_y) = match self.quarters {
                        0 => (x, y),
                        1 => (last_y - y, x),
                        2 => (last_x - x, last_y - y),
                        _ => (y, last_x - x),
                    };
                    to[to_y * out_stride + to_x] = sample;
                }
            }
        }
        Arc::new(out.into())
    }
}

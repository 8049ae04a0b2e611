//! Rotation and mirroring of pictures, as a display matrix asks for.

use plan::{Size, media_info::VideoTrack};

/// Rotation that makes a stored picture upright: it is first mirrored left to right, then rotated clockwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    quarters: u8,
    mirrored: bool,
}

impl Rotation {
    /// Rotation of a track's pictures.
    pub fn of(track: &VideoTrack) -> Self {
        Self {
            quarters: (track.rotation / 90 % 4) as u8,
            mirrored: track.mirrored,
        }
    }

    /// Size of a picture before the rotation, from its `size` after it.
    pub fn before(self, size: Size) -> Size {
        match self.quarters % 2 {
            1 => Size {
                width: size.height,
                height: size.width,
            },
            _ => size,
        }
    }

    /// Filters of the rotation, in libavfilter's syntax; they move samples and change none. `vflip` alone leaves the
    /// rows in place and counts them from the last one, which not every filter can read.
    pub fn filter(self) -> Option<&'static str> {
        match (self.mirrored, self.quarters) {
            (false, 0) => None,
            (false, 1) => Some("transpose=clock"),
            (false, 2) => Some("vflip,hflip"),
            (false, _) => Some("transpose=cclock"),
            (true, 0) => Some("hflip"),
            (true, 1) => Some("transpose=clock_flip"),
            (true, 2) => Some("vflip,copy"),
            (true, _) => Some("transpose=cclock_flip"),
        }
    }
}

#[cfg(test)]
mod tests {
    use ffmpeg_next::format::Pixel;
    use ffmpeg_next::frame;
    use plan::Rational;

    use super::*;
    use crate::video::transform::filter_graph::{FilterGraph, Shape};

    /// Size that is larger than the blocks in which libavfilter works, and no multiple of them.
    const STORED: (usize, usize) = (70, 38);

    /// Value of a sample of one plane, which differs from that of its neighbours.
    fn sample(plane: usize, x: usize, y: usize) -> u8 {
        (plane * 100 + x * 7 + y * 31) as u8
    }

    /// Place of a sample after the rotation, from its place before it in a plane of this size.
    fn moved(
        turn: Rotation,
        (width, height): (usize, usize),
        (x, y): (usize, usize),
    ) -> (usize, usize) {
        let x = if turn.mirrored { width - 1 - x } else { x };
        match turn.quarters {
            0 => (x, y),
            1 => (height - 1 - y, x),
            2 => (width - 1 - x, height - 1 - y),
            _ => (y, width - 1 - x),
        }
    }

    #[test]
    fn every_sample_comes_to_lie_where_the_matrix_says() {
        ffmpeg_next::init().unwrap();
        let mut stored = frame::Video::new(Pixel::YUV420P, STORED.0 as u32, STORED.1 as u32);
        let planes = [
            STORED,
            (STORED.0 / 2, STORED.1 / 2),
            (STORED.0 / 2, STORED.1 / 2),
        ];
        for (plane, (width, height)) in planes.into_iter().enumerate() {
            let stride = stored.stride(plane);
            for (x, y) in (0..width).flat_map(|x| (0..height).map(move |y| (x, y))) {
                stored.data_mut(plane)[y * stride + x] = sample(plane, x, y);
            }
        }
        for (quarters, mirrored) in
            (0..4).flat_map(|quarters| [(quarters, false), (quarters, true)])
        {
            let turn = Rotation { quarters, mirrored };
            let Some(filter) = turn.filter() else {
                assert_eq!((quarters, mirrored), (0, false));
                continue;
            };
            let shape = Shape::of(&stored);
            let mut chain = FilterGraph::new(filter, shape, Rational::new(1, 1)).unwrap();
            chain.push(&stored).unwrap();
            let upright = chain.pull().unwrap().unwrap();
            let size = turn.before(Size {
                width: upright.width(),
                height: upright.height(),
            });
            assert_eq!(
                (size.width as usize, size.height as usize),
                STORED,
                "{turn:?}"
            );
            for (plane, size) in planes.into_iter().enumerate() {
                let (bytes, stride) = (upright.data(plane), upright.stride(plane));
                for (x, y) in (0..size.0).flat_map(|x| (0..size.1).map(move |y| (x, y))) {
                    let (to_x, to_y) = moved(turn, size, (x, y));
                    let found = bytes[to_y * stride + to_x];
                    assert_eq!(
                        found,
                        sample(plane, x, y),
                        "{turn:?}, plane {plane} at {x}, {y}"
                    );
                }
            }
        }
    }
}

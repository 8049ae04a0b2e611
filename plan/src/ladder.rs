//! The bit-rate ladder: which rungs a video gets, and how frames are scaled to each of them.
//!
//! Track properties and frame rate go in; rungs with their sizes, caps and scale paths come out.

use serde::{Deserialize, Serialize};

use crate::media_info::VideoTrack;
use crate::units::Rational;

/// Size of a frame in pixels. Both sides are even.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

impl Size {
    /// Number of pixels of a frame.
    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }
}

/// Bounding box of a rung, for frames in either orientation, with the rung's bit-rate cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Box {
    /// Longest short side of a frame in pixels. The number is the box's name, as in `v720`.
    pub short: u32,
    /// Longest long side of a frame in pixels.
    pub long: u32,
    /// Bit-rate cap in kilobits of H.264 per second at up to 30 frames per second. No segment exceeds it.
    pub cap_kbit: u32,
}

/// Frame rate, in frames per second, up to which a box's own cap applies.
const USUAL_RATE: i64 = 30;
/// Short side in pixels of the smallest box whose cap rises with the frame rate. Smaller boxes are for viewers with
/// hardly any bandwidth.
const LEAST_RISING_BOX: u32 = 480;
/// Frame rate, in frames per second, at which a cap is highest: 1.5 times the box's own. The rise is less than the
/// rate's, since frames that follow each other sooner differ less.
const HIGHEST_RATE: i64 = 60;

impl Box {
    /// Returns the box with the cap for this frame rate.
    fn at(self, rate: Rational) -> Self {
        if self.short < LEAST_RISING_BOX {
            return self;
        }
        let rate = rate.scale_round(1, 1).clamp(USUAL_RATE, HIGHEST_RATE);
        let cap_kbit = i64::from(self.cap_kbit) * (USUAL_RATE + rate) / (2 * USUAL_RATE);
        Self {
            cap_kbit: cap_kbit as u32,
            ..self
        }
    }
}

/// All boxes, largest first.
pub const BOXES: [Box; 7] = [
    Box {
        short: 2160,
        long: 3840,
        cap_kbit: 18_000,
    },
    Box {
        short: 1440,
        long: 2560,
        cap_kbit: 10_000,
    },
    Box {
        short: 1080,
        long: 1920,
        cap_kbit: 5_000,
    },
    Box {
        short: 720,
        long: 1280,
        cap_kbit: 2_800,
    },
    Box {
        short: 480,
        long: 854,
        cap_kbit: 1_400,
    },
    Box {
        short: 360,
        long: 640,
        cap_kbit: 800,
    },
    Box {
        short: 240,
        long: 428,
        cap_kbit: 400,
    },
];

/// One rung of the ladder: the size of its frames, and the sizes through which a frame is scaled down to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rung {
    pub(crate) container: Box,
    /// Sizes of the scaling steps, from the largest down to the rung's own size. The boxes fix the path, not the
    /// choice of rungs, so that a rung made alone is scaled like one made in a cascade.
    pub(crate) path: Vec<Size>,
}

impl Rung {
    pub(crate) fn size(&self) -> Size {
        // The last step of a path is the rung's own size.
        self.path.last().copied().unwrap_or(Size {
            width: 16,
            height: 16,
        })
    }
}

/// Largest plausible ratio of a pixel's width to its height. Real sources stretch pixels by less than 3; beyond this
/// limit the header is damaged, and square pixels are the better guess.
const WIDEST_PIXEL: Rational = Rational::new(10, 1);
/// Smallest plausible ratio of a pixel's width to its height: the inverse of the largest.
const FLATTEST_PIXEL: Rational = Rational::new(1, 10);

/// Width and height of a frame as a viewer sees it: with square pixels (the height is kept) and turned upright. The
/// numbers are exact and may be odd.
pub(crate) fn display_size(video: &VideoTrack) -> (u64, u64) {
    let aspect = video.sample_aspect;
    let (num, den) = if (FLATTEST_PIXEL..=WIDEST_PIXEL).contains(&aspect) {
        (aspect.num(), aspect.den())
    } else {
        (1, 1)
    };
    let (width, height) = video.shown_size();
    let width = Rational::new(i64::from(width), 1)
        .scale_round(num, den)
        .max(1);
    let (width, height) = (width as u64, u64::from(height.max(1)));
    if video.rotation % 180 == 90 {
        (height, width)
    } else {
        (width, height)
    }
}

/// Rungs of a video at this frame rate, highest first.
pub(crate) fn rungs(video: &VideoTrack, rate: Rational) -> Vec<Rung> {
    let display = display_size(video);
    let (short, long) = (display.0.min(display.1), display.0.max(display.1));
    let holds = |b: &Box| short <= u64::from(b.short) && long <= u64::from(b.long);
    let top = BOXES.iter().rposition(holds).unwrap_or(0);
    let mut path: Vec<Size> = Vec::new();
    let mut rungs: Vec<Rung> = Vec::new();
    for container in &BOXES[top..] {
        let size = fit(display, container);
        if path.last() != Some(&size) {
            path.push(size);
        }
        let worth_it = rungs
            .last()
            .is_none_or(|above| size.pixels() * 5 <= above.size().pixels() * 4);
        if worth_it {
            rungs.push(Rung {
                container: container.at(rate),
                path: path.clone(),
            });
        }
    }
    rungs
}

/// Scales the display size down into a box, never up. Each side is the nearest even number that fits the box, and at
/// least 16.
fn fit((width, height): (u64, u64), container: &Box) -> Size {
    let (short, long) = (width.min(height), width.max(height));
    let (box_short, box_long) = (u64::from(container.short), u64::from(container.long));
    // The scale factor as a fraction: the smallest of 1, box_short/short and box_long/long.
    let (mut num, mut den) = (1, 1);
    for (n, d) in [(box_short, short), (box_long, long)] {
        if n * den < num * d {
            (num, den) = (n, d);
        }
    }
    let side = |length: u64, limit: u64| {
        let even = (length * num + den - 1) / (2 * den) * 2; // the nearest even number; ties round down
        even.min(limit / 2 * 2).max(16) as u32
    };
    let (short_side, long_side) = (side(short, box_short), side(long, box_long));
    if width <= height {
        Size {
            width: short_side,
            height: long_side,
        }
    } else {
        Size {
            width: long_side,
            height: short_side,
        }
    }
}

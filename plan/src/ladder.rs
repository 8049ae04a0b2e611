//! Which rungs a picture gets, and how each is scaled.

use serde::{Deserialize, Serialize};

use crate::Rational;
use crate::media_info::VideoTrack;

/// A picture's size in pixels, both even.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl Size {
    /// Number of pixels.
    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }
}

/// A box that pictures fit in, in either orientation, and the cap of its rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Box {
    /// Its name N: the longest that a picture's short side may be.
    pub short: u32,
    /// The longest that a picture's long side may be.
    pub long: u32,
    /// Kilobits of H.264 per second that no segment exceeds, at up to 30 pictures a second.
    pub cap_kbit: u32,
}

/// Pictures a second up to which a box's own cap holds.
const USUAL_RATE: i64 = 30;
/// The smallest box whose cap rises with the picture rate: those below it are for who has hardly any bandwidth.
const LEAST_RISING_BOX: u32 = 480;
/// Pictures a second at which a cap is highest, half as much again: a picture that follows another sooner differs less
/// from it.
const HIGHEST_RATE: i64 = 60;

impl Box {
    /// The same box for pictures at this rate.
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

/// The boxes, largest first.
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

/// One rung: a size in a box, and the sizes a picture passes through on its way there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rung {
    pub(crate) container: Box,
    /// From the source down; the last is the rung's own. Fixed by the boxes, not by which
    /// rungs are kept, so that a rung made alone is scaled like one made in a cascade.
    pub(crate) path: Vec<Size>,
}

impl Rung {
    pub(crate) fn size(&self) -> Size {
        // A path is made with its own size as the last step.
        self.path.last().copied().unwrap_or(Size {
            width: 16,
            height: 16,
        })
    }
}

/// Pixels are stretched by less than 3 wherever anybody meant it; beyond this a header is
/// damaged, and square is the better guess.
const WIDEST_PIXEL: Rational = Rational::new(10, 1);
const FLATTEST_PIXEL: Rational = Rational::new(1, 10);

/// What a viewer sees: square pixels (height kept) and turned upright; exact, not yet even.
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

/// The rungs of a picture at this rate, highest first.
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

/// The display size brought into a box: never up-scaled, each side the nearest even number
/// that stays in the box, at least 16.
fn fit((width, height): (u64, u64), container: &Box) -> Size {
    let (short, long) = (width.min(height), width.max(height));
    let (box_short, box_long) = (u64::from(container.short), u64::from(container.long));
    // The smaller of 1, box_short/short and box_long/long, as a fraction.
    let (mut num, mut den) = (1, 1);
    for (n, d) in [(box_short, short), (box_long, long)] {
        if n * den < num * d {
            (num, den) = (n, d);
        }
    }
    let side = |length: u64, limit: u64| {
        let even = (length * num + den - 1) / (2 * den) * 2; // nearest even, ties down
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

//! What was tried of one segment in one rung: it is encoded until it may be published.

use anyhow::{Result, bail};
use plan::{Fit, Frames, Next, RateFactor, Rational, Try, VideoRendition};

use crate::output::product::Coded;
use crate::video::encode::control::Control;

/// How often a buffer may be made harder: then the encoder has no coarser quantizer.
const MOST_HARDER: u32 = 10;

/// The tries of one segment.
pub struct Attempts {
    /// How the segment is encoded next.
    pub control: Control,
    /// How often it was encoded.
    pub count: u32,
    tries: Vec<Try>,
    /// The finest that fits, with its rate factor.
    best: Option<(RateFactor, Coded)>,
}

/// The judgement of one encode of a segment.
pub enum Verdict {
    /// The segment.
    Done(Coded),
    /// The segment is to be encoded again.
    Again,
}

impl Attempts {
    /// The state before a segment's first encode.
    pub fn new(rendition: &VideoRendition, segment: u32) -> Self {
        Self::beginning_with(match rendition.is_trick_play() {
            true => Control::Expected,
            false => Control::Factor(rendition.first_factor(segment)),
        })
    }

    /// The state before the first encode of a segment that holds one picture: hardly any bytes follow the first.
    pub fn of_one_picture() -> Self {
        Self::beginning_with(Control::Expected)
    }

    fn beginning_with(control: Control) -> Self {
        Self {
            control,
            count: 0,
            tries: Vec::new(),
            best: None,
        }
    }

    /// Judges an encode by `control` of a segment of so many frames, whose coded pictures have these sizes in bytes, in
    /// the order of decoding. An error says that no encode of the segment stays under its cap.
    pub fn judge(
        &mut self,
        rendition: &VideoRendition,
        (frames, rate): (Frames, Rational),
        sizes: &[usize],
        coded: Coded,
    ) -> Result<Verdict> {
        self.count += 1;
        let bytes: usize = sizes.iter().sum();
        let boxes = coded.bytes.len().saturating_sub(bytes);
        let fit = rendition.fit(sizes, boxes, frames, rate);
        let bounded = |factor, harder| Control::Bounded { factor, harder };
        self.control = match self.control {
            Control::Factor(factor) => {
                let bytes = bytes as u64;
                self.note(Try { factor, bytes, fit }, coded);
                let allowed = rendition.allowed_bytes(frames, rate);
                match rendition.next_try(&self.tries, allowed.saturating_sub(boxes as u64)) {
                    Next::Encode(factor) => Control::Factor(factor),
                    Next::Bound => bounded(factor, 0),
                    Next::Take => match self.best.take() {
                        Some((_, best)) => return Ok(Verdict::Done(best)),
                        None => bounded(factor, 0),
                    },
                }
            }
            _ if fit != Fit::TooLarge => return Ok(Verdict::Done(coded)),
            Control::Expected => bounded(RateFactor::whole(rendition.crf), 0),
            Control::Bounded { harder, .. } if harder == MOST_HARDER => bail!(
                "the segment has {} bytes at the coarsest quantizer, which is more than its cap",
                coded.bytes.len()
            ),
            Control::Bounded { factor, harder } => bounded(factor, harder + 1),
        };
        Ok(Verdict::Again)
    }

    /// Keeps what was tried, and the segment if it is the finest that fits.
    fn note(&mut self, one: Try, coded: Coded) {
        self.tries.push(one);
        let mut best = self.best.iter();
        if one.fit == Fit::Fits && best.all(|(factor, _)| one.factor < *factor) {
            self.best = Some((one.factor, coded));
        }
    }
}

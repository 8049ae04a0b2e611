//! Attempts to encode one segment in one rung: the segment is encoded until it stays under its bit-rate cap.

use anyhow::{Result, bail};
use plan::{Fit, Frames, Next, RateFactor, Rational, Try, VideoRendition};

use crate::output::product::CodedSegment;
use crate::video::encode::control::Control;

/// Most times that a segment with a rate-control buffer is encoded again with a coarser quantizer; after these the
/// encoder has none coarser.
const MOST_HARDER: u32 = 10;

/// Attempts to encode one segment.
pub struct Attempts {
    /// Rate control of the next encode of the segment.
    pub control: Control,
    /// Number of encodes of the segment so far.
    pub count: u32,
    tries: Vec<Try>,
    /// Encode with the finest rate factor that is under the cap, with that factor.
    best: Option<(RateFactor, CodedSegment)>,
}

/// Result of judging an encode of a segment.
pub enum Verdict {
    /// The segment that is to be published.
    Done(CodedSegment),
    /// The segment is to be encoded again.
    Again,
}

impl Attempts {
    /// State before the first encode of a segment.
    pub fn new(rendition: &VideoRendition, segment: u32) -> Self {
        Self::beginning_with(match rendition.is_trick_play() {
            true => Control::Expected,
            false => Control::Factor(rendition.first_factor(segment)),
        })
    }

    /// State before the first encode of a segment that holds a single picture for its whole length: hardly any bytes
    /// follow the first picture.
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

    /// Judges an encode by `control` of a segment of so many frames, whose coded pictures have these sizes in bytes,
    /// in decode order. An error says that no encode of the segment stays under its cap.
    pub fn judge(
        &mut self,
        rendition: &VideoRendition,
        (frames, rate): (Frames, Rational),
        sizes: &[usize],
        coded: CodedSegment,
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

    /// Records an attempt, and keeps its segment if it has the finest rate factor that is under the cap.
    fn note(&mut self, one: Try, coded: CodedSegment) {
        self.tries.push(one);
        let mut best = self.best.iter();
        if one.fit == Fit::Fits && best.all(|(factor, _)| one.factor < *factor) {
            self.best = Some((one.factor, coded));
        }
    }
}

//! Remarks on pictures and sound, for the report on their segment.

/// Findings while a segment was made; the video's notes tell them to its owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remarks {
    /// Whether a packet of the segment could not be decoded, or not correctly.
    pub damaged: bool,
    /// Whether a picture or a sound frame had another size, shape, colour, sample rate or number of channels than
    /// most of its track, and was converted.
    pub converted: bool,
}

impl Remarks {
    /// Adds the remarks on further pictures or sound.
    pub fn add(&mut self, other: Self) {
        self.damaged |= other.damaged;
        self.converted |= other.converted;
    }
}

//! Remarks: what a segment's report says of its pictures or its sound.

/// What was found while a segment was made. The video's notes tell it to its owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remarks {
    /// A packet of the segment could not be decoded, or not as it should.
    pub damaged: bool,
    /// A picture or a sound frame had another size, shape, colour, sample rate or number of channels than most of its
    /// track, and was brought to those.
    pub converted: bool,
}

impl Remarks {
    /// Adds the remarks of further pictures or sound.
    pub fn add(&mut self, other: Self) {
        self.damaged |= other.damaged;
        self.converted |= other.converted;
    }
}

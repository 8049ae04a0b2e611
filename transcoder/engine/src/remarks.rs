//! What is to be said of the pictures or the sound of a segment.

/// Found while a segment was made; the video's notes tell it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remarks {
    /// Something could not be decoded as it should.
    pub damaged: bool,
    /// Something had another size, shape, colour, rate or number of channels than its track.
    pub converted: bool,
}

impl Remarks {
    /// Whatever is to be said of this or of the other.
    pub fn add(&mut self, other: Self) {
        self.damaged |= other.damaged;
        self.converted |= other.converted;
    }
}

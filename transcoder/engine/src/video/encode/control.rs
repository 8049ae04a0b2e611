//! How an encoder decides how many bytes the pictures of a segment take.

use plan::RateFactor;

/// How an encoder decides what a segment's pictures take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// The same quality for all of them, whatever they take.
    Factor(RateFactor),
    /// A buffer that mostly holds the cap.
    Expected,
    /// A buffer that holds the cap.
    Bounded {
        /// The rate factor where the buffer allows it.
        factor: RateFactor,
        /// How often it was not enough: it is coarser by so many steps.
        harder: u32,
    },
}

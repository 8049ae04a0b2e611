//! Rate control: the rule by which an encoder decides how many bytes the pictures of a segment take.

use plan::RateFactor;

/// Rule by which an encoder decides how many bytes the pictures of a segment take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Constant quality by a rate factor, whatever number of bytes the pictures take.
    Factor(RateFactor),
    /// Rate-control buffer of a size with which a segment mostly stays under its cap.
    Expected,
    /// Rate-control buffer of a size with which a segment always stays under its cap.
    Bounded {
        /// Rate factor that is used where the buffer allows it.
        factor: RateFactor,
        /// Number of earlier encodes that exceeded the cap in spite of the buffer; the quantizer is coarser by as
        /// many steps.
        harder: u32,
    },
}

//! What goes to the parent: runs of segments, fillers, and what a segment's report says.
//!
//! `segments` decodes once for a set of rungs with the sound beside it; `product` is a whole segment on its way out;
//! `filler` stands in for what cannot be made; `remarks` are what was found on the way. Begin with `segments`.

pub(crate) mod filler;
pub(crate) mod product;
pub(crate) mod remarks;
pub(crate) mod segments;

//! Products on their way to the parent: runs of segments, fillers, and the reports on them.
//!
//! `segments` decodes once for a set of rungs and makes the sound beside them. `product` is a whole segment with its
//! init segment. `filler` stands in for a segment that cannot be made. `remarks` collects what a report says about
//! damage and conversion. Begin with `segments`.

pub(crate) mod filler;
pub(crate) mod product;
pub(crate) mod remarks;
pub(crate) mod segments;

//! Many processes at the same stores: origins, which ask, and workers, which answer them and
//! make everything else.
//!
//! What is said between them is a hint that may be lost or come twice; what is stored decides.

pub(crate) mod announce;
pub(crate) mod answer;
pub(crate) mod ask;
pub(crate) mod chosen;
pub(crate) mod chunks;
pub(crate) mod crew;
pub(crate) mod hear;
pub(crate) mod reconcile;
mod usage;

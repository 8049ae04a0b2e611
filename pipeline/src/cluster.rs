//! The cluster: many processes at the same stores. Origins ask for what their viewers wait for; workers answer them and
//! make everything else.
//!
//! Messages between processes are hints that may be lost or come twice; what is stored decides.
//!
//! `ask` is the origin's side of a request, `answer` the worker's. `reconcile` offers the work that is left, `chunks`
//! takes it. `hear` follows what other processes store. `announce` says that a worker is there, `chosen` which worker
//! looks after a video, `usage` which owner comes first, and `crew` how many workers are wanted.

pub(crate) mod announce;
pub(crate) mod answer;
pub(crate) mod ask;
pub(crate) mod chosen;
pub(crate) mod chunks;
pub(crate) mod crew;
mod doubts;
pub(crate) mod hear;
pub(crate) mod reconcile;
mod stuck;
mod usage;

//! Media in the making: one engine session at a time, and who may have it.
//!
//! `run` is an engine session that stores what it makes. `demand` is a viewer's request for a segment that is not
//! stored; `windows` are the warm sessions that answer such requests. Sessions share `memory`, take `turns` by network,
//! respect each other's `claims`, and hold at the `background_gate` while viewers wait. `tries` decides what becomes of
//! a segment that cannot be made. Begin with `run`.

pub(crate) mod background_gate;
pub(crate) mod claims;
pub(crate) mod demand;
pub(crate) mod memory;
pub(crate) mod seats;
pub(crate) mod session;
pub(crate) mod sessions;
pub(crate) mod stills;
pub(crate) mod tries;
pub(crate) mod turns;
pub(crate) mod waiting;
pub(crate) mod windows;

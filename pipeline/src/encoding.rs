//! Encoding: engine sessions, the requests that they answer, and what they share.
//!
//! `session` is one engine session, which stores what the engine makes: begin to read there. `demand` is a viewer's
//! request for a segment that is not stored, and `windows` are the warm sessions that answer such requests. `waiting`
//! holds the requests that wait, and `turns` decides which network is served next. Sessions share `memory`, respect
//! each other's `claims`, and pause at the `background_gate` while viewers wait. `tries` counts the failures of a
//! segment and stores a filler after the last one. `stills` are posters, storyboard sheets and thumbnails.

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

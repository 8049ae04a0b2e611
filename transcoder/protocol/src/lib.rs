//! Messages between `transcoder` (the parent) and `reelmill-engine` (the sandboxed child) over a socket pair. Each
//! engine process serves one session.
//!
//! The parent opens a source and gives orders; the child requests byte ranges of the source and returns what it made.
//! The child never learns a path or an address. Begin reading at [`ToEngine`] and [`ToParent`].

mod frame;
pub mod memory;
mod message;

pub use frame::{Decoder, FrameError, MAX_HEADER, MAX_PAYLOAD, encode};
pub use message::{
    Budget, EngineFailure, Made, Order, PROTOCOL, SegmentReport, Still, ToEngine, ToParent,
};

//! The messages between `transcoder` (the parent) and `reelmill-engine` (the caged child),
//! over a socket pair: one engine process per session.
//!
//! The parent opens a source and gives orders; the child asks for byte ranges of the source
//! and hands back what it made. The child never learns a path or an address.

mod frame;
pub mod memory;
mod message;

pub use frame::{Decoder, FrameError, MAX_HEADER, MAX_PAYLOAD, encode};
pub use message::{
    Budget, EngineFailure, Made, Order, PROTOCOL, SegmentReport, Still, ToEngine, ToParent,
};

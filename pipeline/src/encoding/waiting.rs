//! Requests that wait for segments that are not stored: who waits for which segment, and until when. All requests for
//! the same segment wait together.
//!
//! `board` holds all waiting requests. `request` is one of them, and leaves the board when it is dropped. `pick`
//! decides what a window makes next. `unserved` remembers the requests that left without their segment.

mod board;
mod pick;
mod request;
mod unserved;

pub(crate) use self::board::Waiting;
pub(crate) use self::pick::NextDemand;
pub(crate) use self::request::Request;

//! Requests that wait for segments which are not stored: who waits for what, and until when. All requests for the same
//! segment wait together.
//!
//! `request` is one of them, and leaves the board when it is dropped; `pick` says which comes next.

mod board;
mod pick;
mod request;
mod unserved;

pub(crate) use self::board::Waiting;
pub(crate) use self::pick::Pick;
pub(crate) use self::request::Request;

//! NATS: where a server is, the one connection of a process, and what a server must be able to do.
//!
//! Work and events lie there, and both are hints: it may be wiped at any time. Every subject, the
//! stream and its consumer begin with a prefix, so that installations share a server.

mod connection;
mod settings;
mod version;

pub use connection::Connection;
pub(super) use connection::{Link, reason};
pub use settings::{Access, Nats, OpenError};

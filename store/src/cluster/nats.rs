//! NATS: the server's settings, the one connection of a process, and the features that a server must have.
//!
//! Work and events are hints, so the server may lose them at any time. All names of subjects, streams and consumers
//! start with a prefix, so that several installations can share a server.

mod connection;
mod settings;
mod version;

pub use connection::Connection;
pub(super) use connection::{Link, reason};
pub use settings::{Access, Nats, OpenError};

//! Runs engines: one `reelmill-engine` process per session, started over a socket pair,
//! limited, answered, and replaced when it dies or hangs. Links no media library.

mod budget;
mod engine;
mod limits;
mod session;
mod source;

pub use budget::{rungs_in, session_memory};
pub use engine::{Engine, StartError};
pub use limits::order_time;
pub use protocol::{Budget, EngineFailure, Made, Order, SegmentReport, Still};
pub use session::{Brake, End, Session, SessionEvent};
pub use source::{FileSource, SourceError, SourceReader};

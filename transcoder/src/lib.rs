//! Runs engines: one `reelmill-engine` process per session, started over a socket pair,
//! limited, answered, and replaced when it dies or hangs. Links no media library.

mod driver;
mod end;
mod engine;
mod limits;
mod orders;
mod process;
mod sandbox;
mod session;
mod source;
mod watch;

pub use end::End;
pub use engine::{Engine, StartError};
pub use limits::order_time;
pub use orders::Refusal;
pub use protocol::memory::memory_of;
pub use protocol::{Budget, EngineFailure, Made, Order, SegmentReport, Still};
pub use sandbox::{Sandbox, Trial, Unsafe};
pub use session::{Brake, Session, SessionEvent};
pub use source::{FileSource, SourceError, SourceReader};

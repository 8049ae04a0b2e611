//! The transcoder runs engines: one `reelmill-engine` process for each session. It starts each over a socket pair,
//! limits it, answers its reads of the source, and ends it when it hangs or misbehaves. It links no media library.
//!
//! Begin with `session`. `engine` and `process` start programs, `driver` is the task behind a session, `orders`
//! checks what an engine says, `watch` and `limits` bound its time, and `source` is what it reads.

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

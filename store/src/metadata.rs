//! Rows: videos, their uploads and tries, owners and their credentials, and the event log.
//!
//! To add a repository:
//! 1. Its rows and its trait go into `metadata/{name}.rs`, with the promise that every implementation keeps;
//!    [`Metadata`] gets a method that returns it.
//! 2. `local/metadata/{name}.rs` implements it; its tables are a new file in `local/metadata/migrations/` and a new
//!    last entry of `STEPS` in `migrations.rs` beside it (and likewise in `cluster/`); both `metadata.rs` there
//!    return it.
//! 3. `tests/contract/{name}.rs` states the promise as tests; `tests/contract/mod.rs` names it and gives it a macro
//!    `{name}_hold!`, which `tests/local.rs` and `tests/cluster/cql.rs` call.
//! 4. `src/migrate/` of the program copies it. Rows that belong to a video are deleted with it:
//!    `pipeline/src/videos/delete.rs`, and `sweep` in `src/migrate/video.rs`.
//!
//! Times come from the caller's `Clock`, in microseconds since 1970 UTC. Every write that has returned is durable and
//! visible to the next read ("read your write").

/// Defines an enum whose values have one stable spelling, the same in JSON, in rows and on the screen.
macro_rules! spelled {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord,
            serde::Serialize, serde::Deserialize,
        )]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant,)+ }

        impl $name {
            /// The stable spelling, as in JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::metadata::NotASpelling;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::metadata::NotASpelling),
                }
            }
        }
    };
}
pub mod event_log;
pub mod owners;
pub mod page;
pub mod sign_ins;
pub mod tokens;
pub mod tries;
pub mod uploads;
pub mod videos;
pub mod views;

pub use event_log::{EventLog, LoggedEvent};
pub use owners::{OwnerRow, Owners, Role};
pub use page::{Cursor, Page, PageRequest};
pub use sign_ins::{SignInCode, SignInSession, SignIns};
pub use tokens::{TokenRow, Tokens};
pub use tries::{Tries, TryRow};
pub use uploads::{UploadRow, Uploads};
pub use videos::{PlanRef, Priority, Source, SourcePart, State, VideoError, VideoRow, Videos};
pub use views::Views;

/// All repositories. Implementations: SQLite, ScyllaDB.
pub trait Metadata: Send + Sync {
    /// Videos and their states.
    fn videos(&self) -> &dyn Videos;
    /// Uploads, and how many bytes of each are durable.
    fn uploads(&self) -> &dyn Uploads;
    /// Failed tries and fillers of segments.
    fn tries(&self) -> &dyn Tries;
    /// View counts of videos.
    fn views(&self) -> &dyn Views;
    /// Owners of videos and tokens.
    fn owners(&self) -> &dyn Owners;
    /// API tokens.
    fn tokens(&self) -> &dyn Tokens;
    /// Sign-in codes and the sessions for which they are exchanged.
    fn sign_ins(&self) -> &dyn SignIns;
    /// Log of past events.
    fn event_log(&self) -> &dyn EventLog;
}

/// Error for a text that is not one of an enum's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of the known values")]
pub struct NotASpelling;

//! Uploads: a source arrives and is cut into blocks, and each block is stored as soon as it is full.
//!
//! `writer` takes a source that comes through this process, in order. `direct` has senders put blocks into the object
//! store themselves. Both write their rows through `receipt`, which also completes uploads and gives them up.
//! `promised` counts the bytes that are still to come. `blocks` reads a stored source back. Begin with `receipt`.

pub(crate) mod blocks;
mod direct;
mod promised;
mod receipt;
mod writer;

pub use self::direct::UploadPart;
pub(crate) use self::direct::{begin_direct, complete, endpoint, parts, sync};
pub use self::receipt::UploadError;
pub(crate) use self::receipt::{Uploads, admit, begin_in_place, lose, lost};
pub use self::writer::UploadWriter;
pub(crate) use self::writer::begin;

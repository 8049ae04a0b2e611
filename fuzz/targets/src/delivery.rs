//! Parts of the origin's delivery, where its own files look for them.

#[path = "../../../origin/src/delivery/name.rs"]
mod name;
#[path = "../../../origin/src/delivery/range.rs"]
pub mod range;

pub use name::{FileName, number};

//! Parts of the origin's delivery, where its own files look for them.

#[path = "../../../origin/src/delivery/range.rs"]
pub mod range;
#[path = "../../../origin/src/delivery/rendition_file.rs"]
pub(crate) mod rendition_file;

pub use rendition_file::{RenditionFile, number};

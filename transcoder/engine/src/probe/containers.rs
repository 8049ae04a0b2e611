//! What containers say of their tracks and FFmpeg does not hand on, and why a file cannot be opened.

pub(crate) mod flv;
pub(crate) mod head;
pub(crate) mod matroska;
pub(crate) mod transport;
pub(crate) mod truncation;

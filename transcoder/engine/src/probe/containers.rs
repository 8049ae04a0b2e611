//! Facts of containers that FFmpeg does not report, and the reasons why a file cannot be opened.

pub(crate) mod flv;
pub(crate) mod head;
pub(crate) mod matroska;
pub(crate) mod transport;
pub(crate) mod truncation;

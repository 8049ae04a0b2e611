//! The source as the rest of the engine reads it: bytes come from the parent, packets go out on one time line.
//!
//! `source` asks the parent for blocks. `open` lets FFmpeg read them with allow-listed demuxers. `demux` gives
//! packets in file order, with the time stamps that `time_stamps` and `edit_lists` have corrected. `single_pass`
//! reads a source once from end to end. `boxes` and `coded_units` are the only readers of MP4 boxes and of the units
//! of coded pictures. Begin with `demux`.

pub(crate) mod boxes;
pub(crate) mod coded_units;
pub(crate) mod demux;
pub(crate) mod edit_lists;
pub(crate) mod open;
pub(crate) mod single_pass;
pub(crate) mod source;
pub(crate) mod time_stamps;
pub(crate) mod times;

//! The source as the rest of the engine sees it: bytes from the parent, packets on one time line.
//!
//! `source` asks the parent for blocks; `open` lets FFmpeg read them by allow-listed demuxers; `demux` hands out packets in
//! file order with the time stamps that `time_stamps` and `edit_lists` have put right; `single_pass` reads a source once
//! from end to end. `boxes` and `coded_units` are the only readers of MP4 boxes and of coded pictures' units.
//! Begin with `demux`.

pub(crate) mod boxes;
pub(crate) mod coded_units;
pub(crate) mod demux;
pub(crate) mod edit_lists;
pub(crate) mod open;
pub(crate) mod single_pass;
pub(crate) mod source;
pub(crate) mod time_stamps;
pub(crate) mod times;

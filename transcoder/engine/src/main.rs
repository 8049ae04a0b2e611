//! `reelmill-engine`: the only place where media is parsed. One process per session, started
//! by `transcoder` with one end of a socket pair as its standard input.

mod ffi;
mod link;
mod package;
mod source;

fn main() {}

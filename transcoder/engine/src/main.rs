//! `reelmill-engine`: the only place where media is parsed. One process per session, started
//! by `transcoder` with one end of a socket pair as its standard input.

mod encode_audio;
mod encode_video;
mod ffi;
mod link;
mod open;
mod package;
mod pictures;
mod scale;
mod sounds;
mod source;
mod times;
mod turn;

fn main() {}

//! Tests of the engine program, which gets orders as from its parent; each file tests one promise.
//!
//! They are one program, so that it is linked once and its tests fill both cores. `cargo test --workspace --test
//! engine synchronism -- --nocapture` runs the tests of one file.

mod bytes_read;
mod cage;
mod codecs;
mod colors;
mod corpus;
mod field;
mod fields;
mod joins;
mod limits;
mod long;
mod loudness;
mod passthrough;
mod probe;
mod processors;
mod rates;
mod reads;
mod references;
mod reports;
mod second_best;
mod segments;
mod siblings;
mod sizes;
mod stills;
mod support;
mod synchronism;
mod texts;
mod trick_play;

//! The program `reelmill`, run as its users and operators run it.
//!
//! One test program for all commands, so that it is linked once:
//! `cargo test --workspace --test program migrate::` runs those of one file.

mod commands;
mod full_disk;
mod memory;
mod migrate;
mod repository;
mod run;
mod serve;
mod server;
#[allow(dead_code, reason = "the stores' own tests need more of them")]
#[path = "../../store/tests/servers/mod.rs"]
mod servers;
mod transcode;

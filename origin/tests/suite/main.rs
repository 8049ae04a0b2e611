//! The routes over the embedded stores. No engine runs: what is asked for is stored beforehand,
//! and what is not stored cannot be made.

mod api;
mod codecs;
mod counting;
mod delivery;
mod house;
mod pages;
mod remake;
mod serving;
mod text;
mod uploads;
mod views;

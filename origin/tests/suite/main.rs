//! Tests of the routes over the embedded stores. No engine runs: media is stored beforehand, and media that is not
//! stored cannot be encoded.

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

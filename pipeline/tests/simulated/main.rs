//! The pipeline over fake engines that follow a script, so that a test can cause every failure.

mod alone;
mod cluster;
mod codecs;
mod lies;
mod loudness;
mod passthrough;
mod prune;
mod remake;
mod storm;
mod support;
mod thumbnails;
mod trick_play;
mod upgrade;
mod views;

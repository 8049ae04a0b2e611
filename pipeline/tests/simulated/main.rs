//! The pipeline over engines that do what a script says: every trouble at will.

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

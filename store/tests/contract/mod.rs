//! What every implementation of a seam promises, as tests.

pub mod event_log;
pub mod events;
pub mod objects;
pub mod people;
pub mod sample;
pub mod tries;
pub mod uploads;
pub mod videos;
pub mod work;

//! The thin HTTP side of reelmill: delivery to players and CDNs, uploads, the API, the pages.
//! It never parses media, and reads objects only; every write goes through `pipeline` or
//! `catalog`.

mod access;
mod api;
mod app;
mod delivery;
mod health;
mod hosts;
mod lazy_codec;
mod metrics;
mod pages;
mod problem;
mod receive;
mod retry;
mod router;
mod serve;
mod side_car;
mod viewer;

pub use app::{App, Settings};
pub use health::watched;
pub use router::router;
pub use serve::{serve, serve_health};

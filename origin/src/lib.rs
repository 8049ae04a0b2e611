//! HTTP server of reelmill: delivery of playlists and segments to players and CDNs, uploads, the API, and the pages.
//!
//! This crate stays thin. It never parses media, it only reads from the object store, and every write goes through the
//! crates `pipeline` or `accounts`. Requests come in at `serve.rs`, which accepts connections, and `router.rs`, which
//! lists all routes; begin reading there. `delivery/` has everything under `/v/`, `api/` the API under `/api/v1`,
//! `pages/` the HTML pages, `health.rs` and `metrics.rs` what probes and Prometheus ask for. `app.rs` is the state that
//! all handlers share, `access.rs` finds out who sends a request, and `problem.rs` is the error format of the API.

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
pub use health::routes::monitoring_router;
pub use router::router;
pub use serve::{serve, serve_health};

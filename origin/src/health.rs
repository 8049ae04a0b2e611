//! Health checks and metrics: `/livez`, `/readyz` with `/health`, and `/metrics`.
//!
//! An origin serves the health checks at its public address, and with the metrics at an address for monitoring. A
//! worker serves all of them, and nothing else. The stores are asked at most every few seconds; `recent.rs` keeps the
//! answers.

mod recent;
pub(crate) mod routes;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use pipeline::{Crew, Pipeline};
use tokio_util::sync::CancellationToken;

use self::recent::Recent;
use store::Stores;

/// Health of a process: what its probes and its metrics ask for.
#[derive(Clone)]
pub struct Health {
    pipeline: Pipeline,
    stores: Stores,
    pub(crate) stop: CancellationToken,
    /// Recent states of the stores, and the free bytes of the object store.
    states: Arc<Recent<(Vec<Part>, Option<u64>)>>,
    /// Recent numbers of workers and of media left to encode, and the free bytes of the object store.
    crew: Arc<Recent<(Option<Crew>, Option<u64>)>>,
}

/// State of one store: its name, and what is wrong with it, if anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    name: &'static str,
    trouble: Option<&'static str>,
}

impl Health {
    /// Health of a process over its pipeline; the process is stopping once `stop` is cancelled.
    pub(crate) fn of(pipeline: Pipeline, stores: Stores, stop: CancellationToken) -> Self {
        Self {
            pipeline,
            stores,
            stop,
            states: Arc::default(),
            crew: Arc::default(),
        }
    }

    /// Routes of a worker, which serves health checks and metrics only.
    pub(crate) fn router(self) -> Router {
        let metrics = async |State(health): State<Self>| health.gauges().await;
        let ready = async |State(health): State<Self>| health.ready(|| false).await;
        Router::new()
            .route("/health", get(ready))
            .route("/livez", get(live))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .with_state(self)
    }

    /// State of each store and the free bytes of the object store, at most a few seconds old; `None` if no store has
    /// answered yet.
    async fn parts(&self) -> Option<(Vec<Part>, Option<u64>)> {
        let stores = self.stores.clone();
        let clock = stores.clock.clone();
        let asked = self.states.get(&clock, async move {
            let (states, free) = tokio::join!(stores.states(), stores.objects.free_bytes());
            let part = |(name, trouble)| Part { name, trouble };
            (states.map(part).to_vec(), free.ok().flatten())
        });
        asked.await
    }

    /// Readiness as a status and a text with a line for each store. A process is ready if it can do a part of its work;
    /// `has_some` tells whether it can serve something without any store.
    async fn ready(&self, has_some: impl FnOnce() -> bool) -> (StatusCode, String) {
        let stopping = self.stop.is_cancelled();
        let (parts, free) = self.parts().await.unwrap_or_default();
        // While only the messages are away, stored media is still served and uploads are still accepted.
        let is_well = |part: &Part| part.trouble.is_none();
        let is_whole = parts.iter().all(is_well) && free != Some(0);
        let is_served = |part: &Part| part.name == MESSAGES || is_well(part);
        let is_known = !parts.is_empty();
        let is_ready = (is_known && parts.iter().all(is_served)) || has_some();
        let (status, first) = match (stopping, is_ready, is_whole) {
            (true, ..) => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
            (_, false, _) => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
            (_, _, true) if is_known => (StatusCode::OK, "ok"),
            (_, _, _) => (StatusCode::OK, "ok, in part"),
        };
        let line = |Part { name, trouble }: &Part| format!("{name}: {}\n", trouble.unwrap_or("ok"));
        let lines: String = parts.iter().map(line).collect();
        let space = match free {
            Some(0) => "space: none for new media; deletions are possible\n",
            Some(_) => "space: ok\n",
            None => "",
        };
        (status, format!("{first}\n{lines}{space}"))
    }

    /// Gauges that origins and workers both have, in the Prometheus text format.
    async fn gauges(&self) -> String {
        let pipeline = self.pipeline.clone();
        let (stores, clock) = (self.stores.clone(), self.stores.clock.clone());
        let known = self.crew.get(&clock, async move {
            let objects = &stores.objects;
            let (crew, free) = tokio::join!(pipeline.crew(), objects.free_bytes());
            (crew.ok().flatten(), free.ok().flatten())
        });
        let (crew, free) = known.await.unwrap_or_default();
        text([
            ("reelmill_workers", crew.map(|crew| crew.workers)),
            ("reelmill_workers_wanted", crew.map(|crew| crew.wanted)),
            (
                "reelmill_media_seconds_left",
                crew.map(|crew| crew.left_seconds),
            ),
            ("reelmill_store_free_bytes", free),
        ])
    }
}

/// Name of the store for messages, which a process can be ready without.
const MESSAGES: &str = "messages";

/// `GET /livez`: answers `200` as long as the process runs.
async fn live() -> &'static str {
    "ok\n"
}

/// Gauges in the Prometheus text format; those without a value are left out.
fn text<const N: usize>(gauges: [(&str, Option<u64>); N]) -> String {
    let line = |(name, value): (&str, Option<u64>)| {
        Some(format!("# TYPE {name} gauge\n{name} {}\n", value?))
    };
    gauges.into_iter().filter_map(line).collect()
}

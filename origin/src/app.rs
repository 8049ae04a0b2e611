//! State that all handlers share, and the limits of what an origin does at once.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::FromRef;
use ipnet::IpNet;
use pipeline::{Network, Pipeline, Seats};
use plan::OwnerId;
use store::objects::disk_cache::DiskCache;
use tokio_util::sync::CancellationToken;

use crate::delivery::cache::FileCache;
use crate::delivery::existing::ExistingVideos;
use crate::health::Health;
use crate::metrics::Metrics;
use store::Stores;

/// Settings of the HTTP server, as the operator chose them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// URL under which clients reach the origin. Absolute URLs begin with it; the header `Host` is never used for them.
    pub public_url: String,
    /// Address that the origin listens on.
    pub listen: SocketAddr,
    /// Host names that pages and API accept, besides those of `public_url`, of the listen address and of loopback.
    pub allowed_hosts: Vec<String>,
    /// Networks of proxies whose `Forwarded` and `X-Forwarded-For` headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Object store that browsers upload to directly, as `scheme://host:port`; none if uploads go through the origin.
    pub direct_endpoint: Option<String>,
    /// Size in bytes of the memory cache for files of renditions.
    pub cache_bytes: u64,
}

/// Most uploads at once: each holds a source block of 8 MiB in memory.
const UPLOADS: usize = 16;
/// Most requests for a manifest that wait at once for their video to become playable.
const WAITING: usize = 256;
/// Most open event streams: each may have a thousand events in its queue.
const LISTENERS: usize = 512;

/// State that all handlers share; cheap to clone.
#[derive(Clone)]
pub struct App {
    pub(crate) pipeline: Pipeline,
    /// Stores that sign-ins, events and stills are read from; every change of a video goes through the pipeline.
    pub(crate) stores: Stores,
    pub(crate) settings: Arc<Settings>,
    pub(crate) file_cache: FileCache,
    pub(crate) existing_videos: ExistingVideos,
    pub(crate) metrics: Arc<Metrics>,
    /// Disk cache that objects are read through, if there is one; its hits and misses are metrics.
    pub disk_cache: Option<Arc<DiskCache>>,
    /// Seats for uploads; one owner may hold at most as many seats as are still free.
    pub(crate) upload_seats: Arc<Seats<OwnerId>>,
    /// Seats for requests that wait for a video to become playable, shared by the clients' networks.
    pub(crate) waiting_seats: Arc<Seats<Network>>,
    /// Seats for open event streams, shared by the clients' networks.
    pub(crate) event_stream_seats: Arc<Seats<Network>>,
    /// Cancelled when the server stops; it ends event streams, which would never end by themselves.
    pub(crate) stop: CancellationToken,
    pub(crate) health: Health,
}

impl App {
    /// Application that serves the videos of a pipeline.
    pub fn new(pipeline: Pipeline, stores: Stores, mut settings: Settings) -> Self {
        let base = settings.public_url.trim_end_matches('/').len();
        settings.public_url.truncate(base);
        let stop = CancellationToken::new();
        Self {
            health: Health::of(pipeline.clone(), stores.clone(), stop.clone()),
            pipeline,
            stores,
            file_cache: FileCache::new(settings.cache_bytes),
            existing_videos: ExistingVideos::new(),
            settings: Arc::new(settings),
            metrics: Arc::default(),
            disk_cache: None,
            upload_seats: Seats::new(UPLOADS),
            waiting_seats: Seats::new(WAITING),
            event_stream_seats: Seats::new(LISTENERS),
            stop,
        }
    }

    /// Whether clients reach the server over https.
    pub(crate) fn is_https(&self) -> bool {
        self.settings.public_url.starts_with("https://")
    }
}

impl FromRef<App> for Health {
    fn from_ref(app: &App) -> Self {
        app.health.clone()
    }
}

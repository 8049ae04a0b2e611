//! What handlers share.

use std::net::SocketAddr;
use std::sync::Arc;

use ipnet::IpNet;
use pipeline::{Network, Pipeline, Seats};
use plan::OwnerId;
use store::objects::disk_cache::DiskCache;
use tokio_util::sync::CancellationToken;

use crate::delivery::{FileCache, Living};
use crate::health::Health;
use crate::metrics::Metrics;

/// What the operator chooses.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the origin is reached from outside; absolute URLs are made of it, never of `Host`.
    pub public_url: String,
    /// The address it listens on.
    pub listen: SocketAddr,
    /// Names besides `public_url`'s, the listen address and loopback under which pages answer.
    pub allowed_hosts: Vec<String>,
    /// Proxies that say truly for whom they ask (`Forwarded`, `X-Forwarded-For`).
    pub trusted_proxies: Vec<IpNet>,
    /// Where pages put sources themselves, as `scheme://host:port`.
    pub direct_endpoint: Option<String>,
    /// Bytes of segments kept in memory.
    pub cache_bytes: u64,
}

/// Uploads at once: each holds a source block of 8 MiB.
const UPLOADS: usize = 16;
/// Requests for a manifest that may wait for its video to become playable.
const WAITING: usize = 256;
/// Open event streams: each may have a thousand events in its queue.
const LISTENERS: usize = 512;

/// What handlers share; cheap to clone.
#[derive(Clone)]
pub struct App {
    pub(crate) pipeline: Pipeline,
    pub(crate) settings: Arc<Settings>,
    pub(crate) files: FileCache,
    pub(crate) living: Living,
    pub(crate) metrics: Arc<Metrics>,
    /// What the objects are read through, if anything: it is counted.
    pub disk_cache: Option<Arc<DiskCache>>,
    /// Uploads under way; an owner holds no more of their seats than are free.
    pub(crate) uploads: Arc<Seats<OwnerId>>,
    pub(crate) waiting: Arc<Seats<Network>>,
    pub(crate) listeners: Arc<Seats<Network>>,
    /// Ends what would never end by itself.
    pub(crate) stop: CancellationToken,
    pub(crate) health: Health,
}

impl App {
    /// An application over a pipeline.
    pub fn new(pipeline: Pipeline, mut settings: Settings) -> Self {
        let base = settings.public_url.trim_end_matches('/').len();
        settings.public_url.truncate(base);
        let stop = CancellationToken::new();
        Self {
            health: Health::of(pipeline.clone(), stop.clone()),
            pipeline,
            files: FileCache::new(settings.cache_bytes),
            living: Living::new(),
            settings: Arc::new(settings),
            metrics: Arc::default(),
            disk_cache: None,
            uploads: Seats::new(UPLOADS),
            waiting: Seats::new(WAITING),
            listeners: Seats::new(LISTENERS),
            stop,
        }
    }

    /// Whether people reach it over https.
    pub(crate) fn is_https(&self) -> bool {
        self.settings.public_url.starts_with("https://")
    }
}

//! Accepts connections and serves HTTP on them. Connections and slow request heads are limited, and the server stops in
//! bounded time.

use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use ipnet::IpNet;
use pipeline::{Network, Pipeline, Seats};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::app::App;
use crate::health::{self, Health};
use crate::router;
use store::Stores;

/// Most connections at once; more wait in the kernel's queue. Clients of one network may hold at most as many
/// connections as are still free.
const CONNECTIONS: usize = 4096;
/// Time that a request's head may take, and that a kept-alive connection may stay idle.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// Most streams of one HTTP/2 connection; a player uses a handful.
const STREAMS: u32 = 128;
/// Interval at which a silent HTTP/2 client is pinged.
const PING: Duration = Duration::from_secs(20);
/// Pause after a connection could not be accepted, most likely because no file descriptor is free.
const PAUSE: Duration = Duration::from_millis(100);
/// Time that requests may take to finish after the server was told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until `shutdown` ends, then finishes open requests within ten seconds. Metrics and health checks are served
/// at `metrics_listener`, if there is one.
pub async fn serve(
    listener: TcpListener,
    metrics_listener: Option<TcpListener>,
    app: App,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let stop = app.stop.clone();
    if let Some(listener) = metrics_listener {
        let (service, stopped) = (health::routes::monitoring_router(app.clone()), stop.clone());
        tokio::spawn(async move {
            let until = stopped.clone().cancelled_owned();
            if let Err(error) = accept(listener, service, Vec::new(), stopped, until).await {
                tracing::error!(%error, "the server for metrics and health checks ended");
            }
        });
    }
    let trusted = app.settings.trusted_proxies.clone();
    accept(listener, router(app), trusted, stop, shutdown).await
}

/// Serves health checks and metrics of a worker, which serves nothing else, until `shutdown` ends.
pub async fn serve_health(
    listener: TcpListener,
    (pipeline, stores): (&Pipeline, &Stores),
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let stop = CancellationToken::new();
    let health = Health::of(pipeline.clone(), stores.clone(), stop.clone());
    accept(listener, health.router(), Vec::new(), stop, shutdown).await
}

/// Accepts connections and serves `service` on them until `shutdown` ends; cancels `stop` then.
async fn accept(
    listener: TcpListener,
    service: Router,
    trusted: Vec<IpNet>,
    stop: CancellationToken,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(PING);
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let seats = Seats::new(CONNECTIONS);
    // A proxy's connections serve clients of many networks, so they are not counted for one.
    let is_proxy = |ip: IpAddr| ip.is_loopback() || trusted.iter().any(|net| net.contains(&ip));
    let mut shutdown = pin!(shutdown);
    loop {
        let next = async {
            // The semaphore is never closed.
            let place = places.clone().acquire_owned().await.ok();
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            next = next => next,
            () = &mut shutdown => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let ip = peer.ip().to_canonical();
        let network = (!is_proxy(ip)).then(|| Network::from(ip));
        let Some(seat) = seats.take(network) else {
            tracing::debug!(%peer, "a connection was closed: its network has too many");
            continue;
        };
        // TCP_NODELAY sends response heads and first bytes at once; without it, small responses wait for an ACK.
        let _ = stream.set_nodelay(true);
        let service = service
            .clone()
            .map_request(move |request: Request<Incoming>| {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(ConnectInfo(peer));
                request
            });
        let connection = builder
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
            .into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop((place, seat));
        });
    }
    drop(listener);
    stop.cancel();
    if tokio::time::timeout(GRACE, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(
            "some requests were cut off: they did not finish within ten seconds of the stop"
        );
    }
    Ok(())
}

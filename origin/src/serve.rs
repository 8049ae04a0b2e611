//! The accept loop: bounded connections, no slow heads, a stop that ends.

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

/// Connections at once; more wait in the kernel's queue. Who comes from one network holds no more of them than are free.
const CONNECTIONS: usize = 4096;
/// How long a request's head may take, and a kept connection stay idle.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// Streams of one HTTP/2 connection: a player asks for a handful.
const STREAMS: u32 = 128;
/// How often a silent HTTP/2 peer is asked whether it is there.
const PING: Duration = Duration::from_secs(20);
/// A pause after accepting failed: no file descriptor is free, most likely.
const PAUSE: Duration = Duration::from_millis(100);
/// How long what is under way may take after the stop.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until `shutdown`, then finishes what is under way, within ten seconds; at `watched`, if there is one, what it counts
/// and how it is.
pub async fn serve(
    listener: TcpListener,
    watched: Option<TcpListener>,
    app: App,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let stop = app.stop.clone();
    if let Some(watched) = watched {
        let (service, stopped) = (health::watched(app.clone()), stop.clone());
        tokio::spawn(async move {
            let until = stopped.clone().cancelled_owned();
            if let Err(error) = accept(watched, service, Vec::new(), stopped, until).await {
                tracing::error!(%error, "metrics are not served any more");
            }
        });
    }
    let trusted = app.settings.trusted_proxies.clone();
    accept(listener, router(app), trusted, stop, shutdown).await
}

/// Serves the health of a process that serves nothing else, until `shutdown`.
pub async fn serve_health(
    listener: TcpListener,
    pipeline: &Pipeline,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let stop = CancellationToken::new();
    let health = Health::of(pipeline.clone(), stop.clone());
    accept(listener, health.router(), Vec::new(), stop, shutdown).await
}

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
    // A proxy serves many networks.
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
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let ip = peer.ip().to_canonical();
        let network = (!is_proxy(ip)).then(|| Network::from(ip));
        let Some(seat) = seats.take(network) else {
            tracing::debug!(%peer, "there are too many connections from there");
            continue;
        };
        // Heads and first bytes go out at once; without it small answers wait for an ACK.
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
        tracing::warn!("some requests were not finished in time");
    }
    Ok(())
}

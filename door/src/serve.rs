//! Serves a router on a listener: a permit before each accept, limits on header bytes and on time,
//! a panic ends its request only, shutdown drains.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::TrustedProxies;

#[derive(Clone, Debug)]
pub struct DoorOptions {
    /// Open connections at most; further ones wait in the kernel's backlog.
    pub connections_max: usize,
    /// Bytes of a request's head at most; more is 431.
    pub head_bytes_max: usize,
    /// A request's head must arrive within this, and a kept-alive connection may idle this long.
    pub head_timeout: Duration,
    /// After shutdown began, open requests get this long.
    pub drain: Duration,
    pub trusted_proxies: Arc<TrustedProxies>,
}

impl Default for DoorOptions {
    fn default() -> DoorOptions {
        DoorOptions {
            connections_max: 20_000,
            head_bytes_max: 16 * 1024,
            head_timeout: Duration::from_secs(15),
            drain: Duration::from_secs(5),
            trusted_proxies: Arc::default(),
        }
    }
}

/// Serves until `shutdown`, then lets open requests end within `options.drain`.
pub async fn serve(
    listener: TcpListener,
    routes: Router,
    options: DoorOptions,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let permits = Arc::new(Semaphore::new(options.connections_max));
    let connections = TaskTracker::new();
    loop {
        let permit = permits.clone().acquire_owned().await?;
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let connection = serve_connection(stream, peer, routes.clone(), options.clone(), shutdown.clone());
        connections.spawn(async move {
            connection.await;
            drop(permit);
        });
    }
    connections.close();
    let drained = tokio::time::timeout(options.drain, connections.wait()).await;
    if drained.is_err() {
        tracing::warn!(open = connections.len(), "connections cut at the end of the drain");
    }
    Ok(())
}

async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    routes: Router,
    options: DoorOptions,
    shutdown: CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    let trusted = options.trusted_proxies.clone();
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(axum::body::Body::new);
        let client = trusted.client(peer, request.headers());
        request.extensions_mut().insert(client);
        routes.clone().oneshot(request)
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(options.head_timeout)
        .max_buf_size(options.head_bytes_max);
    let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

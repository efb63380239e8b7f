//! Serves a router on a listener: a permit before each accept, limits on header bytes and on time,
//! a panic ends its request only, shutdown drains.
//!
//! A connection that was upgraded (a WebSocket) belongs to whoever asked for it: it is counted, bounded and ended there.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::{Refusal, TrustedProxies};

/// hyper reads heads of at least so many bytes.
const HEAD_BUFFER_MIN: usize = 8 * 1024;
/// An idle connection is probed after so long, to find peers that vanished without a word.
const PROBE_AFTER: Duration = Duration::from_secs(30);
/// After shutdown began, who was let in and has asked nothing yet has this long to ask.
const FIRST_REQUEST_MAX: Duration = Duration::from_millis(250);

#[derive(Clone, Debug)]
pub struct DoorOptions {
    /// Open connections at most; further ones wait in the kernel's backlog.
    pub connections_max: usize,
    /// Bytes of a request's head at most; more is 431.
    pub head_bytes_max: usize,
    /// A request's head must arrive within this, and a kept-alive connection may idle this long. Then it is closed.
    pub head_timeout: Duration,
    /// A peer that acknowledges nothing for so long, or reads nothing of what waits for it, is cut off.
    pub peer_silent_max: Duration,
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
            peer_silent_max: Duration::from_secs(40),
            drain: Duration::from_secs(3),
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
    let door = Arc::new(Door { routes, options, shutdown });
    while let Some((stream, peer, permit)) = door.accept(&listener, &permits).await? {
        let door = door.clone();
        connections.spawn(async move {
            door.serve_connection(stream, peer).await;
            drop(permit);
        });
    }
    drop(listener);
    connections.close();
    connections.wait().await;
    Ok(())
}

struct Door {
    routes: Router,
    options: DoorOptions,
    shutdown: CancellationToken,
}

impl Door {
    /// The next connection, once there is room for it; None when the shutdown began.
    async fn accept(
        &self,
        listener: &TcpListener,
        permits: &Arc<Semaphore>,
    ) -> anyhow::Result<Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)>> {
        loop {
            let next =
                async { anyhow::Ok((permits.clone().acquire_owned().await?, listener.accept().await)) };
            let (permit, accepted) = tokio::select! {
                next = next => next?,
                () = self.shutdown.cancelled() => return Ok(None),
            };
            match accepted {
                Ok((stream, peer)) => return Ok(Some((stream, peer, permit))),
                Err(error) => {
                    // Out of files, as a rule: some connection must end first.
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    async fn serve_connection(&self, stream: TcpStream, peer: SocketAddr) {
        bound_silence(&stream, self.options.peer_silent_max);
        let asked = CancellationToken::new();
        let service = hyper::service::service_fn(|request: hyper::Request<Incoming>| {
            asked.cancel();
            self.answer(request, peer)
        });
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.options.head_timeout)
            .max_buf_size(self.options.head_bytes_max.max(HEAD_BUFFER_MIN));
        let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
        tokio::pin!(connection);
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => Some(ended),
            () = self.shutdown.cancelled() => {
                let drained = async {
                    // hyper would close at once where nothing was asked yet; but the question is on its way.
                    let first = tokio::time::timeout(FIRST_REQUEST_MAX, asked.cancelled());
                    tokio::select! {
                        biased;
                        ended = connection.as_mut() => return ended,
                        _asked = first => connection.as_mut().graceful_shutdown(),
                    }
                    connection.await
                };
                tokio::time::timeout(self.options.drain, drained).await.ok()
            }
        };
        match ended {
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::debug!(%error, "connection ended"),
            None => tracing::debug!("connection cut at the end of the drain"),
        }
    }

    async fn answer(
        &self,
        request: hyper::Request<Incoming>,
        peer: SocketAddr,
    ) -> Result<Response, Infallible> {
        if head_bytes(&request) > self.options.head_bytes_max {
            return Ok(head_too_large(self.options.head_bytes_max));
        }
        let mut request: Request = request.map(Body::new);
        let client = self.options.trusted_proxies.client(peer, request.headers());
        request.extensions_mut().insert(client);
        let answered = AssertUnwindSafe(self.routes.clone().oneshot(request)).catch_unwind();
        let mut answer = answered.await.unwrap_or_else(|_| Ok(panicked())).map(in_shape)?;
        if self.shutdown.is_cancelled() {
            answer.headers_mut().entry(header::CONNECTION).or_insert(HeaderValue::from_static("close"));
        }
        Ok(answer)
    }
}

/// The answer to a request whose handler panicked; counts it.
pub fn panicked() -> Response {
    metrics::counter!("watchfire_panics_total").increment(1);
    let message = "The server failed at this request. It is logged; others are not affected.";
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message).into_response()
}

/// A router's own "method not allowed" has no body: it gets the one that every error has.
fn in_shape(bare: Response) -> Response {
    let is_bare =
        bare.status() == StatusCode::METHOD_NOT_ALLOWED && !bare.headers().contains_key(header::CONTENT_TYPE);
    if !is_bare {
        return bare;
    }
    let message = "This address does not take requests of that kind.";
    let mut shaped = Refusal::new(bare.status(), "method", message).into_response();
    if let Some(allowed) = bare.headers().get(header::ALLOW) {
        shaped.headers_mut().insert(header::ALLOW, allowed.clone());
    }
    shaped
}

/// Bytes of a head in its plain form. hyper stops reading past its buffer and answers 431 without a body; what it
/// has read in one go may be larger than that, so the exact maximum is held here.
fn head_bytes<B>(request: &hyper::Request<B>) -> usize {
    let uri = request.uri();
    let origin = uri.authority().map_or(0, |authority| "http://".len() + authority.as_str().len());
    let target = origin + uri.path_and_query().map_or(0, |target| target.as_str().len());
    let line = request.method().as_str().len() + target + "  HTTP/1.1\r\n".len();
    let fields =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    line + fields.sum::<usize>() + "\r\n".len()
}

fn head_too_large(max: usize) -> Response {
    let message = format!("A request's head holds at most {max} bytes.");
    Refusal::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large", message).into_response()
}

/// Half-open connections end, and so do those whose peer never reads: TCP's user timeout counts from when a byte
/// was last taken, also while the peer's full window is probed.
fn bound_silence(stream: &TcpStream, peer_silent_max: Duration) {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(Duration::from_secs(5));
    let bounded = stream
        .set_nodelay(true)
        .and_then(|()| socket.set_tcp_keepalive(&keepalive))
        .and_then(|()| socket.set_tcp_user_timeout(Some(peer_silent_max)));
    if let Err(error) = bounded {
        tracing::debug!(%error, "socket options not set");
    }
}

#[cfg(test)]
mod tests;

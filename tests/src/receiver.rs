//! Whoever the program reaches in a test: an HTTP server of the test's own, as long as its runtime.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

pub type Heard = Result<Response<Full<Bytes>>, Infallible>;

/// A free port of this machine.
pub async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    (listener, address)
}

/// Answers each request there by `hear`.
pub fn serve<F: Future<Output = Heard> + Send + 'static>(
    listener: TcpListener,
    hear: impl Fn(Request<Incoming>) -> F + Clone + Send + 'static,
) {
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let serving =
                http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(hear.clone()));
            // Who goes away in the midst of it is no fault of the test's.
            tokio::spawn(async move { drop(serving.await) });
        }
    });
}

//! A plain reverse proxy before the services of a cluster, as an operator would put one there: picks by path, turn
//! about among the servers of a service, passes sockets through, changes nothing else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

type Body = BoxBody<Bytes, hyper::Error>;

/// Where the services listen.
#[derive(Clone, Debug, Default)]
pub struct Upstreams {
    pub collectors: Vec<SocketAddr>,
    pub realtimes: Vec<SocketAddr>,
    pub webs: Vec<SocketAddr>,
}

/// A running proxy; dropping it ends it with its connections.
pub struct Proxy {
    pub address: SocketAddr,
    work: JoinHandle<()>,
}

struct Paths {
    upstreams: Upstreams,
    turn: AtomicUsize,
    client: Client<HttpConnector, Incoming>,
}

impl Proxy {
    pub async fn start(upstreams: Upstreams) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let client = Client::builder(TokioExecutor::new()).build_http();
        let paths = Arc::new(Paths { upstreams, turn: AtomicUsize::new(0), client });
        let work = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(connection(stream, paths.clone()));
            }
        });
        Proxy { address, work }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.work.abort();
    }
}

impl Paths {
    fn upstream(&self, path: &str) -> SocketAddr {
        let of_collector = path.starts_with("/v1/") || path.starts_with("/wf");
        let among = match path {
            _ if of_collector => &self.upstreams.collectors,
            _ if path.starts_with("/api/watchfire/live") => &self.upstreams.realtimes,
            _ => &self.upstreams.webs,
        };
        among[self.turn.fetch_add(1, Ordering::Relaxed) % among.len()]
    }
}

async fn connection(stream: TcpStream, paths: Arc<Paths>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let paths = paths.clone();
        async move { Ok::<_, hyper::Error>(pass(request, &paths).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .preserve_header_case(true)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    drop(served);
}

async fn pass(request: Request<Incoming>, paths: &Paths) -> Response<Body> {
    let upstream = paths.upstream(request.uri().path());
    let answer = match request.headers().contains_key(header::UPGRADE) {
        true => socket(request, upstream).await,
        false => whole(request, upstream, paths).await,
    };
    answer.unwrap_or_else(|_| {
        let mut answer = Response::new(Empty::new().map_err(|never| match never {}).boxed());
        *answer.status_mut() = StatusCode::BAD_GATEWAY;
        answer
    })
}

async fn whole(
    mut request: Request<Incoming>,
    upstream: SocketAddr,
    paths: &Paths,
) -> anyhow::Result<Response<Body>> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = format!("http://{upstream}{path}").parse()?;
    Ok(paths.client.request(request).await?.map(BodyExt::boxed))
}

/// One connection of its own, and once both agreed to upgrade, bytes both ways.
async fn socket(mut request: Request<Incoming>, upstream: SocketAddr) -> anyhow::Result<Response<Body>> {
    let stream = TcpStream::connect(upstream).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection.with_upgrades());
    let near = hyper::upgrade::on(&mut request);
    let mut answer = sender.send_request(request).await?;
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        let far = hyper::upgrade::on(&mut answer);
        tokio::spawn(async move {
            if let (Ok(near), Ok(far)) = (near.await, far.await) {
                let (mut near, mut far) = (TokioIo::new(near), TokioIo::new(far));
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            }
        });
    }
    Ok(answer.map(BodyExt::boxed))
}

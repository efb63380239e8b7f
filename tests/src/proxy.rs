//! A plain reverse proxy before the services of a cluster, as an operator would put one there: picks by path, turn
//! about among the servers of a service, asks the next one once where one gives no answer or is unavailable, passes
//! sockets through, changes nothing else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

type Body = BoxBody<Bytes, hyper::Error>;

/// Bytes of a request that is kept until it is answered, to ask another server; a larger one is passed on as it comes.
const REQUEST_BYTES_MAX: usize = 1 << 20;

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
    client: Client<HttpConnector, Body>,
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
    /// The server whose turn it is, and the one after it.
    fn upstreams(&self, path: &str) -> [SocketAddr; 2] {
        let of_collector = path.starts_with("/v1/") || path.starts_with("/wf");
        let among = match path {
            _ if of_collector => &self.upstreams.collectors,
            _ if path.starts_with("/api/watchfire/live") => &self.upstreams.realtimes,
            _ => &self.upstreams.webs,
        };
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        [among[turn % among.len()], among[(turn + 1) % among.len()]]
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
    let upstreams = paths.upstreams(request.uri().path());
    let is_large = || request.body().size_hint().upper().is_none_or(|bytes| bytes > REQUEST_BYTES_MAX as u64);
    let answer = match () {
        () if request.headers().contains_key(header::UPGRADE) => socket(request, upstreams).await,
        () if is_large() => as_it_comes(request, upstreams, paths).await,
        () => whole(request, upstreams, paths).await,
    };
    answer.unwrap_or_else(|_| {
        let mut answer = Response::new(Empty::new().map_err(|never| match never {}).boxed());
        *answer.status_mut() = StatusCode::BAD_GATEWAY;
        answer
    })
}

async fn whole(
    request: Request<Incoming>,
    [first, second]: [SocketAddr; 2],
    paths: &Paths,
) -> anyhow::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, REQUEST_BYTES_MAX).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
    let answer = paths.client.request(for_upstream(&head, &body, first)?).await;
    // A hit counts once however often it comes; a form might be taken twice.
    let may_come_twice = head.method.is_safe() || head.uri.path() == "/v1/hits";
    let is_refused = match &answer {
        Ok(answer) => may_come_twice && answer.status() == StatusCode::SERVICE_UNAVAILABLE,
        Err(error) => may_come_twice || error.is_connect(),
    };
    let answer = match is_refused {
        true => paths.client.request(for_upstream(&head, &body, second)?).await,
        false => answer,
    };
    Ok(answer?.map(BodyExt::boxed))
}

async fn as_it_comes(
    request: Request<Incoming>,
    [first, _]: [SocketAddr; 2],
    paths: &Paths,
) -> anyhow::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let answer = paths.client.request(Request::from_parts(at(head, first)?, body.boxed())).await?;
    Ok(answer.map(BodyExt::boxed))
}

fn for_upstream(head: &Parts, body: &Bytes, upstream: SocketAddr) -> anyhow::Result<Request<Body>> {
    let body = Full::new(body.clone()).map_err(|never| match never {}).boxed();
    Ok(Request::from_parts(at(head.clone(), upstream)?, body))
}

fn at(mut head: Parts, upstream: SocketAddr) -> anyhow::Result<Parts> {
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = format!("http://{upstream}{path}").parse()?;
    Ok(head)
}

/// One connection of its own, and once both agreed to upgrade, bytes both ways.
async fn socket(
    mut request: Request<Incoming>,
    [first, second]: [SocketAddr; 2],
) -> anyhow::Result<Response<Body>> {
    let stream = match TcpStream::connect(first).await {
        Ok(stream) => stream,
        Err(_) => TcpStream::connect(second).await?,
    };
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

//! One request to an address that somebody gave us. The name is resolved here, every address that it stands for is looked at, and the connection goes to
//! one that was: there is no second look that could see another. No redirect is followed, no proxy asked, no connection kept.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, USER_AGENT};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::address::Reach;

#[cfg(test)]
mod tests;

/// Bytes of an answer that are read; of a longer one nothing is.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Finding, reaching and greeting the host; and all of it, with the answer.
const CONNECT_MAX: Duration = Duration::from_secs(4);
const REQUEST_MAX: Duration = Duration::from_secs(10);
/// For one address of several: the next one may be within reach.
const CONNECT_EACH_MAX: Duration = Duration::from_millis(900);
/// Addresses of one name that are tried.
const TRIED_MAX: usize = 4;

/// What a name stands for.
#[async_trait]
pub trait Resolver: Send + Sync {
    async fn addresses(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>>;
}

/// As the system resolves names.
pub struct System;

#[async_trait]
impl Resolver for System {
    async fn addresses(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }
}

/// Reaches hosts. Cheap to clone.
#[derive(Clone)]
pub struct Dial {
    reach: Reach,
    resolver: Arc<dyn Resolver>,
    trusted: TlsConnector,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// None: more than `ANSWER_BYTES_MAX`.
    pub body: Option<Bytes>,
}

/// Why a host was not asked, or did not answer. Says nothing of what stands behind a name.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    #[error("this is no address of a hook")]
    Address,
    #[error("the name of the host is not known")]
    Unknown,
    #[error("the name stands for an address that is not of the public internet")]
    NotPublic,
    #[error("the host cannot be reached")]
    Unreachable,
    #[error("the host is not to be trusted: {0}")]
    Untrusted(std::io::Error),
    #[error("no answer in time")]
    Slow,
    #[error("the host broke off: {0}")]
    Broken(hyper::Error),
    #[error("the answer broke off")]
    Torn,
}

impl Dial {
    /// Trusts whom the system trusts.
    pub fn new(reach: Reach, resolver: Arc<dyn Resolver>) -> anyhow::Result<Dial> {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        let (_, unreadable) = roots.add_parsable_certificates(found.certs);
        if roots.is_empty() || unreadable > 0 {
            tracing::warn!(trusted = roots.len(), unreadable, "certificates that this system trusts");
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Dial { reach, resolver, trusted: TlsConnector::from(Arc::new(config)) })
    }

    /// Posts the body, and reads the answer whatever its status is.
    pub async fn post(&self, url: &str, headers: HeaderMap, body: Bytes) -> Result<Answer, NoAnswer> {
        if self.reach.refusal(url).is_some() {
            return Err(NoAnswer::Address);
        }
        let url = Url::parse(url).map_err(|_| NoAnswer::Address)?;
        let mut request = request(&url, Method::POST, headers, body).ok_or(NoAnswer::Address)?;
        request.headers_mut().entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        timeout(REQUEST_MAX, self.ask(&url, request)).await.map_err(|_| NoAnswer::Slow)?
    }

    /// Asks for a page, which may be without TLS: nothing is told there.
    pub async fn get(&self, url: &Url) -> Result<Answer, NoAnswer> {
        if self.reach.page_refusal(url.as_str()).is_some() {
            return Err(NoAnswer::Address);
        }
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("text/html, */*;q=0.5"))]);
        let request = request(url, Method::GET, headers, Bytes::new()).ok_or(NoAnswer::Address)?;
        timeout(REQUEST_MAX, self.ask(url, request)).await.map_err(|_| NoAnswer::Slow)?
    }

    async fn ask(&self, url: &Url, request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer> {
        let stream = timeout(CONNECT_MAX, self.reached(url)).await.map_err(|_| NoAnswer::Slow)??;
        if url.scheme() == "http" {
            return answer(stream, request).await;
        }
        let name = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(name).map_err(|_| NoAnswer::Address)?;
        let greeted = timeout(CONNECT_MAX, self.trusted.connect(name, stream)).await;
        let stream = greeted.map_err(|_| NoAnswer::Slow)?.map_err(NoAnswer::Untrusted)?;
        answer(stream, request).await
    }

    async fn reached(&self, url: &Url) -> Result<TcpStream, NoAnswer> {
        let port = url.port_or_known_default().ok_or(NoAnswer::Address)?;
        let addresses = match url.host() {
            Some(Host::Ipv4(address)) => vec![SocketAddr::from((address, port))],
            Some(Host::Ipv6(address)) => vec![SocketAddr::from((address, port))],
            Some(Host::Domain(name)) => {
                self.resolver.addresses(name, port).await.map_err(|_| NoAnswer::Unknown)?
            }
            None => return Err(NoAnswer::Address),
        };
        if addresses.is_empty() {
            return Err(NoAnswer::Unknown);
        }
        // One that is not public makes the name suspect, whatever else it stands for.
        if !addresses.iter().all(|address| self.reach.takes(address.ip())) {
            return Err(NoAnswer::NotPublic);
        }
        for address in addresses.into_iter().take(TRIED_MAX) {
            let tried = TcpStream::connect(SocketAddr::new(address.ip(), port));
            if let Ok(Ok(stream)) = timeout(CONNECT_EACH_MAX, tried).await {
                return Ok(stream);
            }
        }
        Err(NoAnswer::Unreachable)
    }
}

fn request(url: &Url, method: Method, headers: HeaderMap, body: Bytes) -> Option<Request<Full<Bytes>>> {
    let host = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str()?),
        None => url.host_str()?.to_owned(),
    };
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = target.parse().ok()?;
    *request.headers_mut() = headers;
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_str(&host).ok()?);
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("Watchfire/", env!("CARGO_PKG_VERSION"))));
    Some(request)
}

async fn answer<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(NoAnswer::Broken)?;
    let asking = async move {
        let response = sender.send_request(request).await.map_err(NoAnswer::Broken)?;
        let (head, body) = response.into_parts();
        let body = match Limited::new(body, ANSWER_BYTES_MAX).collect().await {
            Ok(body) => Some(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => None,
            Err(_) => return Err(NoAnswer::Torn),
        };
        Ok(Answer { status: head.status, headers: head.headers, body })
    };
    tokio::pin!(asking, connection);
    // The connection is driven here: nothing of it outlives the answer.
    tokio::select! {
        answer = &mut asking => answer,
        ended = &mut connection => match ended {
            Err(error) => Err(NoAnswer::Broken(error)),
            Ok(()) => asking.await,
        },
    }
}

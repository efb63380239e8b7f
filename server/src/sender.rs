//! Sends hits to a collector as the tag does: the same ids again until they are taken.

use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Serialize};

/// Tries of one request before the sender gives up; with the waits between them about four minutes.
const TRIES_MAX: u32 = 12;
/// The longest wait between two tries.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// How long one try may take.
const TRY_TIMEOUT: Duration = Duration::from_secs(30);

/// A client of one server. Cheap to clone; keeps connections open.
#[derive(Clone)]
pub struct Sender {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
    token: Option<String>,
}

/// What became of the hits of one request.
#[derive(Debug, Default, Deserialize, Clone, PartialEq, Eq)]
#[serde(default)]
pub struct Receipt {
    pub accepted: u64,
    pub ignored: u64,
    pub refused: Vec<Refused>,
}

#[derive(Debug, Default, Deserialize, Clone, PartialEq, Eq)]
#[serde(default)]
pub struct Refused {
    pub index: usize,
    pub code: String,
    pub message: String,
}

impl Sender {
    /// `url`: `http://host:port` of the server. TLS is not spoken: run beside the server or its proxy.
    pub fn new(url: &str, token: Option<String>) -> anyhow::Result<Sender> {
        let base = url.trim_end_matches('/').to_owned();
        let uri: Uri = base.parse().with_context(|| format!("`{url}` is no address"))?;
        if uri.scheme_str() != Some("http") || uri.authority().is_none() {
            bail!("`{url}`: give the server as http://HOST:PORT (TLS ends at your proxy; go behind it)");
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Sender { client, base, token })
    }

    /// Sends a request body to `POST /v1/hits` until the server has decided: taken or refused.
    pub async fn hits(&self, body: &impl Serialize) -> anyhow::Result<Receipt> {
        let body = Bytes::from(serde_json::to_vec(body)?);
        let mut wait = Duration::from_millis(100);
        for _ in 0..TRIES_MAX {
            let (problem, asked) = match self.post("/v1/hits", body.clone()).await {
                Ok((StatusCode::ACCEPTED, _, answer)) => return Ok(serde_json::from_slice(&answer)?),
                Ok((
                    status @ (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE),
                    asked,
                    _,
                )) => (format!("the server answered {status}"), asked),
                Ok((status, _, answer)) => return refusal(status, &answer),
                Err(error) => (format!("{error:#}"), None),
            };
            tracing::debug!(problem, "sending again");
            let pause = asked.unwrap_or(wait).min(WAIT_MAX);
            tokio::time::sleep(pause.mul_f64(0.75 + fastrand::f64() / 2.0)).await;
            wait = (wait * 2).min(WAIT_MAX);
        }
        bail!("{} did not take the hits after {TRIES_MAX} tries", self.base)
    }

    /// A GET of a JSON document of the API.
    pub async fn get(&self, path: &str) -> anyhow::Result<serde_json::Value> {
        let request = self.request(Method::GET, path).body(Full::default())?;
        let (status, _, answer) = self.send(request).await?;
        if !status.is_success() {
            bail!("{path}: the server answered {status}: {}", sentence(&answer));
        }
        Ok(serde_json::from_slice(&answer)?)
    }

    /// A question of the API, answered in JSON.
    pub async fn ask(&self, path: &str, question: &impl Serialize) -> anyhow::Result<serde_json::Value> {
        let (status, _, answer) = self.post(path, Bytes::from(serde_json::to_vec(question)?)).await?;
        if !status.is_success() {
            bail!("the server answered {status}: {}", sentence(&answer));
        }
        Ok(serde_json::from_slice(&answer)?)
    }

    async fn post(&self, path: &str, body: Bytes) -> anyhow::Result<(StatusCode, Option<Duration>, Bytes)> {
        let request = self.request(Method::POST, path).header(CONTENT_TYPE, "application/json");
        self.send(request.body(Full::new(body))?).await
    }

    fn request(&self, method: Method, path: &str) -> hyper::http::request::Builder {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> anyhow::Result<(StatusCode, Option<Duration>, Bytes)> {
        let answered = tokio::time::timeout(TRY_TIMEOUT, async {
            let response = self.client.request(request).await?;
            let status = response.status();
            let asked =
                response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            let body = response.into_body().collect().await?.to_bytes();
            anyhow::Ok((status, asked.map(Duration::from_secs), body))
        });
        answered.await.context("no answer in time")?
    }
}

/// A request of which no hit was good still names each; anything else is the caller's error.
fn refusal(status: StatusCode, answer: &[u8]) -> anyhow::Result<Receipt> {
    let receipt: Receipt = serde_json::from_slice(answer).unwrap_or_default();
    if status == StatusCode::BAD_REQUEST && !receipt.refused.is_empty() {
        return Ok(receipt);
    }
    bail!("the server answered {status}: {}", sentence(answer))
}

fn sentence(answer: &[u8]) -> String {
    let parsed: serde_json::Value = serde_json::from_slice(answer).unwrap_or_default();
    parsed["error"]["message"].as_str().unwrap_or("no reason given").to_owned()
}

//! What processes answer: whether they serve, and their metrics. Private addresses, plain HTTP, bounded in time and bytes.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

const ANSWER_BYTES_MAX: usize = 4 << 20;
const ANSWER_TIME_MAX: Duration = Duration::from_secs(3);

/// Cheap to clone.
#[derive(Clone)]
pub struct Doors(Client<HttpConnector, Empty<Bytes>>);

impl Doors {
    pub fn new() -> Doors {
        Doors(Client::builder(TokioExecutor::new()).build(HttpConnector::new()))
    }

    pub async fn serves(&self, door: SocketAddr) -> bool {
        self.get(door, "/readyz").await.is_ok()
    }

    pub async fn metrics(&self, door: SocketAddr) -> anyhow::Result<String> {
        self.get(door, "/metrics").await
    }

    /// The text of an answer that is a success.
    async fn get(&self, door: SocketAddr, path: &str) -> anyhow::Result<String> {
        let asked = async {
            let answer = self.0.get(format!("http://{door}{path}").parse()?).await?;
            ensure!(answer.status().is_success(), "it answered {}", answer.status());
            let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
            Ok(String::from_utf8_lossy(&body).into_owned())
        };
        let answered = tokio::time::timeout(ANSWER_TIME_MAX, asked).await.context("no answer in time");
        answered.and_then(|answer| answer).with_context(|| format!("http://{door}{path}"))
    }
}

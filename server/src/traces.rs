//! Traces, for who collects them: spans that services tell (`observe::trace`), sent by OTLP over HTTP as JSON. What cannot be sent
//! is dropped and counted: no hit waits for it.

use std::time::{Duration, SystemTime};

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::CONTENT_TYPE;
use hyper::{Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use observe::trace::{Resource, Span, request};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context as Within;

/// Spans that wait to be sent; what comes while so many wait is dropped.
const SPANS_WAITING_MAX: usize = 8_192;
const SPANS_A_REQUEST_MAX: usize = 512;
/// How long spans wait for company.
const SEND_EVERY: Duration = Duration::from_secs(1);
const SEND_MAX: Duration = Duration::from_secs(5);

/// Hears spans, for an `Exporter`.
pub struct Spans(mpsc::Sender<Span>);

/// Sends what its `Spans` hears.
pub struct Exporter {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    to: Uri,
    waiting: mpsc::Receiver<Span>,
    of: Resource,
    /// It was said that nothing can be sent.
    complained: bool,
}

/// `collector`: the base address of what speaks OTLP over HTTP, as `http://127.0.0.1:4318`.
pub fn to(collector: &str, host: String) -> anyhow::Result<(Spans, Exporter)> {
    let base: Uri = collector.parse().with_context(|| format!("`{collector}` is no address"))?;
    ensure!(
        matches!(base.scheme_str(), Some("http" | "https"))
            && base.authority().is_some()
            && base.query().is_none(),
        "`{collector}`: give it as http://HOST:4318"
    );
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())?
        .https_or_http()
        .enable_http1()
        .build();
    let (hear, waiting) = mpsc::channel(SPANS_WAITING_MAX);
    let exporter = Exporter {
        client: Client::builder(TokioExecutor::new()).build(connector),
        to: format!("{}/v1/traces", collector.trim_end_matches('/')).parse()?,
        waiting,
        of: Resource { host, version: env!("CARGO_PKG_VERSION") },
        complained: false,
    };
    Ok((Spans(hear), exporter))
}

impl<S: Subscriber> Layer<S> for Spans {
    fn on_event(&self, event: &Event<'_>, _: Within<'_, S>) {
        let Some(span) = Span::of(event, SystemTime::now()) else {
            return;
        };
        if self.0.try_send(span).is_err() {
            lost(1);
        }
    }
}

fn lost(spans: u64) {
    metrics::counter!("watchfire_trace_spans_lost_total").increment(spans);
}

impl Exporter {
    /// Sends until the shutdown, then what waits, once.
    pub async fn run(mut self, shutdown: CancellationToken) {
        metrics::describe_counter!(
            "watchfire_trace_spans_lost_total",
            "Spans of traces that could not be sent, or came while too many waited."
        );
        lost(0);
        let mut spans = Vec::with_capacity(SPANS_A_REQUEST_MAX);
        while shutdown.run_until_cancelled(tokio::time::sleep(SEND_EVERY)).await.is_some() {
            self.send_all(&mut spans).await;
        }
        self.send_all(&mut spans).await;
    }

    async fn send_all(&mut self, spans: &mut Vec<Span>) {
        while let Ok(span) = self.waiting.try_recv() {
            spans.push(span);
            if spans.len() == SPANS_A_REQUEST_MAX || self.waiting.is_empty() {
                self.send(spans).await;
                spans.clear();
            }
        }
    }

    async fn send(&mut self, spans: &[Span]) {
        let sent = match timeout(SEND_MAX, self.post(spans)).await {
            Ok(sent) => sent,
            Err(_) => Err(anyhow::anyhow!("it took longer than {SEND_MAX:?}")),
        };
        match sent {
            Ok(()) => self.complained = false,
            Err(error) => {
                lost(spans.len() as u64);
                if !std::mem::replace(&mut self.complained, true) {
                    tracing::warn!("traces cannot be sent to {}: {error:#}", self.to);
                }
            }
        }
    }

    async fn post(&self, spans: &[Span]) -> anyhow::Result<()> {
        let body = serde_json::to_vec(&request(&self.of, spans))?;
        let request = Request::post(&self.to).header(CONTENT_TYPE, "application/json");
        let answer = self.client.request(request.body(Full::new(Bytes::from(body)))?).await?;
        if !answer.status().is_success() {
            bail!("it answered {}", answer.status());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_collector_of_traces_is_an_address() {
        for (address, to) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("https://o.example/x/", "https://o.example/x/v1/traces"),
        ] {
            assert_eq!(super::to(address, "h".into()).unwrap().1.to.to_string(), to);
        }
        for wrong in ["", "127.0.0.1:4318", "ftp://h", "http://", "http://h/?q", "grpc://h:4317"] {
            assert!(super::to(wrong, "h".into()).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn what_comes_while_too_many_wait_is_dropped() {
        let (Spans(hear), exporter) = super::to("http://127.0.0.1:1", "h".into()).unwrap();
        let span = Span {
            stage: observe::trace::Stage::Hits,
            batch: model::BatchId(1),
            ended: SystemTime::now(),
            took: Duration::ZERO,
            hits: 1,
            failed: false,
        };
        for _ in 0..SPANS_WAITING_MAX {
            hear.try_send(span.clone()).unwrap();
        }
        assert!(hear.try_send(span).is_err());
        let stop = CancellationToken::new();
        stop.cancel();
        // Nobody is there: it ends all the same.
        exporter.run(stop).await;
    }
}

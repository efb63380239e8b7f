//! Prometheus: one recorder a process, served on a listener of its own.

use std::future::Future;

use anyhow::Context;
use axum::Router;
use axum::routing::get;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Upper bounds of the latency histograms, in seconds.
const SECONDS: [f64; 14] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Installs the process's recorder. Fails where one is installed already.
pub fn install() -> anyhow::Result<PrometheusHandle> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .install_recorder()
        .context("metrics cannot be set up")
}

/// Serves `/metrics` until `shutdown`.
pub fn serve(
    listener: TcpListener,
    handle: PrometheusHandle,
    shutdown: CancellationToken,
) -> impl Future<Output = anyhow::Result<()>> {
    let routes = Router::new().route(
        "/metrics",
        get(move || {
            let text = handle.render();
            async move { text }
        }),
    );
    door::serve(listener, routes, door::DoorOptions { connections_max: 64, ..Default::default() }, shutdown)
}

//! Prometheus: one recorder a process, served on a listener of its own.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::routing::get;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use model::{Clock, SystemClock};
use observe::push::Push;
use observe::{Process, Teller};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::backends::Backends;
use crate::health;
use crate::settings::Settings;

/// Upper bounds of the latency histograms, in seconds.
const SECONDS: [f64; 14] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Upper bounds of the histogram of hits a message.
const HITS: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0];
const DIGEST_EVERY: Duration = Duration::from_secs(5);

/// Installs the process's recorder. Fails where one is installed already.
pub fn install() -> anyhow::Result<PrometheusHandle> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_hits".to_owned()), &HITS)?
        .install_recorder()
        .context("metrics cannot be set up")
}

/// What tells the others how this process is.
pub fn teller(settings: &Settings, backends: &Backends, recorder: PrometheusHandle) -> Teller {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let services: Vec<_> = settings.services.iter().map(|service| service.name().to_owned()).collect();
    let process = Process::this(services, clock.now());
    let push = settings.metrics_push.clone();
    let push = push.map(|target| Push::to(target, &[&process.host, &process.services.join("-")]));
    let (asked, asking) = (backends.clone(), settings.services.clone());
    Teller {
        process,
        read: Box::new(move || recorder.render()),
        ready: Box::new(move || Box::pin(health::is_ready(asked.clone(), asking.clone()))),
        live: backends.live.clone(),
        clock,
        data: settings.data.clone(),
        push,
    }
}

/// Serves `/metrics` until `shutdown`. `data`: the folder whose disk is told of.
pub fn serve(
    listener: TcpListener,
    handle: PrometheusHandle,
    data: PathBuf,
    shutdown: CancellationToken,
) -> impl Future<Output = anyhow::Result<()>> {
    let recorder = handle.clone();
    // What was recorded is folded into its buckets, whether or not somebody reads them: else it would pile up.
    let digest = async move {
        loop {
            tokio::time::sleep(DIGEST_EVERY).await;
            recorder.run_upkeep();
        }
    };
    let routes = Router::new().route(
        "/metrics",
        get(move || {
            // CPU and memory are of this moment.
            observe::measure(&data);
            let text = handle.render();
            async move { text }
        }),
    );
    let serving = door::serve(
        listener,
        routes,
        door::DoorOptions { connections_max: 64, ..Default::default() },
        shutdown,
    );
    async move {
        tokio::select! {
            served = serving => served,
            () = digest => Ok(()),
        }
    }
}

//! `/healthz`: the process answers. `/readyz`: it can take hits, and show them where that is its work.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use crate::backends::Backends;
use crate::settings::Service;

/// `services`: what this process runs.
pub fn routes(backends: Backends, services: &[Service]) -> Router {
    let shows = shows(services);
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(Ready { backends, shows })
}

#[derive(Clone)]
struct Ready {
    backends: Backends,
    /// It does more than take hits, which needs neither store nor live.
    shows: bool,
}

async fn ready(State(Ready { backends, shows }): State<Ready>) -> (StatusCode, String) {
    let problems = problems(&backends, shows).await;
    if problems.is_empty() {
        return (StatusCode::OK, "ready\n".to_owned());
    }
    (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", problems.join("; ")))
}

/// Whether a process that runs these is ready.
pub async fn is_ready(backends: Backends, services: Vec<Service>) -> bool {
    problems(&backends, shows(&services)).await.is_empty()
}

fn shows(services: &[Service]) -> bool {
    services.iter().any(|service| *service != Service::Collector)
}

async fn problems(backends: &Backends, shows: bool) -> Vec<&'static str> {
    let mut problems = Vec::new();
    if shows && let Err(error) = backends.store.accounts.is_empty().await {
        tracing::warn!(%error, "not ready: store");
        problems.push("the store cannot be reached");
    }
    if shows && let Err(error) = backends.live.present(&[]).await {
        tracing::warn!(%error, "not ready: live");
        problems.push("live state cannot be reached");
    }
    let depth = backends.bus.depth().await;
    if depth.bytes >= depth.bytes_max {
        problems.push("the bus is full");
    }
    problems
}

//! `/healthz`: the process answers. `/readyz`: it can take hits and show them.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use crate::backends::Backends;

pub fn routes(backends: Backends) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(backends)
}

async fn ready(State(backends): State<Backends>) -> (StatusCode, String) {
    let mut problems = Vec::new();
    if let Err(error) = backends.store.accounts.is_empty().await {
        tracing::warn!(%error, "not ready: store");
        problems.push("the store cannot be reached");
    }
    if let Err(error) = backends.live.present(&[]).await {
        tracing::warn!(%error, "not ready: live");
        problems.push("live state cannot be reached");
    }
    let depth = backends.bus.depth().await;
    if depth.bytes >= depth.bytes_max {
        problems.push("the bus is full");
    }
    if problems.is_empty() {
        return (StatusCode::OK, "ready\n".to_owned());
    }
    (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", problems.join("; ")))
}

//! A change that began is finished, though the browser that asked for it goes away meanwhile: what was revoked
//! is announced, what was deleted is gone.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

use crate::Web;

/// Runs every request that may change something to its end.
pub async fn finish(State(web): State<Arc<Web>>, request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    match web.changes.spawn(next.run(request)).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(%error, "a change failed");
            door::panicked()
        }
    }
}

//! The table of contents.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use door::Refusal;

use crate::tag::Tag;
use crate::{Collector, hits, pixel, tag};

/// Method and path of every route.
pub const ROUTES: [(&str, &str); 4] =
    [("POST", "/v1/hits"), ("GET", "/v1/p.gif"), ("GET", "/v1/wf.js"), ("GET", "/wf.js")];

pub(crate) fn routes(collector: Arc<Collector>) -> Router {
    let scripts = Router::new()
        .route("/wf.js", get(tag::newest).fallback(wrong_method))
        .route("/v1/wf.js", get(tag::version_1).fallback(wrong_method))
        .with_state(Arc::new(Tag::new()));
    Router::new()
        .route("/v1/hits", post(hits::receive).options(preflight).fallback(wrong_method))
        .route("/v1/p.gif", get(pixel::receive).fallback(wrong_method))
        .with_state(collector)
        .merge(scripts)
}

/// Programs in a browser that send JSON with a token ask first; the tag never does.
async fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    let answers = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type, authorization"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    for (name, value) in answers {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn wrong_method(method: Method) -> Refusal {
    let message = format!("{method} is not answered here; docs/protocol.md says what is.");
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method", message)
}

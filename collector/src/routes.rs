//! The table of contents.

use std::future::{Ready, ready};
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
        .route("/wf.js", get(tag::script).fallback(only("GET, HEAD")))
        .route("/v1/wf.js", get(tag::script).fallback(only("GET, HEAD")))
        .with_state(Arc::new(Tag::new()));
    Router::new()
        .route("/v1/hits", post(hits::receive).options(preflight).fallback(only("POST, OPTIONS")))
        .route("/v1/p.gif", get(pixel::receive).fallback(only("GET, HEAD")))
        .with_state(collector)
        .merge(scripts)
}

/// Pages of every origin may send and see the answer.
pub(crate) fn open_to_all(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    response
}

/// Programs in a browser that send JSON with a token ask first; the tag never does.
async fn preflight() -> Response {
    let answers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type, authorization"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    open_to_all((StatusCode::NO_CONTENT, answers).into_response())
}

/// Answers every other method.
fn only(allowed: &'static str) -> impl Fn(Method) -> Ready<Response> + Clone + Send + Sync + 'static {
    move |method| {
        let message = format!("{method} is not answered here, only {allowed}.");
        let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method", message);
        ready(open_to_all(([(header::ALLOW, allowed)], refusal).into_response()))
    }
}

//! Headers on every answer that tell a browser what a page may never do.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

pub const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");

const ALWAYS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
    ),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Adds the headers. Links with a secret in them are told to no other site; the pages of the demo shop
/// tell what any shop's pages would.
pub async fn protect(request: Request, next: Next) -> Response {
    let is_shop = request.uri().path().starts_with("/demo/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        // What people sent says its own, which is stricter.
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    let referrer = if is_shop { "strict-origin-when-cross-origin" } else { "same-origin" };
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static(referrer));
    // A page that anybody may read says otherwise.
    headers.entry(ROBOTS).or_insert(HeaderValue::from_static("noindex, nofollow"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

//! A file built into the program: its type, its bytes, and an ETag that lets browsers keep it.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A static file. `etag` is quoted.
#[derive(Clone, Debug)]
pub struct Asset {
    pub content_type: &'static str,
    pub bytes: &'static [u8],
    /// The same bytes, gzip; None: not worth it.
    pub gzip: Option<&'static [u8]>,
    pub etag: String,
    pub cache_control: &'static str,
}

impl Asset {
    /// Answers with the file, gzip where the client takes it, or 304 where it already has it.
    pub fn respond(&self, request: &HeaderMap) -> Response {
        let known = request
            .get(header::IF_NONE_MATCH)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.split(',').any(|tag| tag.trim() == self.etag));
        let takes_gzip = request
            .get(header::ACCEPT_ENCODING)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.contains("gzip"));
        let mut response = match (known, self.gzip.filter(|_| takes_gzip)) {
            (true, _) => StatusCode::NOT_MODIFIED.into_response(),
            (false, Some(gzip)) => {
                let mut response = Response::new(Body::from(gzip));
                let headers = response.headers_mut();
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                response
            }
            (false, None) => Response::new(Body::from(self.bytes)),
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(self.cache_control));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Ok(etag) = HeaderValue::from_str(&self.etag) {
            headers.insert(header::ETAG, etag);
        }
        response
    }
}

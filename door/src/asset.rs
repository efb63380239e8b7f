//! A file built into the program: its type, its bytes, and an ETag that lets browsers keep it.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
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
        let known = items(request, header::IF_NONE_MATCH)
            .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.etag);
        let mut response = match (known, self.gzip.filter(|_| takes_gzip(request))) {
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

/// Whether the client takes gzip, by name or by `*` (RFC 9110, 12.5.3); a weight of 0 means that it does not.
fn takes_gzip(request: &HeaderMap) -> bool {
    let mut takes_any = false;
    for item in items(request, header::ACCEPT_ENCODING) {
        let (coding, weight) = item.split_once(';').unwrap_or((item, ""));
        let weight = weight.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        let taken = weight.is_ok_and(|weight| weight > 0.0);
        match coding.trim() {
            coding if coding.eq_ignore_ascii_case("gzip") => return taken,
            "*" => takes_any = taken,
            _ => {}
        }
    }
    takes_any
}

/// The items of a header that is a list, over all its lines.
fn items(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn respond(name: HeaderName, values: &[&'static str]) -> Response {
        let asset = Asset {
            content_type: "text/plain",
            bytes: b"plain",
            gzip: Some(b"gzip"),
            etag: "\"e1\"".into(),
            cache_control: "no-cache",
        };
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(&name, HeaderValue::from_static(value));
        }
        asset.respond(&headers)
    }

    #[test]
    fn a_browser_that_has_it_is_told_so() {
        let check = |values: &[&'static str], status: u16| {
            let response = respond(header::IF_NONE_MATCH, values);
            assert_eq!(response.status().as_u16(), status, "{values:?}");
            assert_eq!(response.headers()[header::ETAG], "\"e1\"");
        };
        check(&[], 200);
        check(&["\"e1\""], 304);
        check(&["W/\"e1\""], 304);
        check(&["\"e0\", \"e1\""], 304);
        check(&["\"e0\"", "\"e1\""], 304);
        check(&["*"], 304);
        check(&["\"e0\""], 200);
        check(&["e1"], 200);
        check(&["\"e1"], 200);
    }

    #[test]
    fn gzip_goes_to_who_takes_it() {
        let check = |values: &[&'static str], gzip: bool| {
            let response = respond(header::ACCEPT_ENCODING, values);
            assert_eq!(response.headers().contains_key(header::CONTENT_ENCODING), gzip, "{values:?}");
            assert_eq!(response.headers()[header::VARY], "accept-encoding");
        };
        check(&[], false);
        check(&["gzip"], true);
        check(&["GZIP"], true);
        check(&["br, gzip;q=0.5"], true);
        check(&["br", "deflate, gzip"], true);
        check(&["*"], true);
        check(&["gzip;q=0"], false);
        check(&["*, gzip; q=0.0"], false);
        check(&["br, *;q=0"], false);
        check(&["not-gzip"], false);
        check(&["gzip;q=x"], false);
        check(&["identity"], false);
    }
}

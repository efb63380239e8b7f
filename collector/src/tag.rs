//! Serves the tag: `/wf.js` is the newest, `/v1/wf.js` speaks version 1 of the protocol for as long as it is served.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use door::Asset;

use crate::routes::open_to_all;

const SCRIPT: &[u8] = include_bytes!("../tag/dist/wf.js");
const SCRIPT_GZIP: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/wf.js.gz"));

pub(crate) struct Tag(Asset);

impl Tag {
    pub(crate) fn new() -> Tag {
        Tag(Asset {
            content_type: "text/javascript; charset=utf-8",
            bytes: SCRIPT,
            gzip: Some(SCRIPT_GZIP),
            etag: format!("\"{}\"", &blake3::hash(SCRIPT).to_hex()[..16]),
            cache_control: "public, max-age=3600",
        })
    }

    fn respond(&self, request: &HeaderMap) -> Response {
        let response = self.0.respond(request);
        open_to_all(response)
    }
}

/// `GET /wf.js`, the newest, and `GET /v1/wf.js`, which stays what version 1 of the protocol is sent by: one, so far.
pub(crate) async fn script(State(tag): State<Arc<Tag>>, headers: HeaderMap) -> Response {
    tag.respond(&headers)
}

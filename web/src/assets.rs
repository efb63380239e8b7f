//! Scripts, styles and pictures, built in; each name holds a hash of the content.

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use door::{Asset, Refusal};

use crate::error::Problem;

/// A file built in by `build.rs`.
pub struct File {
    pub url: &'static str,
    pub content_type: &'static str,
    pub bytes: &'static [u8],
    pub gzip: Option<&'static [u8]>,
}

/// Addresses of the files that pages name.
pub struct AssetUrls {
    pub css: &'static str,
    pub app_js: &'static str,
    pub live_js: &'static str,
    pub overview_js: &'static str,
    pub reports_js: &'static str,
    pub inbox_js: &'static str,
    pub room_js: &'static str,
    pub rooms_js: &'static str,
    pub notifications_js: &'static str,
    pub pipeline_js: &'static str,
    pub push_worker_js: &'static str,
    pub tag_js: &'static str,
    pub panel_js: &'static str,
    pub panel_css: &'static str,
    pub chat_js: &'static str,
    pub world_svg: &'static str,
    pub favicon_svg: &'static str,
    pub demo_css: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Loaded by pages of others, as the tag is: asked again each hour.
const AN_HOUR: &str = "public, max-age=3600";
/// Under a name that stays: asked again each day, answered 304.
const A_DAY: &str = "public, max-age=86400";
/// What stands under `/rooms/` says for itself whether it is to be found.
const ROBOTS: &str = "User-agent: *\nAllow: /rooms/\nAllow: /assets/\nDisallow: /\n";

/// `/assets/{file}`
pub async fn file(Path(file): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    respond(&format!("/assets/{file}"), FOR_EVER, &headers)
}

/// `/favicon.svg`
pub async fn favicon(headers: HeaderMap) -> Result<Response, Problem> {
    respond(URLS.favicon_svg, A_DAY, &headers)
}

/// `/push-worker.js`: a service worker is of the paths below its own.
pub async fn push_worker(headers: HeaderMap) -> Result<Response, Problem> {
    respond(URLS.push_worker_js, A_DAY, &headers)
}

/// `/chat.js`, a module that the tag brings into any page; it reads its site from its own address.
pub async fn chat(headers: HeaderMap) -> Result<Response, Problem> {
    let mut response = respond(URLS.chat_js, AN_HOUR, &headers)?;
    let open = response.headers_mut();
    open.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    open.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    );
    Ok(response)
}

/// `/demo/demo.css`
pub async fn demo_css(headers: HeaderMap) -> Result<Response, Problem> {
    respond(URLS.demo_css, A_DAY, &headers)
}

/// `/robots.txt`
pub async fn robots() -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, A_DAY)], ROBOTS)
        .into_response()
}

fn respond(url: &str, cache_control: &'static str, headers: &HeaderMap) -> Result<Response, Problem> {
    let Some(file) = FILES.iter().find(|file| file.url == url) else {
        return Err(Refusal::not_found().into());
    };
    let asset = Asset {
        content_type: file.content_type,
        bytes: file.bytes,
        gzip: file.gzip,
        etag: format!("\"{}\"", file.url.trim_start_matches("/assets/")),
        cache_control,
    };
    Ok(asset.respond(headers))
}

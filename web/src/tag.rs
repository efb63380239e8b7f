//! The tag page: what to paste, and whether the first hit came.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, header};

use crate::Web;
use crate::error::Answer;
use crate::guard::OnSite;
use crate::live_page::has_hits;
use crate::shell::{Done, Shell, page};

#[derive(Template)]
#[template(path = "tag.html")]
struct TagPage {
    shell: Shell,
    site_id: String,
    /// The first it lists.
    hostname: String,
    /// Scheme and host of this server as tags reach it.
    server: String,
    first_party_id: bool,
    has_hits: bool,
}

/// `GET /sites/{site}/tag`
pub async fn show(State(web): State<Arc<Web>>, on: OnSite, headers: HeaderMap, done: Done) -> Answer {
    let server = web.server_url(&headers);
    Ok(page(&TagPage {
        shell: Shell::on_site(&format!("Tag of {}", on.site.name), &on, "tag").saying(&done),
        site_id: on.site.id.to_string(),
        hostname: on.site.hostnames.first().cloned().unwrap_or_default(),
        server,
        first_party_id: on.site.first_party_id,
        has_hits: has_hits(&web, on.site.id).await?,
    }))
}

impl Web {
    /// Scheme and host that people reach this server by: the public address, or as this request came.
    pub fn server_url(&self, headers: &HeaderMap) -> String {
        if let Some(url) = &self.options.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let scheme = if text("x-forwarded-proto") == Some("https") { "https" } else { "http" };
        let host = text(header::HOST.as_str()).filter(|host| is_plain(host)).unwrap_or("localhost");
        format!("{scheme}://{host}")
    }
}

fn is_plain(host: &str) -> bool {
    host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
}

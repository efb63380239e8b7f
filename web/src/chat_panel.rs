//! The panel of a site's chat: a page that stands in a frame of the site's own pages, or in a window that such a one opened.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderName, HeaderValue, header};
use model::Site;

use crate::Web;
use crate::assets::{AssetUrls, URLS};
use crate::customers;
use crate::error::Answer;
use crate::shell::{page, query_value};

/// What the panel speaks; of them this is written from right to left.
const LANGUAGES: [&str; 6] = ["en", "fr", "de", "es", "zh", "ar"];
const RIGHT_TO_LEFT: &str = "ar";

#[derive(Template)]
#[template(path = "chat_panel.html")]
struct PanelPage {
    lang: &'static str,
    dir: &'static str,
    name: String,
    /// As `GET /api/watchfire/chat/{site}` tells them.
    settings: String,
    assets: &'static AssetUrls,
}

/// `GET /chat/{site}?lang=`
pub async fn show(
    State(web): State<Arc<Web>>,
    Path(site): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let site = customers::talking(&web, &site).await?;
    let asked = query_value(query.as_deref(), "lang").unwrap_or_default().to_ascii_lowercase();
    let primary = asked.split('-').next().unwrap_or_default();
    let lang = LANGUAGES.into_iter().find(|language| *language == primary).unwrap_or(LANGUAGES[0]);
    let mut response = page(&PanelPage {
        lang,
        dir: if lang == RIGHT_TO_LEFT { "rtl" } else { "ltr" },
        name: site.name.clone(),
        settings: customers::settings_of(&web, &site).await?.to_string(),
        assets: &URLS,
    });
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy(&site));
    // The window that pops out of the panel is told by it who the customer is; and pages that isolate themselves may have the panel.
    for (name, value) in [
        ("cross-origin-opener-policy", "unsafe-none"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("cross-origin-embedder-policy", "require-corp"),
        // Its work is not that of the page's own thread, also where both are of one site.
        ("origin-agent-cluster", "?1"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    Ok(response)
}

/// As of all our pages, but that the site's own may frame it, and that it shows pictures that it asked for itself.
fn policy(site: &Site) -> HeaderValue {
    let hosts = site.hostnames.iter().filter(|host| !host.starts_with('['));
    let ancestors: String = hosts
        .map(|host| if host == "*" { " *".into() } else { format!(" http://{host}:* https://{host}:*") })
        .collect();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'self'{ancestors}"
    );
    HeaderValue::from_str(&policy)
        .unwrap_or(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"))
}

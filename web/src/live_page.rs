//! The page of one site's live dashboard; the hub fills it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use model::{Role, SiteId};

use crate::Web;
use crate::error::{Answer, Problem};
use crate::guard::OnSite;
use crate::shell::{Done, Shell, page};

#[derive(Template)]
#[template(path = "live.html")]
struct LivePage {
    shell: Shell,
    site_id: String,
    site_name: String,
    time_zone: String,
    has_hits: bool,
    /// Conversations with visitors are told of.
    may_converse: bool,
    has_chat: bool,
}

/// `GET /sites/{site}`
pub async fn show(State(web): State<Arc<Web>>, on: OnSite, done: Done) -> Answer {
    Ok(page(&LivePage {
        shell: Shell::on_site(&on.site.name, &on, "live").saying(&done),
        site_id: on.site.id.to_string(),
        site_name: on.site.name.clone(),
        time_zone: on.site.time_zone.clone(),
        has_hits: has_hits(&web, on.site.id).await?,
        may_converse: on.role >= Role::Agent,
        has_chat: on.site.chat.on,
    }))
}

/// Whether anything was ever counted for the site.
pub async fn has_hits(web: &Web, site: SiteId) -> Result<bool, Problem> {
    let first = web.store.history.tail_of(site, None, 1).await?;
    Ok(!first.batches.is_empty() || !web.store.history.shelf(site).await?.segments.is_empty())
}

//! The front page: all sites with their live counts; before the first run, how to begin.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use model::SiteId;

use crate::Web;
use crate::error::Answer;
use crate::guard::Caller;
use crate::shell::{Done, Shell, go_to, page, query_value};
use crate::visible;

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    shell: Shell,
    sites: Vec<OverviewSite>,
    may_add: bool,
    /// The path of the page behind this one, where there are more sites.
    next: Option<String>,
}

struct OverviewSite {
    id: String,
    name: String,
    /// The first it lists.
    hostname: String,
    role: &'static str,
    present: u32,
    url: String,
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct WelcomePage {
    shell: Shell,
}

/// `GET /`
pub async fn show(
    State(web): State<Arc<Web>>,
    caller: Caller,
    RawQuery(query): RawQuery,
    done: Done,
) -> Answer {
    let Some(account) = &caller.account else {
        return match web.store.accounts.is_empty().await? {
            true => Ok(page(&WelcomePage { shell: Shell::new("Welcome to Watchfire", None) })),
            false => Ok(go_to("/sign-in")),
        };
    };
    let number = query_value(query.as_deref(), "page").and_then(|page| page.parse().ok()).unwrap_or(1);
    let shown = visible::page(&web, &caller.principal, number).await?;
    let ids: Vec<SiteId> = shown.sites.iter().map(|visible| visible.site.id).collect();
    // Live is derived: the page is there without its counts.
    let present = web.live.present(&ids).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "present visitors cannot be counted");
        vec![0; ids.len()]
    });
    let sites = shown.sites.into_iter().zip(present).map(|(visible, present)| OverviewSite {
        id: visible.site.id.to_string(),
        hostname: visible.site.hostnames.first().cloned().unwrap_or_default(),
        role: visible.role.name(),
        present,
        url: format!("/sites/{}", visible.site.id),
        name: visible.site.name,
    });
    Ok(page(&OverviewPage {
        shell: Shell::new("Sites", caller.shell_account()).saying(&done),
        sites: sites.collect(),
        may_add: account.operator,
        next: shown.next.map(|number| format!("/?page={number}")),
    }))
}

//! The page of a site's reports, for its people and for its share links; the API fills it.

use std::convert::Infallible;
use std::sync::Arc;

use askama::Template;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use model::{Role, Site};

use crate::Web;
use crate::error::Answer;
use crate::guard::{Caller, OnSite};
use crate::live_page::has_hits;
use crate::reports::{Headline, headline};
use crate::share::{Shared, shared};
use crate::shell::{Shell, page, query_value};

#[derive(Template)]
#[template(path = "reports.html")]
struct ReportsPage {
    shell: Shell,
    site_id: String,
    site_name: String,
    time_zone: String,
    has_hits: bool,
    may_edit: bool,
    /// None but where they were asked for.
    headline: Option<Vec<Headline>>,
}

#[derive(Template)]
#[template(path = "reports_share.html")]
struct SharedReportsPage {
    shell: Shell,
    site_id: String,
    site_name: String,
    time_zone: String,
    secret: String,
    /// What the link is limited to is `visits` or `hits`; empty: to nothing.
    limited: &'static str,
    /// None but where they were asked for.
    headline: Option<Vec<Headline>>,
}

/// `GET /sites/{site}/reports`, with `?plain` also for who has no scripts.
pub async fn show(State(web): State<Arc<Web>>, caller: Caller, on: OnSite, plain: Plain) -> Answer {
    Ok(page(&ReportsPage {
        shell: Shell::on_site(&format!("{}, reports", on.site.name), &on, "reports"),
        site_id: on.site.id.to_string(),
        site_name: on.site.name.clone(),
        time_zone: on.site.time_zone.clone(),
        has_hits: has_hits(&web, on.site.id).await?,
        may_edit: on.role >= Role::Admin,
        headline: plain.headline(&web, &caller, &on.site, false).await,
    }))
}

/// `GET /share/{secret}/reports`, with `?plain` also for who has no scripts.
pub async fn show_shared(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(secret): Path<String>,
    plain: Plain,
) -> Answer {
    let Shared { principal, site, within } = shared(&web, &secret).await?;
    // The link is all that whoever looks at this page is known by.
    let shared = Caller { principal, account: None };
    let is_of_hits = within.as_ref().is_some_and(|within| !within.is_of_visits());
    Ok(page(&SharedReportsPage {
        headline: plain.headline(&web, &shared, &site, is_of_hits).await,
        shell: Shell::new(&format!("{}, reports", site.name), caller.shell_account()),
        site_id: site.id.to_string(),
        site_name: site.name,
        time_zone: site.time_zone,
        secret,
        limited: within.map_or("", |within| if within.is_of_visits() { "visits" } else { "hits" }),
    }))
}

/// Whether the numbers are to stand in the page itself: `?plain`.
pub struct Plain(bool);

impl Plain {
    async fn headline(
        &self,
        web: &Web,
        caller: &Caller,
        site: &Site,
        is_of_hits: bool,
    ) -> Option<Vec<Headline>> {
        match self.0 {
            true => Some(headline(web, caller, site, is_of_hits).await),
            false => None,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Plain {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Plain, Infallible> {
        Ok(Plain(query_value(parts.uri.query(), "plain").is_some()))
    }
}

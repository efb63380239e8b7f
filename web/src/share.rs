//! A site's live dashboard for whoever has its share link: to look at, nothing else.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use door::Refusal;
use model::rights::Principal;
use model::{Action, Site};
use store::{Credential, Denied};

use crate::error::{Answer, Problem};
use crate::guard::Caller;
use crate::reports::Within;
use crate::shell::{Shell, go_to, page};
use crate::{Web, saved, secret};

#[derive(Template)]
#[template(path = "share.html")]
struct SharePage {
    shell: Shell,
    site_id: String,
    site_name: String,
    time_zone: String,
    secret: String,
}

/// What a link shows.
pub struct Shared {
    /// Whoever holds it.
    pub principal: Principal,
    pub site: Site,
    /// None: all of it, live too.
    pub within: Option<Within>,
}

/// `GET /share/{secret}`: of a link that is limited to a segment, its reports.
pub async fn show(State(web): State<Arc<Web>>, caller: Caller, Path(secret): Path<String>) -> Answer {
    let Shared { site, within, .. } = shared(&web, &secret).await?;
    if within.is_some() {
        return Ok(go_to(&format!("/share/{secret}/reports")));
    }
    Ok(page(&SharePage {
        shell: Shell::new(&site.name, caller.shell_account()),
        site_id: site.id.to_string(),
        site_name: site.name,
        time_zone: site.time_zone,
        secret,
    }))
}

/// The same 404 for every link that shows nothing.
pub async fn shared(web: &Web, secret: &str) -> Result<Shared, Problem> {
    if !secret::is_plausible(secret) {
        return Err(over());
    }
    let principal =
        web.access.principal(&Credential::Share(secret.to_owned())).await.map_err(unless_broken)?;
    let Principal::Share { site, segment, .. } = principal else {
        return Err(over());
    };
    web.access.authorise(&principal, site, Action::SeeReports).await.map_err(unless_broken)?;
    let within = match segment {
        Some(segment) => Some(saved::segment(web, site, segment).await?.map(Within::new).ok_or_else(over)?),
        None => None,
    };
    Ok(Shared { site: web.store.sites.site(site).await?, principal, within })
}

fn unless_broken(denied: Denied) -> Problem {
    match denied {
        Denied::Store(error) => error.into(),
        Denied::Unknown | Denied::Forbidden => over(),
    }
}

fn over() -> Problem {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "This share link does not work, or no longer. Ask whoever sent it for a new one.",
    )
    .into()
}

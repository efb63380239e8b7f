//! The small JSON API: which sites there are, and one more. With the sign-in cookie or a token.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use door::Refusal;
use model::rights::Principal;
use model::{Action, ChatSettings, Site};
use serde::{Deserialize, Serialize};

use crate::error::{Answer, Problem};
use crate::fields::body;
use crate::guard::{Caller, SignedIn};
use crate::shell::query_value;
use crate::site_form::SiteForm;
use crate::{Web, secret, visible};

/// A site as programs are told of it. `settings` only to those who may see them.
#[derive(Serialize)]
struct SiteJson {
    id: String,
    name: String,
    hostnames: Vec<String>,
    time_zone: String,
    present: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<SettingsJson>,
}

#[derive(Serialize)]
struct SettingsJson {
    honour_opt_out: bool,
    first_party_id: bool,
    ignored_addresses: Vec<String>,
    ignored_paths: Vec<String>,
    /// Null: history is kept for ever.
    keep_days: Option<u32>,
}

#[derive(Serialize)]
struct ListJson {
    sites: Vec<SiteJson>,
    /// The `page` to ask for next; null: these were the last.
    next: Option<usize>,
}

#[derive(Deserialize)]
struct NewSiteJson {
    name: String,
    hostnames: Vec<String>,
    #[serde(default = "utc")]
    time_zone: String,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// `GET /api/watchfire/sites?page=`: at most `SITES_A_PAGE` at once, by name.
pub async fn list(State(web): State<Arc<Web>>, caller: Caller, RawQuery(query): RawQuery) -> Answer {
    let number = query_value(query.as_deref(), "page").and_then(|page| page.parse().ok()).unwrap_or(1);
    let page = visible::page(&web, &caller.principal, number).await?;
    let sites: Vec<Site> = page.sites.into_iter().map(|visible| visible.site).collect();
    Ok(Json(ListJson { sites: told(&web, &caller.principal, sites).await?, next: page.next }).into_response())
}

/// `GET /api/watchfire/sites/{site}`
pub async fn site(State(web): State<Arc<Web>>, caller: Caller, Extension(site): Extension<Site>) -> Answer {
    let told = told(&web, &caller.principal, vec![site]).await?;
    Ok(Json(told.into_iter().next()).into_response())
}

/// `POST /api/watchfire/sites` with `{"name", "hostnames", "time_zone"}`: 201 and the site.
pub async fn add(State(web): State<Arc<Web>>, by: SignedIn, request: Request) -> Answer {
    let stated: NewSiteJson = serde_json::from_slice(&body(request).await?)
        .map_err(|error| Refusal::bad_request("malformed", format!("The body is not a site: {error}.")))?;
    let hostnames: Vec<&str> = stated.hostnames.iter().map(String::as_str).collect();
    let form = SiteForm::stated(&stated.name, &hostnames, &stated.time_zone);
    if let Some((field, problem)) = form.problem() {
        return Err(Refusal::bad_request("field", format!("`{field}`: {problem}")).into());
    }
    let site = form
        .site(secret::site_id(), ChatSettings::default(), web.clock.now())
        .expect("a form without a problem is a site");
    web.store.sites.add(site.clone(), by.account.id).await?;
    web.tell_site_changed(site.id).await;
    let told = told(&web, &by.principal, vec![site]).await?;
    Ok((StatusCode::CREATED, Json(told.into_iter().next())).into_response())
}

async fn told(web: &Web, principal: &Principal, sites: Vec<Site>) -> Result<Vec<SiteJson>, Problem> {
    let ids: Vec<_> = sites.iter().map(|site| site.id).collect();
    let present = web.live.present(&ids).await.map_err(|error| {
        tracing::warn!(%error, "present visitors cannot be counted");
        Refusal::unavailable(std::time::Duration::from_secs(5))
    })?;
    let mut told = Vec::with_capacity(sites.len());
    for (site, present) in sites.into_iter().zip(present) {
        let sees_settings = web.access.authorise(principal, site.id, Action::SeeSettings).await.is_ok();
        told.push(SiteJson {
            id: site.id.to_string(),
            name: site.name,
            hostnames: site.hostnames,
            time_zone: site.time_zone,
            present,
            settings: sees_settings.then_some(SettingsJson {
                honour_opt_out: site.honour_opt_out,
                first_party_id: site.first_party_id,
                ignored_addresses: site.ignored_addresses,
                ignored_paths: site.ignored_paths,
                keep_days: site.keep_days,
            }),
        });
    }
    Ok(told)
}

//! Whether a site's pages are there: what was seen of them in a range, one page more that is looked at, and one less. As JSON; the page is beside.

mod pages;

pub(crate) use pages::{add as submit, lasted, percent, remove as submit_removal, show};

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Path, RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use door::Refusal;
use history::zone::Zone;
use model::rights::Principal;
use model::{PageId, Site, WatchedPage};
use patrol::{Now, Outage, PageUptime};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::{Answer, Problem};
use crate::fields::json;
use crate::guard::{Caller, OnSite};
use crate::reports::question::read;
use crate::reports::range::{Range, Span};
use crate::reports::{limit_rate, refused};
use crate::shell::query_value;
use crate::{Web, secret};

/// Outages of one page that are told, the latest.
pub const OUTAGES_TOLD_MAX: usize = 200;
/// Where none is asked for.
const RANGE: &str = "28d";

/// As programs state a page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    url: String,
}

/// `GET /api/watchfire/sites/{site}/availability?range=`, or `?from=&to=` of days or moments. Not for who has a share link.
pub async fn list(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Extension(site): Extension<Site>,
    RawQuery(query): RawQuery,
) -> Answer {
    if matches!(caller.principal, Principal::Share { .. }) {
        return Err(Refusal::not_found().into());
    }
    limit_rate(&web, &caller, 1)?;
    let range = stated_range(query.as_deref())?;
    let (span, seen) = seen(&web, &site, range).await?;
    let pages: Vec<Value> = seen.iter().map(|(page, uptime)| told(page, uptime)).collect();
    Ok(Json(json!({ "range": {"from": span.from, "to": span.to}, "pages": pages })).into_response())
}

/// `POST /api/watchfire/sites/{site}/availability`: 201 and the page, which is looked at from then on.
pub async fn add(State(web): State<Arc<Web>>, on: OnSite, request: Request) -> Answer {
    let Stated { url } = read(json(request).await?)?;
    let url = checked(&web, &on.site, &url).map_err(|said| refused::field("url", &said))?;
    let page = watch(&web, &on, url).await?;
    Ok((StatusCode::CREATED, Json(page)).into_response())
}

/// `POST /api/watchfire/sites/{site}/availability/{page}/remove`: 204; what was seen of it goes too.
pub async fn remove(
    State(web): State<Arc<Web>>,
    on: OnSite,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    unwatch(&web, &on, &id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn stated_range(query: Option<&str>) -> Result<Range, Problem> {
    let value = |name: &str| query_value(query, name).filter(|text| !text.is_empty());
    let edge = |text: String| text.parse::<i64>().map_or(Value::from(text), Value::from);
    let stated = match (value("from"), value("to")) {
        (None, None) => Value::from(value("range").unwrap_or_else(|| RANGE.to_owned())),
        (from, to) => json!({ "from": from.map(edge), "to": to.map(edge) }),
    };
    serde_json::from_value(stated).map_err(|error| refused::query("range", error).into())
}

/// What is known of each page within the range, up to now.
async fn seen(
    web: &Web,
    site: &Site,
    range: Range,
) -> Result<(Span, Vec<(WatchedPage, PageUptime)>), Problem> {
    let zone = Zone::named(&site.time_zone).map_err(|bad| refused::archive(bad.into()))?;
    let pages = web.store.pages.pages(site.id).await?;
    let now = web.clock.now();
    let first = pages.iter().map(|page| page.created.0).min();
    let span = range.span(&zone, now, first)?;
    let mut seen = Vec::with_capacity(pages.len());
    for page in pages {
        let uptime = patrol::read(&*web.store.pages, site.id, page.id, (span.from, span.to), now).await?;
        seen.push((page, uptime));
    }
    Ok((span, seen))
}

fn checked(web: &Web, site: &Site, url: &str) -> Result<String, String> {
    patrol::address::page(site, web.options.hooks, url)
}

async fn watch(web: &Web, on: &OnSite, url: String) -> Result<WatchedPage, Problem> {
    let now = web.clock.now();
    let page = WatchedPage { id: secret::page_id(), url, created: now };
    web.store.pages.add_page(on.site.id, page.clone()).await?;
    // Killed in between, it is looked at from the next start of a process on.
    patrol::look_at(&web.store, on.site.id, now).await?;
    tracing::info!(site = %on.site.id, by = %on.by.account.id, page = %page.id, "a page is looked at");
    Ok(page)
}

async fn unwatch(web: &Web, on: &OnSite, id: &str) -> Result<(), Problem> {
    let id: PageId = id.parse().map_err(|_| Refusal::not_found())?;
    web.store.pages.remove_page(on.site.id, id).await?;
    tracing::info!(site = %on.site.id, by = %on.by.account.id, page = %id, "a page is looked at no longer");
    Ok(())
}

fn told(page: &WatchedPage, uptime: &PageUptime) -> Value {
    let (now, since, reason) = match uptime.now {
        Now::Up => ("up", None, None),
        Now::Down { since, reason } => ("down", Some(since), Some(reason)),
        Now::Unknown => ("unknown", None, None),
    };
    let skipped = uptime.outages.len().saturating_sub(OUTAGES_TOLD_MAX);
    let outages: Vec<Value> = uptime.outages.iter().skip(skipped).map(outage).collect();
    json!({
        "id": page.id,
        "url": page.url,
        "created": page.created,
        "now": now,
        "since": since,
        "reason": reason,
        "looked": uptime.looked,
        "took_ms": uptime.took_ms,
        "uptime": uptime.share(),
        "known_ms": uptime.known_ms,
        "down_ms": uptime.down_ms,
        "outages": outages,
        "outages_more": skipped,
    })
}

fn outage(outage: &Outage) -> Value {
    json!({
        "from": outage.from,
        "to": outage.to,
        "reason": outage.reason,
        "sentence": outage.reason.sentence(),
        "began_before": outage.began_before,
        "is_open": outage.is_open,
    })
}

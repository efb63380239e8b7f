//! Corrections of bot verdicts: which there are, one more, and one taken back. As JSON; the page is beside.

mod pages;

pub(crate) use pages::{add as submit, show, take_back as submit_back};

use std::sync::Arc;

use archive::{Asked, Corrected};
use axum::Json;
use axum::extract::{Extension, Path, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use door::Refusal;
use history::amend::{Correction, Verdict};
use history::query::Filter;
use history::report::judged::count;
use history::zone::Zone;
use model::{Millis, SavedId, Site, limits};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::{Answer, Problem};
use crate::fields::{json, name_problem, too_long};
use crate::guard::{Caller, OnSite};
use crate::reports::question::{check_filters, read};
use crate::reports::range::{MOMENT_MAX, Range, Span};
use crate::reports::{limit_rate, refused};
use crate::saved::FILTERS_MAX;
use crate::{Web, secret};

/// As programs state one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    name: String,
    range: Range,
    filter: Filter,
    verdict: Verdict,
}

/// `GET /api/watchfire/sites/{site}/corrections`: in the order that they were made.
pub async fn list(State(web): State<Arc<Web>>, Extension(site): Extension<Site>) -> Answer {
    let all: Vec<Value> = known(&web, &site).await?.iter().map(told).collect();
    Ok(Json(json!({ "corrections": all })).into_response())
}

/// `POST /api/watchfire/sites/{site}/corrections`: 201 and the correction, once every report follows it.
pub async fn add(State(web): State<Arc<Web>>, on: OnSite, request: Request) -> Answer {
    let Stated { name, range, filter, verdict } = read(json(request).await?)?;
    let zone = Zone::named(&on.site.time_zone).map_err(|bad| refused::archive(bad.into()))?;
    let span = match range.is_all() {
        // What is still to come too.
        true => Span { from: 0, to: MOMENT_MAX },
        false => range.span(&zone, web.clock.now(), None)?,
    };
    let correction = checked(Correction { from: span.from, to: span.to, filter, verdict })?;
    let made = correct(&web, &on, &name, correction).await?;
    Ok((StatusCode::CREATED, Json(told(&made))).into_response())
}

/// `POST /api/watchfire/sites/{site}/corrections/{saved}/undo`: 204, once every report is as if it had never been.
pub async fn undo(State(web): State<Arc<Web>>, on: OnSite, Path((_, id)): Path<(String, String)>) -> Answer {
    take_back(&web, &on, &id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn known(web: &Web, site: &Site) -> Result<Vec<Corrected>, Problem> {
    Ok(archive::corrections(&(&web.store).into(), site.id).await.map_err(refused::archive)?)
}

/// A correction that the archive can follow, with no more filters than may be saved.
fn checked(correction: Correction) -> Result<Correction, Refusal> {
    check_filters("filter", [&correction.filter], FILTERS_MAX)?;
    let is_heard = (0..=MOMENT_MAX).contains(&correction.from) && (0..=MOMENT_MAX).contains(&correction.to);
    if !is_heard {
        return Err(refused::query("range", format!("from 0 to {MOMENT_MAX}")));
    }
    correction.check().map_err(|bad| refused::query("filter", bad))?;
    let text = serde_json::to_string(&correction).map_err(|error| refused::query("filter", error))?;
    // Beside the filter stand who, when and how many.
    match too_long(&text, limits::SAVED_BYTES_MAX - 1_024) {
        Some(problem) => Err(refused::field("filter", &problem)),
        None => Ok(correction),
    }
}

async fn correct(web: &Web, on: &OnSite, name: &str, correction: Correction) -> Result<Corrected, Problem> {
    let name = name.trim().to_owned();
    if let Some(problem) = name_problem(&name) {
        return Err(refused::field("name", &problem).into());
    }
    let about = (secret::saved_id(), name, on.by.account.name.clone());
    let made = archive::correct(&(&web.store).into(), &on.site, about, correction, web.clock.now()).await;
    let made = made.map_err(refused::archive)?;
    tracing::info!(site = %on.site.id, by = %on.by.account.id, correction = %made.id, visits = made.visits, "verdicts corrected");
    Ok(made)
}

async fn take_back(web: &Web, on: &OnSite, id: &str) -> Result<(), Problem> {
    let id: SavedId = id.parse().map_err(|_| Refusal::not_found())?;
    let taken = archive::take_back(&(&web.store).into(), &on.site, id).await;
    taken.map_err(refused::archive)?;
    tracing::info!(site = %on.site.id, by = %on.by.account.id, correction = %id, "a correction was taken back");
    Ok(())
}

/// How many visits and hits one names as things stand.
async fn counted(
    web: &Web,
    caller: &Caller,
    site: &Site,
    correction: Correction,
) -> Result<(usize, usize), Problem> {
    limit_rate(web, caller, 1)?;
    let ask = move |on: &Asked<'_>| {
        let mut sum = (0, 0);
        for part in on.parts {
            let (visits, hits) = count(part, &correction, on.zone, on.control)?;
            sum = (sum.0 + visits, sum.1 + hits);
        }
        Ok(sum)
    };
    Ok(web.archive.ask(site, (i64::MIN, i64::MAX), ask).await.map_err(refused::archive)?)
}

fn told(corrected: &Corrected) -> Value {
    let Correction { from, to, filter, verdict } = &corrected.correction;
    json!({
        "id": corrected.id.to_string(),
        "name": corrected.name,
        "by": corrected.by,
        "at": corrected.at.0,
        "range": {"from": from, "to": to},
        "filter": filter,
        "verdict": verdict,
        "visits": corrected.visits,
        "hits": corrected.hits,
        "state": corrected.state,
    })
}

/// `Millis` of an edge of a range, where it is one that people think of.
fn edge(at: i64) -> Option<Millis> {
    (at > 0 && at < MOMENT_MAX).then_some(Millis(at))
}

//! What is saved of a site to ask its history with: goals, segments, funnels, annotations. As JSON; nothing is kept that a
//! report would refuse.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Path, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use door::Refusal;
use history::query::{Filter, STEPS_MAX};
use model::rights::Principal;
use model::{Millis, SavedId, Site, SiteId, limits};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::saved::{SavedItem, SavedKind};

use crate::error::{Answer, Problem};
use crate::fields::{json, name_problem, too_long};
use crate::guard::Caller;
use crate::reports::question::{WINDOW_MS_MAX, check_filters, read};
use crate::reports::range::MOMENT_MAX;
use crate::reports::refused;
use crate::{Web, secret};

/// Filters of a saved goal, segment or funnel: so that a question may hold one beside its own.
pub const FILTERS_MAX: usize = 24;

/// As programs send it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    kind: SavedKind,
    name: String,
    body: Value,
    at: Option<i64>,
}

/// As programs are told of it.
#[derive(Serialize)]
struct Told {
    id: String,
    kind: SavedKind,
    name: String,
    body: Value,
    at: Option<i64>,
    created: i64,
}

/// Of a goal and of a segment.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct FilterBody {
    filter: Filter,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct FunnelBody {
    steps: Vec<Step>,
    window_ms: i64,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Step {
    name: String,
    filter: Filter,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct AnnotationBody {
    text: String,
}

/// `GET /api/watchfire/sites/{site}/saved`: not for who has a share link; annotations are the site's own.
pub async fn list(State(web): State<Arc<Web>>, caller: Caller, Extension(site): Extension<Site>) -> Answer {
    if matches!(caller.principal, Principal::Share { .. }) {
        return Err(Refusal::not_found().into());
    }
    let all = web.store.saved.all(site.id).await?.into_iter();
    let all: Vec<Told> = all.filter(|item| !is_of_others(item.kind)).map(told).collect();
    Ok(Json(json!({ "saved": all })).into_response())
}

/// `POST /api/watchfire/sites/{site}/saved`: 201 and the item.
pub async fn add(State(web): State<Arc<Web>>, Extension(site): Extension<Site>, request: Request) -> Answer {
    let item = item(request, secret::saved_id(), web.clock.now()).await?;
    web.store.saved.add(site.id, item.clone()).await?;
    Ok((StatusCode::CREATED, Json(told(item))).into_response())
}

/// `POST /api/watchfire/sites/{site}/saved/{saved}`: name, body and moment anew.
pub async fn change(
    State(web): State<Arc<Web>>,
    Extension(site): Extension<Site>,
    Path((_, id)): Path<(String, String)>,
    request: Request,
) -> Answer {
    let id: SavedId = id.parse().map_err(|_| Refusal::not_found())?;
    let mut item = item(request, id, web.clock.now()).await?;
    web.store.saved.change(site.id, item.clone()).await?;
    let all = web.store.saved.all(site.id).await?;
    item.created = all.iter().find(|known| known.id == id).map_or(item.created, |known| known.created);
    Ok(Json(told(item)).into_response())
}

/// `POST /api/watchfire/sites/{site}/saved/{saved}/remove`: 204.
pub async fn remove(
    State(web): State<Arc<Web>>,
    Extension(site): Extension<Site>,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    let id: SavedId = id.parse().map_err(|_| Refusal::not_found())?;
    let all = web.store.saved.all(site.id).await?;
    if all.iter().any(|item| item.id == id && is_of_others(item.kind)) {
        return Err(Refusal::not_found().into());
    }
    web.store.saved.remove(site.id, id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Kept here, and made and seen elsewhere.
fn is_of_others(kind: SavedKind) -> bool {
    matches!(kind, SavedKind::Correction | SavedKind::Canned)
}

/// The filter of a segment of this site; None where it has none of that id.
pub async fn segment(web: &Web, site: SiteId, id: SavedId) -> Result<Option<Filter>, Problem> {
    let all = web.store.saved.all(site).await?;
    let item = all.into_iter().find(|item| item.id == id && item.kind == SavedKind::Segment);
    // A body that does not read is as good as none: nothing is shown for it.
    Ok(item.and_then(|item| serde_json::from_str(&item.body).ok()).map(|FilterBody { filter }| filter))
}

async fn item(request: Request, id: SavedId, created: Millis) -> Result<SavedItem, Problem> {
    let stated: Stated = read(json(request).await?)?;
    refuse_correction(stated.kind)?;
    let name = stated.name.trim().to_owned();
    if let Some(problem) = name_problem(&name) {
        return Err(refused::field("name", &problem).into());
    }
    let at = moment(stated.kind, stated.at)?;
    let body = checked(stated.kind, stated.body)?;
    if let Some(problem) = too_long(&body, limits::SAVED_BYTES_MAX) {
        return Err(refused::field("body", &problem).into());
    }
    Ok(SavedItem { id, kind: stated.kind, name, body, at, created })
}

/// Corrections change what is counted: they have a way of their own.
fn refuse_correction(kind: SavedKind) -> Result<(), Refusal> {
    match kind {
        SavedKind::Correction => Err(refused::query("kind", "corrections are made under `corrections`")),
        SavedKind::Canned => Err(refused::query("kind", "canned answers are made under `canned`")),
        SavedKind::Goal | SavedKind::Segment | SavedKind::Funnel | SavedKind::Annotation => Ok(()),
    }
}

/// An annotation is about a moment, and nothing else is.
fn moment(kind: SavedKind, at: Option<i64>) -> Result<Option<Millis>, Refusal> {
    match (kind, at) {
        (SavedKind::Annotation, Some(at)) if (0..=MOMENT_MAX).contains(&at) => Ok(Some(Millis(at))),
        (SavedKind::Annotation, _) => Err(refused::query(
            "at",
            format!("an annotation has a moment, from 0 to {MOMENT_MAX} milliseconds"),
        )),
        (_, None) => Ok(None),
        (_, Some(_)) => Err(refused::query("at", "only an annotation has a moment")),
    }
}

/// The body as it is kept.
fn checked(kind: SavedKind, body: Value) -> Result<String, Refusal> {
    let kept = match kind {
        SavedKind::Goal | SavedKind::Segment => {
            let body: FilterBody = read(body)?;
            check_filters("filter", [&body.filter], FILTERS_MAX)?;
            serde_json::to_string(&body)
        }
        SavedKind::Funnel => {
            let body: FunnelBody = read(body)?;
            check_funnel(&body)?;
            serde_json::to_string(&body)
        }
        SavedKind::Correction | SavedKind::Canned => return refuse_correction(kind).map(|()| String::new()),
        SavedKind::Annotation => {
            let body: AnnotationBody = read(body)?;
            serde_json::to_string(&body)
        }
    };
    kept.map_err(|error| refused::query("body", error))
}

fn check_funnel(body: &FunnelBody) -> Result<(), Refusal> {
    if !(1..=STEPS_MAX).contains(&body.steps.len()) {
        return Err(refused::query("steps", format!("from 1 to {STEPS_MAX} steps")));
    }
    if !(1..=WINDOW_MS_MAX).contains(&body.window_ms) {
        return Err(refused::query("window_ms", format!("from 1 to {WINDOW_MS_MAX} milliseconds")));
    }
    for step in &body.steps {
        if let Some(problem) = name_problem(&step.name) {
            return Err(refused::field("steps", &problem));
        }
    }
    check_filters("steps", body.steps.iter().map(|step| &step.filter), FILTERS_MAX)
}

fn told(item: SavedItem) -> Told {
    Told {
        id: item.id.to_string(),
        kind: item.kind,
        name: item.name,
        body: serde_json::from_str(&item.body).unwrap_or_default(),
        at: item.at.map(|at| at.0),
        created: item.created.0,
    }
}

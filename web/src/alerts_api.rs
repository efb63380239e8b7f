//! A site's alerts, for programs: what is so, what was, and which alerts there are. Never with whom they tell, nor with the address or secret of a webhook.

use std::sync::Arc;

use alert::words;
use axum::Json;
use axum::extract::{Extension, Path, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use door::Refusal;
use model::alert::{Alert, Condition, Incident, Quiet, Turn};
use model::{AlertId, RoomId, Site, SiteId, limits};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::alert_form::{minute_of, page_problem, problem, time_of};
use crate::alerts_page::{hook, url_problem};
use crate::error::{Answer, Problem};
use crate::fields::{json, name_problem};
use crate::guard::Caller;
use crate::reports::question::read;
use crate::reports::refused;
use crate::{Web, secret};

/// As programs send it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    name: String,
    #[serde(default = "yes")]
    on: bool,
    when: Condition,
    #[serde(default)]
    quiet: Option<QuietStated>,
    #[serde(default)]
    webhook: Option<String>,
    #[serde(default)]
    room: Option<RoomId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuietStated {
    from: String,
    to: String,
}

const fn yes() -> bool {
    true
}

/// `GET /api/watchfire/sites/{site}/alerts`
pub async fn list(State(web): State<Arc<Web>>, Extension(site): Extension<Site>) -> Answer {
    let book = web.store.alerts.alerts(site.id).await?;
    let alerts: Vec<Value> = book.alerts.iter().map(told).collect();
    let incidents: Vec<Value> = book.incidents.iter().map(told_incident).collect();
    Ok(Json(json!({ "alerts": alerts, "incidents": incidents })).into_response())
}

/// `POST /api/watchfire/sites/{site}/alerts`: 201, the alert, and the secret of its webhook this once.
pub async fn add(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Extension(site): Extension<Site>,
    request: Request,
) -> Answer {
    let alert = stated(&web, &caller, site.id, (secret::alert_id(), None), request).await?;
    web.store.alerts.put_alert(site.id, alert.clone(), web.clock.now()).await?;
    web.tell_site_changed(site.id).await;
    let secret = alert.webhook.as_ref().map(|hook| hook.secret.clone());
    Ok((StatusCode::CREATED, Json(json!({ "alert": told(&alert), "secret": secret }))).into_response())
}

/// `POST /api/watchfire/sites/{site}/alerts/{alert}`: all of it anew, but whom it tells; a webhook keeps its secret.
pub async fn change(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Extension(site): Extension<Site>,
    Path((_, id)): Path<(String, String)>,
    request: Request,
) -> Answer {
    let id: AlertId = id.parse().map_err(|_| Refusal::not_found())?;
    let book = web.store.alerts.alerts(site.id).await?;
    let known = book.alerts.iter().find(|alert| alert.id == id).ok_or_else(Refusal::not_found)?;
    let alert = stated(&web, &caller, site.id, (id, Some(known)), request).await?;
    web.store.alerts.put_alert(site.id, alert.clone(), web.clock.now()).await?;
    web.tell_site_changed(site.id).await;
    let is_new = known.webhook.is_none();
    let secret = alert.webhook.as_ref().filter(|_| is_new).map(|hook| hook.secret.clone());
    Ok(Json(json!({ "alert": told(&alert), "secret": secret })).into_response())
}

/// `POST /api/watchfire/sites/{site}/alerts/{alert}/remove`: 204.
pub async fn remove(
    State(web): State<Arc<Web>>,
    Extension(site): Extension<Site>,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    let id: AlertId = id.parse().map_err(|_| Refusal::not_found())?;
    crate::alerts_page::remove(&web, site.id, id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn stated(
    web: &Web,
    caller: &Caller,
    site: SiteId,
    (id, known): (AlertId, Option<&Alert>),
    request: Request,
) -> Result<Alert, Problem> {
    let Stated { name, on, when, quiet, webhook, room } = read(json(request).await?)?;
    let name = name.trim().to_owned();
    if let Some(problem) = name_problem(&name) {
        return Err(refused::field("name", &problem).into());
    }
    let pages = web.store.pages.pages(site).await?;
    if let Some(problem) = problem(&when).or_else(|| page_problem(&when, &pages)) {
        return Err(refused::field("when", &problem).into());
    }
    if let Some(problem) = webhook.as_deref().and_then(|url| url_problem(web, url)) {
        return Err(refused::field("webhook", &problem).into());
    }
    let quiet = quiet.map(quiet_of).transpose()?;
    if let Some(room) = room.filter(|_| known.is_none_or(|alert| alert.room != room)) {
        web.chat.take_alerts_in(&caller.principal, room).await?;
    }
    let webhook = webhook.map(|url| hook(known, url));
    let asked_since = web.clock.now();
    let (mail, push) = (Vec::new(), Vec::new());
    Ok(Alert { id, name, on, when, asked_since, quiet, mail, push, webhook, room })
}

fn quiet_of(stated: QuietStated) -> Result<Quiet, Refusal> {
    let minute = |text: &str| {
        minute_of(text).ok_or_else(|| refused::field("quiet", "Give times of the day, like 22:00."))
    };
    Ok(Quiet { from: minute(&stated.from)?, to: minute(&stated.to)? })
}

fn told(alert: &Alert) -> Value {
    let quiet = alert.quiet.map(|quiet| json!({ "from": time_of(quiet.from), "to": time_of(quiet.to) }));
    json!({
        "id": alert.id, "name": alert.name, "on": alert.on, "when": alert.when, "asked": words::asked(&alert.when),
        "quiet": quiet, "webhook": alert.webhook.is_some(), "room": alert.room,
    })
}

fn told_incident(incident: &Incident) -> Value {
    json!({
        "id": incident.id, "alert": incident.alert, "name": incident.name, "when": incident.when,
        "began": incident.began, "over": incident.over, "value": incident.value, "minutes": incident.minutes,
        "expected": incident.expected, "causes": incident.causes, "pages": incident.pages,
        "text": words::told(incident, Turn::Firing),
    })
}

// What is told is bounded by what is kept.
const _: () = assert!(limits::INCIDENTS_KEPT_MAX >= limits::ALERTS_MAX);

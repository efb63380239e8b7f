//! How this installation is, for anybody to read where its operator says so: by service and day, with the incidents. Says nothing of processes, of
//! hosts or of versions, and looks nobody up.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use door::Refusal;
use model::Millis;
use patrol::standing::{self, Incident, OfDay, OfService, Overall, Standing, share};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::Web;
use crate::availability::{lasted, percent};
use crate::error::{Answer, Problem};
use crate::moment::Moment;
use crate::shell::{Shell, page};

/// However many ask, the store is asked once in this time.
pub const READ_EVERY: Duration = Duration::from_secs(10);
/// How long is waited for the store.
const READ_MAX: Duration = Duration::from_secs(5);

/// What was read last, and when. None: the store was away.
#[derive(Default)]
pub struct Status(Mutex<Option<(Millis, Option<Arc<Standing>>)>>);

#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage {
    shell: Shell,
    /// `up`, `down` or `unknown`.
    state: &'static str,
    sentence: &'static str,
    at: Moment,
    services: Vec<ServiceRow>,
    incidents: Vec<IncidentRow>,
    more: usize,
}

struct ServiceRow {
    name: &'static str,
    what: &'static str,
    state: &'static str,
    state_name: &'static str,
    uptime: Option<String>,
    down: Option<String>,
    /// All days in words.
    summary: String,
    days: Vec<DayMark>,
}

struct DayMark {
    state: &'static str,
    words: String,
}

struct IncidentRow {
    service: &'static str,
    from: Moment,
    to: Moment,
    lasted: String,
    is_open: bool,
}

/// `GET /status`
pub async fn show(State(web): State<Arc<Web>>) -> Answer {
    let standing = read(&web).await?;
    let (state, _) = named(standing.overall());
    Ok(page(&StatusPage {
        shell: Shell::new("Status", None),
        state,
        sentence: sentence(&standing),
        at: standing.at.into(),
        services: standing.services.iter().map(row).collect(),
        incidents: standing.incidents.iter().map(incident_row).collect(),
        more: standing.incidents_more,
    }))
}

/// `GET /api/watchfire/status`
pub async fn get(State(web): State<Arc<Web>>) -> Answer {
    let standing = read(&web).await?;
    Ok(Json(json!({
        "at": standing.at,
        "now": named(standing.overall()).0,
        "services": standing.services.iter().map(service_told).collect::<Vec<_>>(),
        "incidents": standing.incidents.iter().map(incident_told).collect::<Vec<_>>(),
        "incidents_more": standing.incidents_more,
    }))
    .into_response())
}

/// As if there were nothing, unless the operator shows it.
async fn read(web: &Web) -> Result<Arc<Standing>, Problem> {
    if !web.options.public_status {
        return Err(Refusal::not_found().into());
    }
    let mut last = web.status.0.lock().await;
    let now = web.clock.now();
    let fresh = last.as_ref().filter(|(at, _)| now >= *at && now.since(*at) < READ_EVERY);
    let standing = match fresh {
        Some((_, standing)) => standing.clone(),
        None => {
            let read = timeout(READ_MAX, standing::read(&*web.store.uptimes, now)).await;
            let read = read.ok().and_then(|read| {
                read.inspect_err(|error| tracing::warn!(%error, "how the services are cannot be read")).ok()
            });
            last.insert((now, read.map(Arc::new))).1.clone()
        }
    };
    standing.ok_or_else(|| Refusal::unavailable(READ_EVERY).into())
}

fn named(now: Overall) -> (&'static str, &'static str) {
    match now {
        Overall::Up => ("up", "up"),
        Overall::Down => ("down", "down"),
        Overall::Unknown => ("unknown", "not known"),
    }
}

fn sentence(standing: &Standing) -> &'static str {
    match standing.overall() {
        Overall::Up => "All is well",
        Overall::Down => "Some of it is down",
        Overall::Unknown => "Not known at the moment",
    }
}

/// As people know it, and what it does.
fn words(service: &str) -> (&'static str, &'static str) {
    match service {
        "collector" => ("Collector", "takes in what websites send"),
        "processor" => ("Processor", "counts it"),
        "realtime" => ("Realtime", "live dashboards and chats"),
        _ => ("Web", "pages, reports and conversations"),
    }
}

fn row(of: &OfService) -> ServiceRow {
    let (name, what) = words(of.service);
    let (state, state_name) = named(of.now);
    let days: Vec<DayMark> = of.days.iter().map(mark).collect();
    let count = |state: &str| days.iter().filter(|day| day.state == state).count();
    let summary = format!(
        "{name}, the last {} days: {} up, {} with time down, {} not known",
        days.len(),
        count("up"),
        count("down"),
        count("unknown")
    );
    ServiceRow {
        name,
        what,
        state,
        state_name,
        uptime: share(of.known_ms, of.down_ms).map(percent),
        down: (of.down_ms > 0).then(|| lasted(of.down_ms)),
        summary,
        days,
    }
}

fn mark(day: &OfDay) -> DayMark {
    let date = date(day.begin);
    let Some(share) = share(day.known_ms, day.down_ms) else {
        return DayMark { state: "unknown", words: format!("{date}: not known") };
    };
    let state = if day.down_ms > 0 { "down" } else { "up" };
    DayMark { state, words: format!("{date}: {} up, of {} known", percent(share), lasted(day.known_ms)) }
}

fn incident_row(incident: &Incident) -> IncidentRow {
    IncidentRow {
        service: words(incident.service).0,
        from: incident.from.into(),
        to: incident.to.into(),
        lasted: lasted(incident.to.0 - incident.from.0),
        is_open: incident.is_open,
    }
}

fn service_told(of: &OfService) -> Value {
    let day = |day: &OfDay| {
        json!({
            "day": date(day.begin),
            "uptime": share(day.known_ms, day.down_ms),
            "known_ms": day.known_ms,
            "down_ms": day.down_ms,
        })
    };
    json!({
        "service": of.service,
        "now": named(of.now).0,
        "uptime": share(of.known_ms, of.down_ms),
        "known_ms": of.known_ms,
        "down_ms": of.down_ms,
        "days": of.days.iter().map(day).collect::<Vec<_>>(),
    })
}

fn incident_told(incident: &Incident) -> Value {
    json!({
        "service": incident.service,
        "from": incident.from,
        "to": incident.to,
        "is_open": incident.is_open,
    })
}

/// `2026-03-04`, of UTC.
fn date(begin: Millis) -> String {
    Moment::from(begin).text.chars().take(10).collect()
}

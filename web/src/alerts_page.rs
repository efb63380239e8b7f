//! A site's alerts: what is so now, which there are, who is told by them, what came of them lately. Who may edit the site makes and changes them; who sees
//! it says for themselves whether they are told.

use std::sync::Arc;

use alert::words;
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chat::Refused;
use door::Refusal;
use model::alert::{Alert, AlertHook, Incident};
use model::chat::{HookSecret, RoomKind, RoomRole, Who};
use model::outbox::{Job, JobKind, JobState};
use model::{AccountId, Action, AlertId, BotId, Millis, RoomId, SiteId, limits};
use store::StoreError;
use store::alerts::{AlertBook, Ways};

use crate::Web;
use crate::alert_form::{AlertForm, page_of, page_problem};
use crate::error::{Answer, Problem};
use crate::fields::Fields;
use crate::guard::OnSite;
use crate::moment::Moment;
use crate::secret;
use crate::shell::{Done, Shell, go_to, page};

/// Deliveries of a webhook that are shown.
const DELIVERIES_SHOWN: usize = 5;

#[derive(Template)]
#[template(path = "alerts.html")]
struct AlertsPage {
    shell: Shell,
    site_id: String,
    time_zone: String,
    may_edit: bool,
    firing: Vec<Line>,
    past: Vec<Line>,
    alerts: Vec<Shown>,
    /// The one that is to be made.
    fresh: AlertForm,
    alerts_max: usize,
    incidents_max: usize,
    /// Rooms that whoever looks may have told, by id and name.
    rooms: Vec<(String, String)>,
    /// Pages that are watched, by id and address.
    pages: Vec<(String, String)>,
    /// Letters leave this installation.
    has_mail: bool,
    /// Whoever looks is reached in a browser.
    has_browser: bool,
}

struct Shown {
    form: AlertForm,
    deliveries: Vec<Delivery>,
    /// The name of its room, where whoever looks is not one of those who may choose it.
    other_room: bool,
}

/// An incident.
struct Line {
    name: String,
    said: String,
    causes: Vec<String>,
    began: Moment,
    lasted: String,
}

struct Delivery {
    state: &'static str,
    said: String,
    at: Moment,
}

impl Line {
    fn of(incident: &Incident, now: Millis) -> Line {
        Line {
            name: incident.name.clone(),
            said: words::what(incident),
            causes: incident.causes.iter().map(words::cause).collect(),
            began: incident.began.into(),
            lasted: words::span(incident.began, incident.over.unwrap_or(now)),
        }
    }
}

impl Delivery {
    fn of(job: &Job) -> Delivery {
        Delivery {
            state: match job.state {
                JobState::Waiting => "Waits",
                JobState::Done => "Arrived",
                JobState::GivenUp => "Given up",
            },
            said: job.said.clone(),
            at: job.created.into(),
        }
    }
}

/// `GET /sites/{site}/alerts`
pub async fn show(State(web): State<Arc<Web>>, on: OnSite, done: Done) -> Answer {
    let mut shown = alerts_page(&web, &on).await?;
    shown.shell = shown.shell.saying(&done);
    Ok(page(&shown))
}

/// `POST /sites/{site}/alerts`: `do` is `save`, `secret` or `remove`; without an `alert` one is made.
pub async fn submit(State(web): State<Arc<Web>>, on: OnSite, fields: Fields) -> Answer {
    let site = on.site.id;
    let done = go_to(&format!("/sites/{site}/alerts?done=saved"));
    let known = match fields.text("alert") {
        "" => None,
        id => Some(known(&web.store.alerts.alerts(site).await?, id)?),
    };
    match (fields.text("do"), &known) {
        ("remove", Some(alert)) => {
            remove(&web, site, alert.id).await?;
            return Ok(done);
        }
        ("secret", Some(alert @ Alert { webhook: Some(hook), .. })) => {
            let webhook = Some(AlertHook { secret: fresh(), ..hook.clone() });
            let changed = Alert { webhook, ..alert.clone() };
            web.store.alerts.put_alert(site, changed, web.clock.now()).await?;
            return Ok(done);
        }
        ("remove" | "secret", _) => return Err(Refusal::not_found().into()),
        _ => {}
    }
    let mut form = AlertForm::of(&fields, |url| url_problem(&web, url));
    let room = room_of(&form.room)?;
    if !form.is_bad()
        && let Some(room) = room.filter(|_| known.as_ref().is_none_or(|alert| alert.room != room))
    {
        form.room_problem = take_in(&web, &on, room).await?;
    }
    if let Some(when) = form.condition().filter(|_| !form.is_bad()) {
        form.problem = page_problem(&when, &web.store.pages.pages(site).await?);
    }
    let when = form.condition().filter(|_| !form.is_bad());
    let Some(when) = when else {
        let mut shown = alerts_page(&web, &on).await?;
        match shown.alerts.iter_mut().find(|shown| shown.form.id == form.id) {
            Some(shown) => shown.form = AlertForm { secret: shown.form.secret.clone(), ..form },
            None => shown.fresh = form,
        }
        return Ok((StatusCode::BAD_REQUEST, page(&shown)).into_response());
    };
    let url = Some(form.url.value.clone()).filter(|url| !url.is_empty());
    let (name, quiet) = (form.name.value.clone(), form.quiet());
    let me = |is_told: bool| if is_told { vec![on.by.account.id] } else { Vec::new() };
    let alert = Alert {
        id: known.as_ref().map_or_else(secret::alert_id, |alert| alert.id),
        name,
        on: form.on,
        when,
        asked_since: web.clock.now(),
        quiet,
        mail: me(form.mails_me),
        push: me(form.pushes_me),
        webhook: url.map(|url| hook(known.as_ref(), url)),
        room,
    };
    web.store.alerts.put_alert(site, alert, web.clock.now()).await?;
    web.tell_site_changed(site).await;
    Ok(done)
}

/// `POST /sites/{site}/alerts/{alert}/mine`: by which ways whoever asks is told.
pub async fn tell_me(
    State(web): State<Arc<Web>>,
    on: OnSite,
    Path((_, alert)): Path<(String, String)>,
    fields: Fields,
) -> Answer {
    let alert: AlertId = alert.parse().map_err(|_| Refusal::not_found())?;
    let ways = Ways { mail: fields.is_checked("mail"), push: fields.is_checked("push") };
    web.store.alerts.tell_by(on.site.id, alert, on.by.account.id, ways).await?;
    web.tell_site_changed(on.site.id).await;
    Ok(go_to(&format!("/sites/{}/alerts?done=saved", on.site.id)))
}

async fn alerts_page(web: &Web, on: &OnSite) -> Result<AlertsPage, Problem> {
    let (site, now, me) = (on.site.id, web.clock.now(), on.by.account.id);
    let book = web.store.alerts.alerts(site).await?;
    let may_edit = web.access.authorise(&on.by.principal, site, Action::EditSite).await.is_ok();
    let rooms = if may_edit { rooms(web, me).await? } else { Vec::new() };
    let mut alerts = Vec::new();
    for alert in &book.alerts {
        alerts.push(shown(web, alert, &book, me, may_edit, &rooms).await?);
    }
    let pages = web.store.pages.pages(site).await?;
    for (shown, alert) in alerts.iter_mut().zip(&book.alerts) {
        if let Some(page) = pages.iter().find(|page| Some(page.id) == page_of(&alert.when)) {
            shown.form.asked = format!("{}: {}", shown.form.asked, page.url);
        }
    }
    let (firing, past): (Vec<_>, Vec<_>) =
        book.incidents.iter().partition(|incident| incident.over.is_none());
    let lines = |of: Vec<&Incident>| of.into_iter().map(|incident| Line::of(incident, now)).collect();
    Ok(AlertsPage {
        shell: Shell::on_site(&format!("Alerts of {}", on.site.name), on, "alerts"),
        site_id: site.to_string(),
        time_zone: on.site.time_zone.clone(),
        may_edit,
        firing: lines(firing),
        past: lines(past),
        alerts,
        fresh: AlertForm::fresh(),
        alerts_max: limits::ALERTS_MAX,
        incidents_max: limits::INCIDENTS_KEPT_MAX,
        rooms,
        pages: pages.into_iter().map(|page| (page.id.to_string(), page.url)).collect(),
        has_mail: web.options.mail.is_some() && web.options.public_url.is_some(),
        has_browser: !web.store.notices.browsers(vec![me], now).await?.is_empty(),
    })
}

async fn shown(
    web: &Web,
    alert: &Alert,
    book: &AlertBook,
    me: AccountId,
    may_edit: bool,
    rooms: &[(String, String)],
) -> Result<Shown, Problem> {
    let deliveries = match may_edit && alert.webhook.is_some() {
        true => deliveries(web, alert.id).await?,
        false => Vec::new(),
    };
    let mut form = AlertForm::from(alert);
    (form.mails_me, form.pushes_me) = (alert.mail.contains(&me), alert.push.contains(&me));
    form.is_firing = book.firing(alert.id).is_some();
    let other_room = !form.room.is_empty() && rooms.iter().all(|(id, _)| *id != form.room);
    Ok(Shown { form, deliveries, other_room })
}

async fn deliveries(web: &Web, alert: AlertId) -> Result<Vec<Delivery>, Problem> {
    let owner = Who::Bot(BotId::of(alert.value()));
    let mut jobs = web.store.outbox.jobs_of(JobKind::AlertHook, owner, DELIVERIES_SHOWN).await?;
    jobs.sort_by_key(|job| std::cmp::Reverse(job.created));
    Ok(jobs.iter().take(DELIVERIES_SHOWN).map(Delivery::of).collect())
}

/// Those that somebody is host of.
async fn rooms(web: &Web, me: AccountId) -> Result<Vec<(String, String)>, Problem> {
    let mine = web.store.rooms.rooms_of(Who::Account(me)).await?;
    let mut rooms: Vec<(String, String)> = mine
        .into_iter()
        .filter(|(room, member)| {
            matches!(room.kind, RoomKind::Open | RoomKind::Closed) && member.role == RoomRole::Host
        })
        .map(|(room, _)| (room.id.to_string(), room.name))
        .collect();
    rooms.sort_by(|(_, one), (_, other)| one.cmp(other));
    Ok(rooms)
}

/// With what was delivered by it.
pub async fn remove(web: &Web, site: SiteId, alert: AlertId) -> Result<(), Problem> {
    web.store.alerts.remove_alert(site, alert, web.clock.now()).await?;
    web.store.outbox.forget_jobs(JobKind::AlertHook, Who::Bot(BotId::of(alert.value()))).await?;
    web.tell_site_changed(site).await;
    Ok(())
}

/// Why the room cannot be told.
async fn take_in(web: &Web, on: &OnSite, room: RoomId) -> Result<Option<String>, Problem> {
    match web.chat.take_alerts_in(&on.by.principal, room).await {
        Ok(()) => Ok(None),
        Err(Refused::Unavailable(error)) => Err(StoreError::Unavailable(error).into()),
        Err(_) => Ok(Some("Choose a room whose host you are.".to_owned())),
    }
}

fn known(book: &AlertBook, id: &str) -> Result<Alert, Problem> {
    let id: AlertId = id.parse().map_err(|_| Refusal::not_found())?;
    let alert = book.alerts.iter().find(|alert| alert.id == id).cloned();
    Ok(alert.ok_or_else(Refusal::not_found)?)
}

fn room_of(text: &str) -> Result<Option<RoomId>, Problem> {
    match text {
        "" => Ok(None),
        room => Ok(Some(room.parse().map_err(|_| Refusal::not_found())?)),
    }
}

/// The webhook of an alert: it keeps its secret wherever it goes.
pub fn hook(known: Option<&Alert>, url: String) -> AlertHook {
    let before = known.and_then(|alert| alert.webhook.as_ref());
    AlertHook { url, secret: before.map_or_else(fresh, |hook| hook.secret.clone()) }
}

/// As Standard Webhooks writes it.
fn fresh() -> HookSecret {
    HookSecret(format!("whsec_{}", STANDARD.encode(secret::fresh())))
}

/// Why an address may be no webhook.
pub fn url_problem(web: &Web, url: &str) -> Option<String> {
    if url.len() > limits::HOOK_URL_BYTES_MAX {
        return Some(format!("At most {} bytes.", limits::HOOK_URL_BYTES_MAX));
    }
    web.options.hooks.refusal(url).map(str::to_owned)
}

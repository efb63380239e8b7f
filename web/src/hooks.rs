//! Hooks of repositories: forges knock at `/hooks/{secret}`, whoever configures a room makes and removes them.
//! A delivery is answered when it is told and kept; whatever it is of no interest for is accepted, too.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use bytes::Bytes;
use chat::{Listen, NewHook, Refused};
use commits::limits::{BODY_BYTES_MAX, SECRET_BYTES_MAX};
use commits::{Event, Forge, verified};
use door::Refusal;
use model::chat::Hook;
use model::{HookId, Millis, RoomId};
use serde::Deserialize;
use serde_json::{Value, json};
use store::StoreError;
use store::accounts::SecretHash;
use tokio::sync::Semaphore;

use crate::error::{Answer, Problem};
use crate::fields;
use crate::guard::Caller;
use crate::reports::question::read;
use crate::reports::refused;
use crate::{Web, secret};

/// Long deliveries that are read at once: 200 MB of them.
const LONG_AT_ONCE_MAX: usize = 8;
/// How long a delivery's body may take to arrive.
const BODY_WAIT_MAX: Duration = Duration::from_secs(30);
/// Bytes of a delivery that waits for no turn and is read where it came in, as nearly all are. A longer one, or one that does not say
/// how long it is, takes a turn.
const SHORT_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a secret that somebody brings along.
const SECRET_BYTES_MIN: usize = 16;

/// Turns at reading long deliveries.
pub struct Hearing(Semaphore);

impl Default for Hearing {
    fn default() -> Hearing {
        Hearing(Semaphore::new(LONG_AT_ONCE_MAX))
    }
}

/// `POST /hooks/{secret}`: 202 and how many messages were told now; 401 where the signature does not hold.
pub async fn hear(
    State(web): State<Arc<Web>>,
    Path(address): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Answer {
    if !secret::is_plausible(&address) {
        return Err(Refusal::not_found().into());
    }
    let hook = web.chat.hook(SecretHash::of(&address)).await.map_err(problem)?;
    let is_short = length(&headers).is_some_and(|length| length <= SHORT_BYTES_MAX);
    let turn = if is_short { None } else { web.hearing.0.try_acquire().ok() };
    if !is_short && turn.is_none() {
        return Err(Refusal::unavailable(Duration::from_secs(5)).into());
    }
    let body = body(request).await?;
    let base = web.server_url(&headers);
    let from = Forge::told_by(&headers);
    let from = from
        .map_or("no forge that is known".to_owned(), |(forge, event)| format!("{}, {event}", forge.name()));
    let delivery = match heard(headers, body, hook.secret.0.clone(), web.clock.now()).await {
        Ok(delivery) => delivery,
        Err(refused) => {
            web.chat.heard(&hook, &from, &refused.0.message, false).await;
            return Err(refused);
        }
    };
    let (id, forge) = (delivery.id, delivery.forge);
    let told = web.chat.tell_commits(&hook, &id, delivery.events, &base).await.map_err(problem)?;
    let became = match told {
        0 => "nothing to tell: another event, repository or branch, or told before".to_owned(),
        1 => "told in 1 message".to_owned(),
        told => format!("told in {told} messages"),
    };
    web.chat.heard(&hook, &from, &became, true).await;
    tracing::info!(hook = %hook.id, room = %hook.room, forge = forge.name(), told, "a delivery was heard");
    Ok((StatusCode::ACCEPTED, Json(json!({ "told": told }))).into_response())
}

/// What the head says of the body, which the connection then holds it to.
fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn body(request: Request) -> Result<Bytes, Problem> {
    match tokio::time::timeout(BODY_WAIT_MAX, to_bytes(request.into_body(), BODY_BYTES_MAX)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(unheard(commits::Refused::TooBig { max: BODY_BYTES_MAX })),
        Err(_) => {
            let message = "The delivery did not arrive in time; send it again.";
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "slow_body", message).into())
        }
    }
}

struct Delivery {
    id: String,
    forge: Forge,
    events: Vec<Event>,
}

async fn heard(headers: HeaderMap, body: Bytes, secret: String, now: Millis) -> Result<Delivery, Problem> {
    let length = body.len();
    let hear = move || {
        let delivery = verified(&headers, &body, &secret, now)?;
        let events = delivery.events()?;
        Ok(Delivery { id: delivery.id, forge: delivery.forge, events })
    };
    let heard = match length > SHORT_BYTES_MAX {
        true => tokio::task::spawn_blocking(hear).await.map_err(|error| {
            StoreError::Unavailable(anyhow::Error::new(error).context("a delivery could not be read"))
        })?,
        false => hear(),
    };
    heard.map_err(unheard)
}

fn unheard(refused: commits::Refused) -> Problem {
    let (status, code) = match &refused {
        commits::Refused::NoForge => (StatusCode::BAD_REQUEST, "no_forge"),
        commits::Refused::TooBig { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
        commits::Refused::Signature => (StatusCode::UNAUTHORIZED, "signature"),
        commits::Refused::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed"),
    };
    Refusal::new(status, code, refused.to_string()).into()
}

/// `GET /api/watchfire/rooms/{room}/hooks`: never with their secrets.
pub async fn list(State(web): State<Arc<Web>>, caller: Caller, Path(room): Path<String>) -> Answer {
    let hooks = web.chat.hooks(&caller.principal, room_of(&room)?).await.map_err(problem)?;
    Ok(Json(json!({ "hooks": hooks.iter().map(told).collect::<Vec<_>>() })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    #[serde(default)]
    repositories: String,
    #[serde(default)]
    branches: String,
    #[serde(default)]
    closes: bool,
    #[serde(default)]
    customers: bool,
    /// That of the forge, where it makes its own.
    secret: Option<String>,
}

/// `POST /api/watchfire/rooms/{room}/hooks` with any of `repositories`, `branches`, `closes`, `customers`, `secret`: 201, the hook, and its
/// address and secret this once.
pub async fn add(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(room): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Answer {
    let room = room_of(&room)?;
    // Who may not learns nothing of what is wrong with it.
    web.chat.hooks(&caller.principal, room).await.map_err(problem)?;
    let Stated { repositories, branches, closes, customers, secret: own } =
        read(fields::json(request).await?)?;
    if let Some((field, sentence)) = wrong_with(&repositories, &branches, own.as_deref()) {
        return Err(refused::field(field, &sentence).into());
    }
    let secret = own.unwrap_or_else(secret::fresh);
    let new = NewHook { repositories, branches, closes, customers, secret };
    let made = make(&web, &caller, room, &headers, new).await?;
    Ok((StatusCode::CREATED, Json(made.told())).into_response())
}

/// A hook with what is told of it this once.
pub struct Made {
    pub hook: Hook,
    pub url: String,
    pub secret: String,
}

impl Made {
    fn told(&self) -> Value {
        json!({ "hook": told(&self.hook), "url": self.url, "secret": self.secret })
    }
}

pub async fn make(
    web: &Web,
    caller: &Caller,
    room: RoomId,
    headers: &HeaderMap,
    new: NewHook,
) -> Result<Made, Problem> {
    let (address, secret) = (secret::fresh(), new.secret.clone());
    let hook =
        web.chat.add_hook(&caller.principal, room, new, SecretHash::of(&address)).await.map_err(problem)?;
    tracing::info!(hook = %hook.id, %room, "a hook was made");
    Ok(Made { hook, url: format!("{}/hooks/{address}", web.server_url(headers)), secret })
}

/// The field, and what is wrong with it.
pub fn wrong_with(repositories: &str, branches: &str, own: Option<&str>) -> Option<(&'static str, String)> {
    for (field, patterns) in [("repositories", repositories), ("branches", branches)] {
        if let Err(bad) = commits::Filter::of(patterns) {
            return Some((field, bad.to_string()));
        }
    }
    own.is_some_and(|own| !is_secret(own)).then(|| {
        let sentence = format!(
            "A secret has {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} printable characters; behind whsec_ it is base 64."
        );
        ("secret", sentence)
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListenStated {
    repositories: String,
    branches: String,
    closes: bool,
    #[serde(default)]
    customers: bool,
}

/// `POST /api/watchfire/rooms/{room}/hooks/{hook}` with `repositories`, `branches`, `closes` and `customers`: the hook as it is then.
pub async fn change(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path((room, hook)): Path<(String, String)>,
    request: Request,
) -> Answer {
    let (room, hook) = (room_of(&room)?, hook_of(&hook)?);
    web.chat.hooks(&caller.principal, room).await.map_err(problem)?;
    let ListenStated { repositories, branches, closes, customers } = read(fields::json(request).await?)?;
    if let Some((field, sentence)) = wrong_with(&repositories, &branches, None) {
        return Err(refused::field(field, &sentence).into());
    }
    let listen = Listen { repositories, branches, closes, customers };
    let hook = web.chat.change_hook(&caller.principal, room, hook, listen).await.map_err(problem)?;
    Ok(Json(json!({ "hook": told(&hook) })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RenewStated {
    secret: Option<String>,
}

/// `POST /api/watchfire/rooms/{room}/hooks/{hook}/renew` with or without `secret`: another address and secret, told this once; those before
/// are no longer good.
pub async fn renew(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path((room, hook)): Path<(String, String)>,
    headers: HeaderMap,
    request: Request,
) -> Answer {
    let (room, hook) = (room_of(&room)?, hook_of(&hook)?);
    web.chat.hooks(&caller.principal, room).await.map_err(problem)?;
    let RenewStated { secret: own } = read(fields::json(request).await?)?;
    if let Some((field, sentence)) = wrong_with("", "", own.as_deref()) {
        return Err(refused::field(field, &sentence).into());
    }
    Ok(Json(remake(&web, &caller, room, hook, &headers, own).await?.told()).into_response())
}

pub async fn remake(
    web: &Web,
    caller: &Caller,
    room: RoomId,
    hook: HookId,
    headers: &HeaderMap,
    own: Option<String>,
) -> Result<Made, Problem> {
    let (address, secret) = (secret::fresh(), own.unwrap_or_else(secret::fresh));
    let hash = SecretHash::of(&address);
    let by = &caller.principal;
    let hook = web.chat.renew_hook(by, room, hook, hash, secret.clone()).await.map_err(problem)?;
    tracing::info!(hook = %hook.id, %room, "a hook was renewed");
    Ok(Made { hook, url: format!("{}/hooks/{address}", web.server_url(headers)), secret })
}

/// `POST /api/watchfire/rooms/{room}/hooks/{hook}/remove`
pub async fn remove(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path((room, hook)): Path<(String, String)>,
) -> Answer {
    let hook = hook_of(&hook)?;
    web.chat.remove_hook(&caller.principal, room_of(&room)?, hook).await.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn told(hook: &Hook) -> Value {
    json!({
        "id": hook.id, "repositories": hook.repositories, "branches": hook.branches, "closes": hook.closes,
        "customers": hook.customers,
        "created": hook.created, "deliveries": hook.deliveries
    })
}

pub fn hook_of(text: &str) -> Result<HookId, Problem> {
    Ok(text.parse().map_err(|_| Refusal::not_found())?)
}

fn room_of(text: &str) -> Result<RoomId, Problem> {
    Ok(text.parse().map_err(|_| Refusal::not_found())?)
}

fn is_secret(text: &str) -> bool {
    let is_printable = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    let is_long_enough = (SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&text.len());
    is_printable && is_long_enough && commits::standard(text, "", 0, b"").is_some()
}

fn problem(refused: Refused) -> Problem {
    let (code, message) = (refused.code(), refused.to_string());
    let status = match refused {
        Refused::NotFound => return Refusal::not_found().into(),
        Refused::Unknown => return Refusal::sign_in().into(),
        Refused::Unavailable(cause) => return StoreError::Unavailable(cause).into(),
        Refused::Forbidden | Refused::Barred | Refused::Password => StatusCode::FORBIDDEN,
        Refused::Locked | Refused::Limit { .. } | Refused::Conflict(_) => StatusCode::CONFLICT,
        Refused::Invalid(_) => StatusCode::BAD_REQUEST,
    };
    Refusal::new(status, code, message).into()
}

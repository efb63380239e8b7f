//! Where bots hear of their rooms: the operator says it, for programs and as a page.

use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use door::Refusal;
use model::chat::{BotEvent, BotHook, HookSecret};
use model::outbox::{Job, JobState};
use model::{BotId, limits};
use serde::Deserialize;
use serde_json::{Value, json};

use super::pages::shell;
use super::{Somebody, said, stated};
use crate::error::{Answer, Problem};
use crate::fields::{Field, Fields};
use crate::guard::Caller;
use crate::moment::Moment;
use crate::reports::refused;
use crate::shell::{Done, Shell, go_to, page};
use crate::{Web, secret};

fn bot_of(text: &str) -> Result<BotId, Problem> {
    Ok(text.parse().map_err(|_| Refusal::not_found())?)
}

/// As Standard Webhooks writes it.
fn fresh() -> HookSecret {
    HookSecret(format!("whsec_{}", STANDARD.encode(secret::fresh())))
}

/// Without its secret.
fn told(hook: &BotHook) -> Value {
    json!({ "url": hook.url, "events": hook.events, "created": hook.created, "off": hook.off })
}

fn told_job(job: &Job) -> Value {
    json!({
        "id": format!("msg_{}", job.id), "state": job.state, "attempts": job.attempts, "said": job.said,
        "created": job.created, "due": job.due,
    })
}

/// Why an address may be no hook.
fn problem_of(web: &Web, url: &str) -> Option<String> {
    if url.len() > limits::HOOK_URL_BYTES_MAX {
        return Some(format!("At most {} bytes.", limits::HOOK_URL_BYTES_MAX));
    }
    web.options.hooks.refusal(url).map(str::to_owned)
}

/// `GET /api/watchfire/rooms/bots/{bot}/hook`: `hook` is null where there is none; its last deliveries, and those that wait.
pub async fn get(State(web): State<Arc<Web>>, Somebody(by): Somebody, Path(bot): Path<String>) -> Answer {
    let (hook, jobs) = web.chat.bot_hook(&by, bot_of(&bot)?).await?;
    let deliveries: Vec<Value> = jobs.iter().map(told_job).collect();
    Ok(Json(json!({ "hook": hook.as_ref().map(told), "deliveries": deliveries })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    url: String,
    #[serde(default)]
    events: Option<Vec<BotEvent>>,
}

/// `POST /api/watchfire/rooms/bots/{bot}/hook` with `{"url", "events"}`: 201 and its secret this once, or 200 where it had one.
pub async fn put(
    State(web): State<Arc<Web>>,
    Somebody(by): Somebody,
    Path(bot): Path<String>,
    request: Request,
) -> Answer {
    let bot = bot_of(&bot)?;
    // Who may not learns nothing of what is wrong with it.
    web.chat.bot_hook(&by, bot).await?;
    let Stated { url, events } = stated(request).await?;
    if let Some(problem) = problem_of(&web, &url) {
        return Err(refused::field("url", &problem).into());
    }
    let events = events.unwrap_or_else(|| BotEvent::ALL.to_vec());
    let (hook, is_new) = web.chat.put_bot_hook(&by, bot, url, events, fresh()).await?;
    tracing::info!(%bot, "a bot hears of its rooms by a hook");
    let made = json!({ "hook": told(&hook), "secret": hook.secret });
    Ok(match is_new {
        true => (StatusCode::CREATED, Json(made)).into_response(),
        false => Json(json!({ "hook": told(&hook) })).into_response(),
    })
}

/// `POST /api/watchfire/rooms/bots/{bot}/hook/secret`: a new secret; the one before it signs along for a day.
pub async fn renew(State(web): State<Arc<Web>>, Somebody(by): Somebody, Path(bot): Path<String>) -> Answer {
    let hook = web.chat.renew_bot_hook(&by, bot_of(&bot)?, fresh()).await?;
    Ok(Json(json!({ "hook": told(&hook), "secret": hook.secret })).into_response())
}

/// `POST /api/watchfire/rooms/bots/{bot}/hook/remove`
pub async fn remove(State(web): State<Arc<Web>>, Somebody(by): Somebody, Path(bot): Path<String>) -> Answer {
    web.chat.remove_bot_hook(&by, bot_of(&bot)?).await?;
    said::done()
}

#[derive(Template)]
#[template(path = "rooms_bot.html")]
struct BotPage {
    shell: Shell,
    id: String,
    name: String,
    url: Field,
    events: Vec<(&'static str, &'static str, bool)>,
    has_hook: bool,
    /// When and why it was turned off.
    off: Option<(Moment, String)>,
    deliveries: Vec<Delivery>,
    /// The secret that was just made, shown this once.
    fresh: Option<String>,
    /// Of the form that renews it.
    mark: String,
}

struct Delivery {
    state: &'static str,
    said: String,
    attempts: u32,
    created: Moment,
    /// When it is tried next.
    next: Option<Moment>,
}

impl Delivery {
    fn of(job: &Job) -> Delivery {
        let is_waiting = job.state == JobState::Waiting;
        Delivery {
            state: match job.state {
                JobState::Waiting => "Waits",
                JobState::Done => "Arrived",
                JobState::GivenUp => "Given up",
            },
            said: job.said.clone(),
            attempts: job.attempts,
            created: job.created.into(),
            next: is_waiting.then(|| job.due.into()),
        }
    }
}

const EVENTS: [(BotEvent, &str, &str); 3] = [
    (BotEvent::Message, "message", "Somebody says something in one of its rooms"),
    (BotEvent::Mention, "mention", "Somebody names it"),
    (BotEvent::Room, "room", "It is brought into a room"),
];

async fn bot_page(web: &Web, caller: &Caller, bot: BotId) -> Result<BotPage, Problem> {
    let by = &caller.principal;
    let (hook, jobs) = web.chat.bot_hook(by, bot).await?;
    let named = web.chat.bots(by).await?.into_iter().find(|known| known.id == bot);
    let name = named.ok_or_else(Refusal::not_found)?.name;
    let wants = |event| hook.as_ref().is_none_or(|hook| hook.events.contains(&event));
    Ok(BotPage {
        shell: shell(&name, caller),
        id: bot.to_string(),
        name,
        url: Field::of(hook.as_ref().map_or("", |hook| hook.url.as_str())),
        events: EVENTS.iter().map(|(event, name, words)| (*name, *words, wants(*event))).collect(),
        has_hook: hook.is_some(),
        off: hook.and_then(|hook| hook.off).map(|off| (off.at.into(), off.why)),
        deliveries: jobs.iter().map(Delivery::of).collect(),
        fresh: None,
        mark: secret::fresh(),
    })
}

/// `GET /rooms/bots/{bot}`
pub async fn show(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(bot): Path<String>,
    done: Done,
) -> Answer {
    let mut shown = bot_page(&web, &caller, bot_of(&bot)?).await?;
    shown.shell = shown.shell.saying(&done);
    Ok(page(&shown))
}

/// `POST /rooms/bots/{bot}`: where it hears of its rooms, from now on, by another secret, or no longer.
pub async fn submit(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(path): Path<String>,
    fields: Fields,
) -> Answer {
    let (by, bot) = (&caller.principal, bot_of(&path)?);
    let here = format!("/rooms/bots/{bot}");
    match fields.text("do") {
        "remove" => {
            web.chat.remove_bot_hook(by, bot).await?;
            return Ok(go_to(&format!("{here}?done=saved")));
        }
        "renew" => {
            let Ok(turn) = web.once.begin(fields.text("mark")).await else {
                return Ok(go_to(&format!("{here}?done=made")));
            };
            let hook = web.chat.renew_bot_hook(by, bot, fresh()).await?;
            turn.done("");
            return Ok(page(&BotPage { fresh: Some(hook.secret.0), ..bot_page(&web, &caller, bot).await? }));
        }
        _ => {}
    }
    let before = bot_page(&web, &caller, bot).await?;
    let mut url = Field::of(fields.text("url").trim());
    let is_wanted = |name: &str| fields.is_checked(name);
    let wanted: Vec<BotEvent> =
        EVENTS.iter().filter(|(_, name, _)| is_wanted(name)).map(|(event, _, _)| *event).collect();
    url.error = match problem_of(&web, &url.value) {
        None if wanted.is_empty() => Some("Choose at least one thing that it hears of.".to_owned()),
        problem => problem,
    };
    if url.is_bad() {
        let events = EVENTS.iter().map(|(_, name, words)| (*name, *words, is_wanted(name))).collect();
        return Ok((StatusCode::BAD_REQUEST, page(&BotPage { url, events, ..before })).into_response());
    }
    let (hook, is_new) = web.chat.put_bot_hook(by, bot, url.value, wanted, fresh()).await?;
    if !is_new {
        return Ok(go_to(&format!("{here}?done=saved")));
    }
    Ok(page(&BotPage { fresh: Some(hook.secret.0), ..bot_page(&web, &caller, bot).await? }))
}

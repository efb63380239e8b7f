//! One room: how it is, what somebody may do in it, and what they make of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use chat::announce::Doing;
use chat::told::TellRoom;
use model::chat::Notify;
use model::limits;
use serde::Deserialize;
use serde_json::json;
use store::chat::RoomChange;

use super::{At, said, stated};
use crate::Web;
use crate::error::{Answer, Problem};
use crate::fields::{name_problem, unprintable};
use crate::reports::refused;

/// `GET /api/watchfire/rooms/{room}`: the room, and who asks to it.
pub async fn show(State(web): State<Arc<Web>>, at: At) -> Answer {
    let seen = web.chat.room(&at.by, at.room).await?;
    let me = at.by.who();
    let member = match me {
        Some(me) => web.store.rooms.member(at.room, me).await?,
        None => None,
    };
    let (read, notify) = member.map(|member| (member.read, member.notify)).unzip();
    let told = json!({
        "room": TellRoom::of(&seen.room),
        "name": said::name_of(&web, &seen.room, me).await?,
        "you": { "who": me, "standing": seen.standing, "may": seen.may(), "read": read, "notify": notify },
    });
    Ok(Json(told).into_response())
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ChangeStated {
    name: Option<String>,
    topic: Option<String>,
    zone: Option<String>,
    public: Option<bool>,
    members_max: Option<u32>,
    locked: Option<bool>,
}

/// `POST /api/watchfire/rooms/{room}` with any of `name`, `topic`, `zone`, `public`, `members_max`, `locked`: all of it or nothing, and the room as it is
/// then.
pub async fn change(State(web): State<Arc<Web>>, at: At, request: Request) -> Answer {
    let changes = changes(stated(request).await?)?;
    let room = web.chat.change_room_at_once(&at.by, at.room, changes).await?;
    Ok(said::room(StatusCode::OK, &room))
}

fn changes(stated: ChangeStated) -> Result<Vec<RoomChange>, Problem> {
    let mut changes = Vec::new();
    if let Some(name) = stated.name {
        let name = name.trim().to_owned();
        if let Some(problem) = name_problem(&name) {
            return Err(refused::field("name", &problem).into());
        }
        changes.push(RoomChange::Name(name));
    }
    if let Some(topic) = stated.topic {
        let topic = topic.trim().to_owned();
        refuse_topic(&topic)?;
        changes.push(RoomChange::Topic(topic));
    }
    changes.extend(stated.zone.map(RoomChange::Zone));
    changes.extend(stated.public.map(RoomChange::Public));
    changes.extend(stated.members_max.map(RoomChange::MembersMax));
    changes.extend(stated.locked.map(|locked| if locked { RoomChange::Lock } else { RoomChange::Unlock }));
    Ok(changes)
}

/// A topic is one line; how long it may be says the store.
pub fn refuse_topic(topic: &str) -> Result<(), Problem> {
    match unprintable(topic) {
        Some(problem) => Err(refused::field("topic", &problem).into()),
        None => Ok(()),
    }
}

/// `POST …/demolish`
pub async fn demolish(State(web): State<Arc<Web>>, at: At) -> Answer {
    web.chat.demolish(&at.by, at.room).await?;
    tracing::info!(room = %at.room, by = ?at.by.who(), "a room was demolished");
    said::done()
}

/// `POST …/enter`
pub async fn enter(State(web): State<Arc<Web>>, at: At) -> Answer {
    web.chat.enter(&at.by, at.room).await?;
    said::done()
}

/// `POST …/leave`
pub async fn leave(State(web): State<Arc<Web>>, at: At) -> Answer {
    web.chat.leave(&at.by, at.room).await?;
    said::done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadStated {
    number: u64,
}

/// `POST …/read` with `{"number"}`: how far one read, which never goes back.
pub async fn read(State(web): State<Arc<Web>>, at: At, request: Request) -> Answer {
    let ReadStated { number } = stated(request).await?;
    let read = web.chat.read_to(&at.by, at.room, number).await?;
    Ok(Json(json!({ "read": read })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NotifyStated {
    notify: Notify,
}

/// `POST …/notify` with `{"notify": "everything" | "mentions" | "nothing"}`: what one wants to be told of.
pub async fn notify(State(web): State<Arc<Web>>, at: At, request: Request) -> Answer {
    let NotifyStated { notify } = stated(request).await?;
    web.chat.set_notify(&at.by, at.room, notify).await?;
    said::done()
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum What {
    Typing,
    Here,
    Idle,
    Asks,
    Away,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DoingStated {
    what: What,
    /// What a customer typed so far.
    #[serde(default)]
    text: Option<String>,
}

/// `POST …/doing` with `{"what": "typing" | "here" | "idle" | "asks" | "away"}`: told to who is there, and kept nowhere.
pub async fn doing(State(web): State<Arc<Web>>, at: At, request: Request) -> Answer {
    let DoingStated { what, text } = stated(request).await?;
    if text.as_ref().is_some_and(|text| text.len() > limits::TYPED_BYTES_MAX) {
        return Err(refused::limit("text", "bytes", limits::TYPED_BYTES_MAX).into());
    }
    let text = match text {
        Some(text) if web.chat.previews(&at.by, at.room).await? => Some(text),
        _ => None,
    };
    let doing = |who| match what {
        What::Typing => Doing::Typing { who, text },
        What::Here => Doing::Here { who },
        What::Idle => Doing::Idle { who },
        What::Asks => Doing::Asks { who },
        What::Away => Doing::Away { who },
    };
    web.chat.is_doing(&at.by, at.room, doing).await?;
    said::done()
}

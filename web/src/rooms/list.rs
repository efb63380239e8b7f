//! Rooms as a list: one's own, those that one may come into, a new one; and what is asked over all of them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use chat::told::TellRoom;
use chat::{NewRoom, Query};
use door::Refusal;
use jiff::civil::Date;
use model::chat::{Member, MessageKind, Notify, Room, RoomKind, RoomRole};
use model::rights::Principal;
use model::{RoomId, SiteId, limits};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Somebody, named, said, stated};
use crate::error::{Answer, Problem};
use crate::fields::name_problem;
use crate::reports::refused;
use crate::shell::query_value;
use crate::{Web, visible};

/// Rooms that are offered to somebody who is not in them.
pub const OFFERED_MAX: usize = 500;
/// Messages of one page of search, where nothing else is said.
const FOUND: usize = 50;

/// A room that somebody is in.
#[derive(Serialize)]
struct MineSaid<'r> {
    room: TellRoom<'r>,
    /// As it is called to them.
    name: String,
    role: RoomRole,
    /// The last message that they read, and how many others said since.
    read: u64,
    unread: u64,
    notify: Notify,
}

/// A room that somebody is in, as it is called to them, and how far they read.
pub struct Mine {
    pub room: Room,
    pub member: Member,
    pub name: String,
}

impl Mine {
    /// What others said since.
    pub async fn unread(&self, web: &Web) -> Result<u64, Problem> {
        Ok(web.chat.unread(&self.room, &self.member).await?)
    }
}

/// `GET /api/watchfire/rooms`
pub async fn all(State(web): State<Arc<Web>>, Somebody(by): Somebody) -> Answer {
    let mine = mine(&web, &by).await?;
    let offered = offered(&web, &by, &mine).await?;
    let mut told = Vec::with_capacity(mine.len());
    for mine in &mine {
        told.push(MineSaid {
            room: TellRoom::of(&mine.room),
            name: mine.name.clone(),
            role: mine.member.role,
            read: mine.member.read,
            unread: mine.unread(&web).await?,
            notify: mine.member.notify,
        });
    }
    let offered: Vec<TellRoom<'_>> = offered.iter().map(TellRoom::of).collect();
    Ok(Json(json!({ "rooms": told, "offered": offered })).into_response())
}

/// The rooms that somebody is in, those with the newest message first.
pub async fn mine(web: &Web, by: &Principal) -> Result<Vec<Mine>, Problem> {
    let mut mine = Vec::new();
    for (room, member) in web.chat.my_rooms(by).await? {
        let name = said::name_of(web, &room, by.who()).await?;
        mine.push(Mine { room, member, name });
    }
    mine.sort_by_key(|mine| (std::cmp::Reverse(mine.room.last_at), mine.room.id));
    Ok(mine)
}

/// The rooms that an account finds at its sites and in the installation, and is not in.
pub async fn offered(web: &Web, by: &Principal, mine: &[Mine]) -> Result<Vec<Room>, Problem> {
    if !matches!(by, Principal::Account { .. }) {
        return Ok(Vec::new());
    }
    let sites = visible::page(web, by, 1).await?.sites.into_iter().map(|visible| Some(visible.site.id));
    let mut offered = Vec::new();
    for site in std::iter::once(None).chain(sites) {
        let found = web.chat.rooms(by, site).await?;
        offered.extend(found.into_iter().filter(|room| mine.iter().all(|mine| mine.room.id != room.id)));
        if offered.len() >= OFFERED_MAX {
            break;
        }
    }
    offered.truncate(OFFERED_MAX);
    Ok(offered)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewStated {
    name: String,
    #[serde(default)]
    kind: Option<RoomKind>,
    #[serde(default)]
    site: Option<SiteId>,
    #[serde(default)]
    zone: Option<String>,
    #[serde(default)]
    topic: String,
}

/// `POST /api/watchfire/rooms` with `{"name", "kind", "site", "zone", "topic"}`: 201 and the room.
pub async fn open(State(web): State<Arc<Web>>, Somebody(by): Somebody, request: Request) -> Answer {
    let new: NewStated = stated(request).await?;
    if let Some(problem) = name_problem(new.name.trim()) {
        return Err(refused::field("name", &problem).into());
    }
    let topic = new.topic.trim().to_owned();
    super::one::refuse_topic(&topic)?;
    let made = NewRoom {
        site: new.site,
        kind: new.kind.unwrap_or(RoomKind::Open),
        name: new.name,
        zone: new.zone.unwrap_or_else(|| "UTC".to_owned()),
    };
    let mut room = web.chat.open_room(&by, made).await?;
    if !topic.is_empty() {
        room = web.chat.change_room(&by, room.id, store::chat::RoomChange::Topic(topic)).await?;
    }
    Ok(said::room(StatusCode::CREATED, &room))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DirectStated {
    with: Vec<String>,
    #[serde(default)]
    site: Option<SiteId>,
}

/// `POST /api/watchfire/rooms/direct` with `{"with": [id or e-mail], "site"}`: the one room of these people.
pub async fn direct(State(web): State<Arc<Web>>, Somebody(by): Somebody, request: Request) -> Answer {
    let DirectStated { with, site } = stated(request).await?;
    if with.len() >= limits::DIRECT_PEOPLE_MAX {
        return Err(refused::limit("with", "people of a direct room", limits::DIRECT_PEOPLE_MAX).into());
    }
    let mut people = Vec::with_capacity(with.len());
    for text in &with {
        people.push(named(&web, &by, text).await?);
    }
    let room = web.chat.direct(&by, site, people).await?;
    Ok(said::room(StatusCode::OK, &room))
}

/// `GET /api/watchfire/rooms/search?q=&room=&author=&kind=&from=&to=&before=&limit=`: the newest first.
pub async fn search(
    State(web): State<Arc<Web>>,
    Somebody(by): Somebody,
    RawQuery(query): RawQuery,
) -> Answer {
    let found = web.chat.search(&by, asked(query.as_deref())?).await?;
    said::page(&web, None, &found).await
}

/// What is searched for, from the query of an address.
pub fn asked(query: Option<&str>) -> Result<Query, Problem> {
    let mut asked = Query { limit: FOUND, ..Query::default() };
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let bad = || Problem::from(refused::query(&name, "it cannot be read"));
        match (&*name, &*value) {
            ("q", text) => asked.text = text.to_owned(),
            (_, "") => {}
            ("room", room) => asked.rooms.push(room.parse().map_err(|_| bad())?),
            ("author", who) => asked.author = Some(who.parse().map_err(|_| bad())?),
            ("kind", kind) => asked.kind = Some(kind_of(kind).ok_or_else(bad)?.number()),
            ("from", day) => asked.from = Some(day.parse::<Date>().map_err(|_| bad())?),
            ("to", day) => asked.to = Some(day.parse::<Date>().map_err(|_| bad())?),
            ("before", place) => asked.before = Some(place_of(place).ok_or_else(bad)?),
            ("limit", limit) => asked.limit = limit.parse().map_err(|_| bad())?,
            _ => {}
        }
    }
    if !(1..=limits::MESSAGES_A_PAGE_MAX).contains(&asked.limit) {
        let range = format!("a number from 1 to {}", limits::MESSAGES_A_PAGE_MAX);
        return Err(refused::query("limit", range).into());
    }
    Ok(asked)
}

/// A kind that somebody writes.
pub fn kind_of(name: &str) -> Option<MessageKind> {
    match name {
        "text" => Some(MessageKind::Text),
        "paste" => Some(MessageKind::Paste),
        "sound" => Some(MessageKind::Sound),
        _ => None,
    }
}

/// `RM-…:17`
fn place_of(text: &str) -> Option<(RoomId, u64)> {
    let (room, number) = text.split_once(':')?;
    Some((room.parse().ok()?, number.parse().ok()?))
}

/// `GET /api/watchfire/rooms/stars`
pub async fn stars(State(web): State<Arc<Web>>, Somebody(by): Somebody, RawQuery(query): RawQuery) -> Answer {
    let of: Option<RoomId> = match query_value(query.as_deref(), "room") {
        None => None,
        Some(room) => Some(room.parse().map_err(|_| Refusal::not_found())?),
    };
    let stars = web.chat.stars(&by).await?;
    let told = stars.into_iter().filter(|(room, _)| of.is_none_or(|of| of == *room));
    let told: Vec<_> = told.map(|(room, number)| json!({ "room": room, "number": number })).collect();
    Ok(Json(json!({ "stars": told })).into_response())
}

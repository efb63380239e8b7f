//! The list of rooms, with what is unread in each; and the operator's bots.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use chat::{NewRoom, Refused};
use door::Refusal;
use model::chat::{Member, Notify, RoomKind};
use model::rights::Principal;
use model::{BotId, SiteId, limits};
use store::Credential;
use store::accounts::SecretHash;

use super::super::list::{mine, offered};
use super::super::{Somebody, named};
use super::notifications::word_of;
use super::{kind_name, shell};
use crate::error::{Answer, Problem};
use crate::fields::{Field, Fields};
use crate::guard::Caller;
use crate::moment::Moment;
use crate::shell::{Done, Shell, go_to, page};
use crate::{Web, secret, visible};

#[derive(Template)]
#[template(path = "rooms.html")]
struct RoomsPage {
    shell: Shell,
    me: String,
    rooms: Vec<RoomRow>,
    offered: Vec<RoomRow>,
    may_open: bool,
    sites: Vec<(String, String)>,
    name: Field,
    /// Whom one would talk to alone.
    with: Field,
    operator: bool,
}

struct RoomRow {
    id: String,
    name: String,
    topic: String,
    kind: &'static str,
    public: bool,
    locked: bool,
    unread: u64,
    /// Of its last message, and of the last one that was read.
    number: u64,
    read: u64,
    notify: &'static str,
    /// The name of its site.
    site: Option<String>,
    /// When something was said last.
    last: Option<Moment>,
}

/// `GET /rooms`
pub async fn show(State(web): State<Arc<Web>>, caller: Caller, done: Done) -> Answer {
    let mut shown = rooms_page(&web, &caller, Field::default()).await?;
    shown.shell = shown.shell.saying(&done);
    Ok(page(&shown))
}

async fn rooms_page(web: &Web, caller: &Caller, name: Field) -> Result<RoomsPage, Problem> {
    let by = &caller.principal;
    let is_account = matches!(by, Principal::Account { .. });
    let sites: Vec<(SiteId, String)> = match is_account {
        true => {
            let page = visible::page(web, by, 1).await?;
            page.sites.into_iter().map(|visible| (visible.site.id, visible.site.name)).collect()
        }
        false => Vec::new(),
    };
    let row = |room: &model::chat::Room, name: String, member: Option<&Member>, unread: u64| RoomRow {
        id: room.id.to_string(),
        name,
        topic: room.topic.clone(),
        kind: kind_name(room.kind),
        public: room.public,
        locked: room.locked,
        unread,
        number: room.last,
        read: member.map_or(0, |member| member.read),
        notify: word_of(member.map_or(Notify::Nothing, |member| member.notify)),
        site: sites.iter().find(|(id, _)| Some(*id) == room.site).map(|(_, name)| name.clone()),
        last: (room.last > 0).then(|| room.last_at.into()),
    };
    let mine = mine(web, by).await?;
    let offered = offered(web, by, &mine).await?;
    let mut rooms = Vec::with_capacity(mine.len());
    for mine in &mine {
        rooms.push(row(&mine.room, mine.name.clone(), Some(&mine.member), mine.unread(web).await?));
    }
    Ok(RoomsPage {
        shell: shell("Rooms", caller),
        me: by.who().map(|who| who.to_string()).unwrap_or_default(),
        rooms,
        offered: offered.iter().map(|room| row(room, room.name.clone(), None, 0)).collect(),
        may_open: is_account,
        sites: sites.iter().map(|(id, name)| (id.to_string(), name.clone())).collect(),
        name,
        with: Field::default(),
        operator: matches!(by, Principal::Account { operator: true, .. }),
    })
}

/// `POST /rooms`: a new room, or the one of oneself and somebody else.
pub async fn add(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Somebody(by): Somebody,
    fields: Fields,
) -> Answer {
    let site = match fields.text("site") {
        "" => None,
        site => Some(site.parse::<SiteId>().map_err(|_| Refusal::not_found())?),
    };
    if fields.text("do") == "direct" {
        let mut people = Vec::new();
        for text in fields.text("with").split([',', ' ']).filter(|text| !text.is_empty()) {
            if people.len() == limits::DIRECT_PEOPLE_MAX {
                break;
            }
            match named(&web, &by, text).await {
                Ok(who) => people.push(who),
                Err(problem) if problem.0.status == StatusCode::NOT_FOUND => {
                    return nobody(&web, &caller, &fields).await;
                }
                Err(problem) => return Err(problem),
            }
        }
        return match web.chat.direct(&by, site, people).await {
            Ok(room) => Ok(go_to(&format!("/rooms/{}", room.id))),
            Err(Refused::NotFound) => nobody(&web, &caller, &fields).await,
            Err(refused) => Err(refused.into()),
        };
    }
    let name = fields.name("name");
    if name.is_bad() {
        let shown = rooms_page(&web, &caller, name).await?;
        return Ok((StatusCode::BAD_REQUEST, page(&shown)).into_response());
    }
    let kind = if fields.text("kind") == "closed" { RoomKind::Closed } else { RoomKind::Open };
    let zone = match fields.text("time_zone") {
        "" => "UTC",
        zone => zone,
    };
    let new = NewRoom { site, kind, name: name.value, zone: zone.to_owned() };
    let room = web.chat.open_room(&by, new).await?;
    Ok(go_to(&format!("/rooms/{}", room.id)))
}

/// Whoever one may not talk to is told of as whoever is not there.
async fn nobody(web: &Web, caller: &Caller, fields: &Fields) -> Answer {
    let mut shown = rooms_page(web, caller, Field::default()).await?;
    shown.with = Field {
        value: fields.text("with").to_owned(),
        error: Some("Nobody whom you may talk to there has this address.".to_owned()),
    };
    Ok((StatusCode::NOT_FOUND, page(&shown)).into_response())
}

#[derive(Template)]
#[template(path = "rooms_bots.html")]
struct BotsPage {
    shell: Shell,
    bots: Vec<(String, String, Moment)>,
    name: Field,
    /// The token that was just made, shown this once.
    fresh: Option<String>,
    /// Of the form that makes one.
    mark: String,
    server: String,
}

async fn bots_page(web: &Web, caller: &Caller, headers: &HeaderMap) -> Result<BotsPage, Problem> {
    let bots = web.chat.bots(&caller.principal).await?;
    Ok(BotsPage {
        shell: shell("Bots", caller),
        bots: bots.into_iter().map(|bot| (bot.id.to_string(), bot.name, bot.created.into())).collect(),
        name: Field::default(),
        fresh: None,
        mark: secret::fresh(),
        server: web.server_url(headers),
    })
}

/// `GET /rooms/bots`
pub async fn show_bots(
    State(web): State<Arc<Web>>,
    caller: Caller,
    headers: HeaderMap,
    done: Done,
) -> Answer {
    let mut shown = bots_page(&web, &caller, &headers).await?;
    shown.shell = shown.shell.saying(&done);
    Ok(page(&shown))
}

/// `POST /rooms/bots`: one more, whose token is shown once; or one less.
pub async fn submit_bots(
    State(web): State<Arc<Web>>,
    caller: Caller,
    headers: HeaderMap,
    fields: Fields,
) -> Answer {
    let by = &caller.principal;
    if fields.text("do") == "remove" {
        let id: BotId = fields.text("bot").parse().map_err(|_| Refusal::not_found())?;
        web.chat.remove_bot(by, id).await?;
        return Ok(go_to("/rooms/bots?done=revoked"));
    }
    let name = fields.name("name");
    if name.is_bad() {
        let shown = BotsPage { name, ..bots_page(&web, &caller, &headers).await? };
        return Ok((StatusCode::BAD_REQUEST, page(&shown)).into_response());
    }
    let Ok(turn) = web.once.begin(fields.text("mark")).await else {
        return Ok(go_to("/rooms/bots?done=made"));
    };
    let token = format!("{}{}", Credential::BOT_PREFIX, secret::fresh());
    web.chat.add_bot(by, &name.value, SecretHash::of(&token)).await?;
    turn.done("");
    Ok(page(&BotsPage { fresh: Some(token), ..bots_page(&web, &caller, &headers).await? }))
}

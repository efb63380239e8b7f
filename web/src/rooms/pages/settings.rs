//! A room's settings: name, topic, lock, who is in it, who is kept out, how guests come in.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use chat::told::named as name_of;
use door::Refusal;
use model::chat::rights::RoomAction;
use model::chat::{RoomRole, Who};
use model::limits;
use store::accounts::SecretHash;
use store::chat::RoomChange;

use super::super::one::refuse_topic;
use super::super::{At, named, said};
use super::{May, shell};
use crate::error::{Answer, Problem};
use crate::fields::{Fields, name_problem, too_long};
use crate::guard::Caller;
use crate::moment::Moment;
use crate::shell::{Done, Shell, go_to, page};
use crate::{Web, secret};

#[derive(Template)]
#[template(path = "room_settings.html")]
struct SettingsPage {
    shell: Shell,
    id: String,
    name: String,
    own_name: String,
    topic: String,
    zone: String,
    public: bool,
    locked: bool,
    members_max: u32,
    may: May,
    members: Vec<MemberRow>,
    bans: Vec<BanRow>,
    /// Whether there is a link, and whether it asks for a password.
    link: Option<bool>,
    /// The link that was just made, shown this once.
    fresh_link: Option<String>,
    /// Of the form that makes a link.
    mark: String,
    /// Whom one would bring in, as it was typed.
    bring: String,
    problem: Option<String>,
}

struct MemberRow {
    who: String,
    name: String,
    /// `guest`, `bot`, or nothing of an account.
    kind: &'static str,
    is_host: bool,
    may_be_host: bool,
    is_me: bool,
}

struct BanRow {
    who: String,
    name: String,
    until: Moment,
}

/// `GET /rooms/{room}/settings`
pub async fn show(State(web): State<Arc<Web>>, caller: Caller, at: At, done: Done) -> Answer {
    let mut shown = settings_page(&web, &caller, &at).await?;
    shown.shell = shown.shell.saying(&done);
    Ok(page(&shown))
}

async fn settings_page(web: &Web, caller: &Caller, at: &At) -> Result<SettingsPage, Problem> {
    let seen = web.chat.seen(&at.by, at.room, RoomAction::SeePeople).await?;
    let may = May(seen.may());
    let room = seen.room;
    let name = said::name_of(web, &room, at.by.who()).await?;
    let members = web.chat.members(&at.by, at.room).await?;
    let bans = if may.kick() { web.chat.bans(&at.by, at.room).await? } else { Vec::new() };
    let people = members.iter().map(|member| member.who).chain(bans.iter().map(|ban| ban.who));
    let names = web.chat.names(people.collect()).await?;
    let link = if may.configure() { web.chat.link(&at.by, at.room).await? } else { None };
    let mut bans: Vec<BanRow> = bans
        .iter()
        .map(|ban| BanRow {
            who: ban.who.to_string(),
            name: name_of(ban.who, &names).to_owned(),
            until: ban.until.into(),
        })
        .collect();
    bans.sort_by(|one, other| one.who.cmp(&other.who));
    bans.dedup_by(|one, other| one.who == other.who);
    let member_row = |member: &model::chat::Member| MemberRow {
        who: member.who.to_string(),
        name: name_of(member.who, &names).to_owned(),
        kind: match member.who {
            Who::Account(_) => "",
            Who::Guest(_) => "guest",
            Who::Bot(_) => "bot",
        },
        is_host: member.role == RoomRole::Host,
        may_be_host: matches!(member.who, Who::Account(_)),
        is_me: at.by.who() == Some(member.who),
    };
    Ok(SettingsPage {
        shell: shell(&format!("{name}, settings"), caller),
        id: room.id.to_string(),
        own_name: room.name.clone(),
        name,
        topic: room.topic.clone(),
        zone: room.zone.clone(),
        public: room.public,
        locked: room.locked,
        members_max: room.members_max,
        may,
        members: members.iter().map(member_row).collect(),
        bans,
        link: link.map(|link| link.password_phc.is_some()),
        fresh_link: None,
        mark: secret::fresh(),
        bring: String::new(),
        problem: None,
    })
}

/// `POST /rooms/{room}/settings`: the one thing that the form says in `do`.
pub async fn submit(
    State(web): State<Arc<Web>>,
    caller: Caller,
    at: At,
    headers: HeaderMap,
    fields: Fields,
) -> Answer {
    match act(&web, &caller, &at, &headers, &fields).await {
        Err(Problem(refusal)) if refusal.status.is_client_error() => {
            again(&web, &caller, &at, &fields, refusal).await
        }
        answer => answer,
    }
}

/// The page once more, with what was typed and what is wrong with it.
async fn again(web: &Web, caller: &Caller, at: &At, fields: &Fields, refusal: Refusal) -> Answer {
    let mut shown = settings_page(web, caller, at).await?;
    match fields.text("do") {
        "topic" => shown.topic = fields.text("topic").to_owned(),
        "room" => {
            shown.own_name = fields.text("name").to_owned();
            shown.zone = fields.text("time_zone").to_owned();
            shown.public = fields.is_checked("public");
            if let Ok(max) = fields.text("members_max").trim().parse() {
                shown.members_max = max;
            }
        }
        "bring" => shown.bring = fields.text("who").to_owned(),
        _ => {}
    }
    shown.problem = Some(refusal.message);
    Ok((refusal.status, page(&shown)).into_response())
}

async fn act(web: &Web, caller: &Caller, at: &At, headers: &HeaderMap, fields: &Fields) -> Answer {
    let (chat, by, room) = (&web.chat, &at.by, at.room);
    let done = match fields.text("do") {
        "topic" => {
            let topic = fields.text("topic").trim().to_owned();
            refuse_topic(&topic)?;
            chat.change_room(by, room, RoomChange::Topic(topic)).await?;
            "saved"
        }
        "room" => {
            chat.change_room_at_once(by, room, changes(fields)?).await?;
            "saved"
        }
        "lock" => chat.change_room(by, room, RoomChange::Lock).await.map(|_| "saved")?,
        "unlock" => chat.change_room(by, room, RoomChange::Unlock).await.map(|_| "saved")?,
        "link" => return fresh_link(web, caller, at, headers, fields).await,
        "unlink" => chat.remove_link(by, room).await.map(|()| "unlinked")?,
        "bring" => {
            chat.seen(by, room, RoomAction::Bring).await?;
            let who = named(web, by, fields.text("who")).await.map_err(unknown)?;
            chat.bring(by, room, who).await.map_err(|refused| unknown(refused.into()))?;
            "brought"
        }
        "kick" => chat.kick(by, room, person(fields)?).await.map(|()| "kicked")?,
        "ban" => {
            let hours: u64 = fields.text("hours").parse().map_err(|_| Refusal::not_found())?;
            chat.ban(by, room, person(fields)?, Duration::from_secs(hours.saturating_mul(3_600))).await?;
            "banned"
        }
        "unban" => chat.unban(by, room, person(fields)?).await.map(|()| "unbanned")?,
        "host" => chat.set_role(by, room, person(fields)?, RoomRole::Host).await.map(|()| "role")?,
        "member" => chat.set_role(by, room, person(fields)?, RoomRole::Member).await.map(|()| "role")?,
        "demolish" => {
            chat.demolish(by, room).await?;
            return Ok(go_to("/rooms?done=demolished"));
        }
        _ => return Err(Refusal::not_found().into()),
    };
    Ok(go_to(&format!("/rooms/{room}/settings?done={done}")))
}

/// Whoever cannot come in is told of as whoever is not there.
fn unknown(problem: Problem) -> Problem {
    match problem.0.status {
        StatusCode::NOT_FOUND => {
            let message = "Nobody who may come in is called that. Invite them to the site first, or make a link for guests.";
            Refusal::new(StatusCode::NOT_FOUND, "not_found", message).into()
        }
        _ => problem,
    }
}

fn person(fields: &Fields) -> Result<Who, Problem> {
    Ok(fields.text("who").parse().map_err(|_| Refusal::not_found())?)
}

fn changes(fields: &Fields) -> Result<Vec<RoomChange>, Problem> {
    let name = fields.text("name").trim().to_owned();
    if let Some(problem) = name_problem(&name) {
        return Err(Refusal::bad_request("field", problem).into());
    }
    let max = fields.text("members_max").trim().parse().map_err(|_| {
        let problem = format!("A room takes from 1 to {} people.", limits::ROOM_MEMBERS_MAX);
        Refusal::bad_request("field", problem)
    })?;
    Ok(vec![
        RoomChange::Name(name),
        RoomChange::Zone(fields.text("time_zone").to_owned()),
        RoomChange::MembersMax(max),
        RoomChange::Public(fields.is_checked("public")),
    ])
}

async fn fresh_link(web: &Web, caller: &Caller, at: &At, headers: &HeaderMap, fields: &Fields) -> Answer {
    let password = fields.text("password");
    if let Some(problem) = too_long(password, limits::PASSWORD_BYTES_MAX) {
        return Err(Refusal::bad_request("field", problem).into());
    }
    // Whoever may not make one makes nobody work at a password.
    web.chat.link(&at.by, at.room).await?;
    let phc = match password {
        "" => None,
        password => Some(web.passwords.hash(password).await?),
    };
    let Ok(turn) = web.once.begin(fields.text("mark")).await else {
        return Ok(go_to(&format!("/rooms/{}/settings?done=made", at.room)));
    };
    let secret = secret::fresh();
    web.chat.set_link(&at.by, at.room, SecretHash::of(&secret), phc).await?;
    turn.done("");
    let url = format!("{}/join/{secret}", web.server_url(headers));
    Ok(page(&SettingsPage { fresh_link: Some(url), ..settings_page(web, caller, at).await? }))
}

//! The inbox by HTTP: a site's conversations with its customers, for its agents. What somebody may is decided by `chat`, at every call.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Path, RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chat::{Call, Deed, Inbox, Question, TellCounts};
use door::Refusal;
use model::chat::{Conversation, Folder, Verdict};
use model::{AccountId, MessageId, Millis, RoomId, SavedId, Site, limits};
use serde::Deserialize;
use serde_json::json;
use store::saved::{SavedItem, SavedKind};

use crate::error::{Answer, Problem};
use crate::fields::{body, name_problem, unprintable};
use crate::guard::Caller;
use crate::reports::refused;
use crate::rooms::read_json;
use crate::shell::query_value;
use crate::{Web, secret};

/// `GET …/conversations`: `folder`, `label`, `q`, `before`.
pub async fn list(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Extension(site): Extension<Site>,
    RawQuery(query): RawQuery,
) -> Answer {
    let question = question(query.as_deref())?;
    let Inbox { conversations, has_more, counts } =
        web.chat.inbox(&caller.principal, site.id, question).await?;
    let told = web.chat.told_conversations(&conversations).await?;
    let counts = TellCounts::from(counts);
    Ok(Json(json!({ "conversations": told, "more": has_more, "counts": counts })).into_response())
}

/// What is said to a visitor first.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallStated {
    id: MessageId,
    /// Their key, as the topic of visitors has it.
    visitor: String,
    body: String,
}

/// `POST …/conversations`: an agent writes to a visitor of the site. 201, or 200 where there is a conversation with them, which goes on.
pub async fn call(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Extension(site): Extension<Site>,
    request: Request,
) -> Answer {
    let CallStated { id, visitor, body } = read_json(&body(request).await?)?;
    let visitor = visitor
        .parse()
        .map_err(|_| refused::field("visitor", "a visitor's key: 16 and 16 hexadecimal digits"))?;
    let (opened, fresh) = web.chat.call(&caller.principal, &site, Call { visitor, id, body }).await?;
    let told = web.chat.told_conversations(std::slice::from_ref(&opened)).await?;
    let status = if fresh { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(told.first())).into_response())
}

/// What a query string asks for: the folder `open` where it names none.
pub fn question(query: Option<&str>) -> Result<Question, Problem> {
    let value = |name: &str| query_value(query, name);
    let folder = match value("folder") {
        None => Folder::Open,
        Some(folder) => refused::worded(
            "folder",
            &folder,
            "open, mine, unassigned, waiting, snoozed, closed, held, spam or all",
        )?,
    };
    let text = value("q").unwrap_or_default();
    if text.len() > limits::NAME_BYTES_MAX {
        return Err(refused::limit("q", "bytes", limits::NAME_BYTES_MAX).into());
    }
    let before = match value("before") {
        None => None,
        Some(before) => Some(place(&before).ok_or_else(|| refused::query("before", "a moment and a room"))?),
    };
    Ok(Question { folder, label: value("label"), text, before })
}

fn place(text: &str) -> Option<(Millis, RoomId)> {
    let (at, room) = text.split_once('-')?;
    Some((Millis(at.parse().ok()?), room.parse().ok()?))
}

/// `GET …/conversations/{room}`, with what an agent sees beside it.
pub async fn one(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Extension(site): Extension<Site>,
    Path((_, room)): Path<(String, String)>,
) -> Answer {
    let (by, room) = (&caller.principal, room_named(&room)?);
    let found = web.chat.conversation(by, site.id, room).await?;
    let earlier = web.chat.earlier(by, site.id, found.room).await?;
    let told = web.chat.told_conversations(std::slice::from_ref(&found)).await?;
    let agents: Vec<_> = web.chat.agents(by, site.id).await?;
    let agents: Vec<_> = agents.into_iter().map(|(id, name)| json!({ "id": id, "name": name })).collect();
    let earlier = web.chat.told_conversations(&earlier).await?;
    let rooms = web.chat.public_rooms(by, site.id).await?;
    let rooms: Vec<_> = rooms.into_iter().map(|(id, name)| json!({ "id": id, "name": name })).collect();
    let shown =
        json!({ "conversation": told.first(), "earlier": earlier, "agents": agents, "public_rooms": rooms });
    Ok(Json(shown).into_response())
}

/// Sent again with the same id where no answer came.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saying {
    id: MessageId,
    words: String,
}

/// One thing at a time.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum DeedStated {
    Assign(Option<AccountId>),
    Close(bool),
    /// With words for the customer.
    CloseSaying(Saying),
    Reopen(bool),
    SnoozeUntil(Millis),
    Labels(Vec<String>),
    Verdict(Verdict),
    Block(bool),
    RevokeReplies(bool),
    Transcript(bool),
    Revoke(bool),
    /// Null: the question is taken back.
    Retell(Option<RetellStated>),
}

/// The public room, and what it is called there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RetellStated {
    room: RoomId,
    title: String,
}

/// `POST …/conversations/{room}`
pub async fn change(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Extension(site): Extension<Site>,
    Path((_, room)): Path<(String, String)>,
    request: Request,
) -> Answer {
    let room = room_named(&room)?;
    let deed = match read_json(&body(request).await?)? {
        DeedStated::Assign(agent) => Deed::Assign(agent),
        DeedStated::Close(true) | DeedStated::Reopen(false) => Deed::Close,
        DeedStated::CloseSaying(Saying { id, words }) => Deed::CloseSaying { id, words },
        DeedStated::Reopen(true) | DeedStated::Close(false) => Deed::Reopen,
        DeedStated::SnoozeUntil(until) => Deed::Snooze(until),
        DeedStated::Labels(labels) => {
            let problem = labels.iter().find_map(|label| unprintable(label));
            if let Some(problem) = problem {
                return Err(refused::field("labels", &problem).into());
            }
            Deed::Labels(labels)
        }
        DeedStated::Verdict(verdict) => Deed::Verdict(verdict),
        DeedStated::Block(blocked) => Deed::Block(blocked),
        DeedStated::Transcript(true) => {
            refuse_no_mail(&web)?;
            Deed::Transcript
        }
        DeedStated::Transcript(false) => {
            return Err(refused::field("transcript", "What was sent is sent.").into());
        }
        DeedStated::RevokeReplies(true) => Deed::RevokeReplies,
        DeedStated::RevokeReplies(false) => {
            return Err(refused::field("revoke_replies", "What was taken back is not given again.").into());
        }
        DeedStated::Revoke(true) => Deed::Revoke,
        DeedStated::Retell(None) => Deed::Retell(None),
        DeedStated::Retell(Some(RetellStated { room, title })) => {
            if let Some(problem) = unprintable(&title) {
                return Err(refused::field("title", &problem).into());
            }
            Deed::Retell(Some((room, title)))
        }
        DeedStated::Revoke(false) => {
            return Err(refused::field("revoke", "true: what is revoked is not given back.").into());
        }
    };
    let changed = web.chat.look_after(&caller.principal, site.id, room, deed).await?;
    told(&web, &changed).await
}

/// Where the server mails nobody.
pub fn refuse_no_mail(web: &Web) -> Result<(), Problem> {
    match web.options.mail {
        Some(_) => Ok(()),
        None => {
            let message = "This server sends no mail; its operator says with --mail how it could.";
            Err(Refusal::new(StatusCode::CONFLICT, "no_mail", message).into())
        }
    }
}

async fn told(web: &Web, conversation: &Conversation) -> Answer {
    let told = web.chat.told_conversations(std::slice::from_ref(conversation)).await?;
    Ok(Json(told.first()).into_response())
}

fn room_named(room: &str) -> Result<RoomId, Problem> {
    Ok(room.parse().map_err(|_| Refusal::not_found())?)
}

/// An answer that is kept ready; `{name}` in it is the customer's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CannedStated {
    name: String,
    text: String,
}

/// `GET …/canned`
pub async fn canned(State(web): State<Arc<Web>>, Extension(site): Extension<Site>) -> Answer {
    let all = web.store.saved.all(site.id).await?.into_iter();
    let canned: Vec<_> = all.filter(|item| item.kind == SavedKind::Canned).map(told_canned).collect();
    Ok(Json(json!({ "canned": canned })).into_response())
}

fn told_canned(item: SavedItem) -> serde_json::Value {
    json!({ "id": item.id, "name": item.name, "text": item.body })
}

/// `POST …/canned`: 201 and the answer.
pub async fn add_canned(
    State(web): State<Arc<Web>>,
    Extension(site): Extension<Site>,
    request: Request,
) -> Answer {
    let CannedStated { name, text } = read_json(&body(request).await?)?;
    let name = name.trim().to_owned();
    if let Some(problem) = name_problem(&name) {
        return Err(refused::field("name", &problem).into());
    }
    if text.trim().is_empty() {
        return Err(refused::field("text", "Fill this in.").into());
    }
    let now = web.clock.now();
    let id = secret::saved_id();
    let item = SavedItem { id, kind: SavedKind::Canned, name, body: text, at: None, created: now };
    web.store.saved.add(site.id, item.clone()).await?;
    Ok((StatusCode::CREATED, Json(told_canned(item))).into_response())
}

/// `POST …/canned/{saved}/remove`: 204.
pub async fn remove_canned(
    State(web): State<Arc<Web>>,
    Extension(site): Extension<Site>,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let id: SavedId = id.parse().map_err(|_| Refusal::not_found())?;
    let all = web.store.saved.all(site.id).await?;
    if !all.iter().any(|item| item.id == id && item.kind == SavedKind::Canned) {
        return Err(Refusal::not_found().into());
    }
    web.store.saved.remove(site.id, id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

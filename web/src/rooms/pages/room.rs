//! One room: what was said last, to be read without scripts; they take over where they run.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::IntoResponse;
use chat::Post;
use model::MessageId;
use model::chat::MessageKind;
use model::rights::Principal;
use store::chat::Place;

use super::super::messages::number;
use super::super::rows::{MessageRow, day_of, permalink, rows, zone_of};
use super::super::{At, said};
use super::{May, kind_name, open_shell};
use crate::error::Answer;
use crate::fields::Fields;
use crate::guard::Caller;
use crate::shell::{Done, Shell, found_page, go_to};
use crate::{Web, cookies, secret};

/// Messages of the first page.
const FIRST: usize = 60;
/// Of those, behind the one that is asked for.
const FIRST_BEHIND: u64 = 30;

#[derive(Template)]
#[template(path = "room.html")]
struct RoomPage {
    shell: Shell,
    id: String,
    name: String,
    topic: String,
    kind: &'static str,
    public: bool,
    locked: bool,
    me: String,
    may: May,
    /// Whose messages were said to customers first, they may look at those conversations.
    leads_back: bool,
    messages: Vec<MessageRow>,
    /// The day of the last message, for the transcript.
    day: Option<String>,
    has_earlier: bool,
    /// Where the transcript goes on behind these.
    later: Option<String>,
}

/// `GET /rooms/{room}?at=`: the end, or what is around the message of that number.
pub async fn show(
    State(web): State<Arc<Web>>,
    caller: Caller,
    at: At,
    done: Done,
    RawQuery(query): RawQuery,
) -> Answer {
    let seen = web.chat.room(&at.by, at.room).await?;
    let may = May(seen.may());
    // A reader from outside learns that it is there, and not what is said behind a lock.
    let end = number(query.as_deref(), "at")?.map(|number| number.saturating_add(FIRST_BEHIND));
    let place = end.filter(|end| *end <= seen.room.last).map_or(Place::End, Place::Before);
    let messages = match web.chat.page(&at.by, at.room, place, FIRST).await {
        Ok(page) => page.messages,
        Err(chat::Refused::Locked | chat::Refused::Forbidden) => Vec::new(),
        Err(refused) => return Err(refused.into()),
    };
    let room = seen.room;
    let name = said::name_of(&web, &room, at.by.who()).await?;
    let zone = zone_of(&room.zone);
    let later = messages.last().filter(|last| place != Place::End && last.number < room.last);
    let later = later.map(|last| permalink(room.id, last.number, &day_of(last.at, &zone)));
    let shell = open_shell(&name, &caller, &room).saying(&done);
    let is_public = shell.is_public;
    let shown = RoomPage {
        shell,
        id: room.id.to_string(),
        name,
        topic: room.topic.clone(),
        kind: kind_name(room.kind),
        public: room.public,
        locked: room.locked,
        me: at.by.who().map(|who| who.to_string()).unwrap_or_default(),
        messages: rows(&web, &room, may.see_people(), &messages).await?,
        may,
        leads_back: web.chat.leads_back(&at.by, room.site).await?,
        day: messages.last().map(|message| day_of(message.at, &zone)),
        later,
        has_earlier: messages.first().is_some_and(|first| first.number > 1),
    };
    Ok(found_page(&shown, is_public))
}

/// `POST /rooms/{room}`: comes in, leaves, or says something, for who has no scripts.
pub async fn submit(State(web): State<Arc<Web>>, at: At, fields: Fields) -> Answer {
    let here = format!("/rooms/{}", at.room);
    match fields.text("do") {
        "enter" => {
            web.chat.enter(&at.by, at.room).await?;
            Ok(go_to(&here))
        }
        "leave" => {
            web.chat.leave(&at.by, at.room).await?;
            match at.by {
                Principal::Guest { .. } => {
                    let gone = cookies::guest_gone(&web.options);
                    Ok(([(header::SET_COOKIE, gone)], go_to("/sign-in?done=left")).into_response())
                }
                _ => Ok(go_to("/rooms?done=left")),
            }
        }
        _ => {
            let id = MessageId(u128::from_le_bytes(secret::salt()));
            let body = fields.text("body").to_owned();
            let post = Post { id, kind: MessageKind::Text, body, thread: None, files: Vec::new() };
            web.chat.post(&at.by, at.room, post).await?;
            Ok(go_to(&format!("{here}#last")))
        }
    }
}

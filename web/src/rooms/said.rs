//! Rooms and messages as programs are told of them.

use std::collections::HashMap;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chat::told::{TellMessage, TellRoom};
use model::chat::{Message, Room, Who};
use serde::Serialize;

use crate::Web;
use crate::error::{Answer, Problem};

/// `names` are of everybody who is spoken of by id alone: who reacted, decided, was sent out.
#[derive(Serialize)]
struct Page<'p> {
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<TellRoom<'p>>,
    messages: Vec<TellMessage<'p>>,
    names: &'p HashMap<Who, String>,
}

/// `{"room", "messages", "names"}`, the room where it is one page of one.
pub async fn page(web: &Web, room: Option<&Room>, messages: &[Message]) -> Answer {
    let names = web.chat.names_in(messages).await?;
    let told = messages.iter().map(|message| TellMessage::of(message, &names)).collect();
    Ok(Json(Page { room: room.map(TellRoom::of), messages: told, names: &names }).into_response())
}

/// One message, and nothing around it.
pub async fn message(web: &Web, status: StatusCode, message: &Message) -> Answer {
    let names = web.chat.names_in(std::slice::from_ref(message)).await?;
    Ok((status, Json(TellMessage::of(message, &names))).into_response())
}

pub fn room(status: StatusCode, room: &Room) -> Response {
    (status, Json(TellRoom::of(room))).into_response()
}

pub fn done() -> Answer {
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What a room is called to somebody: a direct one by the others in it.
pub async fn name_of(web: &Web, room: &Room, me: Option<Who>) -> Result<String, Problem> {
    Ok(web.chat.called(room, me).await?)
}

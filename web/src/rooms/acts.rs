//! What somebody does to a message: edits, removes, reacts, decides, keeps; and what was done to it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use model::chat::{Change, Revised};
use serde::Deserialize;
use serde_json::json;

use super::messages::number;
use super::{At, said, stated};
use crate::Web;
use crate::error::Answer;

async fn changed(web: &Web, at: &At, change: Change) -> Answer {
    let message = web.chat.change(&at.by, at.room, at.number()?, change).await?;
    said::message(web, StatusCode::OK, &message).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EditStated {
    body: String,
}

/// `POST …/messages/{number}/edit` with `{"body"}`
pub async fn edit(State(web): State<Arc<Web>>, at: At, request: Request) -> Answer {
    let EditStated { body } = stated(request).await?;
    changed(&web, &at, Change::Edit { body, mentions: Vec::new() }).await
}

/// `POST …/messages/{number}/remove`: its place stays.
pub async fn remove(State(web): State<Arc<Web>>, at: At) -> Answer {
    changed(&web, &at, Change::Remove).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReactStated {
    emoji: String,
}

/// `POST …/messages/{number}/react` with `{"emoji"}`
pub async fn react(State(web): State<Arc<Web>>, at: At, request: Request) -> Answer {
    let ReactStated { emoji } = stated(request).await?;
    changed(&web, &at, Change::React { emoji }).await
}

/// `POST …/messages/{number}/unreact` with `{"emoji"}`
pub async fn unreact(State(web): State<Arc<Web>>, at: At, request: Request) -> Answer {
    let ReactStated { emoji } = stated(request).await?;
    changed(&web, &at, Change::Unreact { emoji }).await
}

/// `POST …/messages/{number}/decide`
pub async fn decide(State(web): State<Arc<Web>>, at: At) -> Answer {
    changed(&web, &at, Change::Decide).await
}

/// `POST …/messages/{number}/undecide`
pub async fn undecide(State(web): State<Arc<Web>>, at: At) -> Answer {
    changed(&web, &at, Change::Undecide).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CloseStated {
    #[serde(default)]
    note: String,
}

/// `POST …/messages/{number}/close` with or without `{"note"}`: said again, the note becomes another.
pub async fn close(State(web): State<Arc<Web>>, at: At, request: Request) -> Answer {
    let CloseStated { note } = stated(request).await?;
    changed(&web, &at, Change::Close { note: note.trim().to_owned() }).await
}

/// `POST …/messages/{number}/reopen`
pub async fn reopen(State(web): State<Arc<Web>>, at: At) -> Answer {
    changed(&web, &at, Change::Reopen).await
}

/// `POST …/messages/{number}/star`
pub async fn star(State(web): State<Arc<Web>>, at: At) -> Answer {
    web.chat.star(&at.by, at.room, at.number()?, true).await?;
    said::done()
}

/// `POST …/messages/{number}/unstar`
pub async fn unstar(State(web): State<Arc<Web>>, at: At) -> Answer {
    web.chat.star(&at.by, at.room, at.number()?, false).await?;
    said::done()
}

/// `GET …/messages/{number}/thread?after=`: the answers, in order.
pub async fn thread(State(web): State<Arc<Web>>, at: At, RawQuery(query): RawQuery) -> Answer {
    let after = number(query.as_deref(), "after")?.unwrap_or(0);
    let answers = web.chat.thread(&at.by, at.room, at.number()?, after).await?;
    said::page(&web, None, &answers).await
}

/// `GET …/messages/{number}/history`: what it was before, the oldest first.
pub async fn history(State(web): State<Arc<Web>>, at: At) -> Answer {
    let steps = web.chat.history(&at.by, at.room, at.number()?).await?;
    let names = web.chat.names(steps.iter().map(|step| step.by).collect()).await?;
    let told = steps.iter().map(|step| {
        let (what, body) = match &step.what {
            Revised::Edited(body) => ("edited", Some(body)),
            Revised::Decided => ("decided", None),
            Revised::Undecided => ("undecided", None),
            Revised::Closed(note) => ("closed", Some(note)),
            Revised::Reopened => ("reopened", None),
        };
        let name = chat::told::named(step.by, &names);
        json!({ "at": step.at, "by": step.by, "name": name, "what": what, "body": body })
    });
    let told: Vec<_> = told.collect();
    Ok(Json(json!({ "history": told })).into_response())
}

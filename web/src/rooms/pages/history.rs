//! What a message was before: its earlier words, and what was decided and closed about it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use chat::told::named;
use model::chat::Revised;

use super::super::rows::{MessageRow, rows};
use super::super::{At, said};
use super::shell;
use crate::Web;
use crate::error::Answer;
use crate::guard::Caller;
use crate::moment::Moment;
use crate::shell::{Shell, page};

#[derive(Template)]
#[template(path = "message_history.html")]
struct HistoryPage {
    shell: Shell,
    id: String,
    name: String,
    message: Vec<MessageRow>,
    /// The newest first.
    steps: Vec<Step>,
}

struct Step {
    name: String,
    at: Moment,
    did: &'static str,
    /// What it said until then, or the note of its closing.
    text: Option<String>,
}

/// `GET /rooms/{room}/messages/{number}/history`
pub async fn show(State(web): State<Arc<Web>>, caller: Caller, at: At) -> Answer {
    let number = at.number()?;
    let steps = web.chat.history(&at.by, at.room, number).await?;
    let message = web.chat.message(&at.by, at.room, number).await?;
    let room = web.chat.room(&at.by, at.room).await?.room;
    let names = web.chat.names(steps.iter().map(|step| step.by).collect()).await?;
    let step = |step: model::chat::Revision| {
        let (did, text) = match step.what {
            Revised::Edited(before) => ("edited it. Before that it said:", Some(before)),
            Revised::Decided => ("marked it as decided.", None),
            Revised::Undecided => ("took the decision back.", None),
            Revised::Closed(note) if note.is_empty() => ("closed the conversation.", None),
            Revised::Closed(note) => ("closed the conversation:", Some(note)),
            Revised::Reopened => ("reopened the conversation.", None),
        };
        Step { name: named(step.by, &names).to_owned(), at: step.at.into(), did, text }
    };
    let name = said::name_of(&web, &room, at.by.who()).await?;
    Ok(page(&HistoryPage {
        shell: shell(&format!("{name}, message {number}"), &caller),
        id: at.room.to_string(),
        name,
        message: rows(&web, &room, true, &[message]).await?,
        steps: steps.into_iter().rev().map(step).collect(),
    }))
}

//! What is said: posted, and read by place, by change, by day.

use std::sync::Arc;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{RawQuery, Request, State};
use axum::http::{StatusCode, header};
use bytes::Bytes;
use chat::Post;
use door::Refusal;
use jiff::civil::Date;
use model::chat::MessageKind;
use model::{FileId, MessageId, limits};
use serde::Deserialize;
use store::chat::Place;

use super::list::kind_of;
use super::{At, read_json, said};
use crate::Web;
use crate::error::{Answer, Problem};
use crate::reports::refused;
use crate::secret;
use crate::shell::query_value;

/// Bytes of the request that posts a message: JSON may write a byte as six.
pub const POST_BYTES_MAX: usize = 6 * limits::PASTE_BYTES_MAX + 1_024;
/// A body must arrive within this.
const BODY_WAIT_MAX: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PostStated {
    /// 32 hexadecimal digits. Without it the message is a new one however often it is sent.
    #[serde(default)]
    id: Option<MessageId>,
    #[serde(default)]
    kind: Option<String>,
    /// With files it may be left out.
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    files: Vec<FileId>,
    #[serde(default)]
    thread: Option<u64>,
}

/// `POST …/messages`: JSON, or the text itself as `text/plain` with `?id=`, `?kind=` and `?thread=`. 201, or 200 where it was posted before.
pub async fn post(
    State(web): State<Arc<Web>>,
    at: At,
    RawQuery(query): RawQuery,
    request: Request,
) -> Answer {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_text = content_type.is_some_and(|kind| kind.starts_with("text/plain"));
    let body = body(request).await?;
    let stated = match is_text {
        true => plain(query.as_deref(), &body)?,
        false => read_json(&body)?,
    };
    let kind = stated.kind.as_deref().map_or(Some(MessageKind::Text), kind_of);
    let kind = kind.ok_or_else(|| refused::query("kind", "text, paste or sound"))?;
    let id = stated.id.unwrap_or_else(|| MessageId(u128::from_le_bytes(secret::salt())));
    let body = match (stated.body, stated.files.is_empty()) {
        (Some(body), _) => body,
        (None, false) => String::new(),
        (None, true) => return Err(refused::field("body", "missing").into()),
    };
    let post = Post { id, kind, body, thread: stated.thread, files: stated.files };
    let posted = web.chat.post(&at.by, at.room, post).await?;
    let status = if posted.fresh { StatusCode::CREATED } else { StatusCode::OK };
    said::message(&web, status, &posted.message).await
}

fn plain(query: Option<&str>, body: &[u8]) -> Result<PostStated, Problem> {
    let text = std::str::from_utf8(body).map_err(|_| refused::query("", "the text is not UTF-8"))?;
    let number = |name: &str| match query_value(query, name) {
        None => Ok(None),
        Some(value) => value.parse().map(Some).map_err(|_| refused::query(name, "a number")),
    };
    let id = match query_value(query, "id") {
        None => None,
        Some(id) => Some(id.parse().map_err(|_| refused::query("id", "32 hexadecimal digits"))?),
    };
    // What a program prints ends its last line.
    let body = text.trim_end_matches(['\r', '\n']).to_owned();
    Ok(PostStated {
        id,
        kind: query_value(query, "kind"),
        body: Some(body),
        files: Vec::new(),
        thread: number("thread")?,
    })
}

async fn body(request: Request) -> Result<Bytes, Problem> {
    match tokio::time::timeout(BODY_WAIT_MAX, to_bytes(request.into_body(), POST_BYTES_MAX)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("A message is sent in at most {POST_BYTES_MAX} bytes."),
        )
        .into()),
        Err(_) => Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "slow_body",
            "The message did not arrive in time; try again.",
        )
        .into()),
    }
}

/// `GET …/messages?before=|after=&limit=`: without either the last ones.
pub async fn page(State(web): State<Arc<Web>>, at: At, RawQuery(query): RawQuery) -> Answer {
    let query = query.as_deref();
    let place = match (number(query, "before")?, number(query, "after")?) {
        (Some(_), Some(_)) => {
            return Err(refused::query("after", "there is `before` already").into());
        }
        (Some(before), None) => Place::Before(before),
        (None, Some(after)) => Place::After(after),
        (None, None) => Place::End,
    };
    let page = web.chat.page(&at.by, at.room, place, limit(query)?).await?;
    said::page(&web, Some(&page.room), &page.messages).await
}

/// `GET …/messages/{number}`
pub async fn message(State(web): State<Arc<Web>>, at: At) -> Answer {
    let message = web.chat.message(&at.by, at.room, at.number()?).await?;
    said::message(&web, StatusCode::OK, &message).await
}

/// `GET …/changes?after=&limit=`: what was touched behind a change. Asked on from the last one's `changed` until none comes.
pub async fn changes(State(web): State<Arc<Web>>, at: At, RawQuery(query): RawQuery) -> Answer {
    let query = query.as_deref();
    let after = number(query, "after")?.unwrap_or(0);
    let page = web.chat.catch_up(&at.by, at.room, after, limit(query)?).await?;
    said::page(&web, Some(&page.room), &page.messages).await
}

/// `GET …/days/{day}?after=`: a day of the transcript.
pub async fn day(State(web): State<Arc<Web>>, at: At, RawQuery(query): RawQuery) -> Answer {
    let day: Date = at.parsed("day")?;
    let after = number(query.as_deref(), "after")?.unwrap_or(0);
    let (page, _) = web.chat.day(&at.by, at.room, day, after).await?;
    said::page(&web, Some(&page.room), &page.messages).await
}

/// `GET …/decisions?before=`: the newest first.
pub async fn decisions(State(web): State<Arc<Web>>, at: At, RawQuery(query): RawQuery) -> Answer {
    let before = number(query.as_deref(), "before")?;
    let decided = web.chat.decisions(&at.by, at.room, before).await?;
    said::page(&web, None, &decided).await
}

/// A number of the query; None where it is not there.
pub fn number(query: Option<&str>, name: &str) -> Result<Option<u64>, Problem> {
    match query_value(query, name) {
        None => Ok(None),
        Some(value) => Ok(Some(value.parse().map_err(|_| refused::query(name, "a number"))?)),
    }
}

fn limit(query: Option<&str>) -> Result<usize, Problem> {
    let max = limits::MESSAGES_A_PAGE_MAX;
    let limit = number(query, "limit")?.map_or(max, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    match (1..=max).contains(&limit) {
        true => Ok(limit),
        false => Err(refused::query("limit", format!("a number from 1 to {max}")).into()),
    }
}

//! Rooms by HTTP: who asks, what they send, how it is told. What somebody may is decided by `chat`, at every call.

mod acts;
pub(crate) mod bot_hooks;
mod bots;
mod export;
mod files;
mod guests;
mod list;
mod members;
mod messages;
mod one;
pub(crate) mod pages;
mod releases;
mod rows;
mod said;
mod screen;

pub(crate) use acts::{
    close, decide, edit, history, react, remove, reopen, star, thread, undecide, unreact, unstar,
};
pub(crate) use bots::{add as add_bot, list as bots, remove as remove_bot};
pub(crate) use export::export;
pub(crate) use files::{get as file, send as send_file};
pub(crate) use guests::{link, marks_of, remove_link, set_link, show as knock, submit as come_in};
pub(crate) use list::{all, direct, open, search, stars};
pub(crate) use members::{ban, bans, bring, kick, people, set_role, unban};
#[cfg(test)]
pub(crate) use messages::POST_BYTES_MAX;
pub(crate) use messages::{changes, day, decisions, message, page, post};
pub(crate) use one::{change, demolish, doing, enter, leave, notify, read, show};
pub(crate) use releases::{forget, list as releases};
pub(crate) use rows::{FixRow, MessageRow, day_of, in_zone, rows as message_rows, zone_of};
pub(crate) use screen::signal;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use chat::Refused;
use door::{ClientAddress, Refusal};
use model::RoomId;
use model::chat::Who;
use model::rights::Principal;
use serde::de::DeserializeOwned;
use store::StoreError;

use crate::Web;
use crate::error::Problem;
use crate::fields::body;
use crate::guard::Caller;
use crate::reports::{question, refused};

/// Somebody at a room, and whatever else the path names.
pub(crate) struct At {
    pub by: Principal,
    pub room: RoomId,
    named: Vec<(String, String)>,
}

impl At {
    /// The message that the path names.
    fn number(&self) -> Result<u64, Problem> {
        self.parsed("number")
    }

    /// The person that the path names.
    fn person(&self) -> Result<Who, Problem> {
        self.parsed("who")
    }

    fn parsed<T: std::str::FromStr>(&self, name: &str) -> Result<T, Problem> {
        let found = self.named.iter().find(|(key, _)| key == name);
        let parsed = found.and_then(|(_, value)| value.parse().ok());
        Ok(parsed.ok_or_else(Refusal::not_found)?)
    }
}

impl FromRequestParts<Arc<Web>> for At {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<At, Problem> {
        let by = Somebody::from_request_parts(parts, web).await?.0;
        let params = RawPathParams::from_request_parts(parts, web).await;
        let params = params.map_err(|_| Refusal::not_found())?;
        let named = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let at = At { by, room: RoomId::of(0), named };
        Ok(At { room: at.parsed("room")?, ..at })
    }
}

/// Whoever asks about rooms, within the rate of one.
pub(crate) struct Somebody(pub Principal);

impl FromRequestParts<Arc<Web>> for Somebody {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Somebody, Problem> {
        let by = Caller::from_request_parts(parts, web).await?.principal;
        let now = web.clock.now();
        let taken = match by {
            Principal::Stranger => {
                let address = parts.extensions.get::<ClientAddress>();
                let address = address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.0);
                web.stranger_rate.take_from(address, now)
            }
            _ => web.room_rate.take(&by, 1, now),
        };
        taken.map_err(refused::too_much)?;
        Ok(Somebody(by))
    }
}

/// The JSON that was sent; no body is as good as an empty object.
async fn stated<T: DeserializeOwned>(request: Request) -> Result<T, Problem> {
    read_json(&body(request).await?)
}

pub(crate) fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let body = if body.is_empty() { b"{}" } else { body };
    let stated: serde_json::Value = serde_json::from_slice(body)
        .map_err(|error| Refusal::bad_request("malformed", format!("The body is not JSON: {error}.")))?;
    Ok(question::read(stated)?)
}

/// Somebody as they are named to us: by id, or an account by its e-mail address.
async fn named(web: &Web, by: &Principal, text: &str) -> Result<Who, Problem> {
    match text.parse() {
        Ok(who) => Ok(who),
        Err(_) => Ok(web.chat.addressed(by, text).await?),
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Problem {
        let message = refused.to_string();
        let (status, code) = match refused {
            Refused::NotFound => return Refusal::not_found().into(),
            Refused::Unknown => return Refusal::sign_in().into(),
            Refused::Unavailable(cause) => return StoreError::Unavailable(cause).into(),
            Refused::Forbidden | Refused::Barred | Refused::Password => {
                (StatusCode::FORBIDDEN, refused.code())
            }
            Refused::Locked | Refused::Limit { .. } | Refused::Conflict(_) => {
                (StatusCode::CONFLICT, refused.code())
            }
            Refused::Invalid(_) => (StatusCode::BAD_REQUEST, refused.code()),
        };
        Refusal::new(status, code, message).into()
    }
}

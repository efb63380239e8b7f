//! Who is in a room, who is brought in, sent out and kept out.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use chat::told::{TellMember, named as name_of};
use model::chat::{RoomRole, Who};
use serde::Deserialize;
use serde_json::json;

use super::{At, named, said, stated};
use crate::Web;
use crate::error::Answer;

/// `GET …/members`
pub async fn people(State(web): State<Arc<Web>>, at: At) -> Answer {
    let members = web.chat.members(&at.by, at.room).await?;
    let names = web.chat.names(members.iter().map(|member| member.who).collect()).await?;
    let told: Vec<TellMember> = members.iter().map(|member| TellMember::of(member, &names)).collect();
    Ok(Json(json!({ "members": told })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BringStated {
    who: String,
}

/// `POST …/members` with `{"who": id or e-mail}`
pub async fn bring(State(web): State<Arc<Web>>, at: At, request: Request) -> Answer {
    let BringStated { who } = stated(request).await?;
    // Who may not bring anybody does not learn who has an account.
    web.chat.seen(&at.by, at.room, model::chat::rights::RoomAction::Bring).await?;
    let who = named(&web, &at.by, &who).await?;
    web.chat.bring(&at.by, at.room, who).await?;
    said::done()
}

/// `POST …/members/{who}/kick`
pub async fn kick(State(web): State<Arc<Web>>, at: At) -> Answer {
    web.chat.kick(&at.by, at.room, at.person()?).await?;
    said::done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BanStated {
    seconds: u64,
}

/// `POST …/members/{who}/ban` with `{"seconds"}`
pub async fn ban(State(web): State<Arc<Web>>, at: At, request: Request) -> Answer {
    let BanStated { seconds } = stated(request).await?;
    web.chat.ban(&at.by, at.room, at.person()?, Duration::from_secs(seconds)).await?;
    said::done()
}

/// `POST …/members/{who}/unban`
pub async fn unban(State(web): State<Arc<Web>>, at: At) -> Answer {
    web.chat.unban(&at.by, at.room, at.person()?).await?;
    said::done()
}

/// `GET …/bans`: one line a person, though a ban has several marks.
pub async fn bans(State(web): State<Arc<Web>>, at: At) -> Answer {
    let mut bans = web.chat.bans(&at.by, at.room).await?;
    bans.sort_by_key(|ban| (ban.who, std::cmp::Reverse(ban.until)));
    bans.dedup_by_key(|ban| ban.who);
    let people = bans.iter().flat_map(|ban| [ban.who, ban.by]);
    let names = web.chat.names(people.collect()).await?;
    let told = bans.iter().map(|ban| {
        let named = |who: Who| name_of(who, &names).to_owned();
        json!({
            "who": ban.who, "name": named(ban.who), "by": ban.by, "by_name": named(ban.by), "until": ban.until,
        })
    });
    let told: Vec<_> = told.collect();
    Ok(Json(json!({ "bans": told })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleStated {
    role: RoomRole,
}

/// `POST …/members/{who}/role` with `{"role": "member" | "host"}`
pub async fn set_role(State(web): State<Arc<Web>>, at: At, request: Request) -> Answer {
    let RoleStated { role } = stated(request).await?;
    web.chat.set_role(&at.by, at.room, at.person()?, role).await?;
    said::done()
}

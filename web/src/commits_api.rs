//! `GET /api/watchfire/sites/{site}/commits`: what charts of a site mark, of the rooms that the reader may read.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, RawQuery, State};
use axum::response::IntoResponse;
use chat::Charted;
use door::Refusal;
use model::rights::Principal;
use model::{Millis, Site};
use serde_json::{Value, json};

use crate::Web;
use crate::error::{Answer, Problem};
use crate::guard::Caller;
use crate::reports::refused;
use crate::shell::query_value;

/// `?from=&to=` in milliseconds since 1970, both or either. Not for who has a share link: what rooms are told is for whoever reads them.
pub async fn list(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Extension(site): Extension<Site>,
    RawQuery(query): RawQuery,
) -> Answer {
    if matches!(caller.principal, Principal::Share { .. }) {
        return Err(Refusal::not_found().into());
    }
    let from = moment(query.as_deref(), "from")?.unwrap_or(Millis(0));
    let to = moment(query.as_deref(), "to")?.unwrap_or(Millis(i64::MAX));
    let (found, more) = web.chat.charted(&caller.principal, site.id, (from, to)).await?;
    let commits: Vec<Value> = found.iter().map(told).collect();
    Ok(Json(json!({ "commits": commits, "more": more })).into_response())
}

fn moment(query: Option<&str>, name: &'static str) -> Result<Option<Millis>, Problem> {
    let Some(text) = query_value(query, name).filter(|text| !text.is_empty()) else { return Ok(None) };
    let moment = text.parse().map_err(|_| refused::query(name, "milliseconds since 1970"))?;
    Ok(Some(Millis(moment)))
}

fn told(charted: &Charted) -> Value {
    let Charted { at, repository, branch, commit, room, number } = charted;
    json!({
        "at": at,
        "repository": repository,
        "branch": branch,
        "commit": commit,
        "room": room,
        "number": number,
        "href": number.map(|number| format!("/rooms/{room}/messages/{number}")),
    })
}

//! Releases by HTTP, as the pages of releases show them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, Request, State};
use axum::response::IntoResponse;
use chat::Released;
use door::Refusal;
use model::chat::NamedCommit;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{At, said, stated};
use crate::Web;
use crate::error::Answer;
use crate::shell::query_value;

/// Releases of one answer, the newest first, and commits of one of them, the newest.
pub const RELEASES_MAX: usize = 100;
pub const COMMITS_MAX: usize = 200;

/// `GET …/releases?repository=`: the repositories that the room knows of; of one that is named, its releases and what is in none.
pub async fn list(State(web): State<Arc<Web>>, at: At, RawQuery(query): RawQuery) -> Answer {
    let repositories = web.chat.repositories(&at.by, &[at.room]).await?;
    let names: Vec<&String> = repositories.keys().collect();
    let wanted = query_value(query.as_deref(), "repository").filter(|name| !name.is_empty());
    let Some(repository) = wanted else {
        return Ok(Json(json!({ "repositories": names })).into_response());
    };
    let rooms = repositories.get(&repository).ok_or_else(Refusal::not_found)?;
    let known = web.chat.known(&at.by, rooms, &repository).await?;
    let releases: Vec<Value> = known.releases.iter().take(RELEASES_MAX).map(told).collect();
    Ok(Json(json!({
        "repositories": names,
        "repository": repository,
        "releases": releases,
        "unreleased": commits(&known.unreleased),
    }))
    .into_response())
}

fn told(release: &Released) -> Value {
    json!({
        "tag": release.tag.tag,
        "name": release.tag.name,
        "link": release.tag.link,
        "at": release.at,
        "known": release.known,
        "count": release.commits.len(),
        "commits": commits(&release.commits),
    })
}

fn commits(commits: &[NamedCommit]) -> Vec<&NamedCommit> {
    commits.iter().rev().take(COMMITS_MAX).collect()
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Forgotten {
    repository: String,
}

/// `POST …/releases/forget` with `repository`.
pub async fn forget(State(web): State<Arc<Web>>, at: At, request: Request) -> Answer {
    let Forgotten { repository } = stated(request).await?;
    web.chat.forget_repository(&at.by, at.room, &repository).await?;
    said::done()
}

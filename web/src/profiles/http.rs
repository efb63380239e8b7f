//! Profiles as programs ask for them: lists, one person, one visitor, and the end of a person's data.

use std::sync::Arc;

use archive::Whom;
use axum::Json;
use axum::extract::{Extension, Path, RawQuery, Request, State};
use axum::response::IntoResponse;
use history::query::Bots;
use history::report::people::{PEOPLE_MAX, People, TRAIL_VISITS_MAX, Whose};
use model::{Site, limits};
use serde::Deserialize;
use serde_json::json;

use super::said::{ListSaid, ProfileSaid};
use super::{Params, erase_all, found, profile, visitor_in};
use crate::Web;
use crate::error::Answer;
use crate::fields::json;
use crate::guard::Caller;
use crate::reports::question::read;
use crate::reports::{json_of, refused};

/// `GET /api/watchfire/sites/{site}/profiles?search=&bots=&offset=&limit=`: the last seen first.
pub async fn list(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Extension(site): Extension<Site>,
    RawQuery(query): RawQuery,
) -> Answer {
    let params = Params::read(query.as_deref(), &["search", "bots", "offset", "limit"], PEOPLE_MAX)?;
    let Params { search, bots, offset, limit, .. } = params;
    let found = found(&web, &caller, &site, People { search, bots, offset, limit }).await?;
    json_of(ListSaid::of(web.clock.now(), offset, found)).await
}

/// `GET /api/watchfire/sites/{site}/profiles/person?identity=&bots=&offset=&limit=`
pub async fn person(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Extension(site): Extension<Site>,
    RawQuery(query): RawQuery,
) -> Answer {
    let params = Params::read(query.as_deref(), &["identity", "bots", "offset", "limit"], TRAIL_VISITS_MAX)?;
    let whose = Whose::Person(params.identity.clone());
    let profile = profile(&web, &caller, &site, whose, &params).await?;
    json_of(ProfileSaid::of(web.clock.now(), params.offset, profile)).await
}

/// `GET /api/watchfire/sites/{site}/visitors/{visitor}?offset=&limit=`: whatever they were judged.
pub async fn visitor(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Extension(site): Extension<Site>,
    Path((_, visitor)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Answer {
    let params = Params::read(query.as_deref(), &["offset", "limit"], TRAIL_VISITS_MAX)?;
    let params = Params { bots: Bots::With, ..params };
    let whose = Whose::Visitor(visitor_in(&visitor)?);
    let profile = profile(&web, &caller, &site, whose, &params).await?;
    json_of(ProfileSaid::of(web.clock.now(), params.offset, profile)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    identity: String,
}

/// `POST /api/watchfire/sites/{site}/profiles/erase` with `{"identity"}`: answers how many visits and hits it was.
pub async fn erase(
    State(web): State<Arc<Web>>,
    Extension(site): Extension<Site>,
    request: Request,
) -> Answer {
    let Stated { identity } = read(json(request).await?)?;
    if identity.is_empty() || identity.len() > limits::IDENTITY_BYTES_MAX {
        let problem = format!("from 1 to {} bytes", limits::IDENTITY_BYTES_MAX);
        return Err(refused::query("identity", problem).into());
    }
    let erased = erase_all(&web, &site, Whom::Person(identity)).await?;
    Ok(Json(json!({ "visits": erased.visits, "hits": erased.hits })).into_response())
}

//! One visitor's data goes from a site's history, for good.

use std::sync::Arc;

use archive::Whom;
use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::response::IntoResponse;
use door::Refusal;
use model::{Site, VisitorId};
use serde_json::json;

use crate::Web;
use crate::error::Answer;
use crate::profiles::erase_all;

/// `POST /api/watchfire/sites/{site}/visitors/{visitor}/erase`: all that was received so far. Answers how many visits and hits it was;
/// none where the history has nothing of such a visitor.
pub async fn submit(
    State(web): State<Arc<Web>>,
    Extension(site): Extension<Site>,
    Path((_, visitor)): Path<(String, String)>,
) -> Answer {
    let visitor: VisitorId = visitor.parse().map_err(|_| Refusal::not_found())?;
    let erased = erase_all(&web, &site, Whom::Visitor(visitor)).await?;
    Ok(Json(json!({ "visits": erased.visits, "hits": erased.hits })).into_response())
}

//! `GET /api/watchfire/sites/{site}/properties`: which properties the site's events have.

use std::sync::Arc;

use archive::Asked;
use axum::Json;
use axum::extract::{Extension, RawQuery, State};
use axum::response::IntoResponse;
use history::query::Bots;
use history::report::properties;
use history::zone::Zone;
use model::Site;
use serde_json::{Value, json};

use super::http::limit_rate;
use super::range::Range;
use super::refused;
use crate::Web;
use crate::error::Answer;
use crate::guard::Caller;
use crate::shell::query_value;

/// With `?range=` and a preset, by default the last 90 days. The most frequent first, `PROPERTIES_TOLD_MAX` at most.
pub async fn list(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Extension(site): Extension<Site>,
    RawQuery(query): RawQuery,
) -> Answer {
    limit_rate(&web, &caller, 1)?;
    let preset = query_value(query.as_deref(), "range").unwrap_or_else(|| "90d".to_owned());
    let range: Range =
        serde_json::from_value(json!(preset)).map_err(|error| refused::query("range", error))?;
    let now = web.clock.now();
    let zone = Zone::named(&site.time_zone).map_err(|bad| refused::archive(bad.into()))?;
    let span = match range.is_all() {
        true => (i64::MIN, i64::MAX),
        false => range.span(&zone, now, None).map(|span| (span.from, span.to))?,
    };
    let ask = move |on: &Asked<'_>| properties(on.parts, span, Bots::Without, on.control);
    let found = web.archive.ask(&site, span, ask).await.map_err(refused::archive)?;
    let told: Vec<Value> =
        found.into_iter().map(|(name, events)| json!({ "name": name, "events": events })).collect();
    Ok(Json(json!({ "at": now.0, "properties": told })).into_response())
}

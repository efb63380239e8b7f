//! `GET /api/watchfire/sites/{site}/reports/export`: one question's answer as a file.

use std::sync::Arc;

use axum::extract::{Extension, RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use door::Refusal;
use model::Site;
use serde_json::Value;

use super::http::{answer_of, json_of, limit_rate, one};
use super::question::short;
use super::said::Answer as Said;
use super::{Table, Told, refused};
use crate::Web;
use crate::error::{Answer, Problem};
use crate::guard::Caller;
use crate::shell::query_value;

/// Bytes of the question.
pub const QUESTION_BYTES_MAX: usize = 8_192;
/// Rows where the question does not say how many.
const ROWS: usize = 10_000;

/// `?format=csv|json&q=QUESTION`
pub async fn file(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Extension(site): Extension<Site>,
    RawQuery(query): RawQuery,
) -> Answer {
    let value = |name| query_value(query.as_deref(), name);
    let format = value("format").unwrap_or_else(|| "csv".to_owned());
    if !["csv", "json"].contains(&format.as_str()) {
        return Err(refused::query(
            "format",
            format!("there is no `{}`; there are csv, json", short(&format)),
        )
        .into());
    }
    let stated = question(&value("q").unwrap_or_default())?;
    limit_rate(&web, &caller, 1)?;
    let told = one(&web, &caller, &site, stated).await?;
    let name = name(&site, &told, &format);
    let response = match format.as_str() {
        "json" => json_of(told).await?,
        _ => csv(told).await?,
    };
    Ok(attached(response, &name))
}

fn question(text: &str) -> Result<Value, Problem> {
    if text.len() > QUESTION_BYTES_MAX {
        return Err(refused::limit("q", "bytes", QUESTION_BYTES_MAX).into());
    }
    let mut stated: Value = serde_json::from_str(text).map_err(|error| {
        Problem(Refusal::bad_request("malformed", format!("`q` is not a question in JSON: {error}.")))
    })?;
    if let Some(fields) =
        stated.as_object_mut().filter(|fields| fields.get("kind") == Some(&"breakdown".into()))
    {
        let is_series = fields.get("bucket").is_some_and(|bucket| !bucket.is_null());
        if !is_series {
            fields.entry("limit").or_insert(ROWS.into());
        }
    }
    Ok(stated)
}

async fn csv(told: Told) -> Answer {
    let text = tokio::task::spawn_blocking(move || Table::of(&told.answer).csv()).await;
    let text = text.map_err(|error| refused::archive(error.into()))?;
    Ok(answer_of(text.into_bytes(), "text/csv; charset=utf-8"))
}

/// Of letters, digits and hyphens alone.
fn name(site: &Site, told: &Told, format: &str) -> String {
    let kind = match &told.answer {
        Said::Breakdown(_) => "report",
        Said::Funnel(_) => "funnel",
        Said::Retention(_) => "retention",
        Said::Journeys(_) => "journeys",
    };
    let range = told.answer.range();
    let day = range.begin.get(..10).unwrap_or("");
    format!("watchfire-{}-{kind}-{day}.{format}", site.id)
}

fn attached(mut response: Response, name: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

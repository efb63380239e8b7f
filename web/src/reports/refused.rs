//! What is answered where there is no report: which field is to blame, or which limit was met.

use std::time::Duration;

use archive::ArchiveError;
use axum::http::StatusCode;
use door::Refusal;
use history::query::BadQuery;
use history::report::ReportError;
use serde::de::{DeserializeOwned, IntoDeserializer};

/// How long whoever met a full house is told to wait.
const BUSY_WAIT: Duration = Duration::from_secs(2);
/// How long whoever came while a site's history was behind is told to wait.
const BEHIND_WAIT: Duration = Duration::from_secs(30);

/// A question that cannot be answered, by a field of it.
pub fn query(field: &str, problem: impl std::fmt::Display) -> Refusal {
    let message = match field {
        "" | "." => format!("The question: {problem}."),
        field => format!("`{field}`: {problem}."),
    };
    Refusal::bad_request("query", message).with("field", field.into())
}

/// A field that a sentence is to be said of.
pub fn field(field: &str, sentence: &str) -> Refusal {
    Refusal::bad_request("query", format!("`{field}`: {sentence}")).with("field", field.into())
}

/// One of some words, as JSON has them too; `words` names them.
pub fn worded<T: DeserializeOwned>(field: &str, value: &str, words: &str) -> Result<T, Refusal> {
    T::deserialize(value.into_deserializer()).map_err(|_: serde::de::value::Error| query(field, words))
}

/// More than a named maximum.
pub fn limit(field: &str, what: &str, max: usize) -> Refusal {
    query(field, format!("at most {max} {what}"))
}

/// To whoever does more at once than they may.
pub fn too_much(wait: Duration) -> Refusal {
    let message = "You do too much at once; go on in a moment.";
    Refusal::new(StatusCode::TOO_MANY_REQUESTS, "rate", message).retry_after(wait)
}

/// What the engine refuses.
pub fn report(error: ReportError) -> Refusal {
    match error {
        // What a history holds decides whether these are met.
        ReportError::Query(BadQuery::Limit { what, max }) => Refusal::bad_request(
            "limit",
            format!("At most {max} {what}: ask for a shorter range, another breakdown, or with a filter."),
        ),
        ReportError::Query(bad) => query("", bad),
        ReportError::Memory { .. } => Refusal::bad_request("memory", sentence(&error)),
        ReportError::Stopped => too_long("The report was stopped: ask for a shorter range or fewer groups."),
        ReportError::Segment(broken) => failed(&broken),
    }
}

/// What the archive refuses.
pub fn archive(error: ArchiveError) -> Refusal {
    let message = sentence(&error);
    match error {
        ArchiveError::Store(error) => error.into(),
        ArchiveError::Report(error) => report(error),
        ArchiveError::TooLong { .. } => too_long(message),
        ArchiveError::Busy { .. } => {
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message).retry_after(BUSY_WAIT)
        }
        ArchiveError::Behind { .. } | ArchiveError::Restless(_) => {
            tracing::warn!(%message, "a report found no history to stand on");
            Refusal::unavailable(BEHIND_WAIT)
        }
        other => failed(&other),
    }
}

fn too_long(message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too_long", message)
}

fn failed(cause: &dyn std::fmt::Display) -> Refusal {
    tracing::error!(%cause, "a report failed");
    Refusal::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "failed",
        "The report failed on this server; its log says why. Try again in a moment.",
    )
}

fn sentence(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

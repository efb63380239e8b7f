//! The one shape of an HTTP error: a status, a stable code, and a sentence that says what to do.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use store::{Denied, StoreError};

/// An answer that is no success. Body: `{"error":{"code":"…","message":"…"}}`, and what `with` adds beside.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub status: StatusCode,
    /// Stable; `docs/protocol.md` lists them.
    pub code: &'static str,
    /// A sentence for a person; never a secret, an address or an internal cause.
    pub message: String,
    pub retry_after: Option<Duration>,
    /// Further fields of the body.
    more: Vec<(&'static str, serde_json::Value)>,
}

impl Refusal {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { status, code, message: message.into(), retry_after: None, more: Vec::new() }
    }

    pub fn bad_request(code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// The same answer for "there is none" and "not yours".
    pub fn not_found() -> Refusal {
        Refusal::new(StatusCode::NOT_FOUND, "not_found", "There is nothing here, or it is not yours.")
    }

    pub fn sign_in() -> Refusal {
        Refusal::new(StatusCode::UNAUTHORIZED, "sign_in", "Sign in, or send a valid token.")
    }

    pub fn unavailable(retry_after: Duration) -> Refusal {
        let mut refusal = Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "The server cannot do this right now. Try again in a moment.",
        );
        refusal.retry_after = Some(retry_after);
        refusal
    }

    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Refusal {
        self.retry_after = Some(wait);
        self
    }
}

impl Refusal {
    /// Adds a field to the body, beside `error`.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: serde_json::Value) -> Refusal {
        self.more.push((name, value));
        self
    }

    /// As it is answered.
    pub fn body(self) -> serde_json::Value {
        let mut body = serde_json::json!({ "error": { "code": self.code, "message": self.message } });
        for (name, value) in self.more {
            body[name] = value;
        }
        body
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, retry_after) = (self.status, self.retry_after);
        let mut response = (status, Json(self.body())).into_response();
        if let Some(wait) = retry_after {
            let seconds = wait.as_secs_f64().ceil().max(1.0) as u64;
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Refusal {
        match denied {
            Denied::Unknown => Refusal::sign_in(),
            Denied::Forbidden => Refusal::not_found(),
            Denied::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Refusal {
        match error {
            StoreError::NotFound(_) => Refusal::not_found(),
            StoreError::Conflict(what) => Refusal::new(StatusCode::CONFLICT, "conflict", what),
            StoreError::Limit { what, max } => Refusal::new(
                StatusCode::CONFLICT,
                "limit",
                format!("At most {max} {what}. Remove one first."),
            ),
            StoreError::Unavailable(cause) => {
                tracing::error!(error = format!("{cause:#}"), "store unavailable");
                Refusal::unavailable(Duration::from_secs(5))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn every_error_has_one_shape() {
        let refusal =
            Refusal::bad_request("no_hits", "`hits` holds at least one \"hit\".").with("more", 1.into());
        let response = refusal.into_response();
        assert_eq!(
            (response.status(), response.headers().get(header::RETRY_AFTER)),
            (StatusCode::BAD_REQUEST, None)
        );
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let expected =
            r#"{"error":{"code":"no_hits","message":"`hits` holds at least one \"hit\"."},"more":1}"#;
        assert_eq!(body, expected);
    }

    #[test]
    fn whoever_is_to_wait_is_told_whole_seconds_at_least_one() {
        let check = |wait: f64, expected: &str| {
            let response = Refusal::unavailable(Duration::from_secs_f64(wait)).into_response();
            assert_eq!(response.headers()[header::RETRY_AFTER], expected, "{wait}");
        };
        check(0.0, "1");
        check(0.2, "1");
        check(1.0, "1");
        check(1.001, "2");
    }

    #[test]
    fn a_stranger_cannot_tell_nothing_from_not_yours() {
        let answer = |refusal: Refusal| (refusal.status, refusal.code, refusal.message);
        assert_eq!(answer(Denied::Forbidden.into()), answer(StoreError::NotFound("site").into()));
        assert_eq!(Refusal::from(Denied::Unknown).status, StatusCode::UNAUTHORIZED);
        let hidden = Refusal::from(StoreError::Unavailable(anyhow::anyhow!("/var/secret.db is locked")));
        assert_eq!(hidden.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(!hidden.message.contains("secret"));
    }
}

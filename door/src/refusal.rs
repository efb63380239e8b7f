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
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = serde_json::json!({ "error": { "code": self.code, "message": self.message } });
        for (name, value) in self.more {
            body[name] = value;
        }
        let mut response = (self.status, Json(body)).into_response();
        if let Some(wait) = self.retry_after {
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

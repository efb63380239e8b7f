//! What a sender is answered: the receipt of its hits, or why they were not taken. `docs/protocol.md` lists the codes.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use door::Refusal;
use model::{BatchId, limits};
use observe::trace;

use crate::gather::NotTaken;
use crate::options::BODY_TIMEOUT;
use crate::rates::TooFast;
use crate::request::{Refused, Unreadable};

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// What became of a request's hits.
#[derive(Default)]
pub(crate) struct Receipt {
    pub(crate) accepted: usize,
    pub(crate) ignored: usize,
    pub(crate) refused: Vec<Refused>,
    /// The tag brings the chat with it.
    pub(crate) chat: bool,
    /// That the first of its hits went into.
    pub(crate) batch: Option<BatchId>,
}

impl IntoResponse for Receipt {
    fn into_response(self) -> Response {
        let body = if self.ignored == 0 && self.refused.is_empty() {
            format!("{{\"accepted\":{}}}", self.accepted)
        } else {
            self.in_full().to_string()
        };
        // To the tag both say the same; the second that it loads the chat, too. A status costs it fewer bytes than a body.
        let status = if self.chat { StatusCode::NON_AUTHORITATIVE_INFORMATION } else { StatusCode::ACCEPTED };
        let mut response = (status, body).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(trace) = self.batch.filter(|_| trace::is_heard()).and_then(server_timing) {
            response.headers_mut().insert(SERVER_TIMING, trace);
        }
        response
    }
}

/// By which whoever sees the answer finds the trace of what was sent.
fn server_timing(batch: BatchId) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("traceparent;desc=\"{}\"", trace::parent(batch))).ok()
}

impl Receipt {
    fn in_full(&self) -> serde_json::Value {
        let mut body = serde_json::json!({ "accepted": self.accepted });
        if self.ignored > 0 {
            body["ignored"] = self.ignored.into();
        }
        if !self.refused.is_empty() {
            body["refused"] = serde_json::json!(self.refused);
        }
        body
    }
}

/// None of the hits is good: the code of the first, and all of them by index.
pub(crate) fn no_good_hit(refused: Vec<Refused>) -> Refusal {
    let (code, message) = match refused.first() {
        Some(first) => (first.code, format!("No hit could be taken. The first: {}", first.message)),
        None => ("no_hits", "No hit could be taken.".to_owned()),
    };
    Refusal::bad_request(code, message).with("refused", serde_json::json!(refused))
}

pub(crate) fn unreadable(unreadable: Unreadable) -> Refusal {
    match unreadable {
        Unreadable::Malformed(message) => Refusal::bad_request("malformed", message),
        Unreadable::NoHits => Refusal::bad_request("no_hits", "`hits` holds at least one hit."),
        Unreadable::TooManyHits => Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_many_hits",
            format!("A request holds at most {} hits.", limits::HITS_A_REQUEST_MAX),
        ),
    }
}

pub(crate) fn body_too_large() -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        format!("A request holds at most {} bytes; send fewer hits at once.", limits::HITS_BODY_BYTES_MAX),
    )
}

pub(crate) fn slow_body() -> Refusal {
    let message = format!("The body did not arrive within {} s.", BODY_TIMEOUT.as_secs());
    Refusal::new(StatusCode::REQUEST_TIMEOUT, "slow_body", message)
}

pub(crate) fn unknown_site() -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "unknown_site",
        "There is no such site here. Compare data-site with the tag page.",
    )
}

pub(crate) fn may_not_state() -> Refusal {
    Refusal::new(
        StatusCode::FORBIDDEN,
        "token",
        "Stating `address` or `agent` takes a token that may state senders, of the operator, for this site.",
    )
}

pub(crate) fn too_fast(too_fast: TooFast) -> Refusal {
    let (code, message, wait) = match too_fast {
        TooFast::Visitor(wait) => ("visitor_rate", "This visitor sends too many hits.", wait),
        TooFast::Site(wait) => ("site_rate", "This site sends too many hits.", wait),
    };
    Refusal::new(StatusCode::TOO_MANY_REQUESTS, code, message).retry_after(wait)
}

pub(crate) fn not_taken(not_taken: NotTaken) -> Refusal {
    match not_taken {
        NotTaken::Full { retry_after } => Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "bus_full",
            "Too much is on its way already. Send the same hits again in a moment.",
        )
        .retry_after(retry_after),
        NotTaken::Unavailable => Refusal::unavailable(Duration::from_secs(2)),
    }
}

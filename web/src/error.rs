//! What goes wrong, as a page for browsers and as JSON for programs. One shape inside: `door::Refusal`.

use std::time::Duration;

use askama::Template;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use door::Refusal;
use store::{Denied, StoreError};

use crate::passwords::Busy;
use crate::shell::{Shell, ShellAccount, page};

/// An answer that is no success; becomes a page or JSON in `dress`.
#[derive(Debug)]
pub struct Problem(pub Refusal);

pub type Answer = Result<Response, Problem>;

macro_rules! from_refusal {
    ($($error:ty),*) => {
        $(impl From<$error> for Problem {
            fn from(error: $error) -> Problem {
                Problem(error.into())
            }
        })*
    };
}

from_refusal!(Refusal, Denied, StoreError);

impl From<Busy> for Problem {
    fn from(_: Busy) -> Problem {
        Refusal::unavailable(Duration::from_secs(2)).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.0.clone().into_response();
        response.extensions_mut().insert(self.0);
        response
    }
}

/// Whether programs ask here: they are answered in JSON.
pub fn is_api(path: &str) -> bool {
    path.starts_with("/api/")
}

/// The only answer to an address that nothing stands at.
pub async fn not_found() -> Problem {
    Refusal::not_found().into()
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    shell: Shell,
    heading: &'static str,
    message: String,
}

/// Gives every error its dress: a page where browsers ask, JSON where programs ask.
pub async fn dress(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let api = is_api(path) || path.starts_with("/hooks/");
    let response = next.run(request).await;
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let Some(refusal) = refusal(&response) else {
        return response;
    };
    match api {
        true => with_headers(refusal.into_response(), response.headers()),
        false => with_headers(error_page(refusal, &response), response.headers()),
    }
}

/// What the answer refuses; None where it is a page of its own already.
fn refusal(response: &Response) -> Option<Refusal> {
    if let Some(own) = response.extensions().get::<Refusal>() {
        return Some(own.clone());
    }
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let is_page = content_type.is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    let status = response.status();
    let (code, message) = match status {
        _ if is_page => return None,
        StatusCode::METHOD_NOT_ALLOWED => (
            "method",
            "This address does not take requests of that kind. Go back and try from the page itself.",
        ),
        _ if status.is_server_error() => {
            ("failed", "Something went wrong on this server; its log says what. Try again in a moment.")
        }
        _ => ("malformed", "This address cannot be read. Look whether it was copied whole."),
    };
    Some(Refusal::new(status, code, message))
}

fn error_page(refusal: Refusal, response: &Response) -> Response {
    let account = response.extensions().get::<ShellAccount>().cloned();
    let heading = heading(refusal.status);
    let shell = Shell::new(heading, account);
    let mut answer = page(&ErrorPage { shell, heading, message: refusal.message.clone() });
    *answer.status_mut() = refusal.status;
    answer
}

/// Keeps `Retry-After`, `Allow` and whatever else the refusal carried.
fn with_headers(mut dressed: Response, carried: &HeaderMap) -> Response {
    for (name, value) in carried {
        if *name != header::CONTENT_TYPE && *name != header::CONTENT_LENGTH {
            dressed.headers_mut().insert(name, value.clone());
        }
    }
    dressed
}

fn heading(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::METHOD_NOT_ALLOWED => "Not possible here",
        StatusCode::PAYLOAD_TOO_LARGE => "Too large",
        StatusCode::REQUEST_TIMEOUT => "Too slow",
        StatusCode::TOO_MANY_REQUESTS => "Too many tries",
        StatusCode::CONFLICT => "That did not work",
        StatusCode::SERVICE_UNAVAILABLE => "Not available right now",
        _ => "That did not work",
    }
}

//! The hub's routes, and the handshake of its WebSocket.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use door::Refusal;
use store::Credential;
use tungstenite::handshake::server::create_response_with_body;

use crate::events;
use crate::hub::Hub;
use crate::socket::Socket;

const SUBPROTOCOL: &str = "watchfire.1";

pub fn routes(hub: Arc<Hub>) -> Router {
    Router::new()
        .route("/api/watchfire/live", get(socket))
        .route("/api/watchfire/live/events", get(events::events))
        .route("/api/watchfire/live/now", get(events::now))
        .with_state(hub)
}

/// `GET /api/watchfire/live`
async fn socket(State(hub): State<Arc<Hub>>, mut request: Request) -> Result<Response, Refusal> {
    let credential = door::credential(request.headers(), request.uri());
    let is_cookie = matches!(credential, Credential::SignIn(_) | Credential::Guest(_));
    if is_cookie && !is_same_origin(request.headers()) {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "origin",
            "A signed-in browser connects from this server's own pages; anything else sends a token.",
        ));
    }
    let seat = hub.admit(credential, true).await?;
    let mut response = create_response_with_body(&request, Body::empty).map_err(|_| {
        Refusal::bad_request("not_a_websocket", "Connect with a WebSocket client, version 13.")
    })?;
    if offers_subprotocol(request.headers()) {
        let headers = response.headers_mut();
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    let upgrade = hyper::upgrade::on(&mut request);
    hub.tasks.spawn(async move {
        match upgrade.await {
            Ok(upgraded) => Socket::new(upgraded, seat).await,
            Err(error) => tracing::debug!(%error, "connection ended before its upgrade"),
        }
    });
    Ok(response)
}

/// The page that connects stands on the host it connects to: the cookie goes along wherever the page is from.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let (Some(origin), Some(host)) = (text(header::ORIGIN), text(header::HOST)) else {
        return false;
    };
    origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
}

fn offers_subprotocol(headers: &HeaderMap) -> bool {
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let offered = offered.filter_map(|value| value.to_str().ok());
    offered.flat_map(|value| value.split(',')).any(|name| name.trim() == SUBPROTOCOL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(origin: Option<&str>, host: Option<&str>, same: bool) {
        let mut headers = HeaderMap::new();
        for (name, value) in [(header::ORIGIN, origin), (header::HOST, host)] {
            value.map(|value| headers.insert(name, value.parse().unwrap()));
        }
        assert_eq!(is_same_origin(&headers), same, "{origin:?} {host:?}");
    }

    #[test]
    fn only_the_hosts_own_pages_are_of_its_origin() {
        check(Some("https://stats.example"), Some("stats.example"), true);
        check(Some("http://127.0.0.1:8080"), Some("127.0.0.1:8080"), true);
        check(Some("http://Stats.Example:8080"), Some("stats.example:8080"), true);
        check(Some("https://evil.example"), Some("stats.example"), false);
        check(Some("http://stats.example:81"), Some("stats.example:80"), false);
        check(Some("https://stats.example.evil.example"), Some("stats.example"), false);
        check(Some("null"), Some("stats.example"), false);
        check(None, Some("stats.example"), false);
        check(Some("https://stats.example"), None, false);
    }
}

//! What a request carries to prove who asks.

use axum::http::{HeaderMap, Uri, header};
use store::Credential;

/// The cookie of a signed-in browser.
pub const SIGN_IN_COOKIE: &str = "watchfire";
/// Bytes of a secret that is looked at; a longer one is none.
const SECRET_BYTES_MAX: usize = 128;

/// The credential of a request: `Authorization: Bearer`, then `?token=`, then `?share=`, then the cookie.
pub fn credential(headers: &HeaderMap, uri: &Uri) -> Credential {
    if let Some(token) = bearer(headers) {
        return Credential::Token(token);
    }
    if let Some(token) = query_value(uri, "token") {
        return Credential::Token(token);
    }
    if let Some(share) = query_value(uri, "share") {
        return Credential::Share(share);
    }
    match cookie(headers, SIGN_IN_COOKIE) {
        Some(secret) => Credential::SignIn(secret),
        None => Credential::None,
    }
}

/// The value of a cookie, as sent.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
        .filter(|value| is_secret(value))
        .map(str::to_owned)
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let token = value.strip_prefix("Bearer ")?.trim();
    is_secret(token).then(|| token.to_owned())
}

fn query_value(uri: &Uri, name: &str) -> Option<String> {
    uri.query()?
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
        .filter(|value| is_secret(value))
        .map(str::to_owned)
}

fn is_secret(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    plain && !text.is_empty() && text.len() <= SECRET_BYTES_MAX
}

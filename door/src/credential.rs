//! What a request carries to prove who asks.

use axum::http::{HeaderMap, Uri, header};
use store::Credential;

/// The cookie of a signed-in browser.
pub const SIGN_IN_COOKIE: &str = "watchfire";
/// The cookie of a guest's browser.
pub const GUEST_COOKIE: &str = "watchfire_guest";
/// The cookie that tells browsers of guests apart, so that who was banned stays out.
pub const BROWSER_COOKIE: &str = "watchfire_browser";
/// Bytes of a secret that is looked at; a longer one is none.
const SECRET_BYTES_MAX: usize = 128;

/// The credential of a request: `Authorization: Bearer`, then `?token=`, then `?share=`, then the cookies: of a
/// sign-in before that of a guest.
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
    if let Some(secret) = cookie(headers, SIGN_IN_COOKIE) {
        return Credential::SignIn(secret);
    }
    cookie(headers, GUEST_COOKIE).map_or(Credential::None, Credential::Guest)
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
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && is_secret(token)).then(|| token.to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    const TOKEN: &str = "wft_AbC-123.x";

    fn carried(target: &str, headers: &[(HeaderName, &str)]) -> Credential {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        credential(&map, &target.parse().unwrap())
    }

    fn check(target: &str, headers: &[(HeaderName, &str)], expected: Credential) {
        // `Credential` has no Debug, so that a secret is never printed by accident.
        assert!(carried(target, headers) == expected, "{target} {headers:?}");
    }

    #[test]
    fn a_token_stands_in_the_header_or_the_query() {
        let token = || Credential::Token(TOKEN.into());
        let bearer = format!("Bearer {TOKEN}");
        check("/", &[(header::AUTHORIZATION, &bearer)], token());
        check("/", &[(header::AUTHORIZATION, &format!("bearer   {TOKEN} "))], token());
        check(&format!("/?a=b&token={TOKEN}"), &[], token());
        check(
            "/?token=other&share=s",
            &[(header::AUTHORIZATION, &bearer), (header::COOKIE, "watchfire=c")],
            token(),
        );
        check("/?share=s-1", &[(header::COOKIE, "watchfire=c")], Credential::Share("s-1".into()));
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let signed_in = || Credential::SignIn("c1".into());
        check("/", &[(header::COOKIE, "watchfire=c1")], signed_in());
        check("/", &[(header::COOKIE, "a=b; watchfire=c1;x=y")], signed_in());
        check("/", &[(header::COOKIE, "a=b"), (header::COOKIE, "watchfire=c1")], signed_in());
        check("/", &[(header::COOKIE, "not-watchfire=c1; watchfire2=c1; Watchfire=c1")], Credential::None);
        check("/", &[(header::COOKIE, "watchfire_guest=g1")], Credential::Guest("g1".into()));
        check("/", &[(header::COOKIE, "watchfire_guest=g1; watchfire=c1")], signed_in());
    }

    #[test]
    fn what_cannot_be_a_secret_is_none() {
        check("/", &[], Credential::None);
        check("/?token=&share=", &[(header::COOKIE, "watchfire=")], Credential::None);
        check("/?token=a%20b&share=a'b", &[(header::COOKIE, "watchfire=<b>")], Credential::None);
        for value in ["", "Bearer", "Bearer ", "Basic dTpw", "Bearer a b", "Bearer é", TOKEN] {
            check("/", &[(header::AUTHORIZATION, value)], Credential::None);
        }
    }

    #[test]
    fn a_secret_is_looked_at_up_to_its_maximum() {
        let long = "x".repeat(SECRET_BYTES_MAX);
        check(&format!("/?token={long}"), &[], Credential::Token(long.clone()));
        check(&format!("/?token={long}x"), &[], Credential::None);
    }
}

//! Cookies: who is signed in, who is a guest of a room, and the browser that guest came with.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use door::credential::{BROWSER_COOKIE, GUEST_COOKIE, SIGN_IN_COOKIE, cookie as cookie_of};

use model::limits::GUEST_LASTS;

use crate::{Options, secret};

/// Sets the sign-in cookie.
pub fn signed_in(secret: &str, options: &Options) -> HeaderValue {
    cookie(secret, options.sign_in_lasts.as_secs(), options)
}

/// Takes the sign-in cookie away.
pub fn signed_out(options: &Options) -> HeaderValue {
    cookie("", 0, options)
}

/// As long as a ban may last, twice.
const BROWSER_LASTS: Duration = Duration::from_secs(60 * 86_400);

/// Sets a guest's cookie and that of the browser. A sign-in that is no longer good goes: it would come first.
pub fn guest(secret: &str, browser: &str, is_signed_out: bool, options: &Options) -> Vec<HeaderValue> {
    let mut cookies =
        vec![named(GUEST_COOKIE, secret, GUEST_LASTS.as_secs(), options), self::browser(browser, options)];
    if is_signed_out {
        cookies.push(signed_out(options));
    }
    cookies
}

/// Sets the cookie that a browser is known again by.
pub fn browser(secret: &str, options: &Options) -> HeaderValue {
    named(BROWSER_COOKIE, secret, BROWSER_LASTS.as_secs(), options)
}

/// What the browser is known again by: as it says, else new.
pub fn browser_of(headers: &HeaderMap) -> String {
    cookie_of(headers, BROWSER_COOKIE).unwrap_or_else(secret::fresh)
}

/// Takes a guest's cookie away; the browser's stays.
pub fn guest_gone(options: &Options) -> HeaderValue {
    named(GUEST_COOKIE, "", 0, options)
}

fn cookie(value: &str, seconds: u64, options: &Options) -> HeaderValue {
    named(SIGN_IN_COOKIE, value, seconds, options)
}

fn named(name: &str, value: &str, seconds: u64, options: &Options) -> HeaderValue {
    let secure = if options.cookie_is_secure() { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&text).expect("a secret is letters and digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_closed_to_scripts_and_to_other_sites() {
        let mut options = Options::default();
        assert_eq!(
            signed_in("abc", &options),
            "watchfire=abc; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"
        );
        options.public_url = Some("https://stats.example".into());
        assert_eq!(signed_out(&options), "watchfire=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure");
    }
}

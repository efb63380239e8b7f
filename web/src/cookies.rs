//! The one cookie: who is signed in.

use axum::http::HeaderValue;
use door::credential::SIGN_IN_COOKIE;

use crate::Options;

/// Sets the sign-in cookie.
pub fn signed_in(secret: &str, options: &Options) -> HeaderValue {
    cookie(secret, options.sign_in_lasts.as_secs(), options)
}

/// Takes the sign-in cookie away.
pub fn signed_out(options: &Options) -> HeaderValue {
    cookie("", 0, options)
}

fn cookie(value: &str, seconds: u64, options: &Options) -> HeaderValue {
    let secure = if options.cookie_is_secure() { "; Secure" } else { "" };
    let text = format!("{SIGN_IN_COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
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

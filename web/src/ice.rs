//! Servers by which two browsers find each other across networks (RFC 8445): none, where nobody named any. Whoever asks a TURN server to carry says a
//! name and a password that are good for a while, as `draft-uberti-behave-turn-rest` and coturn's `use-auth-secret` have it.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use model::{Millis, limits};
use serde_json::{Value, json};
use sha1::Sha1;

/// As long as a showing may last that such a server carries.
const TURN_LASTS: Duration = Duration::from_secs(12 * 3_600);
const URL_BYTES_MAX: usize = 255;
const SECRET_BYTES_MAX: usize = 255;

#[derive(Clone, Debug, Default)]
pub struct IceServers {
    stun: Vec<String>,
    turn: Vec<String>,
    /// Empty where there is no TURN server.
    secret: String,
}

#[derive(Debug, PartialEq)]
pub enum BadServers {
    Url(String),
    TooMany,
    Secret,
}

impl std::error::Error for BadServers {}

impl fmt::Display for BadServers {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadServers::Url(url) => write!(
                to,
                "{url:?} is none: one is stun:HOST:PORT, turn:HOST:PORT or turns:HOST:PORT, with ?transport=tcp where it is that"
            ),
            BadServers::TooMany => write!(to, "at most {} servers", limits::ICE_SERVERS_MAX),
            BadServers::Secret => {
                write!(to, "a TURN server wants a secret of 1 to {SECRET_BYTES_MAX} bytes: --turn-secret")
            }
        }
    }
}

impl IceServers {
    /// As the setting has them, with commas between.
    pub fn of(written: &str, secret: Option<String>) -> Result<IceServers, BadServers> {
        let mut servers = IceServers { secret: secret.unwrap_or_default(), ..IceServers::default() };
        for url in written.split(',').map(str::trim).filter(|url| !url.is_empty()) {
            match url.split_once(':') {
                Some(("stun" | "stuns", place)) if is_place(url, place) => servers.stun.push(url.to_owned()),
                Some(("turn" | "turns", place)) if is_place(url, place) => servers.turn.push(url.to_owned()),
                _ => return Err(BadServers::Url(url.to_owned())),
            }
        }
        if servers.stun.len() + servers.turn.len() > limits::ICE_SERVERS_MAX {
            return Err(BadServers::TooMany);
        }
        if !servers.turn.is_empty() && !(1..=SECRET_BYTES_MAX).contains(&servers.secret.len()) {
            return Err(BadServers::Secret);
        }
        Ok(servers)
    }

    /// As browsers take them.
    pub fn told(&self, now: Millis) -> Vec<Value> {
        let mut told = Vec::new();
        if !self.stun.is_empty() {
            told.push(json!({ "urls": self.stun }));
        }
        if !self.turn.is_empty() {
            let name = (now.plus(TURN_LASTS).0 / 1_000).to_string();
            let password = password(&self.secret, &name);
            told.push(json!({ "urls": self.turn, "username": name, "credential": password }));
        }
        told
    }
}

/// A host, perhaps a port, perhaps the transport.
fn is_place(url: &str, place: &str) -> bool {
    url.len() <= URL_BYTES_MAX
        && !place.is_empty()
        && !place.starts_with('/')
        && place.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]?=".contains(&byte))
}

fn password(secret: &str, name: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("a key of any length is one");
    mac.update(name.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(written: &str, secret: Option<&str>, expected: Result<Value, BadServers>) {
        let servers = IceServers::of(written, secret.map(str::to_owned));
        assert_eq!(servers.map(|servers| json!(servers.told(Millis(1_000)))), expected, "{written}");
    }

    #[test]
    fn servers_are_told_as_browsers_take_them() {
        check("", None, Ok(json!([])));
        check("stun:stun.example.org:3478", None, Ok(json!([{ "urls": ["stun:stun.example.org:3478"] }])));
        let turn = "turn:turn.example.org:3478?transport=tcp";
        // printf 43201 | openssl dgst -sha1 -hmac north -binary | base64
        let told = json!([{ "urls": ["stun:[2001:db8::1]"] },
            { "urls": [turn], "username": "43201", "credential": "/cgrMjFXpe3DY90j850Cw7TNV68=" }]);
        check(&format!("stun:[2001:db8::1], {turn}"), Some("north"), Ok(told));
    }

    #[test]
    fn what_is_none_is_said() {
        for bad in ["https://a.example", "stun:", "stun://a.example", "turn:a.example\"", "stun"] {
            check(bad, Some("north"), Err(BadServers::Url(bad.into())));
        }
        check("turn:a.example", None, Err(BadServers::Secret));
        check("turn:a.example", Some(&"x".repeat(SECRET_BYTES_MAX + 1)), Err(BadServers::Secret));
        let many = |count| vec!["stun:a.example"; count].join(",");
        let all = vec!["stun:a.example"; limits::ICE_SERVERS_MAX];
        check(&many(limits::ICE_SERVERS_MAX), None, Ok(json!([{ "urls": all }])));
        check(&many(limits::ICE_SERVERS_MAX + 1), None, Err(BadServers::TooMany));
        let long = |bytes: usize| format!("stun:{}", "a".repeat(bytes - 5));
        check(&long(URL_BYTES_MAX), None, Ok(json!([{ "urls": [long(URL_BYTES_MAX)] }])));
        check(&long(URL_BYTES_MAX + 1), None, Err(BadServers::Url(long(URL_BYTES_MAX + 1))));
    }
}

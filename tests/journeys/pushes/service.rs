//! A push service with browsers behind it: takes what RFC 8030 says, checks who sends (RFC 8292), and reads it as the browser does (RFC 8291).

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes128Gcm, Nonce};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{HeaderMap, Request, Response, StatusCode};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::{PublicKey, SecretKey};
use serde_json::Value;
use sha2::Sha256;
use world::receiver::{Heard, listener, serve};

#[derive(Clone)]
pub struct Service {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    browsers: BTreeMap<String, (SecretKey, [u8; 16])>,
    /// What is answered; 201 where nothing is said.
    answers: BTreeMap<String, u16>,
    heard: BTreeMap<String, Vec<Value>>,
    refused: BTreeMap<String, BTreeSet<String>>,
    keys: BTreeSet<String>,
    is_slow: bool,
}

pub struct Browser {
    endpoint: String,
    p256dh: String,
    auth: String,
}

impl Browser {
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("endpoint", self.endpoint.clone()),
            ("p256dh", self.p256dh.clone()),
            ("auth", self.auth.clone()),
            ("do", "on".into()),
        ]
    }
}

impl Service {
    pub async fn start() -> Service {
        let (listener, address) = listener().await;
        let service = Service { address, state: Arc::default() };
        let serving = service.clone();
        serve(listener, move |request| serving.clone().take(request));
        service
    }

    /// One with keys of its own.
    pub fn browser(&self, name: &str) -> Browser {
        let key = loop {
            if let Ok(key) = SecretKey::from_slice(&random::<32>()) {
                break key;
            }
        };
        let auth = random::<16>();
        let p256dh = URL_SAFE_NO_PAD.encode(key.public_key().to_sec1_point(false).as_bytes());
        self.state().browsers.insert(name.to_owned(), (key, auth));
        let endpoint = format!("http://{}/{name}", self.address);
        Browser { endpoint, p256dh, auth: URL_SAFE_NO_PAD.encode(auth) }
    }

    pub fn answers(&self, browser: &str, status: u16) {
        self.state().answers.insert(browser.to_owned(), status);
    }

    pub fn is_slow(&self, is_slow: bool) {
        self.state().is_slow = is_slow;
    }

    /// What a browser was shown, in its order.
    pub fn heard(&self, browser: &str) -> Vec<Value> {
        self.state().heard.get(browser).cloned().unwrap_or_default()
    }

    /// Where what was not taken for it leads to.
    pub fn refused(&self, browser: &str) -> BTreeSet<String> {
        self.state().refused.get(browser).cloned().unwrap_or_default()
    }

    /// Of whoever sent.
    pub fn keys(&self) -> BTreeSet<String> {
        self.state().keys.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no panic while held")
    }

    async fn take(self, request: Request<Incoming>) -> Heard {
        let name = request.uri().path().trim_start_matches('/').to_owned();
        let headers = request.headers().clone();
        let body = request.into_body().collect().await.expect("a body").to_bytes();
        if self.state().is_slow {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(0..300))).await;
        }
        let status = self.taken(&name, &headers, &body);
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        Ok(response)
    }

    fn taken(&self, name: &str, headers: &HeaderMap, body: &[u8]) -> u16 {
        let header = |name: &str| headers[name].to_str().expect("text");
        assert_eq!((header("content-encoding"), header("urgency")), ("aes128gcm", "high"));
        assert!((1..=86_400).contains(&header("ttl").parse::<u64>().expect("seconds")));
        // Of a room, or of what became of a site's numbers.
        let topic = header("topic");
        assert!((topic.starts_with("RM-") || topic.starts_with("IC-")) && topic.len() <= 32, "{topic}");
        let signer = checked(header("authorization"), &format!("http://{}", self.address));
        let mut state = self.state();
        state.keys.insert(signer);
        let (key, auth) = state.browsers.get(name).expect("a browser that is known");
        let shown: Value = serde_json::from_slice(&opened(key, auth, body)).expect("JSON");
        let status = state.answers.get(name).copied().unwrap_or(201);
        if status < 300 {
            state.heard.entry(name.to_owned()).or_default().push(shown);
        } else {
            let path = shown["url"].as_str().expect("text").to_owned();
            state.refused.entry(name.to_owned()).or_default().insert(path);
        }
        status
    }
}

/// The public key of who signed; panics where it is not good for here and now.
fn checked(authorization: &str, audience: &str) -> String {
    let (token, key) =
        authorization.strip_prefix("vapid t=").and_then(|rest| rest.split_once(", k=")).expect("VAPID");
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let of = |text: &str| URL_SAFE_NO_PAD.decode(text).expect("base64url");
    let verifying = VerifyingKey::from_sec1_bytes(&of(key)).expect("a key");
    let signature = Signature::from_slice(&of(signature)).expect("a signature");
    verifying.verify(signed.as_bytes(), &signature).expect("it is signed");
    let claims: Value =
        serde_json::from_slice(&of(signed.split_once('.').expect("two parts").1)).expect("JSON");
    assert_eq!(claims["aud"], audience);
    assert!(claims["exp"].is_u64());
    key.to_owned()
}

fn opened(key: &SecretKey, auth: &[u8; 16], body: &[u8]) -> Vec<u8> {
    assert!(body.len() <= 4_096);
    let (salt, rest) = body.split_at(16);
    let (size, rest) = rest.split_at(4);
    assert!(u32::from_be_bytes(size.try_into().expect("four bytes")) as usize >= body.len() && rest[0] == 65);
    let (sender, sealed) = rest[1..].split_at(65);
    let shared = key.diffie_hellman(&PublicKey::from_sec1_bytes(sender).expect("a point"));
    let own = key.public_key().to_sec1_point(false);
    let info = [b"WebPush: info\0", own.as_bytes(), sender].concat();
    let input: [u8; 32] = expand(auth, shared.raw_secret_bytes(), &info);
    let key: [u8; 16] = expand(salt, &input, b"Content-Encoding: aes128gcm\0");
    let nonce: [u8; 12] = expand(salt, &input, b"Content-Encoding: nonce\0");
    let mut plain = Aes128Gcm::new(&key.into())
        .decrypt(&Nonce::from(nonce), sealed)
        .expect("it was meant for this browser");
    while plain.last() == Some(&0) {
        plain.pop();
    }
    assert_eq!(plain.pop(), Some(2), "the last record ends with its mark");
    plain
}

fn expand<const BYTES: usize>(salt: &[u8], input: &[u8], info: &[u8]) -> [u8; BYTES] {
    let mut out = [0; BYTES];
    Hkdf::<Sha256>::new(Some(salt), input).expand(info, &mut out).expect("short enough");
    out
}

fn random<const BYTES: usize>() -> [u8; BYTES] {
    std::array::from_fn(|_| fastrand::u8(..))
}

//! Somebody at a browser: requests with the cookies and headers that a browser would send.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_TYPE, COOKIE, HeaderMap, LOCATION, ORIGIN, SET_COOKIE};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// A browser of its own, with its own cookies.
pub struct Person {
    client: Client<HttpConnector, Full<Bytes>>,
    server: SocketAddr,
    cookies: Mutex<BTreeMap<String, String>>,
    /// Sent with every request, as `authorization` of a token, or where a proxy says that it comes from.
    headers: Vec<(&'static str, String)>,
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The code of a refusal.
    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn location(&self) -> String {
        let location = self.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        location.unwrap_or_default().to_owned()
    }
}

impl Person {
    pub fn new(server: SocketAddr) -> Person {
        let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        Person { client, server, cookies: Mutex::default(), headers: Vec::new() }
    }

    /// A program that carries an API token.
    pub fn with_token(server: SocketAddr, token: &str) -> Person {
        let mut person = Person::new(server);
        person.headers.push(("authorization", format!("Bearer {token}")));
        person
    }

    /// A browser of another network, as a trusted proxy tells of it.
    pub fn behind(server: SocketAddr, address: &str) -> Person {
        let mut person = Person::new(server);
        person.headers.push(("x-forwarded-for", address.to_owned()));
        person
    }

    /// The same browser, with the server at another address.
    pub fn at(&self, server: SocketAddr) -> Person {
        let cookies = self.cookies.lock().expect("no panic while held").clone();
        Person {
            server,
            cookies: Mutex::new(cookies),
            headers: self.headers.clone(),
            client: self.client.clone(),
        }
    }

    pub fn cookie_header(&self) -> Option<String> {
        let cookies = self.cookies.lock().expect("no panic while held");
        let pairs: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], Bytes::new()).await
    }

    /// Submits a form from a page of the server itself.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        let origin = format!("http://{}", self.server);
        let headers = [
            (CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded"),
            (ORIGIN.as_str(), origin.as_str()),
            ("sec-fetch-site", "same-origin"),
        ];
        self.send(Method::POST, path, &headers, Bytes::from(body.finish())).await
    }

    pub async fn post_json(&self, path: &str, body: &serde_json::Value) -> Answer {
        let headers = [(CONTENT_TYPE.as_str(), "application/json")];
        self.send(Method::POST, path, &headers, Bytes::from(body.to_string())).await
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Bytes) -> Answer {
        self.try_send(method, path, headers, body).await.expect("the server answers")
    }

    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> anyhow::Result<Answer> {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.server));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if let Some(cookies) = self.cookie_header() {
            request = request.header(COOKIE, cookies);
        }
        let response = self.client.request(request.body(Full::new(body))?).await?;
        let (parts, body) = response.into_parts();
        self.keep_cookies(&parts.headers);
        let body = body.collect().await?.to_bytes();
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }

    fn keep_cookies(&self, headers: &HeaderMap) {
        let mut cookies = self.cookies.lock().expect("no panic while held");
        for value in headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            let Some((name, rest)) = value.split_once('=') else { continue };
            let content = rest.split(';').next().unwrap_or_default();
            if content.is_empty() || value.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), content.to_owned());
            }
        }
    }
}

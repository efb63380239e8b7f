//! The real router over the real embedded store, driven as browsers and programs drive it.

mod alerts;
mod api_calls;
mod availability;
mod calls;
mod chat_panel;
mod conversations;
mod corrections;
mod figures;
mod headers_everywhere;
mod hooks;
mod hostile_names;
mod hostile_reports;
mod imported_days;
mod inbox_page;
mod openapi;
mod past;
mod people_pages;
mod profiles;
mod reports_api;
mod retelling;
mod rights;
mod rooms;
mod rules;
mod saved_api;
mod screen;
mod share_segments;
mod signing_in;
mod sites_pages;
mod status;
mod tokens_page;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use archive::{Archive, Limits};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use door::ClientAddress;
use http_body_util::BodyExt;
use live::Live;
use live::memory::MemoryLive;
use model::{Millis, TestClock};
use store::{Access, Store};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{Deps, Options, Service, set_up, start};

pub const NOW: Millis = Millis(1_772_620_200_000);
pub const HOST: &str = "stats.example:8080";
pub const PASSWORD: &str = "correct horse battery";

/// One server with one folder.
pub struct World {
    pub store: Store,
    pub clock: Arc<TestClock>,
    pub live: Arc<MemoryLive>,
    routes: Router,
    work: JoinHandle<anyhow::Result<()>>,
    shutdown: CancellationToken,
    _folder: TempDir,
}

impl World {
    /// Nobody has an account yet.
    pub async fn empty() -> World {
        World::with(Options::default()).await
    }

    pub async fn with(options: Options) -> World {
        World::of(options, Limits::default()).await
    }

    async fn of(options: Options, limits: Limits) -> World {
        let folder = tempfile::tempdir().unwrap();
        let store = store::embedded::Embedded::open(folder.path()).unwrap();
        let clock = Arc::new(TestClock::at(NOW));
        let live = Arc::new(MemoryLive::default());
        let deps = Deps {
            store: store.clone(),
            archive: Archive::new(&store, limits),
            access: Access::new(&store, clock.clone()),
            live: live.clone(),
            clock: clock.clone(),
        };
        let shutdown = CancellationToken::new();
        let Service { routes, work, .. } = start(options, deps, shutdown.clone()).await.unwrap();
        World { store, clock, live, routes, work, shutdown, _folder: folder }
    }

    /// With an owner who is signed in.
    pub async fn with_owner() -> (World, Browser) {
        World::with_limits(Limits::default()).await
    }

    /// With an owner, and with limits on reports.
    pub async fn with_limits(limits: Limits) -> (World, Browser) {
        let world = World::of(Options::default(), limits).await;
        let secret = set_up::offer(&world.store).await.unwrap().unwrap();
        let mut owner = world.browser();
        let answer =
            owner.post(&format!("/setup/{secret}"), &account("Olive Owner", "olive@example.org")).await;
        assert_eq!(answer.location(), "/sites/new?done=welcome", "{}", answer.text);
        (world, owner)
    }

    pub fn browser(&self) -> Browser {
        Browser {
            routes: self.routes.clone(),
            cookie: None,
            address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
            headers: vec![],
        }
    }

    /// Stops the service; what it had begun is done when this returns.
    pub async fn stop(&mut self) {
        self.shutdown.cancel();
        (&mut self.work).await.unwrap().unwrap();
    }

    /// Whatever is published on a topic from now on, counted.
    pub async fn listen(&self, topic: &str) -> live::Subscription {
        self.live.subscribe(topic).await.unwrap()
    }
}

/// The form of a new account.
pub fn account<'a>(name: &'a str, email: &'a str) -> [(&'static str, &'a str); 3] {
    [("name", name), ("email", email), ("password", PASSWORD)]
}

/// The form of a site.
pub fn site_form(name: &str) -> Vec<(&'static str, &str)> {
    vec![("name", name), ("hostnames", "shop.example"), ("time_zone", "Europe/Paris")]
}

/// A browser with its own cookie, at its own address.
#[derive(Clone)]
pub struct Browser {
    routes: Router,
    pub cookie: Option<String>,
    pub address: IpAddr,
    /// Sent with every request.
    pub headers: Vec<(&'static str, String)>,
}

#[derive(Debug)]
pub struct Page {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Page {
    pub fn location(&self) -> String {
        self.header("location")
    }

    pub fn header(&self, name: &str) -> String {
        self.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}", self.text))
    }

    /// The secret of a link or token that stands in the page behind `mark`.
    pub fn secret_behind(&self, mark: &str) -> String {
        let at = self.text.find(mark).unwrap_or_else(|| panic!("`{mark}` in {}", self.text)) + mark.len();
        self.text[at..].chars().take_while(char::is_ascii_alphanumeric).collect()
    }

    /// The value of a hidden field.
    pub fn hidden(&self, name: &str) -> String {
        let mark = format!("name=\"{name}\" value=\"");
        let at = self.text.find(&mark).unwrap_or_else(|| panic!("{mark} in {}", self.text)) + mark.len();
        self.text[at..].split('"').next().unwrap().to_owned()
    }

    #[track_caller]
    pub fn says(&self, words: &str) {
        assert!(self.text.contains(words), "`{words}` in {} {}", self.status, self.text);
    }
}

impl Browser {
    pub async fn get(&mut self, path: &str) -> Page {
        self.send(Method::GET, path, &[], "").await
    }

    /// Submits a form from a page of this server.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let origin = format!("http://{HOST}");
        let headers = [("origin", origin.as_str()), ("sec-fetch-site", "same-origin")];
        self.submit(path, &headers, fields).await
    }

    /// Submits a form with these headers alone.
    pub async fn submit(&mut self, path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Page {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/x-www-form-urlencoded"));
        self.send(Method::POST, path, &headers, body).await
    }

    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Page {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, HOST);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let mut request = request.body(body.into()).unwrap();
        request.extensions_mut().insert(ClientAddress(self.address));
        let response = self.routes.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        self.keep_cookie(&parts.headers);
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Page { status: parts.status, headers: parts.headers, text }
    }

    pub async fn sign_in(&mut self, email: &str, password: &str) -> Page {
        self.post("/sign-in", &[("email", email), ("password", password)]).await
    }

    /// Adds a site; its id.
    pub async fn add_site(&mut self, name: &str) -> String {
        let answer = self.post("/sites/new", &site_form(name)).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        answer.location().split('/').nth(2).unwrap().to_owned()
    }

    /// Invites somebody, who makes an account and is signed in with it.
    pub async fn invites(&mut self, site: &str, role: &str, email: &str) -> Browser {
        let page = self.post(&format!("/sites/{site}/invitations"), &[("role", role)]).await;
        let secret = page.secret_behind("/invitation/");
        let mut guest = Browser { cookie: None, ..self.clone() };
        let joined = guest.post(&format!("/invitation/{secret}/new"), &account("Gus Guest", email)).await;
        assert_eq!(joined.location(), format!("/sites/{site}?done=joined"), "{}", joined.text);
        guest
    }

    /// Cookies by name, as a browser keeps them.
    fn keep_cookie(&mut self, headers: &HeaderMap) {
        let mut kept: Vec<String> =
            self.cookie.iter().flat_map(|cookies| cookies.split("; ")).map(str::to_owned).collect();
        for set in headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            let pair = set.split(';').next().unwrap_or_default();
            let name = pair.split('=').next().unwrap_or_default();
            kept.retain(|known| known.split('=').next() != Some(name));
            if !set.contains("Max-Age=0") {
                kept.push(pair.to_owned());
            }
        }
        self.cookie = (!kept.is_empty()).then(|| kept.join("; "));
    }
}

//! A hub with an owner, a viewer and a site, and clients of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chat::Chat;
use futures_util::{SinkExt, StreamExt};
use live::{Change, Commit, FeedHit, FeedKind, Live, MemoryLive, RIGHTS_TOPIC, SITES_TOPIC};
use model::rights::{Scope, TokenSites};
use model::{
    AccountId, Agent, BrowserId, Channel, Clock, Device, HitId, InvitationId, Millis, OpenPage, Place, Role,
    ShareId, Site, SiteId, Source, Step, SystemClock, TokenId, Visitor, VisitorId, VisitorKey,
};
use realtime::{Deps, Options};
use serde_json::{Value, json};
use store::accounts::{Invitation, NewAccount, SecretHash, Share, SignIn, Token};
use store::embedded::Embedded;
use store::{Access, Store};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::sync::CancellationToken;

use crate::line::Line;

/// Nothing in these tests takes so long unless it never comes.
pub const PATIENCE: Duration = Duration::from_secs(10);

pub const SITE: SiteId = SiteId::of(1);
/// The owner's, too; the viewer has no part in it.
pub const OTHER_SITE: SiteId = SiteId::of(2);
pub const OWNER: AccountId = AccountId::of(1);
pub const VIEWER: AccountId = AccountId::of(2);

pub const OWNER_TOKEN: &str = "owner-token";
pub const VIEWER_TOKEN: &str = "viewer-token";
pub const VIEWER_COOKIE: &str = "viewer-cookie";
pub const SHARE: &str = "share-secret";

pub struct House {
    pub address: SocketAddr,
    pub live: Arc<MemoryLive>,
    /// The hub's way to `live`.
    pub line: Arc<Line>,
    pub store: Store,
    pub chat: Chat,
    pub shutdown: CancellationToken,
    pub work: JoinHandle<anyhow::Result<()>>,
    _folder: tempfile::TempDir,
}

impl House {
    pub async fn open(mut options: Options) -> House {
        // Most clients here do not answer a close.
        options.farewell = Duration::from_millis(200);
        let folder = tempfile::tempdir().unwrap();
        let store = Embedded::open(folder.path()).unwrap();
        settle(&store).await;
        let line = Arc::new(Line::default());
        let live = line.live.clone();
        let clock = Arc::new(SystemClock);
        let access = Access::new(&store, clock.clone());
        let chat = Chat::new(store.clone(), access.clone(), live.clone(), clock.clone());
        let deps = Deps { live: line.clone(), access, sites: store.sites.clone(), chat: chat.clone(), clock };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let work = tokio::spawn(realtime::run(options, deps, listener, shutdown.clone()));
        House { address, live, line, store, chat, shutdown, work, _folder: folder }
    }

    pub fn request(&self, path: &str) -> Request {
        format!("ws://{}{path}", self.address).into_client_request().unwrap()
    }

    /// Connects; the status where the server refuses.
    pub async fn try_connect(&self, request: Request) -> Result<Dashboard, u16> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        self.try_upgrade(request, stream).await
    }

    async fn try_upgrade(&self, request: Request, stream: TcpStream) -> Result<Dashboard, u16> {
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((socket, _)) => Ok(Dashboard { socket }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Connects with a query as `token=…` and reads the greeting.
    pub async fn connect(&self, query: &str) -> Dashboard {
        let request = self.request(&format!("/api/watchfire/live?{query}"));
        let mut dashboard = self.try_connect(request).await.unwrap();
        assert_eq!(dashboard.next().await["hello"]["version"], 1);
        dashboard
    }

    /// As `connect`, with hardly any room for what is not read.
    pub async fn connect_narrowly(&self, query: &str) -> Dashboard {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let stream = socket.connect(self.address).await.unwrap();
        let request = self.request(&format!("/api/watchfire/live?{query}"));
        let mut dashboard = self.try_upgrade(request, stream).await.unwrap();
        dashboard.next().await;
        dashboard
    }

    pub async fn commit(&self, site: SiteId, changes: Vec<Change>) {
        let feed = changes.iter().filter_map(|change| change.after.as_deref()).take(50).map(hit).collect();
        let at = SystemClock.now();
        let (origin, pageviews) = (Default::default(), vec![(at.minute(), 1)]);
        let commit = Commit { site, shard: 0, origin, mark: None, at, changes, pageviews, feed };
        self.live.commit(vec![commit]).await.unwrap();
    }

    /// Visitors `names` arrive on, or move to, `path`.
    pub async fn put(&self, names: std::ops::Range<u64>, path: &str) {
        let changes = names.map(|name| {
            let after = visitor(name, path);
            Change { key: after.key, before: None, after: Some(Arc::new(after)) }
        });
        self.commit(SITE, changes.collect()).await;
    }

    pub async fn tell_rights(&self) {
        self.live.publish(RIGHTS_TOPIC, bytes::Bytes::new()).await.unwrap();
    }

    pub async fn tell_sites(&self, site: SiteId) {
        self.live.publish(SITES_TOPIC, site.to_string().into()).await.unwrap();
    }

    pub async fn close(self) {
        self.shutdown.cancel();
        timeout(PATIENCE, self.work).await.expect("the hub ends").unwrap().unwrap();
        self.store.close().await;
    }
}

async fn settle(store: &Store) {
    let now = SystemClock.now();
    let accounts = &store.accounts;
    let account = |id: AccountId| NewAccount {
        id,
        name: id.to_string(),
        email: format!("{id}@shop.example"),
        password_phc: "$argon2id$".into(),
    };
    let set_up = SecretHash::of("set-up");
    accounts.offer_set_up(set_up).await.unwrap();
    accounts.set_up(set_up, account(OWNER), now).await.unwrap();
    for id in [SITE, OTHER_SITE] {
        let site = Site::new(id, id.to_string(), &["*"], now);
        store.sites.add(site, OWNER).await.unwrap();
    }
    let expires = now.plus(Duration::from_secs(3_600));
    let invitation = Invitation {
        id: InvitationId::of(1),
        site: SITE,
        role: Role::Viewer,
        by: OWNER,
        note: String::new(),
        created: now,
        expires,
    };
    accounts.invite(invitation, SecretHash::of("invitation")).await.unwrap();
    accounts.accept_as_new(SecretHash::of("invitation"), account(VIEWER), now).await.unwrap();
    let secret = SecretHash::of(VIEWER_COOKIE);
    accounts
        .open_sign_in(SignIn {
            secret,
            account: VIEWER,
            created: now,
            expires,
            agent: String::new(),
            marks: Vec::new(),
        })
        .await
        .unwrap();
    for (number, account, secret) in [(1, OWNER, OWNER_TOKEN), (2, VIEWER, VIEWER_TOKEN)] {
        let token = Token {
            id: TokenId::of(number),
            account,
            name: secret.into(),
            sites: TokenSites::All,
            scopes: vec![Scope::Read],
            created: now,
        };
        accounts.mint_token(token, SecretHash::of(secret)).await.unwrap();
    }
    let share = Share { id: ShareId::of(1), site: SITE, name: "wall".into(), created: now, segment: None };
    accounts.share(share, SecretHash::of(SHARE)).await.unwrap();
}

pub fn visitor(name: u64, path: &str) -> Visitor {
    let path: Arc<str> = path.into();
    let since = Millis(1_763_712_000_000 + name as i64);
    Visitor {
        key: VisitorKey { visitor: VisitorId(name), browser: BrowserId(0) },
        since,
        alive_until: since,
        active: true,
        engaged_ms: 0,
        pages: vec![OpenPage {
            pageview: HitId(1),
            path: path.clone(),
            active: true,
            engaged_ms: 0,
            scroll: 0,
            alive_until: since,
        }],
        trail: vec![Step { at: since, path }],
        source: Arc::new(Source::direct()),
        place: Arc::new(Place {
            country: if name.is_multiple_of(2) { "FR" } else { "DE" }.into(),
            ..Place::default()
        }),
        agent: Arc::new(Agent {
            browser: "Firefox".into(),
            browser_version: "133".into(),
            os: "Linux".into(),
            os_version: "".into(),
            device: Device::Desktop,
        }),
        language: "fr".into(),
        bot: None,
        identity: None,
    }
}

fn hit(visitor: &Visitor) -> FeedHit {
    FeedHit {
        at: visitor.since,
        key: visitor.key,
        kind: FeedKind::Pageview,
        path: visitor.page().unwrap().clone(),
        country: visitor.place.country.as_str().into(),
        source: visitor.source.name.clone(),
        channel: Channel::Direct,
    }
}

/// A connected client that reads JSON.
pub struct Dashboard {
    pub socket: WebSocketStream<TcpStream>,
}

impl Dashboard {
    pub async fn send(&mut self, message: Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    pub async fn subscribe(&mut self, number: u16, topic: &str) {
        self.send(json!({ "subscribe": topic, "as": number })).await;
    }

    /// The next message; pings are answered and passed over.
    pub async fn next(&mut self) -> Value {
        loop {
            let message = match self.next_raw().await {
                Some(Message::Text(text)) => serde_json::from_str::<Value>(&text).unwrap(),
                other => panic!("{other:?} in place of a message"),
            };
            match message.get("ping") {
                Some(number) => self.send(json!({ "pong": number })).await,
                None => return message,
            }
        }
    }

    /// The next message with this name; what comes before is passed over.
    pub async fn next_named(&mut self, name: &str) -> Value {
        loop {
            let mut message = self.next().await;
            if let Some(body) = message.get_mut(name) {
                return body.take();
            }
        }
    }

    pub async fn next_raw(&mut self) -> Option<Message> {
        let next = timeout(PATIENCE, self.socket.next()).await.expect("a message comes");
        next.and_then(Result::ok)
    }

    /// The code with which the server closes; what comes before is passed over.
    pub async fn closed(&mut self) -> Option<u16> {
        loop {
            match self.next_raw().await? {
                Message::Close(frame) => return frame.map(|frame| frame.code.into()),
                _ => continue,
            }
        }
    }
}

pub fn topic(site: SiteId, kind: &str) -> String {
    format!("site/{site}/{kind}")
}

/// Waits for something that is on its way.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !holds().await {
        assert!(tokio::time::Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

//! The limits: the same conversations with servers that do nothing but hold them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use model::{Clock, Millis, Site, SiteId, SystemClock};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// The site that the collector alone knows.
pub const SITE: SiteId = SiteId::of(42);
/// Bytes of one broadcast frame, as a busy dashboard's delta has.
pub const FRAME_BYTES: usize = 400;
/// The broadcast sends as often as the hub does at most.
pub const FRAME_EVERY: Duration = Duration::from_millis(200);

/// `serve WHAT ADDRESS FOLDER`
pub async fn serve(arguments: &[String]) -> anyhow::Result<()> {
    crate::process::raise_open_files_limit();
    let [what, address, folder] = arguments else { bail!("serve WHAT ADDRESS FOLDER") };
    let address: SocketAddr = address.parse()?;
    let listener = TcpListener::bind(address).await?;
    match what.as_str() {
        "raw" => raw(listener).await,
        "axum" => axum::serve(listener, bare_axum()).await.context("serving"),
        "room" => axum::serve(listener, crate::rooms::room_server()).await.context("serving"),
        "broadcast" => axum::serve(listener, broadcast_server()).await.context("serving"),
        "collector" => collector_alone(listener, Path::new(folder)).await,
        other => bail!("there is no server `{other}`"),
    }
}

/// Reads a request by its content length, answers a constant: what a socket costs.
async fn raw(listener: TcpListener) -> anyhow::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(raw_connection(stream));
    }
}

async fn raw_connection(mut stream: TcpStream) {
    let mut buffer = vec![0; 128 * 1024];
    let mut held = 0;
    loop {
        match stream.read(&mut buffer[held..]).await {
            Ok(count @ 1..) => held += count,
            _ => return,
        }
        while let Some(bytes) = request_bytes(&buffer[..held]) {
            buffer.copy_within(bytes..held, 0);
            held -= bytes;
            let answer = b"HTTP/1.1 202 Accepted\r\ncontent-length: 14\r\n\r\n{\"accepted\":1}";
            if stream.write_all(answer).await.is_err() {
                return;
            }
        }
    }
}

fn request_bytes(held: &[u8]) -> Option<usize> {
    let head = held.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&held[..head]).ok()?;
    let length = text.split("content-length: ").nth(1)?.split("\r\n").next()?.parse::<usize>().ok()?;
    (held.len() >= head + length).then_some(head + length)
}

#[derive(Deserialize)]
struct Request {
    #[expect(dead_code, reason = "parsed as the collector parses it")]
    site: String,
    #[expect(dead_code, reason = "parsed as the collector parses it")]
    sent: i64,
    hits: Vec<Hit>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "parsed as the collector parses it")]
struct Hit {
    id: String,
    kind: String,
    at: i64,
    url: String,
    #[serde(default)]
    referrer: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    due: u32,
}

/// axum with serde, and nothing else.
fn bare_axum() -> Router {
    let accept = async |Json(request): Json<Request>| {
        (StatusCode::ACCEPTED, Json(serde_json::json!({ "accepted": request.hits.len() })))
    };
    Router::new().route("/v1/hits", post(accept)).layer(DefaultBodyLimit::max(64 * 1024))
}

/// axum's WebSocket with small buffers, one constant frame to everybody.
fn broadcast_server() -> Router {
    let (frames, _) = broadcast::channel::<Utf8Bytes>(16);
    let sender = frames.clone();
    tokio::spawn(async move {
        let frame = Utf8Bytes::from("x".repeat(FRAME_BYTES));
        loop {
            tokio::time::sleep(FRAME_EVERY).await;
            let _ = sender.send(frame.clone());
        }
    });
    Router::new().route("/", get(upgrade)).with_state(Arc::new(frames))
}

async fn upgrade(
    State(frames): State<Arc<broadcast::Sender<Utf8Bytes>>>,
    socket: WebSocketUpgrade,
) -> Response {
    let frames = frames.subscribe();
    socket.read_buffer_size(1024).write_buffer_size(0).on_upgrade(move |socket| broadcast_to(socket, frames))
}

async fn broadcast_to(mut socket: WebSocket, mut frames: broadcast::Receiver<Utf8Bytes>) {
    loop {
        tokio::select! {
            frame = frames.recv() => {
                let Ok(frame) = frame else { return };
                if socket.send(Message::Text(frame)).await.is_err() {
                    return;
                }
            }
            message = socket.recv() => {
                let Some(Ok(_)) = message else { return };
            }
        }
    }
}

/// The real collector in front of the real journal, with nobody behind it.
async fn collector_alone(listener: TcpListener, folder: &Path) -> anyhow::Result<()> {
    let store = store::embedded::Embedded::open(folder)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let owner = store::accounts::NewAccount {
        id: model::AccountId::of(1),
        name: "Bench".into(),
        email: "b@watchfire.example".into(),
        password_phc: String::new(),
    };
    let secret = store::accounts::SecretHash::of("bench");
    store.accounts.offer_set_up(secret).await?;
    store.accounts.set_up(secret, owner, Millis(0)).await?;
    let site = Site::new(SITE, "Shop", &["shop.example"], Millis(0));
    store.sites.add(site, model::AccountId::of(1)).await?;
    let bus_options = bus::embedded::Options { bytes_max: 16 << 30, ..Default::default() };
    let deps = collector::Deps {
        bus: Arc::new(bus::embedded::EmbeddedBus::open(&folder.join("bus"), bus_options)?),
        sites: store.sites.clone(),
        salts: store.salts.clone(),
        access: store::Access::new(&store, clock.clone()),
        live: Arc::new(live::memory::MemoryLive::default()),
        clock,
    };
    let proxy = door::TrustedProxies::new(vec!["127.0.0.1".parse().map_err(anyhow::Error::msg)?]);
    let door = door::DoorOptions { trusted_proxies: Arc::new(proxy), ..Default::default() };
    let rate = 4_000_000;
    let options = collector::Options { site_rate: rate, visitor_rate: rate, door, ..Default::default() };
    collector::run(options, deps, listener, CancellationToken::new()).await
}

//! The load: connections that send requests of hits as fast as they are answered, or at a rate.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use model::{Clock, SiteId, SystemClock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Connections of a load. Each waits for its answer before it asks again, so fewer would measure how long a sync of
/// this disk takes, not how much the servers can do.
pub const CONNECTIONS: usize = 256;
/// Visitors that one connection speaks for, each in turn.
const VISITORS_A_CONNECTION: usize = 256;
const AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

static NEXT: AtomicU64 = AtomicU64::new(1);

/// What a load saw.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    pub hits: u64,
    pub requests: u64,
    pub refused: u64,
    pub elapsed: Duration,
    pub p50: Duration,
    pub p99: Duration,
}

/// Sends requests of `hits_each` for `duration` on every connection; `rate`: requests a second over all, 0 for all it takes.
pub async fn run(address: SocketAddr, site: SiteId, hits_each: usize, duration: Duration, rate: u64) -> Seen {
    let began = Instant::now();
    let paced = Arc::new(AtomicU64::new(0));
    let connections = (0..CONNECTIONS).map(|number| {
        let paced = paced.clone();
        tokio::spawn(connection(address, site, number, hits_each, began, duration, rate, paced))
    });
    let mut seen = Seen::default();
    let mut latencies = Vec::new();
    for connection in futures_util::future::join_all(connections).await {
        let (answers, refused) = connection.expect("a connection of the load ends well");
        seen.refused += refused;
        latencies.extend(answers);
    }
    latencies.sort_unstable();
    let at =
        |share: f64| latencies.get((latencies.len() as f64 * share) as usize).copied().unwrap_or_default();
    seen.requests = latencies.len() as u64;
    seen.hits = seen.requests * hits_each as u64;
    (seen.elapsed, seen.p50, seen.p99) = (began.elapsed(), at(0.5), at(0.99));
    seen
}

#[expect(clippy::too_many_arguments, reason = "the whole of a load, once")]
async fn connection(
    address: SocketAddr,
    site: SiteId,
    number: usize,
    hits_each: usize,
    began: Instant,
    duration: Duration,
    rate: u64,
    paced: Arc<AtomicU64>,
) -> (Vec<Duration>, u64) {
    let mut socket = TcpStream::connect(address).await.expect("the server listens");
    socket.set_nodelay(true).expect("a TCP socket");
    let mut latencies = Vec::new();
    let mut refused = 0;
    let mut turn = number;
    let mut buffer = vec![0; 4096];
    while began.elapsed() < duration {
        if rate > 0 {
            let ticket = paced.fetch_add(1, Ordering::Relaxed);
            let due = began + Duration::from_secs_f64(ticket as f64 / rate as f64);
            tokio::time::sleep_until(due.into()).await;
        }
        turn += 1;
        let request =
            request(site, (number * VISITORS_A_CONNECTION + turn % VISITORS_A_CONNECTION) as u64, hits_each);
        let sent = Instant::now();
        socket.write_all(&request).await.expect("the server reads");
        let status = answer(&mut socket, &mut buffer).await;
        // 203 where the site has its chat on.
        if matches!(status, 202 | 203) {
            latencies.push(sent.elapsed());
        } else {
            refused += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    (latencies, refused)
}

/// A request of pageviews by one visitor, all ids new.
pub fn request(site: SiteId, visitor: u64, hits: usize) -> Vec<u8> {
    let now = SystemClock.now().0;
    let mut body = format!(r#"{{"site":"{site}","sent":{now},"hits":["#);
    for index in 0..hits {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let comma = if index == 0 { "" } else { "," };
        let page = id % 200;
        body.push_str(&format!(
            r#"{comma}{{"id":"{:016x}{id:016x}","kind":"pageview","at":{now},"url":"https://shop.example/teas/{page:03}?from=list","referrer":"https://www.google.com/","title":"A tea of which we have {page:03} kinds","due":60000}}"#,
            std::process::id(),
        ));
    }
    body.push_str("]}");
    let address = format!("10.{}.{}.{}", visitor >> 16 & 255, visitor >> 8 & 255, visitor & 255);
    let head = format!(
        "POST /v1/hits HTTP/1.1\r\nhost: stats.example\r\nuser-agent: {AGENT}\r\naccept-language: en-US,en;q=0.9\r\n\
         content-type: application/json\r\nx-forwarded-for: {address}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    (head + &body).into_bytes()
}

/// Reads one answer; its status.
async fn answer(socket: &mut TcpStream, buffer: &mut [u8]) -> u16 {
    let mut held = 0;
    loop {
        let count = socket.read(&mut buffer[held..]).await.expect("the server answers");
        assert!(count > 0, "the server closed");
        held += count;
        let Some(head) = buffer[..held].windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
        let length =
            text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
        if held >= head + 4 + length.unwrap_or(0usize) {
            return text.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
        }
    }
}

/// One pageview by each of these visitors, on one connection.
pub async fn each_once(address: SocketAddr, site: SiteId, visitors: std::ops::Range<u64>) {
    let mut socket = TcpStream::connect(address).await.expect("the server listens");
    socket.set_nodelay(true).expect("a TCP socket");
    let mut buffer = vec![0; 4096];
    for visitor in visitors {
        socket.write_all(&request(site, visitor, 1)).await.expect("the server reads");
        assert_eq!(answer(&mut socket, &mut buffer).await, 202);
    }
}

/// Somebody who posts in a room.
#[derive(Clone, Copy)]
pub struct Poster<'p> {
    pub server: SocketAddr,
    /// Of the room.
    pub path: &'p str,
    pub cookie: &'p str,
}

impl<'p> Poster<'p> {
    pub async fn connect(self) -> Posting<'p> {
        let socket = TcpStream::connect(self.server).await.expect("the server listens");
        socket.set_nodelay(true).expect("a TCP socket");
        Posting { socket, buffer: vec![0; 16 * 1024], poster: self }
    }
}

/// A connection that posts in a room.
pub struct Posting<'p> {
    socket: TcpStream,
    buffer: Vec<u8>,
    poster: Poster<'p>,
}

impl<'p> Posting<'p> {
    pub fn speak_as(&mut self, poster: Poster<'p>) {
        self.poster = poster;
    }

    /// Posts a message and waits for the answer.
    pub async fn post(&mut self, number: usize, text: &str) {
        let Poster { server, path, cookie } = self.poster;
        let body = format!(r#"{{"id":"{:016x}{number:016x}","body":"{text}"}}"#, std::process::id());
        let request = format!(
            "POST {path}/messages HTTP/1.1\r\nhost: {server}\r\norigin: http://{server}\r\n\
             sec-fetch-site: same-origin\r\ncookie: {cookie}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.socket.write_all(request.as_bytes()).await.expect("the server reads");
        assert_eq!(answer(&mut self.socket, &mut self.buffer).await, 201, "{number} is posted");
    }
}

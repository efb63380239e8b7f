//! The limits of rooms: a WebSocket server that tells everybody what it is told, and a table with one row a commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use futures_util::future::join_all;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::ear::{Board, Ear};
use super::{MESSAGES_MAX, POSTERS, SETTLE, Spread, at, said};
use crate::process::Peer;

/// Bytes of what a room tells of one message.
const TOLD_BYTES: usize = 800;
const INSERTS: usize = 1_000;
/// Frames that a slow socket of the bare server may be behind.
const BEHIND_MAX: usize = 1_024;

/// Everything that anybody says is told to everybody.
pub fn room_server() -> Router {
    let (told, _) = broadcast::channel::<Utf8Bytes>(BEHIND_MAX);
    let upgrade = |State(told): State<Arc<broadcast::Sender<Utf8Bytes>>>, socket: WebSocketUpgrade| async move {
        let response: Response = socket
            .read_buffer_size(1_024)
            .write_buffer_size(0)
            .on_upgrade(move |socket| converse(socket, told));
        response
    };
    Router::new().route("/", get(upgrade)).with_state(Arc::new(told))
}

async fn converse(mut socket: WebSocket, told: Arc<broadcast::Sender<Utf8Bytes>>) {
    let mut heard = told.subscribe();
    loop {
        tokio::select! {
            text = heard.recv() => {
                let Ok(text) = text else { return };
                if socket.send(Message::Text(text)).await.is_err() {
                    return;
                }
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => drop(told.send(text)),
                Some(Ok(_)) => {}
                _ => return,
            },
        }
    }
}

/// What the bare server spreads to so many who listen, at a pace or, without one, while some who speak each wait until they heard theirs.
pub async fn broadcast(people: usize, pace: Option<f64>, duration: Duration) -> anyhow::Result<Spread> {
    let folder = tempfile::tempdir()?;
    let peer = Peer::start("room", folder.path()).await?;
    let board = Arc::new(Board::new(people, MESSAGES_MAX));
    let stop = CancellationToken::new();
    let mut ears = Vec::with_capacity(people);
    for _ in 0..people {
        let ear = Ear::connect(peer.address, "/", "").await?;
        let (board, stop) = (board.clone(), stop.clone());
        ears.push(tokio::spawn(async move { ear.listen(&board, &stop).await }));
    }
    // Of those who speak nobody is counted: between two turns they do not read.
    let aside = Board::new(1, MESSAGES_MAX);
    let next = AtomicUsize::new(0);
    let began = Instant::now();
    let mut speakers = Vec::with_capacity(POSTERS);
    for _ in 0..POSTERS {
        speakers.push(Ear::connect(peer.address, "/", "").await?);
    }
    join_all(speakers.iter_mut().map(|speaker| async {
        while began.elapsed() < duration {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if let Some(pace) = pace {
                let due = began + Duration::from_secs_f64(number as f64 / pace);
                tokio::time::sleep_until(due.into()).await;
            }
            let text = format!(r#"{{"delta":{{"body":"{}"}}}}{:TOLD_BYTES$}"#, said(number), "");
            board.sent(number);
            if speaker.say(&text[..TOLD_BYTES]).await.is_err() {
                return;
            }
            while !speaker.heard(&aside, number).await {}
        }
    }))
    .await;
    let deliveries = board.deliveries.load(Ordering::Relaxed);
    let elapsed = began.elapsed();
    tokio::time::sleep(SETTLE).await;
    stop.cancel();
    join_all(ears).await;
    let waits = board.waits(0..next.load(Ordering::Relaxed));
    Ok(Spread { a_second: deliveries as f64 / elapsed.as_secs_f64(), waits })
}

/// Rows a second and times of one: a table, a row, a commit, a sync.
pub struct Inserts {
    a_second: f64,
    took: Vec<Duration>,
}

impl std::fmt::Display for Inserts {
    fn fmt(&self, into: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(into, "{:.0} | {:.2} | {:.2}", self.a_second, at(&self.took, 0.5), at(&self.took, 0.99))
    }
}

pub fn insert() -> anyhow::Result<Inserts> {
    let folder = tempfile::tempdir()?;
    let db = rusqlite::Connection::open(folder.path().join("bare.db"))?;
    db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.execute("CREATE TABLE messages (number INTEGER PRIMARY KEY, body TEXT NOT NULL)", ())?;
    let began = Instant::now();
    let mut took = Vec::with_capacity(INSERTS);
    for number in 0..INSERTS {
        let began = Instant::now();
        db.prepare_cached("INSERT INTO messages VALUES (?1, ?2)")?.execute((number as i64, said(number)))?;
        took.push(began.elapsed());
    }
    let a_second = INSERTS as f64 / began.elapsed().as_secs_f64();
    took.sort_unstable();
    Ok(Inserts { a_second, took })
}

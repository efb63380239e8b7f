//! What customers and agents see: sockets that note when they were told of a page or of a message, each by its number.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use world::Push;

/// When each was sent, and when the other side was told first.
pub struct Board {
    entries: Vec<[OnceLock<Instant>; 2]>,
    in_time: AtomicUsize,
}

impl Board {
    pub fn new(count: usize) -> Board {
        let entries = std::iter::repeat_with(Default::default).take(count).collect();
        Board { entries, in_time: Default::default() }
    }

    pub fn sent(&self, number: usize) {
        let _ = self.entries[number][0].set(Instant::now());
    }

    fn told(&self, number: usize) {
        if let Some([_, told]) = self.entries.get(number) {
            let _ = told.set(Instant::now());
        }
    }

    /// How long each of them took, least first, once all were told or patience ends.
    pub async fn waits(&self, numbers: std::ops::Range<usize>, patience: Duration) -> Vec<Duration> {
        let began = Instant::now();
        let wait = |[sent, told]: &[OnceLock<Instant>; 2]| Some(*told.get()? - *sent.get()?);
        let mut waits: Vec<Duration> = Vec::new();
        while began.elapsed() < patience {
            waits = self.entries[numbers.clone()].iter().filter_map(wait).collect();
            if waits.len() == numbers.len() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        waits.sort_unstable();
        self.in_time.fetch_add(waits.len(), Ordering::Relaxed);
        waits
    }

    pub fn in_time(&self) -> usize {
        self.in_time.load(Ordering::Relaxed)
    }
}

/// One socket, and what was heard on it.
pub struct Screen {
    stop: CancellationToken,
    heard: JoinHandle<Vec<usize>>,
}

impl Screen {
    /// Follows all of the topics, or is refused.
    pub async fn open(
        server: SocketAddr,
        headers: Vec<(&'static str, String)>,
        topics: Vec<(String, Value)>,
        pages: Arc<Board>,
        said: Arc<Board>,
    ) -> anyhow::Result<Screen> {
        let mut push = Push::connect(server, "", &headers)
            .await
            .map_err(|status| anyhow::anyhow!("refused {status}"))?;
        let is_customer = headers.iter().any(|(name, _)| *name == "authorization");
        for (number, (topic, filter)) in topics.iter().enumerate() {
            push.say(json!({ "subscribe": topic, "filter": filter, "as": number + 1 })).await;
            loop {
                let frame = push.frame().await?;
                anyhow::ensure!(frame.get("refused").is_none(), "{frame}");
                if frame["subscribed"]["as"] == number + 1 {
                    break;
                }
            }
        }
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let heard = tokio::spawn(async move {
            let mut heard = Vec::new();
            let side = if is_customer { Side::Customer } else { Side::Agent };
            stopped.run_until_cancelled(listen(&mut push, side, &pages, &said, &mut heard)).await;
            heard
        });
        Ok(Screen { stop, heard })
    }

    /// The messages that were heard, each as often as it was.
    pub async fn close(self) -> Vec<usize> {
        self.stop.cancel();
        self.heard.await.unwrap_or_default()
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Customer,
    Agent,
}

async fn listen(push: &mut Push, side: Side, pages: &Board, said: &Board, heard: &mut Vec<usize>) {
    while let Ok(frame) = push.frame().await {
        let data = &frame["delta"]["data"];
        for message in data["messages"].as_array().into_iter().flatten() {
            let Some(number) = message["body"].as_str().and_then(numbered) else { continue };
            heard.push(number);
            let by_customer = message["author"].as_str().is_some_and(|author| author.starts_with("GU-"));
            // Who said it knows it by the answer.
            if by_customer == (side == Side::Agent) {
                said.told(number);
            }
        }
        for visitor in data["set"].as_array().into_iter().flatten() {
            for page in visitor["pages"].as_array().into_iter().flatten() {
                let mark = page["path"].as_str().and_then(|path| path.strip_prefix("/step/")?.parse().ok());
                mark.into_iter().for_each(|mark| pages.told(mark));
            }
        }
    }
}

/// The number that a message begins with.
pub fn numbered(body: &str) -> Option<usize> {
    body.strip_prefix('m')?.split(' ').next()?.parse().ok()
}

//! Steady hits with known ids, from senders that try again as the tag does.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use hyper::Method;
use model::{HitId, SiteId, SystemClock};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use world::tag::fresh_id;
use world::{Person, Tag};

const SENDERS: u64 = 4;
/// A request is given up after so many tries.
const TRIES_MAX: usize = 100;
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(50);
const PAUSE: Duration = Duration::from_millis(5);

/// What the senders know.
#[derive(Default)]
pub struct Promised {
    pub acknowledged: HashSet<HitId>,
    /// Each is a visitor.
    pub addresses: HashSet<String>,
    /// Requests that were not answered with 202, and what they were answered with.
    pub refused: Vec<String>,
}

pub struct Load {
    stop: Arc<AtomicBool>,
    promised: Arc<Mutex<Promised>>,
    senders: Vec<JoinHandle<()>>,
}

impl Load {
    /// Sends to any of `doors`.
    pub fn start(doors: Vec<SocketAddr>, site: SiteId, rng: &mut Rng) -> Load {
        let (stop, promised) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let start = |sender| {
            let (stop, promised) = (Arc::clone(&stop), Arc::clone(&promised));
            tokio::spawn(send_until(stop, promised, doors.clone(), site, sender, Rng::with_seed(rng.u64(..))))
        };
        let senders = (0..SENDERS).map(start).collect();
        Load { stop, promised, senders }
    }

    /// Hits acknowledged so far.
    pub async fn acknowledged(&self) -> usize {
        self.promised.lock().await.acknowledged.len()
    }

    /// Hits are sent no more.
    pub async fn stop(self) -> Promised {
        self.stop.store(true, Ordering::SeqCst);
        for sender in self.senders {
            sender.await.expect("a sender ends well");
        }
        std::mem::take(&mut *self.promised.lock().await)
    }
}

/// The same body again, to any door, until it is acknowledged.
async fn send_until(
    stop: Arc<AtomicBool>,
    promised: Arc<Mutex<Promised>>,
    doors: Vec<SocketAddr>,
    site: SiteId,
    sender: u64,
    mut rng: Rng,
) {
    let clock = Arc::new(SystemClock);
    let people: Vec<Arc<Person>> = doors.iter().map(|&door| Arc::new(Person::new(door))).collect();
    while !stop.load(Ordering::SeqCst) {
        let address = format!("198.51.{sender}.{}", rng.u8(1..250));
        let nowhere = Person::new(doors[0]);
        let tag = Tag::new(nowhere, clock.clone(), site, &address, rng.u64(1..20));
        let hits: Vec<Value> = (0..rng.usize(1..6))
            .map(|_| tag.hit("pageview", json!({ "id": fresh_id(), "due": 60_000 })))
            .collect();
        let ids: Vec<HitId> = hits.iter().filter_map(|hit| hit["id"].as_str()?.parse().ok()).collect();
        let body = Bytes::from(tag.request(hits).to_string());
        let headers = [("x-forwarded-for", address.as_str()), ("user-agent", tag.agent.as_str())];
        for _ in 0..TRIES_MAX {
            let person = &people[rng.usize(0..people.len())];
            let answer = person.try_send(Method::POST, "/v1/hits", &headers, body.clone()).await;
            let mut promised = promised.lock().await;
            match answer {
                Ok(answer) if answer.status == 202 => {
                    promised.acknowledged.extend(&ids);
                    promised.addresses.insert(address);
                    break;
                }
                Ok(answer) => promised.refused.push(format!("{} {}", answer.status, answer.text())),
                Err(error) => promised.refused.push(format!("{error:#}")),
            }
            drop(promised);
            tokio::time::sleep(TRY_AGAIN_AFTER).await;
            if stop.load(Ordering::SeqCst) {
                return;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

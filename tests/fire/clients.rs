//! The load: browsers that open pages, beat, act and leave, and send as the tag does: the same hits under the same ids
//! until they are answered for. What they know is what the checks judge by.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use hyper::Method;
use model::{HitId, SiteId, SystemClock};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use world::{Answer, Person, Tag};

/// Browsers at a time: with their pauses about 120 hits a second.
const SEATS: usize = 40;
/// Milliseconds between two steps of a browser.
const PAUSE_MS: std::ops::Range<u64> = 100..600;
/// When a page's next sign of life is due, in milliseconds.
const DUE_MS: u64 = 5_000;
/// Of the last one: the page stays for two minutes, and with it everything that is looked at in the end.
const LAST_DUE_MS: u64 = 60_000;
/// An answer that takes longer is not waited for.
const ANSWER_MAX: Duration = Duration::from_secs(4);
const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_millis(1_600);

/// What was sent of one hit.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Index of its visit.
    pub visit: usize,
    /// How often it was sent.
    pub sends: usize,
    pub is_acknowledged: bool,
}

/// One browser's stay: an address that no other has.
#[derive(Clone, Debug)]
pub struct Visit {
    pub site: SiteId,
    /// Goes to one collector always, each request after the answer to the one before: its hits keep their order.
    pub is_sticky: bool,
    /// In the order they were first sent.
    pub hits: Vec<HitId>,
}

/// All that the browsers know.
#[derive(Default)]
pub struct Book {
    pub visits: Vec<Visit>,
    pub sent: HashMap<HitId, Sent>,
}

pub struct Load {
    shared: Arc<Shared>,
    seats: JoinSet<()>,
    ending: watch::Sender<bool>,
}

struct Shared {
    sites: Vec<SiteId>,
    collectors: Vec<Person>,
    book: Mutex<Book>,
    acknowledged: AtomicU64,
    full: AtomicU64,
    turn: AtomicU64,
}

/// One browser with one open page.
struct Browser {
    shared: Arc<Shared>,
    tag: Tag,
    visit: usize,
    /// The collector it goes to; none: to each in turn.
    sticky: Option<usize>,
    engaged: u64,
}

impl Load {
    pub fn start(sites: &[SiteId], collectors: &[SocketAddr], mut rng: Rng) -> Load {
        let shared = Arc::new(Shared {
            sites: sites.to_vec(),
            collectors: collectors.iter().map(|address| Person::new(*address)).collect(),
            book: Mutex::default(),
            acknowledged: AtomicU64::new(0),
            full: AtomicU64::new(0),
            turn: AtomicU64::new(0),
        });
        let (ending, ends) = watch::channel(false);
        let mut seats = JoinSet::new();
        for _ in 0..SEATS {
            seats.spawn(seat(shared.clone(), ends.clone(), Rng::with_seed(rng.u64(..))));
        }
        Load { shared, seats, ending }
    }

    /// Hits that were promised to be kept, so far.
    pub fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::SeqCst)
    }

    /// Answers so far that said that the bus is full.
    pub fn full_answers(&self) -> u64 {
        self.shared.full.load(Ordering::SeqCst)
    }

    /// Nobody comes any more; who is here says so once more, for two minutes. Returns when all is acknowledged.
    pub async fn end(mut self) -> Book {
        self.ending.send_replace(true);
        while let Some(seat) = self.seats.join_next().await {
            seat.expect("a browser ends well");
        }
        std::mem::take(&mut *self.shared.book())
    }
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("no panic while held")
    }
}

/// One browser after another.
async fn seat(shared: Arc<Shared>, mut ends: watch::Receiver<bool>, mut rng: Rng) {
    while !*ends.borrow() {
        let mut browser = Browser::open(shared.clone(), &mut rng);
        browser.page(&mut rng).await;
        let is_over = |browser: &Browser| browser.tag.pageview == HitId(0);
        while !is_over(&browser) {
            let pause = Duration::from_millis(rng.u64(PAUSE_MS));
            let is_ending = timeout(pause, ends.wait_for(|ending| *ending)).await.is_ok();
            match is_ending {
                true => return browser.beat(LAST_DUE_MS).await,
                false => browser.step(&mut rng).await,
            }
        }
    }
}

impl Browser {
    fn open(shared: Arc<Shared>, rng: &mut Rng) -> Browser {
        let site = shared.sites[rng.usize(0..shared.sites.len())];
        let sticky = rng.bool().then(|| rng.usize(0..shared.collectors.len()));
        let mut book = shared.book();
        let visit = book.visits.len();
        book.visits.push(Visit { site, is_sticky: sticky.is_some(), hits: Vec::new() });
        drop(book);
        let address = format!("198.{}.{}.{}", 18 + visit / 62_500, visit / 250 % 250, visit % 250 + 1);
        let nowhere = Person::new("127.0.0.1:1".parse().expect("an address"));
        let tag = Tag::new(nowhere, Arc::new(SystemClock), site, &address, rng.u64(1..));
        Browser { shared, tag, visit, sticky, engaged: 0 }
    }

    async fn step(&mut self, rng: &mut Rng) {
        match rng.u8(0..80) {
            0..40 => self.beat(DUE_MS).await,
            40..62 => {
                let event = json!({ "name": "click", "pageview": self.tag.pageview });
                self.send(vec![self.tag.hit("event", event)]).await;
            }
            62..74 => self.page(rng).await,
            74..79 => {
                let leave = self.leave();
                self.send(vec![leave]).await;
                self.tag.pageview = HitId(0);
            }
            // The network dies.
            _ => {
                self.beat(DUE_MS).await;
                self.tag.pageview = HitId(0);
            }
        }
    }

    /// The page before is left in the same request, as on a site of one page.
    async fn page(&mut self, rng: &mut Rng) {
        let mut hits = Vec::new();
        if self.tag.pageview != HitId(0) {
            hits.push(self.leave());
        }
        self.engaged = 0;
        hits.push(self.tag.pageview_of(&format!("/{}", rng.u8(0..30)), DUE_MS));
        self.send(hits).await;
    }

    async fn beat(&mut self, due: u64) {
        self.engaged += 100;
        let more = json!({
            "pageview": self.tag.pageview, "engaged": self.engaged, "scroll": 50,
            "active": self.engaged.is_multiple_of(300), "due": due,
        });
        self.send(vec![self.tag.hit("heartbeat", more)]).await;
    }

    fn leave(&self) -> Value {
        let more = json!({ "pageview": self.tag.pageview, "engaged": self.engaged, "scroll": 60 });
        self.tag.hit("leave", more)
    }

    /// Returns once they are acknowledged, however long that takes.
    async fn send(&self, hits: Vec<Value>) {
        let ids: Vec<HitId> = hits.iter().filter_map(|hit| hit["id"].as_str()?.parse().ok()).collect();
        self.write_down(&ids);
        let mut wait = RETRY_MIN;
        loop {
            self.count_send(&ids);
            let answer = timeout(ANSWER_MAX, self.send_once(hits.clone())).await;
            let pause = match answer {
                Ok(Ok(answer)) if answer.status == 202 => {
                    assert_eq!(answer.json()["accepted"], ids.len(), "{}", answer.text());
                    return self.acknowledge(&ids);
                }
                Ok(Ok(answer)) => self.told_to_wait(&answer).max(wait),
                Ok(Err(_)) | Err(_) => wait,
            };
            sleep(pause).await;
            wait = (wait * 2).min(RETRY_MAX);
        }
    }

    async fn send_once(&self, hits: Vec<Value>) -> anyhow::Result<Answer> {
        let collectors = &self.shared.collectors;
        let turn = || self.shared.turn.fetch_add(1, Ordering::Relaxed) as usize % collectors.len();
        let collector = &collectors[self.sticky.unwrap_or_else(turn)];
        let headers = [("x-forwarded-for", &*self.tag.address), ("user-agent", &*self.tag.agent)];
        let body = Bytes::from(self.tag.request(hits).to_string());
        collector.try_send(Method::POST, "/v1/hits", &headers, body).await
    }

    /// A refusal that the tag would drop its hits for must never come: they are good.
    fn told_to_wait(&self, answer: &Answer) -> Duration {
        assert!(
            answer.status.is_server_error(),
            "good hits were refused: {} {}",
            answer.status,
            answer.text()
        );
        if answer.status != 503 {
            return Duration::ZERO;
        }
        let after = answer.headers.get("retry-after").and_then(|after| after.to_str().ok()?.parse().ok());
        let after = after.unwrap_or_else(|| panic!("503 without Retry-After: {}", answer.text()));
        if answer.code() == "bus_full" {
            self.shared.full.fetch_add(1, Ordering::SeqCst);
        }
        Duration::from_secs(after)
    }

    fn write_down(&self, ids: &[HitId]) {
        let mut book = self.shared.book();
        book.visits[self.visit].hits.extend(ids);
        let sent = Sent { visit: self.visit, sends: 0, is_acknowledged: false };
        book.sent.extend(ids.iter().map(|id| (*id, sent.clone())));
    }

    fn count_send(&self, ids: &[HitId]) {
        let mut book = self.shared.book();
        ids.iter().for_each(|id| book.sent.get_mut(id).expect("written down").sends += 1);
    }

    fn acknowledge(&self, ids: &[HitId]) {
        let mut book = self.shared.book();
        ids.iter().for_each(|id| book.sent.get_mut(id).expect("written down").is_acknowledged = true);
        self.shared.acknowledged.fetch_add(ids.len() as u64, Ordering::SeqCst);
    }
}

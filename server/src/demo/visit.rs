//! One simulated visit: what its tag would send, and when.

use std::net::IpAddr;
use std::time::Duration;

use fastrand::Rng;
use model::{BrowserId, HitId, Millis};
use serde::Serialize;

use super::people::{People, Person};
use super::shop::{self, PAGES};

/// Between heartbeats while active; doubles to `IDLE_BEAT_MAX` while idle.
const BEAT: Duration = Duration::from_secs(15);
const IDLE_BEAT_MAX: Duration = Duration::from_secs(60);
/// Pages of one visit at most.
const PAGES_MAX: u32 = 15;

/// A hit as it goes over the wire, with the sender stated.
#[derive(Serialize, Debug, Default)]
pub struct DemoHit {
    id: HitId,
    kind: &'static str,
    at: i64,
    url: String,
    address: Option<IpAddr>,
    agent: &'static str,
    language: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    referrer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pageview: Option<HitId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    engaged: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scroll: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    props: Option<serde_json::Value>,
}

/// A person on the shop, between two acts.
pub struct Visit {
    person: Person,
    pub browser: BrowserId,
    pub screen: &'static str,
    hostname: String,
    page: usize,
    previous: Option<String>,
    pageview: HitId,
    shown: Millis,
    engaged: Duration,
    active: bool,
    /// Time left on this page.
    left: Duration,
    beat: Duration,
    pages_to_see: u32,
    pages_seen: u32,
}

impl Visit {
    pub fn arrive(rng: &mut Rng, people: &People, hostname: &str) -> Visit {
        let person = people.person(rng);
        let bounces = rng.f64() < 0.42;
        let pages_to_see = if bounces { 1 } else { rng.u32(2..7) + u32::from(rng.f64() < 0.1) * 6 };
        Visit {
            screen: person.screen,
            person,
            browser: BrowserId(rng.u64(1..)),
            hostname: hostname.to_owned(),
            page: shop::entry(rng),
            previous: None,
            pageview: HitId(0),
            shown: Millis(0),
            engaged: Duration::ZERO,
            active: true,
            left: Duration::ZERO,
            beat: BEAT,
            pages_to_see: pages_to_see.min(PAGES_MAX),
            pages_seen: 0,
        }
    }

    /// What the tag sends now, and how long until it acts again; None: the visit is over.
    pub fn act(&mut self, rng: &mut Rng, now: Millis) -> (Vec<DemoHit>, Option<Duration>) {
        if self.pages_seen > 0 && self.left > Duration::ZERO {
            let hits = vec![self.heartbeat(rng, now)];
            return (hits, Some(self.wait()));
        }
        let mut hits = Vec::new();
        if self.pages_seen > 0 {
            // One in six leaves without a word: a dead network, a killed browser.
            let is_last = self.pages_seen >= self.pages_to_see;
            if !is_last || rng.f64() > 0.16 {
                hits.push(self.leave(rng, now));
            }
            if is_last {
                return (hits, None);
            }
            self.previous = Some(self.url(""));
            self.page = shop::next(rng, self.page);
        }
        hits.push(self.show(rng, now));
        if PAGES[self.page].path.starts_with("/teas/") && rng.f64() < 0.12 {
            hits.push(self.add_to_cart(rng, now));
        }
        (hits, Some(self.wait()))
    }

    fn show(&mut self, rng: &mut Rng, now: Millis) -> DemoHit {
        self.pages_seen += 1;
        self.pageview = HitId((u128::from(rng.u64(..)) << 64) | u128::from(rng.u64(..)));
        (self.shown, self.engaged, self.active, self.beat) = (now, Duration::ZERO, true, BEAT);
        self.left = reading_time(rng);
        let first = self.previous.is_none();
        DemoHit {
            referrer: Some(self.previous.clone().unwrap_or_else(|| self.person.referrer.to_owned())),
            title: Some(PAGES[self.page].title),
            due: Some(BEAT.as_millis() as u64),
            url: self.url(if first { self.person.query } else { "" }),
            id: self.pageview,
            ..self.hit(rng, "pageview", now)
        }
    }

    fn heartbeat(&mut self, rng: &mut Rng, now: Millis) -> DemoHit {
        self.active = if self.active { rng.f64() > 0.25 } else { rng.f64() < 0.35 };
        self.beat = if self.active { BEAT } else { (self.beat * 2).min(IDLE_BEAT_MAX) };
        DemoHit {
            pageview: Some(self.pageview),
            engaged: Some(self.engage(now)),
            scroll: Some(rng.u8(10..=100)),
            active: Some(self.active),
            due: Some(self.beat.as_millis() as u64),
            ..self.hit(rng, "heartbeat", now)
        }
    }

    fn leave(&mut self, rng: &mut Rng, now: Millis) -> DemoHit {
        DemoHit {
            pageview: Some(self.pageview),
            engaged: Some(self.engage(now)),
            scroll: Some(rng.u8(20..=100)),
            ..self.hit(rng, "leave", now)
        }
    }

    fn add_to_cart(&mut self, rng: &mut Rng, now: Millis) -> DemoHit {
        DemoHit {
            pageview: Some(self.pageview),
            name: Some("add-to-cart"),
            props: Some(serde_json::json!({ "item": PAGES[self.page].title, "grams": 100 })),
            ..self.hit(rng, "event", now)
        }
    }

    fn hit(&self, rng: &mut Rng, kind: &'static str, now: Millis) -> DemoHit {
        DemoHit {
            id: HitId((u128::from(rng.u64(..)) << 64) | u128::from(rng.u64(..))),
            kind,
            at: now.0,
            url: self.url(""),
            address: Some(self.person.address),
            agent: self.person.agent,
            language: self.person.language,
            ..DemoHit::default()
        }
    }

    /// Engaged so far: about two thirds of the time shown, while active.
    fn engage(&mut self, now: Millis) -> u64 {
        let share = if self.active { 0.66 } else { 0.3 };
        self.engaged = self.engaged.max(now.since(self.shown).mul_f64(share));
        self.engaged.as_millis() as u64
    }

    fn wait(&mut self) -> Duration {
        let wait = self.left.min(self.beat);
        self.left -= wait;
        wait
    }

    fn url(&self, query: &str) -> String {
        format!("https://{}{}{query}", self.hostname, PAGES[self.page].path)
    }
}

/// Log-normal: half of the pages are read for under 22 s, a few for minutes.
fn reading_time(rng: &mut Rng) -> Duration {
    let radius = (-2.0 * (1.0 - rng.f64()).ln()).sqrt();
    let normal = radius * (std::f64::consts::TAU * rng.f64()).cos();
    Duration::from_secs_f64((22.0 * normal.exp()).clamp(2.0, 900.0))
}

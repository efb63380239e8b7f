//! What is encoded reads back, it is small, and no bytes whatever break the reader.

use std::sync::Arc;

use fastrand::Rng;
use model::{Agent, HitId, Millis, Place, Screen, Source, VisitorId};

use super::encode::{CHANNELS, DEVICES, VERDICTS};
use super::*;
use crate::hit::Props;
use crate::{EnrichedKind, Page};

const SEEDS: std::ops::Range<u64> = 0..60;

/// Things to draw hits from, shared as the processor shares them.
struct World {
    texts: Vec<Arc<str>>,
    pages: Vec<Arc<Page>>,
    sources: Vec<Arc<Source>>,
    agents: Vec<Arc<Agent>>,
    places: Vec<Arc<Place>>,
}

impl World {
    fn new(rng: &mut Rng) -> World {
        let texts: Vec<Arc<str>> = (0..30).map(|index| Arc::from(text(rng, index))).collect();
        let text = |rng: &mut Rng| rng.choice(&texts).cloned().unwrap();
        let page = |rng: &mut Rng| Page { hostname: text(rng), path: text(rng), query: text(rng) };
        let source = |rng: &mut Rng| Source {
            channel: rng.choice(CHANNELS).unwrap(),
            name: text(rng),
            referrer: text(rng),
            utm_source: text(rng),
            utm_medium: text(rng),
            utm_campaign: text(rng),
            utm_term: text(rng),
            utm_content: text(rng),
        };
        let agent = |rng: &mut Rng| Agent {
            browser: text(rng),
            browser_version: text(rng),
            os: text(rng),
            os_version: text(rng),
            device: rng.choice(DEVICES).unwrap(),
        };
        let place = |rng: &mut Rng| Place {
            country: text(rng).to_string(),
            region: text(rng).to_string(),
            city: text(rng).to_string(),
        };
        World {
            pages: (0..40).map(|_| Arc::new(page(rng))).collect(),
            sources: (0..8).map(|_| Arc::new(source(rng))).collect(),
            agents: (0..12).map(|_| Arc::new(agent(rng))).collect(),
            places: (0..12).map(|_| Arc::new(place(rng))).collect(),
            texts,
        }
    }

    fn hit(&self, rng: &mut Rng) -> EnrichedHit {
        let at = 1_763_712_000_000 + rng.i64(-40_000_000_000..1_000_000);
        EnrichedHit {
            id: HitId(rng.u128(..)),
            at: Millis(at),
            received: Millis(if rng.bool() { at } else { 1_763_712_000_000 + rng.i64(0..1_000) }),
            visitor: VisitorId(rng.u64(..)),
            page: rng.choice(&self.pages).cloned().unwrap(),
            source: rng.choice(&self.sources).cloned().unwrap(),
            agent: rng.choice(&self.agents).cloned().unwrap(),
            place: rng.choice(&self.places).cloned().unwrap(),
            language: self.text(rng),
            screen: rng.bool().then(|| Screen { width: rng.u16(..), height: rng.u16(..) }),
            bot: rng.choice(VERDICTS).unwrap(),
            kind: self.kind(rng),
        }
    }

    fn kind(&self, rng: &mut Rng) -> EnrichedKind {
        let (pageview, engaged_ms, scroll) = (HitId(rng.u128(..)), rng.u32(..), rng.u8(..));
        match rng.u8(..5) {
            0 => EnrichedKind::Pageview { title: self.text(rng), due_ms: rng.bool().then(|| rng.u32(..)) },
            1 => EnrichedKind::Heartbeat {
                pageview,
                engaged_ms,
                scroll,
                active: rng.bool(),
                due_ms: rng.u32(..),
            },
            2 => EnrichedKind::Leave { pageview, engaged_ms, scroll },
            3 => {
                let pageview = rng.bool().then_some(pageview);
                EnrichedKind::Event { name: self.text(rng), props: self.props(rng), pageview }
            }
            _ => EnrichedKind::Identify { identity: self.text(rng), props: self.props(rng) },
        }
    }

    fn props(&self, rng: &mut Rng) -> Props {
        (0..rng.usize(..4)).map(|_| (self.text(rng), self.text(rng))).collect()
    }

    fn text(&self, rng: &mut Rng) -> Arc<str> {
        rng.choice(&self.texts).cloned().unwrap()
    }
}

fn text(rng: &mut Rng, index: usize) -> String {
    match index {
        0 => String::new(),
        1 => "é ü 漢字 🔥".into(),
        2 => "x".repeat(2_048),
        _ => (0..rng.usize(..20)).map(|_| rng.alphanumeric()).collect(),
    }
}

#[test]
fn a_batch_reads_back_what_was_written() {
    for seed in SEEDS {
        let rng = &mut Rng::with_seed(seed);
        let world = World::new(rng);
        let hits: Vec<_> = (0..rng.usize(..300)).map(|_| world.hit(rng)).collect();
        let shard = rng.u16(..);
        let body = encode(shard, &hits);
        assert_eq!(shard_of(&body), Ok(shard), "seed {seed}");
        assert_eq!(decode(&body), Ok(Tail { shard, hits }), "seed {seed}");
    }
}

#[test]
fn equal_strings_in_different_places_are_written_once() {
    let rng = &mut Rng::with_seed(1);
    let world = World::new(rng);
    let mut hit = world.hit(rng);
    let mut title = |text: &str| {
        hit.kind = EnrichedKind::Pageview { title: Arc::from(text), due_ms: None };
        hit.clone()
    };
    let once = "a title that is long enough to be seen";
    let body = encode(0, &[title(once), title(once)]);
    let found = body.windows(once.len()).filter(|window| *window == once.as_bytes()).count();
    assert_eq!(found, 1);
}

#[test]
fn a_full_batch_of_ordinary_hits_takes_at_most_90_bytes_a_hit() {
    let rng = &mut Rng::with_seed(7);
    let world = World::new(rng);
    let ordinary = |rng: &mut Rng, index: i64| {
        let mut hit = world.hit(rng);
        hit.received = Millis(1_763_712_000_000 + index / 10);
        hit.at = Millis(hit.received.0 - rng.i64(0..400));
        hit.kind = match index % 3 {
            0 => EnrichedKind::Pageview { title: world.text(rng), due_ms: Some(15_000) },
            _ => EnrichedKind::Heartbeat {
                pageview: hit.id,
                engaged_ms: rng.u32(..600_000),
                scroll: 50,
                active: true,
                due_ms: 15_000,
            },
        };
        hit
    };
    let hits: Vec<_> = (0..500).map(|index| ordinary(rng, index)).collect();
    let bytes = encode(0, &hits).len();
    assert!(bytes <= 500 * 90, "{} bytes a hit", bytes / 500);
}

#[test]
fn what_is_no_batch_is_named() {
    assert_eq!(decode(&[]), Err(BadTail::Short));
    assert_eq!(decode(&[9, 0, 0]), Err(BadTail::Version(9)));
    let mut longer = encode(0, &[]);
    longer.push(0);
    assert_eq!(decode(&longer), Err(BadTail::Malformed("something follows the last hit")));
    let many = [VERSION, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f];
    assert_eq!(decode(&many), Err(BadTail::Malformed("a count is larger than what follows")));
}

#[test]
fn every_cut_of_a_batch_is_refused() {
    let rng = &mut Rng::with_seed(3);
    let world = World::new(rng);
    let hits: Vec<_> = (0..20).map(|_| world.hit(rng)).collect();
    let body = encode(0, &hits);
    for length in 0..body.len() {
        assert!(decode(&body[..length]).is_err(), "cut at {length}");
    }
}

#[test]
fn changed_bytes_never_break_the_reader() {
    for seed in SEEDS {
        let rng = &mut Rng::with_seed(seed);
        let world = World::new(rng);
        let hits: Vec<_> = (0..10).map(|_| world.hit(rng)).collect();
        let body = encode(0, &hits);
        for _ in 0..200 {
            let mut changed = body.clone();
            for _ in 0..rng.usize(1..6) {
                let index = rng.usize(..changed.len());
                changed[index] = rng.u8(..);
            }
            let _ = decode(&changed);
        }
        let noise: Vec<u8> = std::iter::once(VERSION).chain((0..200).map(|_| rng.u8(..))).collect();
        let _ = decode(&noise);
    }
}

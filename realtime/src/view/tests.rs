//! Random commits through Live in memory: whoever applies snapshot and deltas always holds what a fresh snapshot says,
//! and that is what a recount of the present visitors says.

use std::collections::BTreeMap;

use ::live::{Change, Commit, FeedHit, FeedKind, Live, MemoryLive};
use model::{
    Agent, BotReason, BrowserId, Channel, Device, HitId, Millis, OpenPage, Place, SiteId, Source, Step,
    VisitorId, VisitorKey,
};
use serde_json::{Map, Value, json};

use super::*;
use crate::options::{ROWS_MAX, VISITORS_MAX};
use crate::topic::Filter;

const SITE: SiteId = SiteId::of(1);
const START: Millis = Millis(1_763_712_000_000);

/// Visitors who come, change and go at random, and the site that is told of them.
struct World {
    random: fastrand::Rng,
    live: MemoryLive,
    present: BTreeMap<u64, Arc<Visitor>>,
    now: Millis,
    pages: usize,
}

impl World {
    fn of(seed: u64, pages: usize) -> World {
        let random = fastrand::Rng::with_seed(seed);
        World { random, live: MemoryLive::default(), present: BTreeMap::new(), now: START, pages }
    }

    /// One commit of up to `most` changes.
    async fn commit(&mut self, most: usize) {
        self.now = Millis(self.now.0 + self.random.i64(1..20_000));
        let count = self.random.usize(0..=most);
        let changes: Vec<Change> = (0..count).map(|_| self.change()).collect();
        let feed: Vec<FeedHit> = (0..self.random.usize(0..4)).map(|_| self.hit()).collect();
        let ago = self.random.i64(0..40);
        let pageviews = vec![(Millis(self.now.0 - ago * 60_000).minute(), self.random.u32(1..9))];
        let commit = Commit {
            site: SITE,
            shard: 0,
            origin: Default::default(),
            mark: None,
            at: self.now,
            changes,
            pageviews,
            feed,
        };
        self.live.commit(vec![commit]).await.unwrap();
    }

    fn change(&mut self) -> Change {
        let name = self.random.u64(0..60);
        let key = VisitorKey { visitor: VisitorId(name), browser: BrowserId(0) };
        let before = self.present.remove(&name);
        let after = match &before {
            Some(_) if self.random.u8(..) < 70 => None,
            Some(before) if self.random.bool() => Some(self.moved(before)),
            _ => Some(self.visitor(key)),
        };
        let after = after.map(Arc::new);
        after.iter().for_each(|after| drop(self.present.insert(name, after.clone())));
        Change { key, before, after }
    }

    fn moved(&mut self, before: &Visitor) -> Visitor {
        let mut visitor = before.clone();
        match self.random.u8(0..5) {
            0 => visitor.engaged_ms += 1_000,
            1 => visitor.active = !visitor.active,
            2 => visitor.pages.push(self.page()),
            3 => visitor.pages.truncate(self.random.usize(0..3)),
            _ => visitor.trail.push(Step { at: self.now, path: self.path() }),
        }
        visitor
    }

    fn visitor(&mut self, key: VisitorKey) -> Visitor {
        let pick =
            |random: &mut fastrand::Rng, of: &[&str]| -> Arc<str> { of[random.usize(..of.len())].into() };
        let random = &mut self.random;
        let bot = (random.u8(..) < 40).then_some(BotReason::NamesItself);
        let place = Place { country: pick(random, &["FR", "DE", ""]).to_string(), ..Place::default() };
        let agent = Agent {
            browser: pick(random, &["Firefox", "Chrome"]),
            browser_version: "1".into(),
            os: pick(random, &["Linux", "macOS"]),
            os_version: "".into(),
            device: if random.bool() { Device::Desktop } else { Device::Mobile },
        };
        let source = Source { name: pick(random, &["Direct", "Google"]), ..Source::direct() };
        let language = pick(random, &["fr", "en", ""]);
        let active = random.bool();
        let page = self.page();
        Visitor {
            key,
            since: Millis(self.now.0 - self.random.i64(0..5)),
            alive_until: self.now,
            active,
            engaged_ms: 0,
            trail: vec![Step { at: self.now, path: page.path.clone() }],
            pages: vec![page],
            source: source.into(),
            place: place.into(),
            agent: agent.into(),
            language,
            bot,
            identity: None,
        }
    }

    fn page(&mut self) -> OpenPage {
        let path = self.path();
        let active = self.random.bool();
        OpenPage {
            pageview: HitId(1),
            path,
            active,
            engaged_ms: 0,
            scroll: self.random.u8(0..100),
            alive_until: self.now,
        }
    }

    fn path(&mut self) -> Arc<str> {
        format!("/{}", self.random.usize(0..self.pages)).into()
    }

    fn hit(&mut self) -> FeedHit {
        FeedHit {
            at: self.now,
            key: VisitorKey { visitor: VisitorId(1), browser: BrowserId(2) },
            kind: FeedKind::Pageview,
            path: self.path(),
            country: "FR".into(),
            source: "Direct".into(),
            channel: Channel::Direct,
        }
    }

    async fn mirror(&self) -> Mirror {
        Mirror::of(self.live.watch(SITE).await.unwrap().snapshot, START)
    }
}

/// A dashboard: applies what it is told as the protocol says.
struct Reader {
    topic: Arc<Topic>,
    view: View,
    version: u64,
    data: Value,
}

impl Reader {
    fn of(kind: &str, filter: &str, mirror: &Mirror) -> Reader {
        let topic = Topic::parse(&format!("site/{SITE}/{kind}"), Filter::from_json(filter).unwrap()).unwrap();
        let view = View::of(&topic, mirror);
        let data = data(&view.snapshot(&topic.key, 1));
        Reader { topic, view, version: 1, data }
    }

    fn tell(&mut self, mirror: &Mirror) {
        let Some(delta) = self.view.delta(mirror, &self.topic.key, self.version + 1) else {
            return;
        };
        self.version += 1;
        let delta = data(&delta);
        match self.topic.kind {
            Kind::Now => self.data = delta,
            Kind::Live => apply_live(&mut self.data, &delta),
            Kind::Visitors => apply_visitors(&mut self.data, &delta),
            Kind::Hits => apply_hits(&mut self.data, &delta),
        }
    }

    /// Holds what a snapshot says now; for all but the feed, which begins with its first watcher, also what the
    /// snapshot of a view made this moment says.
    fn check(&self, mirror: &Mirror, now: Millis, seed: u64) {
        let key = &self.topic.key;
        let tidy = |value: Value| tidied(value, self.topic.kind, now);
        let told = data(&self.view.snapshot(key, self.version));
        assert_eq!(tidy(self.data.clone()), tidy(told), "seed {seed}, {key}: snapshot and deltas");
        if self.topic.kind != Kind::Hits {
            let fresh = data(&View::of(&self.topic, mirror).snapshot(key, 1));
            assert_eq!(tidy(self.data.clone()), tidy(fresh), "seed {seed}, {key}: a view made now");
        }
    }
}

fn data(frame: &Frame) -> Value {
    let body: Value = serde_json::from_slice(&frame.body()).unwrap();
    body["data"].clone()
}

fn apply_live(data: &mut Value, delta: &Value) {
    for (name, changed) in delta.as_object().unwrap() {
        match name.as_str() {
            "rows" | "keys" => {
                for (dimension, changed) in changed.as_object().unwrap() {
                    merge(&mut data[name.as_str()][dimension], changed);
                }
            }
            "minutes" => {
                for minute in changed.as_array().unwrap() {
                    let minutes = data["minutes"].as_array_mut().unwrap();
                    minutes.retain(|known| known["minute"] != minute["minute"]);
                    minutes.push(minute.clone());
                }
            }
            _ => data[name.as_str()] = changed.clone(),
        }
    }
}

fn merge(known: &mut Value, changed: &Value) {
    let (Value::Object(known), Value::Object(changed)) = (&mut *known, changed) else {
        *known = changed.clone();
        return;
    };
    for (key, value) in changed {
        match value {
            Value::Null => assert!(known.remove(key).is_some(), "{key} left without having been"),
            value => drop(known.insert(key.clone(), value.clone())),
        }
    }
}

fn apply_visitors(data: &mut Value, delta: &Value) {
    let visitors = data["visitors"].as_array_mut().unwrap();
    for key in delta["gone"].as_array().unwrap() {
        let count = visitors.len();
        visitors.retain(|known| known["key"] != *key);
        assert_eq!(visitors.len(), count - 1, "{key} left without having been");
    }
    for visitor in delta["set"].as_array().unwrap() {
        visitors.retain(|known| known["key"] != visitor["key"]);
        visitors.push(visitor.clone());
    }
    data["total"] = delta["total"].clone();
}

fn apply_hits(data: &mut Value, delta: &Value) {
    let hits = data["hits"].as_array_mut().unwrap();
    hits.extend(delta["hits"].as_array().unwrap().iter().cloned());
    let over = hits.len().saturating_sub(50);
    hits.drain(..over);
}

/// In an order of its own, without what falls away by itself, and without what makes no delta.
fn tidied(mut data: Value, kind: Kind, now: Millis) -> Value {
    match kind {
        Kind::Live => {
            let minutes = data["minutes"].as_array_mut().unwrap();
            let oldest = (now.minute().0 - 29) * 60_000;
            minutes.retain(|known| known["minute"].as_i64().unwrap() >= oldest);
            minutes.sort_by_key(|known| known["minute"].as_i64());
        }
        Kind::Visitors => {
            let visitors = data["visitors"].as_array_mut().unwrap();
            visitors.iter_mut().for_each(|visitor| visitor["engaged"] = Value::Null);
            visitors.sort_by_key(|visitor| visitor["key"].to_string());
        }
        Kind::Now | Kind::Hits => {}
    }
    data
}

const TOPICS: [(&str, &str); 9] = [
    ("now", "{}"),
    ("live", "{}"),
    ("live", r#"{"country": "FR"}"#),
    ("live", r#"{"page": "/1"}"#),
    ("live", r#"{"bots": true}"#),
    ("live", r#"{"page": "/2", "browser": "Firefox", "country": "", "bots": true}"#),
    ("visitors", "{}"),
    ("visitors", r#"{"page": "/1", "bots": true}"#),
    ("hits", "{}"),
];

async fn simulate(seed: u64, pages: usize, commits: usize) {
    let mut world = World::of(seed, pages);
    let mut watch = world.live.watch(SITE).await.unwrap();
    let mut mirror = Mirror::of(watch.snapshot, START);
    let mut readers: Vec<Reader> =
        TOPICS.iter().map(|(kind, filter)| Reader::of(kind, filter, &mirror)).collect();
    for _ in 0..commits {
        world.commit(12).await;
        if world.random.u8(..) < 12 {
            // The mirror lags and is made anew; readers are not to notice.
            watch = world.live.watch(SITE).await.unwrap();
            mirror = Mirror::of(watch.snapshot, START);
            readers.iter_mut().for_each(|reader| reader.view.restart(&mirror));
        }
        while let Ok(applied) = watch.changes.try_recv() {
            let fresh = mirror.apply(&applied, |before, after| {
                readers.iter_mut().for_each(|reader| reader.view.change(before, after));
            });
            assert_eq!(fresh, Ok(true));
            readers.iter_mut().for_each(|reader| reader.view.applied(&applied));
        }
        if world.random.bool() {
            let fresh = world.mirror().await;
            for reader in &mut readers {
                reader.tell(&mirror);
                reader.check(&fresh, world.now, seed);
            }
        }
    }
    readers.iter_mut().for_each(|reader| reader.tell(&mirror));
    check_recount(&readers[1].data, &world);
}

/// The live snapshot against the visitors that were made, counted by hand.
fn check_recount(data: &Value, world: &World) {
    let people: Vec<&Arc<Visitor>> = world.present.values().filter(|visitor| visitor.bot.is_none()).collect();
    assert_eq!(data["present"], people.len());
    assert_eq!(data["active"], people.iter().filter(|visitor| visitor.active).count());
    assert_eq!(data["bots"], world.present.len() - people.len());
    let mut countries = Map::new();
    for visitor in people {
        let count = countries.entry(visitor.place.country.clone()).or_insert(json!(0));
        *count = json!(count.as_u64().unwrap() + 1);
    }
    assert_eq!(data["rows"]["country"], Value::Object(countries));
}

#[tokio::test]
async fn snapshot_and_deltas_always_make_a_fresh_snapshot() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    for round in 0..8 {
        simulate(seed.wrapping_add(round), 6, 80).await;
    }
    simulate(seed, ROWS_MAX * 3, 60).await;
}

#[tokio::test]
async fn a_heartbeat_that_only_adds_engaged_time_makes_no_delta() {
    let mut world = World::of(1, 3);
    let visitor = world.visitor(VisitorKey { visitor: VisitorId(1), browser: BrowserId(0) });
    let first = Arc::new(visitor.clone());
    let told = |engaged_ms, active| {
        let change = |before, after| Change { key: visitor.key, before, after };
        let after = Arc::new(Visitor { engaged_ms, active, bot: None, ..visitor.clone() });
        change(Some(first.clone()), Some(after))
    };
    let mirror = world.mirror().await;
    let mut reader = Reader::of("visitors", "{}", &mirror);
    let mut told_after = |change: Change| {
        reader.view.change(change.before.as_ref(), change.after.as_ref());
        reader.view.delta(&mirror, "k", 2).is_some()
    };
    assert!(told_after(told(0, true)));
    assert!(!told_after(told(9_000, true)));
    assert!(told_after(told(9_000, false)));
}

#[tokio::test]
async fn the_largest_rows_are_told_by_count_then_key() {
    let mut world = World::of(1, 1);
    let mirror = world.mirror().await;
    let mut reader = Reader::of("live", "{}", &mirror);
    let mut arrive = |name: usize, path: String| {
        let mut visitor =
            world.visitor(VisitorKey { visitor: VisitorId(name as u64), browser: BrowserId(0) });
        visitor.bot = None;
        visitor.pages[0].path = path.into();
        reader.view.change(None, Some(&Arc::new(visitor)));
    };
    for page in 0..ROWS_MAX {
        arrive(page, format!("/{page:03}"));
    }
    arrive(1_000, "/zzz".into());
    arrive(1_001, "/zz".into());
    arrive(1_002, "/zz".into());
    reader.tell(&mirror);
    let rows = reader.data["rows"]["page"].as_object().unwrap();
    assert_eq!(rows.len(), ROWS_MAX);
    assert_eq!(
        (rows.get("/zz"), rows.get("/zzz"), rows.get("/098")),
        (Some(&json!(2)), None, Some(&json!(1)))
    );
    assert_eq!(rows.get("/099"), None, "the last key of the smallest count makes room");
    assert_eq!(reader.data["keys"]["page"], ROWS_MAX + 2);
}

#[tokio::test]
async fn only_the_newest_visitors_are_told() {
    let mut world = World::of(1, 1);
    let mirror = world.mirror().await;
    let mut reader = Reader::of("visitors", "{}", &mirror);
    let mut visitor = world.visitor(VisitorKey { visitor: VisitorId(0), browser: BrowserId(0) });
    visitor.bot = None;
    let of = |name: usize| {
        let key = VisitorKey { visitor: VisitorId(name as u64), browser: BrowserId(0) };
        Arc::new(Visitor { key, since: Millis(name as i64), ..visitor.clone() })
    };
    let told = |reader: &mut Reader| {
        let delta = data(&reader.view.delta(&mirror, "k", 2).unwrap());
        let count = |name: &str| delta[name].as_array().unwrap().len();
        (delta["total"].as_u64().unwrap() as usize, count("set"), count("gone"))
    };
    (0..VISITORS_MAX).for_each(|name| reader.view.change(None, Some(&of(name))));
    assert_eq!(told(&mut reader), (VISITORS_MAX, VISITORS_MAX, 0));
    reader.view.change(None, Some(&of(VISITORS_MAX)));
    assert_eq!(told(&mut reader), (VISITORS_MAX + 1, 1, 1), "the newest pushes out the oldest");
    reader.view.change(Some(&of(5_000)), None);
    assert_eq!(told(&mut reader), (VISITORS_MAX, 1, 1), "and is followed by it again");
}

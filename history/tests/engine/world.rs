//! Random histories of a site: few visitors, few pages, odd times.

use std::sync::Arc;

use fastrand::Rng;
use history::zone::Zone;
use history::{EnrichedHit, EnrichedKind, Page};
use model::{Agent, BotReason, Channel, Device, HitId, Millis, Place, Screen, Source, VisitorId};

pub struct World {
    pub zone: Zone,
    pub hits: Vec<EnrichedHit>,
    pub from: i64,
    pub to: i64,
}

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// Zones and a day near which something odd happens in each.
const PLACES: [(&str, &str); 6] = [
    ("UTC", "2026-02-27T12:00:00Z"),
    ("Europe/Paris", "2026-10-25T00:00:00Z"),
    ("Europe/Paris", "2026-03-29T00:00:00Z"),
    ("America/New_York", "2025-12-31T12:00:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
    ("America/Sao_Paulo", "2018-11-04T00:00:00Z"),
];

pub const PATHS: [&str; 6] = ["/", "/a", "/a/b", "/price", "/über", "/zz"];
pub const EVENTS: [&str; 3] = ["buy", "sign-up", "play"];
pub const IDENTITIES: [&str; 3] = ["ada@example.org", "Grace", "buy"];
pub const COUNTRIES: [&str; 4] = ["FR", "DE", "", "BR"];

fn text(of: &str) -> Arc<str> {
    Arc::from(of)
}

fn pick<'a>(rng: &mut Rng, of: &[&'a str]) -> &'a str {
    of[rng.usize(..of.len())]
}

impl World {
    pub fn random(rng: &mut Rng) -> World {
        let (zone, moment) = PLACES[rng.usize(..PLACES.len())];
        let middle = moment.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let days = rng.i64(1..=6);
        let (from, to) = (middle - days * DAY / 2, middle + days * DAY / 2);
        let mut hits = Vec::new();
        for visitor in 0..rng.u64(1..=10) {
            add_visitor(rng, visitor, from, to, &mut hits);
        }
        // No two hits of a history share a millisecond: what is first is then beyond doubt.
        for (number, hit) in hits.iter_mut().enumerate() {
            hit.at.0 = hit.at.0.div_euclid(5_000) * 5_000 + number as i64;
            hit.received = Millis(hit.at.0 + rng.i64(0..10 * MINUTE));
        }
        assert!(hits.len() < 5_000);
        World { zone: Zone::named(zone).unwrap(), hits, from, to }
    }
}

/// A pageview of a path, of nobody and at no time.
pub fn pageview(path: &str) -> EnrichedHit {
    let mut rng = Rng::with_seed(1);
    let kind = EnrichedKind::Pageview { title: text(""), due_ms: None };
    let source = Arc::new(Source::direct());
    let mut hit = hit(&mut rng, HitId(0), VisitorId(0), 0, source, None, kind);
    let page = Page { hostname: text("a.example"), path: text(path), query: text("") };
    hit.page = Arc::new(page);
    hit
}

fn add_visitor(rng: &mut Rng, visitor: u64, from: i64, to: i64, hits: &mut Vec<EnrichedHit>) {
    let mut views: Vec<HitId> = Vec::new();
    let visitor = VisitorId(visitor * 0x1111_2222_3333);
    for _ in 0..rng.usize(1..=4) {
        let mut at = rng.i64(from..to);
        let source = source(rng);
        let bot = (rng.u8(..10) == 0).then_some(BotReason::NamesItself);
        for _ in 0..rng.usize(1..=8) {
            let kind = kind(rng, &views);
            let id = HitId(rng.u128(..));
            if matches!(kind, EnrichedKind::Pageview { .. }) {
                views.push(id);
            }
            let source = if rng.u8(..8) == 0 { self::source(rng) } else { source.clone() };
            let bot = if rng.u8(..12) == 0 { Some(BotReason::ReferrerSpam) } else { bot };
            hits.push(hit(rng, id, visitor, at, source, bot, kind));
            at += match rng.u8(..12) {
                0 => 30 * MINUTE,
                1 => 31 * MINUTE,
                2 => rng.i64(0..90 * MINUTE),
                3 => -rng.i64(0..40 * MINUTE),
                4 => rng.i64(0..10 * 60 * MINUTE),
                _ => rng.i64(1_000..12 * MINUTE),
            };
        }
    }
}

fn source(rng: &mut Rng) -> Arc<Source> {
    if rng.bool() {
        return Arc::new(Source::direct());
    }
    let (channel, name) =
        [(Channel::Search, "Google"), (Channel::Social, "Fedi"), (Channel::Mail, "news")][rng.usize(..3)];
    let referrer = text(pick(rng, &["", "a.example/x", "b.example/"]));
    let utm_campaign = text(pick(rng, &["", "spring"]));
    Arc::new(Source { channel, name: text(name), referrer, utm_campaign, ..Source::direct() })
}

fn kind(rng: &mut Rng, views: &[HitId]) -> EnrichedKind {
    let known = (!views.is_empty()).then(|| views[rng.usize(..views.len())]);
    let pageview = if rng.u8(..10) == 0 { HitId(rng.u128(..3)) } else { known.unwrap_or(HitId(7)) };
    let engaged_ms = rng.u32(0..20_000);
    let scroll = rng.u8(0..=100);
    match rng.u8(..10) {
        0..=3 => EnrichedKind::Pageview { title: text(pick(rng, &["A", "B", ""])), due_ms: None },
        4..=5 => EnrichedKind::Heartbeat { pageview, engaged_ms, scroll, active: true, due_ms: 15_000 },
        6 => EnrichedKind::Leave { pageview, engaged_ms, scroll },
        7 => {
            let mut props = Vec::new();
            for key in ["plan", "city"] {
                if rng.bool() {
                    props.push((text(key), text(pick(rng, &["small", "Köln", ""]))));
                }
            }
            EnrichedKind::Identify { identity: text(pick(rng, &IDENTITIES)), props }
        }
        _ => {
            let mut props = Vec::new();
            if rng.bool() {
                props.push((text("plan"), text(pick(rng, &["small", "large \"x\"", ""]))));
            }
            if rng.bool() {
                props.push((text("revenue"), text(pick(rng, &["12.5", "-3", "0.0000019", "many", "7"]))));
            }
            EnrichedKind::Event { name: text(pick(rng, &EVENTS)), props, pageview: known }
        }
    }
}

fn hit(
    rng: &mut Rng,
    id: HitId,
    visitor: VisitorId,
    at: i64,
    source: Arc<Source>,
    bot: Option<BotReason>,
    kind: EnrichedKind,
) -> EnrichedHit {
    let page = Page {
        hostname: text("a.example"),
        path: text(pick(rng, &PATHS)),
        query: text(pick(rng, &["", "x=1"])),
    };
    let device = [Device::Desktop, Device::Mobile][rng.usize(..2)];
    let agent = Agent {
        browser: text(pick(rng, &["Firefox", "Chrome"])),
        browser_version: text("140"),
        os: text(pick(rng, &["Linux", "macOS"])),
        os_version: text(""),
        device,
    };
    let place = Place { country: pick(rng, &COUNTRIES).into(), region: "".into(), city: "".into() };
    EnrichedHit {
        id,
        at: Millis(at),
        received: Millis(at),
        visitor,
        page: Arc::new(page),
        source,
        agent: Arc::new(agent),
        place: Arc::new(place),
        language: text(pick(rng, &["fr", "de-at"])),
        screen: rng.bool().then_some(Screen { width: 1440, height: 900 }),
        bot,
        kind,
    }
}

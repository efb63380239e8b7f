//! Exported rows and back: random histories fold into the same rows again.

use fastrand::Rng;
use history::fold::Fold;
use history::zone::Zone;

use super::*;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

fn some<T: Clone>(rng: &mut Rng, choices: &[T]) -> T {
    choices[rng.usize(..choices.len())].clone()
}

fn text(rng: &mut Rng) -> Arc<str> {
    Arc::from(some(rng, &["", "a", "=1+1", "\"quoted\", and\nmore", "Zürich 茶", "\u{1}", "x-y"]))
}

/// Hits of a few visitors over some days: pages with heartbeats and without, heartbeats that come without their page or
/// long after it, events with properties, bots.
fn hits(rng: &mut Rng) -> Vec<EnrichedHit> {
    let mut hits = Vec::new();
    for _ in 0..300 {
        let visitor = VisitorId(rng.u64(0..12));
        let at = Millis(1_700_000_000_000 + rng.i64(0..5 * DAY));
        let id = HitId((u128::from(rng.u64(..)) << 64) | u128::from(rng.u64(..)));
        let bot = visitor.0.is_multiple_of(4).then_some(BotReason::Automated);
        let pick = text;
        let shared = EnrichedHit {
            id,
            at,
            received: at,
            visitor,
            page: Arc::new(Page { hostname: "a.example".into(), path: pick(rng), query: pick(rng) }),
            source: Arc::new(Source { name: pick(rng), utm_term: pick(rng), ..Source::direct() }),
            agent: Arc::new(Agent {
                browser: pick(rng),
                browser_version: pick(rng),
                os: pick(rng),
                os_version: pick(rng),
                device: some(rng, &[Device::Mobile, Device::Other]),
            }),
            place: Arc::new(Place { country: pick(rng).to_string(), ..Place::default() }),
            language: pick(rng),
            screen: some(rng, &[None, Some(Screen { width: 1_440, height: 900 })]),
            bot,
            kind: EnrichedKind::Pageview { title: pick(rng), due_ms: None },
        };
        let props: Props = vec![("k".into(), pick(rng)), ("l".into(), pick(rng))];
        let kind = match rng.u8(0..6) {
            0 => EnrichedKind::Event { name: pick(rng), props, pageview: None },
            1 => EnrichedKind::Identify { identity: pick(rng), props: Props::new() },
            _ => shared.kind.clone(),
        };
        let is_lost = rng.u8(0..8) == 0;
        if !is_lost {
            hits.push(EnrichedHit { kind, ..shared.clone() });
        }
        let (mut last, mut engaged_ms) = (at.0, 0);
        for _ in 0..rng.u8(0..6) {
            last += rng.i64(0..29 * MINUTE);
            engaged_ms += rng.u32(0..20_000);
            let kind = EnrichedKind::Leave { pageview: id, engaged_ms, scroll: rng.u8(0..=100) };
            let (id, at) = (HitId(u128::from(rng.u64(..))), Millis(last));
            hits.push(EnrichedHit { id, at, received: at, kind, ..shared.clone() });
        }
    }
    hits
}

/// Every row of every day, as an export writes it.
fn folded(hits: &[EnrichedHit]) -> Vec<(Vec<String>, Value)> {
    let mut fold = Fold::new(Zone::named("Europe/Paris").unwrap());
    fold.add_hits(hits);
    let mut all = Vec::new();
    for folded in fold.finish() {
        all.extend(rows(&folded.day.name, &folded.table).map(|row| (row.cells(), row.json())));
    }
    all
}

#[test]
fn what_is_exported_as_json_folds_into_the_same_rows_again() {
    for seed in 0..20 {
        let exported = folded(&hits(&mut Rng::with_seed(seed)));
        let lines: Vec<String> = exported.iter().map(|(_, json)| json.to_string()).collect();
        let read = lines.iter().map(|line| hits_of(line).unwrap_or_else(|| panic!("{line}")));
        let again = folded(&read.flatten().collect::<Vec<_>>());
        assert_eq!(exported.len(), again.len(), "seed {seed}");
        for (before, after) in exported.iter().zip(&again) {
            assert_eq!(before, after, "seed {seed}");
        }
    }
}

#[test]
fn what_is_no_row_is_none() {
    let good = r#"{"at":"2026-11-21T10:00:00.000Z","channel":"direct","device":"other","id":"00000000000000ff","kind":"pageview","visitor":"0000000000000001"}"#;
    assert!(hits_of(good).is_some());
    let without = |part: &str| good.replace(part, "");
    for bad in [
        without(r#""at":"2026-11-21T10:00:00.000Z","#),
        without("ff"),
        without("direct"),
        without("pageview"),
        good.replace('}', r#","scroll":101}"#),
        good.replace('}', r#","alive_ms":4294967296}"#),
        good.replace('}', r#","bot":"x"}"#),
        "[]".into(),
        String::new(),
    ] {
        assert!(hits_of(&bad).is_none(), "{bad}");
    }
}

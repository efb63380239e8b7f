//! Thousands of hits of a crowd, lost, doubled, late and out of order: live always equals a recount of who is
//! present, every change fits the one before, and when all is quiet nobody is left.

use fastrand::Rng;
use hashbrown::HashMap;
use live::{Commit, Counters, Live, MemoryLive};

use super::fixtures::*;
use super::*;

const VISITORS: u64 = 12;
const BROWSERS: u64 = 4;
const STEPS: i64 = 3_000;

/// Live as simple as can be, beside the real one: states by key, and the strictest reading of changes.
#[derive(Default)]
struct Held(HashMap<VisitorKey, Arc<Visitor>>);

impl Held {
    fn apply(&mut self, commits: &[Commit], counters: &mut Counters, what: &str) {
        for change in commits.iter().flat_map(|commit| &commit.changes) {
            assert_eq!(self.0.get(&change.key), change.before.as_ref(), "before, {what}");
            counters.apply(change);
            match &change.after {
                Some(after) => drop(self.0.insert(change.key, after.clone())),
                None => drop(self.0.remove(&change.key)),
            }
        }
    }
}

/// What the crowd sends: pages that were opened, to beat and leave later.
#[derive(Default)]
struct Crowd {
    pages: Vec<(u64, u64, u128)>,
    pageviews: u128,
    delayed: Vec<Sighting>,
}

impl Crowd {
    fn next(&mut self, rng: &mut Rng, now: Millis) -> Option<Sighting> {
        if !self.delayed.is_empty() && rng.u8(..4) == 0 {
            return Some(self.delayed.swap_remove(rng.usize(..self.delayed.len())));
        }
        let sighting = self.sighting(rng).at(Millis(now.0 - rng.i64(0..300)));
        let sighting = if sighting.hit.visitor.0 == 3 { sighting.bot() } else { sighting };
        match rng.u8(..10) {
            0 => None,
            1 | 2 => {
                self.delayed.push(sighting);
                None
            }
            3 => {
                self.delayed.push(sighting.clone());
                Some(sighting)
            }
            _ => Some(sighting),
        }
    }

    fn sighting(&mut self, rng: &mut Rng) -> Sighting {
        let path = ["/a", "/b", "/c"][rng.usize(..3)];
        if self.pages.is_empty() || rng.u8(..4) == 0 {
            self.pageviews += 1;
            let (visitor, browser) = (rng.u64(1..=VISITORS), rng.u64(0..=BROWSERS));
            self.pages.push((visitor, browser, self.pageviews));
            let view = if browser == 0 { pixel(self.pageviews) } else { view(self.pageviews) };
            let view = if rng.bool() { view.from(["/a", "/b"][rng.usize(..2)]) } else { view };
            return view.by(visitor, browser).on(path);
        }
        let index = rng.usize(..self.pages.len());
        let (visitor, browser, page) = self.pages[index];
        let agreed = if rng.u8(..8) == 0 { rng.u64(0..=BROWSERS) } else { browser };
        let sighting = match rng.u8(..10) {
            0..=4 => beat(page, rng.u32(..60_000)),
            5 => hidden(page, rng.u32(..60_000)),
            6 => event(1_000_000 + u128::from(rng.u64(..)), rng.bool().then_some(page)),
            7 => identify(1_000_000 + u128::from(rng.u64(..)), "ada"),
            _ => {
                self.pages.swap_remove(index);
                leave(page, rng.u32(..60_000))
            }
        };
        sighting.by(visitor, agreed).on(path)
    }
}

fn check_visitor(visitor: &Visitor, now: Millis, what: &str) {
    use model::limits::{OPEN_PAGES_MAX, TRAIL_STEPS_MAX};
    assert!(visitor.alive_until > now, "{what}: {visitor:?}");
    assert!(!visitor.trail.is_empty() && visitor.trail.len() <= TRAIL_STEPS_MAX, "{what}");
    assert!(visitor.trail.is_sorted_by_key(|step| step.at), "{what}: {:?}", visitor.trail);
    assert!(visitor.trail.windows(2).all(|pair| pair[0].path != pair[1].path), "{what}: {:?}", visitor.trail);
    assert!(visitor.pages.len() <= OPEN_PAGES_MAX, "{what}");
    assert!(visitor.pages.iter().all(|page| page.alive_until > now), "{what}");
    assert_eq!(visitor.active, visitor.pages.iter().any(|page| page.active), "{what}");
    let open: u32 = visitor.pages.iter().map(|page| page.engaged_ms).sum();
    assert!(visitor.engaged_ms >= open, "{what}: {visitor:?}");
}

fn simulate(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let (mut presence, mut crowd, mut held) = (Presence::new(0), Crowd::default(), Held::default());
    let (live, mut counters) = (MemoryLive::default(), Counters::default());
    let mut now = EIGHT;
    for step in 0..STEPS {
        let what = format!("seed {seed}, step {step}");
        now = now.plus(Duration::from_millis(rng.u64(..1_500)));
        presence.tick(now);
        if let Some(sighting) = crowd.next(&mut rng, now) {
            presence.hit(SITE, &sighting, now);
        }
        if rng.u8(..3) > 0 {
            continue;
        }
        let commits = presence.take_commits(now);
        held.apply(&commits, &mut counters, &what);
        block_on(live.commit(commits)).unwrap();
        let visitors: Vec<_> = presence.visitors().map(|(_, visitor)| &**visitor).collect();
        visitors.iter().for_each(|visitor| check_visitor(visitor, now, &what));
        assert_eq!(visitors.len(), held.0.len(), "{what}");
        let recount = Counters::recount(visitors);
        assert_eq!(counters, recount, "{what}");
        assert_eq!(block_on(live.watch(SITE)).unwrap().snapshot.counters, recount, "{what}");
    }
    now = now.plus(Duration::from_secs(600));
    held.apply(&presence.take_commits(now), &mut counters, "at the end");
    assert!(held.0.is_empty() && presence.is_quiet(), "seed {seed}: somebody stayed");
    assert_eq!(counters, Counters::default(), "seed {seed}");
}

#[test]
fn live_equals_a_recount_whatever_happens_on_the_way() {
    (0..8).for_each(simulate);
}

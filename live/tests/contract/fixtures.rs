//! Visitors and commits for the contract: what a test does not name does not matter to it.

use std::sync::Arc;

use live::{Change, Commit, Loaded, Origin};
use model::{
    Agent, BotReason, BrowserId, Device, HitId, Millis, OpenPage, Place, SiteId, Source, Step, Visitor,
    VisitorId, VisitorKey,
};

pub const SITE: SiteId = SiteId::of(1);
pub const OTHER: SiteId = SiteId::of(2);
/// 2025-11-21T08:00:00Z: the start of an hour.
pub const EIGHT: Millis = Millis(1_763_712_000_000);

pub fn key(id: u64) -> VisitorKey {
    VisitorKey { visitor: VisitorId(id), browser: BrowserId(0) }
}

pub fn visitor(id: u64, path: &str) -> Arc<Visitor> {
    Arc::new(on_page(id, path))
}

pub fn bot(id: u64, path: &str) -> Arc<Visitor> {
    Arc::new(Visitor { bot: Some(BotReason::NamesItself), ..on_page(id, path) })
}

fn on_page(id: u64, path: &str) -> Visitor {
    let path: Arc<str> = Arc::from(path);
    Visitor {
        key: key(id),
        since: EIGHT,
        alive_until: EIGHT,
        active: true,
        engaged_ms: 0,
        pages: vec![page(&path)],
        trail: vec![Step { at: EIGHT, path }],
        source: Arc::new(Source::direct()),
        place: Arc::new(Place { country: "FR".into(), ..Place::default() }),
        agent: Arc::new(Agent {
            browser: "Firefox".into(),
            browser_version: "133".into(),
            os: "Linux".into(),
            os_version: "".into(),
            device: Device::Desktop,
        }),
        language: "fr".into(),
        bot: None,
        identity: None,
    }
}

fn page(path: &Arc<str>) -> OpenPage {
    let path = path.clone();
    OpenPage { pageview: HitId(1), path, active: true, engaged_ms: 0, scroll: 0, alive_until: EIGHT }
}

pub fn empty(at: Millis) -> Commit {
    let origin = Origin::default();
    Commit { site: SITE, shard: 0, origin, mark: None, at, changes: vec![], pageviews: vec![], feed: vec![] }
}

/// A commit of whoever loaded the shard.
pub fn of(loaded: &Loaded, number: u64, commit: Commit) -> Commit {
    Commit { origin: Origin { term: loaded.term, number }, ..commit }
}

pub fn came(at: Millis, visitor: &Arc<Visitor>) -> Commit {
    commit(at, visitor.key, None, Some(visitor))
}

pub fn changed(at: Millis, before: &Arc<Visitor>, after: &Arc<Visitor>) -> Commit {
    commit(at, after.key, Some(before), Some(after))
}

pub fn went(at: Millis, visitor: &Arc<Visitor>) -> Commit {
    commit(at, visitor.key, Some(visitor), None)
}

fn commit(
    at: Millis,
    key: VisitorKey,
    before: Option<&Arc<Visitor>>,
    after: Option<&Arc<Visitor>>,
) -> Commit {
    let change = Change { key, before: before.cloned(), after: after.cloned() };
    Commit { changes: vec![change], ..empty(at) }
}

/// A change of one of ten visitors to any state, with any belief about the state before.
pub fn any_change(rng: &mut fastrand::Rng) -> Change {
    let id = rng.u64(0..10);
    let mut state = |id| rng.bool().then(|| any_state(rng, id));
    Change { key: key(id), before: state(id), after: state(id) }
}

fn any_state(rng: &mut fastrand::Rng, id: u64) -> Arc<Visitor> {
    let paths: [Arc<str>; 3] = ["/a".into(), "/b".into(), "/c".into()];
    let path = |rng: &mut fastrand::Rng| rng.choice(&paths).unwrap().clone();
    let mut visitor = on_page(id, "/a");
    visitor.active = rng.bool();
    visitor.bot = (rng.u8(..5) == 0).then_some(BotReason::NoBrowser);
    visitor.pages = (0..rng.usize(..4)).map(|_| page(&path(rng))).collect();
    visitor.trail = vec![Step { at: EIGHT, path: path(rng) }];
    visitor.language = rng.choice(["fr", "de", ""]).unwrap().into();
    visitor.place =
        Arc::new(Place { country: rng.choice(["FR", "DE", ""]).unwrap().into(), ..Place::default() });
    Arc::new(visitor)
}

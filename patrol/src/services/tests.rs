//! Who looks writes once, in turn with others, and what waited for a store is not lost.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use live::memory::MemoryLive;
use model::{Clock, Millis, TestClock};
use observe::board::Told;
use observe::{Board, Process};
use store::{Embedded, Store};

use super::{DAYS_KEPT, Look, SERVICES, WAITING_MAX, Watch};
use crate::standing::{self, Overall};

const NOON: Millis = Millis(20_000 * 86_400_000 + 43_200_000);

struct World {
    watch: Watch,
    clock: Arc<TestClock>,
    waiting: VecDeque<Look>,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let store = Embedded::open(folder.path()).unwrap();
        let clock = Arc::new(TestClock::at(NOON));
        World { watch: watch(store, clock.clone()), clock, waiting: VecDeque::new(), _folder: folder }
    }

    fn hear(&self, services: &[&str], is_ready: bool) {
        hear(&self.watch.board, self.clock.now(), services, is_ready);
    }

    async fn turn_after(&mut self, seconds: u64, services: &[&str]) {
        self.clock.advance(Duration::from_secs(seconds));
        self.hear(services, true);
        self.watch.turn(&mut self.waiting).await;
    }

    async fn standing(&self) -> standing::Standing {
        standing::read(&*self.watch.store.uptimes, self.clock.now()).await.unwrap()
    }
}

fn watch(store: Store, clock: Arc<TestClock>) -> Watch {
    let live = Arc::new(MemoryLive::default());
    Watch { store, live, board: Arc::default(), clock, is_alone: false }
}

fn hear(board: &Board, at: Millis, services: &[&str], is_ready: bool) {
    let process = Process {
        id: services.join("-"),
        host: "a-host".into(),
        version: "9.9.9".into(),
        services: services.iter().map(|service| (*service).to_owned()).collect(),
        started: at,
    };
    let told = Told { process, at, is_ready, now: Default::default(), hour: Default::default() };
    board.hear(&Bytes::from(serde_json::to_vec(&told).unwrap()), at);
}

#[tokio::test]
async fn a_service_is_up_while_a_process_of_it_says_that_it_is_ready() {
    let mut world = World::new();
    for _ in 0..3 {
        world.turn_after(30, &SERVICES).await;
    }
    assert_eq!(world.standing().await.overall(), Overall::Up);
    for _ in 0..2 {
        world.hear(&["web"], false);
        world.turn_after(30, &["collector", "processor", "realtime"]).await;
    }
    let down = world.standing().await;
    assert_eq!(down.overall(), Overall::Down);
    assert_eq!((down.incidents.len(), down.incidents[0].service), (1, "web"));
    for _ in 0..2 {
        world.turn_after(30, &SERVICES).await;
    }
    let over = world.standing().await;
    assert_eq!((over.overall(), over.incidents[0].is_open), (Overall::Up, false));
    assert_eq!(over.services[3].down_ms, 60_000);
}

#[tokio::test]
async fn of_two_who_watch_one_writes_each_half_minute() {
    let mut world = World::new();
    let other = watch(world.watch.store.clone(), world.clock.clone());
    let mut waiting = VecDeque::new();
    for _ in 0..4 {
        world.turn_after(15, &SERVICES).await;
        world.clock.advance(Duration::from_secs(15));
        hear(&other.board, world.clock.now(), &["web"], true);
        other.turn(&mut waiting).await;
    }
    assert_eq!(
        world.standing().await.incidents,
        [],
        "the other heard nothing but one service, and was not asked"
    );
    let days = world.watch.store.uptimes.service_days((0, 30_000), 9).await.unwrap();
    assert_eq!((days.len(), days[0].version), (1, 4));
}

#[tokio::test]
async fn what_was_seen_while_the_store_was_away_is_kept_when_it_is_back() {
    let mut world = World::new();
    world.turn_after(30, &SERVICES).await;
    let folder = tempfile::tempdir().unwrap();
    let closed = Embedded::open(folder.path()).unwrap();
    closed.close().await;
    let store = std::mem::replace(&mut world.watch.store, closed);
    for _ in 0..3 {
        world.clock.advance(Duration::from_secs(30));
        world.hear(&["collector"], true);
        world.hear(&["processor", "realtime", "web"], false);
        world.watch.turn(&mut world.waiting).await;
    }
    assert_eq!(world.waiting.len(), 3);
    world.watch.store = store;
    world.turn_after(30, &SERVICES).await;
    assert!(world.waiting.is_empty());
    let all = world.standing().await;
    let down: Vec<_> = all.services.iter().map(|service| service.down_ms).collect();
    assert_eq!(down, [0, 90_000, 90_000, 90_000]);
    assert!(all.services.iter().all(|service| service.known_ms == 120_000));
}

#[tokio::test]
async fn looks_that_wait_have_a_maximum() {
    let mut world = World::new();
    world.watch.store.close().await;
    world.waiting = (0..WAITING_MAX as i64).map(|at| Look { at: Millis(at), up: [None; 4] }).collect();
    world.watch.turn(&mut world.waiting).await;
    assert_eq!((world.waiting.len(), world.waiting[0].at), (WAITING_MAX, Millis(1)));
}

#[tokio::test]
async fn who_hears_nobody_says_nothing() {
    let mut world = World::new();
    world.turn_after(30, &SERVICES).await;
    for _ in 0..3 {
        world.clock.advance(Duration::from_secs(30));
        world.watch.turn(&mut world.waiting).await;
    }
    let all = world.standing().await;
    assert!(all.incidents.is_empty() && all.services.iter().all(|service| service.known_ms == 0));
}

#[tokio::test]
async fn days_past_those_that_are_kept_go() {
    let mut world = World::new();
    world.turn_after(0, &SERVICES).await;
    world.turn_after(u64::from(DAYS_KEPT - 1) * 86_400, &SERVICES).await;
    let days = async || world.watch.store.uptimes.service_days((0, 30_000), 9).await.unwrap().len();
    assert_eq!(days().await, 2);
    world.turn_after(86_400, &SERVICES).await;
    let days = world.watch.store.uptimes.service_days((0, 30_000), 9).await.unwrap();
    assert_eq!(days.iter().map(|day| day.day).collect::<Vec<_>>(), [20_089, 20_090]);
}

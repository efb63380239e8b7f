//! Each site is looked at by one process, whichever dies, and what was seen adds up.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

use model::TestClock;
use outbox::address::Reach;
use outbox::dial::Resolver;
use store::accounts::{NewAccount, SecretHash};
use store::embedded::Embedded;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::{GAP_MAX, Now, Outage, PageUptime, Reason};

const NOW: Millis = Millis(1_772_620_200_000);
const SITE: SiteId = SiteId::of(7);
const PAGE: PageId = PageId::of(9);

struct Here;

#[async_trait::async_trait]
impl Resolver for Here {
    async fn addresses(&self, _: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        Ok(vec![SocketAddr::new(IpAddr::from([127, 0, 0, 1]), port)])
    }
}

/// A site with one page, on a host whose status is turned by hand.
struct World {
    one: Patrol,
    clock: Arc<TestClock>,
    status: Arc<AtomicU16>,
    asked: Arc<AtomicUsize>,
    url: String,
    _folder: tempfile::TempDir,
}

impl World {
    async fn start() -> World {
        let folder = tempfile::tempdir().unwrap();
        let store = Embedded::open(folder.path()).unwrap();
        let clock = Arc::new(TestClock::at(NOW));
        let (status, asked) = (Arc::new(AtomicU16::new(200)), Arc::new(AtomicUsize::new(0)));
        let port = host(Arc::clone(&status), Arc::clone(&asked)).await;
        let offer = SecretHash::of("offer");
        store.accounts.offer_set_up(offer).await.unwrap();
        let account = NewAccount {
            id: model::AccountId::of(1),
            name: "Olive".into(),
            email: "olive@example.org".into(),
            password_phc: "$argon2id$".into(),
        };
        let owner = store.accounts.set_up(offer, account, NOW).await.unwrap();
        store.sites.add(Site::new(SITE, "Shop", &["localhost"], NOW), owner.id).await.unwrap();
        let url = format!("http://localhost:{port}/");
        let page = WatchedPage { id: PAGE, url: url.clone(), created: NOW };
        store.pages.add_page(SITE, page).await.unwrap();
        look_at(&store, SITE, NOW).await.unwrap();
        let eye = Eye::new(Reach::PublicAndLoopback, Arc::new(Here)).unwrap();
        let one = Patrol { store, eye, clock: clock.clone() };
        World { one, clock, status, asked, url, _folder: folder }
    }

    /// All processes look for their turn at once, and what they took is done.
    async fn turns(&self, processes: usize) {
        let (mut rounds, going_on) = (JoinSet::new(), CancellationToken::new());
        for _ in 0..processes {
            self.one.clone().take_turns(&mut rounds, &going_on).await.unwrap();
        }
        while let Some(ended) = rounds.join_next().await {
            ended.unwrap();
        }
    }

    /// Half minutes, each with a status.
    async fn pass(&self, statuses: &[u16]) {
        for status in statuses {
            self.status.store(*status, Ordering::SeqCst);
            self.clock.advance(LOOK_EVERY);
            self.turns(2).await;
        }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    async fn uptime(&self) -> PageUptime {
        let now = self.clock.now();
        crate::read(&*self.one.store.pages, SITE, PAGE, (0, now.0), now).await.unwrap()
    }
}

async fn host(status: Arc<AtomicU16>, asked: Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut some = [0; 4_096];
            if stream.read(&mut some).await.unwrap_or(0) == 0 {
                continue;
            }
            asked.fetch_add(1, Ordering::SeqCst);
            let answer = format!("HTTP/1.1 {} X\r\ncontent-length: 0\r\n\r\n", status.load(Ordering::SeqCst));
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    port
}

#[tokio::test]
async fn of_several_processes_one_looks_at_a_site_each_half_minute() {
    let world = World::start().await;
    world.turns(3).await;
    assert_eq!(world.asked(), 1);
    world.turns(3).await;
    assert_eq!(world.asked(), 1, "its turn has not come");
    for half_minute in 1..=4 {
        world.clock.advance(LOOK_EVERY);
        world.turns(3).await;
        assert_eq!(world.asked(), 1 + half_minute);
    }
    let seen = world.uptime().await;
    assert_eq!((seen.now, seen.known_ms, seen.down_ms), (Now::Up, 120_000, 0));
}

#[tokio::test]
async fn a_page_that_goes_and_comes_again_was_down_in_between() {
    let world = World::start().await;
    world.turns(1).await;
    world.pass(&[200, 503, 500, 503, 200, 404, 200]).await;
    let seen = world.uptime().await;
    let began = NOW.0 + 60_000;
    let outage = Outage {
        from: began,
        to: began + 90_000,
        reason: Reason::Status(503),
        began_before: false,
        is_open: false,
    };
    assert_eq!(seen.outages, [outage]);
    assert_eq!((seen.now, seen.known_ms, seen.down_ms), (Now::Up, 210_000, 90_000));
    world.pass(&[404, 404]).await;
    let down = world.uptime().await;
    assert!(matches!(down.now, Now::Down { reason: Reason::Status(404), .. }) && down.outages[1].is_open);
}

#[tokio::test]
async fn who_is_killed_within_a_round_leaves_the_site_to_another_and_no_outage() {
    let world = World::start().await;
    world.turns(1).await;
    world.clock.advance(LOOK_EVERY);
    let (now, most) = (world.clock.now(), Most { jobs: 9, an_owner: 1, but: Vec::new() });
    let killed = world.one.store.outbox.take(JobKind::Look, now, now.plus(LEASE), most).await.unwrap();
    assert_eq!(killed.len(), 1);
    world.turns(2).await;
    assert_eq!(world.asked(), 1, "it is whose lease it is");
    world.clock.advance(LEASE);
    world.turns(2).await;
    assert_eq!(world.asked(), 2);
    let seen = world.uptime().await;
    assert_eq!((seen.now, seen.known_ms, seen.down_ms), (Now::Up, 75_000, 0));
}

#[tokio::test]
async fn while_all_processes_are_stopped_nothing_is_known() {
    let world = World::start().await;
    world.turns(1).await;
    world.pass(&[200, 503]).await;
    world.clock.advance(GAP_MAX * 10);
    assert_eq!(world.uptime().await.now, Now::Unknown);
    world.pass(&[503, 200, 200]).await;
    let seen = world.uptime().await;
    assert_eq!((seen.now, seen.known_ms, seen.down_ms), (Now::Up, 120_000, 0), "{seen:?}");
}

#[tokio::test]
async fn who_wakes_after_another_took_over_changes_nothing() {
    let world = World::start().await;
    world.turns(1).await;
    let day = day_of(NOW);
    let frozen = world.one.store.pages.seen(SITE, PAGE, (day, day), 1).await.unwrap();
    world.pass(&[200, 200]).await;
    let before = world.uptime().await;
    let refused = world.one.store.pages.put_seen(SITE, frozen).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    assert_eq!(world.uptime().await, before);
}

#[tokio::test]
async fn a_page_that_is_none_of_the_sites_any_more_is_not_looked_at() {
    let world = World::start().await;
    world.turns(1).await;
    let site = Site::new(SITE, "Shop", &["*", "other.example"], NOW);
    world.one.store.sites.change(site).await.unwrap();
    world.pass(&[200, 200]).await;
    assert_eq!(world.asked(), 1);
    world.one.store.sites.change(Site::new(SITE, "Shop", &["localhost"], NOW)).await.unwrap();
    world.pass(&[200]).await;
    assert_eq!(world.asked(), 2);
    world.one.store.pages.remove_page(SITE, PAGE).await.unwrap();
    world.pass(&[200]).await;
    let again = WatchedPage { id: PageId::of(10), url: world.url.clone(), created: NOW };
    world.one.store.pages.add_page(SITE, again).await.unwrap();
    world.pass(&[200]).await;
    assert_eq!(world.asked(), 3, "a site that had no page for a while has its turn still");
}

#[tokio::test]
async fn a_site_that_is_removed_has_no_turn_any_more() {
    let world = World::start().await;
    world.turns(1).await;
    world.one.store.sites.remove(SITE).await.unwrap();
    world.pass(&[200, 200]).await;
    assert_eq!(world.asked(), 1);
    let owner = Who::Bot(BotId::of(SITE.value()));
    assert_eq!(world.one.store.outbox.jobs_of(JobKind::Look, owner, 9).await.unwrap(), []);
}

#[tokio::test]
async fn told_to_end_a_process_gives_its_sites_back_and_another_begins_with_all() {
    let world = World::start().await;
    let shutdown = CancellationToken::new();
    let keeping = tokio::spawn(keep(world.one.clone(), shutdown.clone()));
    while world.asked() == 0 {
        sleep(Duration::from_millis(10)).await;
    }
    shutdown.cancel();
    keeping.await.unwrap();
    let owner = Who::Bot(BotId::of(SITE.value()));
    world.one.store.outbox.forget_jobs(JobKind::Look, owner).await.unwrap();
    let shutdown = CancellationToken::new();
    let keeping = tokio::spawn(keep(world.one.clone(), shutdown.clone()));
    while world.asked() == 1 {
        sleep(Duration::from_millis(10)).await;
    }
    shutdown.cancel();
    keeping.await.unwrap();
}

#[test]
fn sites_spread_over_the_half_minute_and_keep_their_moment() {
    let next = |site: u64, now: i64| next_turn(SiteId::of(site), Millis(now)).0;
    assert_eq!((next(0, 0), next(0, 29_999), next(0, 30_000)), (30_000, 30_000, 60_000));
    assert_eq!((next(7, 0), next(7, 7), next(30_007, 8)), (7, 30_007, 30_007));
}

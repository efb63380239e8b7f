//! Gathering over the real journal: what is promised, in which order, and what happens when nothing can be.

use super::*;
use bus::embedded::{EmbeddedBus, Options};
use bus::{Consumer, Delivery};
use model::{BrowserId, Hit, HitId, HitKind, Millis, Place, SiteId, VisitorId};
use tempfile::TempDir;

const FULL: NotTaken = NotTaken::Full { retry_after: Duration::from_secs(1) };

struct Way {
    gather: Arc<Gather>,
    bus: Arc<EmbeddedBus>,
    shutdown: CancellationToken,
    _folder: TempDir,
}

fn way(options: Options) -> Way {
    let folder = tempfile::tempdir().unwrap();
    let gather = Arc::new(Gather::new(options.shards, 1 << 20));
    let bus = Arc::new(EmbeddedBus::open(folder.path(), options).unwrap());
    Way { gather, bus, shutdown: CancellationToken::new(), _folder: folder }
}

impl Way {
    fn publishing(&self) -> tokio::task::JoinHandle<()> {
        let (gather, bus, shutdown) = (self.gather.clone(), self.bus.clone(), self.shutdown.clone());
        tokio::spawn(async move { gather.publish_all(bus.as_ref(), shutdown).await })
    }

    /// Hit ids by message, as a processor of this shard gets them.
    async fn delivered(&self, shard: u16) -> Vec<Vec<u128>> {
        let mut consumer: Box<dyn Consumer> = self.bus.consume(shard).await.unwrap();
        let next = tokio::time::timeout(Duration::from_secs(5), consumer.next(10_000));
        let deliveries: Vec<Delivery> = next.await.expect("something is delivered").unwrap();
        let ids = |delivery: Delivery| {
            let arrivals = hit::read_message(&delivery.message.body).unwrap();
            arrivals.iter().flat_map(|arrival| arrival.hits.iter().map(|hit| hit.id.0)).collect()
        };
        deliveries.into_iter().map(ids).collect()
    }
}

fn arrival(first: u128, hits: u128) -> Arrival<'static> {
    let hit = |id| Hit {
        id: HitId(id),
        at: Millis(0),
        url: "https://shop.example/".into(),
        kind: HitKind::Identify { identity: "i".into(), props: vec![] },
    };
    Arrival {
        site: SiteId::of(1),
        received: Millis(0),
        visitor: VisitorId(1),
        visitor_before: None,
        browser: BrowserId(0),
        agent: "".into(),
        language: "".into(),
        screen: None,
        place: Place::default(),
        hits: (first..first + hits).map(hit).collect(),
    }
}

#[tokio::test]
async fn what_comes_together_shares_messages_and_keeps_its_order() {
    let way = way(Options::default());
    let publishing = way.publishing();
    let promises: Vec<_> = (0..1_000).map(|id| way.gather.put(0, &arrival(id, 1)).unwrap()).collect();
    for promise in promises {
        assert_eq!(promise.kept().await.map(drop), Ok(()));
    }
    let messages = way.delivered(0).await;
    assert!(messages.len() <= 4, "{} messages for 1,000 hits", messages.len());
    assert_eq!(messages.concat(), (0..1_000).collect::<Vec<_>>());
    assert_eq!(way.gather.waiting_bytes.load(Ordering::Relaxed), 0);
    way.shutdown.cancel();
    publishing.await.unwrap();
}

#[tokio::test]
async fn a_message_holds_its_maximum_of_hits_and_no_more() {
    let way = way(Options::default());
    let max = limits::BATCH_HITS_MAX as u128;
    for (first, hits) in [(0, max - 100), (1_000, 100), (2_000, 1), (3_000, max), (4_000, 1)] {
        way.gather.put(0, &arrival(first, hits)).unwrap();
    }
    let publishing = way.publishing();
    way.shutdown.cancel();
    publishing.await.unwrap();
    let sizes: Vec<_> = way.delivered(0).await.iter().map(Vec::len).collect();
    assert_eq!(sizes, [max as usize, 1, max as usize, 1]);
}

#[tokio::test]
async fn a_message_holds_its_maximum_of_bytes_and_no_more() {
    let mut way = way(Options::default());
    way.gather = Arc::new(Gather::new(1, 64 << 20));
    // Each arrival is as large as one can be.
    for first in 0..40 {
        let mut large = arrival(first, 1);
        large.agent = "a".repeat(ARRIVAL_BYTES_MAX - 200).into();
        way.gather.put(0, &large).unwrap();
    }
    let publishing = way.publishing();
    way.shutdown.cancel();
    publishing.await.unwrap();
    assert_eq!(
        way.delivered(0).await.concat(),
        (0..40).collect::<Vec<_>>(),
        "a message was too large for the bus"
    );
}

#[tokio::test]
async fn what_waits_is_taken_up_to_its_maximum_and_again_once_there_is_room() {
    let mut way = way(Options::default());
    let mut bytes = Vec::new();
    hit::append_arrival(&mut bytes, &arrival(0, 1));
    way.gather = Arc::new(Gather::new(1, 3 * bytes.len()));
    let put = |id| way.gather.put(0, &arrival(id, 1)).map(|_| ());
    assert_eq!([put(0), put(1), put(2), put(3)], [Ok(()), Ok(()), Ok(()), Err(FULL)]);
    let publishing = way.publishing();
    let again = async {
        while put(4).is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), again).await.expect("there is room again");
    way.shutdown.cancel();
    publishing.await.unwrap();
    assert_eq!(way.delivered(0).await.concat(), [0, 1, 2, 4]);
}

#[tokio::test]
async fn nothing_remains_of_what_was_not_taken_at_once() {
    let mut way = way(Options::default());
    way.gather = Arc::new(Gather::new(1, 1));
    assert_eq!(way.gather.put(0, &arrival(0, 1)).err(), Some(FULL));
    let waiting = way.gather.shards[0].waiting.lock();
    assert!(waiting.open.is_none() && waiting.closed.is_empty());
}

#[tokio::test]
async fn a_sender_that_goes_away_while_it_waits_takes_nothing_with_it() {
    let way = way(Options::default());
    drop(way.gather.put(0, &arrival(0, 1)).unwrap().kept());
    let stays = way.gather.put(0, &arrival(1, 1)).unwrap();
    let publishing = way.publishing();
    assert_eq!(stays.kept().await.map(drop), Ok(()));
    assert_eq!(way.delivered(0).await.concat(), [0, 1]);
    way.shutdown.cancel();
    publishing.await.unwrap();
}

#[tokio::test]
async fn the_shutdown_publishes_what_waits_and_takes_no_more() {
    let way = way(Options { shards: 3, ..Options::default() });
    let promises: Vec<_> =
        (0..3).map(|shard| way.gather.put(shard, &arrival(u128::from(shard), 1)).unwrap()).collect();
    way.shutdown.cancel();
    way.publishing().await.unwrap();
    for promise in promises {
        assert_eq!(promise.kept().await.map(drop), Ok(()));
    }
    for shard in 0..3 {
        assert_eq!(way.gather.put(shard, &arrival(9, 1)).err(), Some(NotTaken::Unavailable));
        assert_eq!(way.delivered(shard).await.concat(), [u128::from(shard)]);
    }
}

#[tokio::test]
async fn a_bus_that_is_full_or_closed_is_told_to_everybody_who_waits() {
    let full = way(Options { bytes_max: 1, ..Options::default() });
    let closed = way(Options::default());
    closed.bus.close().await;
    for (way, expected) in [(full, FULL), (closed, NotTaken::Unavailable)] {
        let publishing = way.publishing();
        let promises: Vec<_> = (0..3).map(|id| way.gather.put(0, &arrival(id, 1)).unwrap()).collect();
        for promise in promises {
            assert_eq!(promise.kept().await, Err(expected));
        }
        way.shutdown.cancel();
        publishing.await.unwrap();
    }
}

#[tokio::test]
async fn nobody_waits_for_a_publishing_that_was_killed() {
    let way = way(Options::default());
    let publishing = way.publishing();
    tokio::task::yield_now().await;
    let promise = way.gather.put(0, &arrival(0, 1)).unwrap();
    publishing.abort();
    let kept = tokio::time::timeout(Duration::from_secs(5), promise.kept()).await;
    assert_eq!(kept, Ok(Err(NotTaken::Unavailable)));
    assert_eq!(way.gather.put(0, &arrival(1, 1)).err(), Some(NotTaken::Unavailable));
}

#[test]
fn ids_grow_with_time() {
    let first = fresh_id();
    std::thread::sleep(Duration::from_millis(2));
    assert!(first.0 < fresh_id().0);
}

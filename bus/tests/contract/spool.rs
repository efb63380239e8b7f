//! The spool before a broker that comes and goes: what it took arrives, in order, whatever is killed.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bus::amqp::{AmqpBus, Options};
use bus::embedded::MESSAGE_OVERHEAD_BYTES;
use bus::spool::Spooled;
use bus::{Bus, PublishError};
use tempfile::TempDir;

use crate::amqp::{firsts, proxy::Proxy, waiting_soon};
use crate::broker::*;
use crate::fixtures::*;

const SPOOL_BYTES_MAX: u64 = 4 << 20;

/// As a world for the contract.
pub struct SpooledAmqp {
    bus: Spooled,
    broker: Amqp,
    folder: TempDir,
}

impl SpooledAmqp {
    pub async fn fresh() -> SpooledAmqp {
        let broker = Amqp::fresh().await;
        let folder = tempfile::tempdir().unwrap();
        let bus = open(&broker.url, &broker.options, folder.path()).await;
        SpooledAmqp { bus, broker, folder }
    }
}

async fn open(url: &str, options: &Options, folder: &Path) -> Spooled {
    let inner = Arc::new(AmqpBus::open(url, options.clone()).unwrap());
    Spooled::open(inner, folder, SPOOL_BYTES_MAX).await.unwrap()
}

#[async_trait]
impl World for SpooledAmqp {
    fn bus(&self) -> &dyn Bus {
        &self.bus
    }

    async fn restart(&mut self) {
        self.bus.close().await;
        let SpooledAmqp { broker, folder, .. } = self;
        self.bus = open(&broker.url, &broker.options, folder.path()).await;
    }

    async fn kill(&mut self) {
        let folder = as_killed(self.folder.path());
        self.bus = open(&self.broker.url, &self.broker.options, folder.path()).await;
        self.folder = folder;
        for shard in 0..SHARDS {
            consume_soon(&self.bus, shard).await;
        }
    }
}

/// A spool whose broker can be put out of reach.
struct Outage {
    bus: Arc<Spooled>,
    proxy: Proxy,
    options: Options,
    folder: TempDir,
    /// Another way to the broker.
    direct: Amqp,
}

impl Outage {
    /// The broker is within reach.
    async fn none() -> Outage {
        let direct = Amqp::fresh().await;
        let proxy = Proxy::to(&direct.url).await;
        let options = Options { publish_within: Duration::from_millis(1_500), ..direct.options.clone() };
        let folder = tempfile::tempdir().unwrap();
        let bus = Arc::new(open(&proxy.url(), &options, folder.path()).await);
        Outage { bus, proxy, options, folder, direct }
    }
}

async fn drained(bus: &Spooled) {
    let end = Instant::now() + PATIENCE;
    while bus.spooled().await.messages > 0 {
        assert!(Instant::now() < end, "{:?}", bus.spooled().await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_broker_is_away_messages_are_taken_and_drained_in_order_once_it_is_back() {
    let outage = Outage::none().await;
    publish(&*outage.bus, 0, 0..20).await;
    publish(&*outage.bus, 1, 500..505).await;
    assert_eq!(outage.bus.spooled().await.messages, 0);
    outage.proxy.refuse(true);
    publish(&*outage.bus, 0, 20..200).await;
    assert_eq!(outage.bus.spooled().await.messages, 180);
    let publishing = tokio::spawn({
        let bus = Arc::clone(&outage.bus);
        async move { publish(&*bus, 0, 200..400).await }
    });
    outage.proxy.refuse(false);
    publishing.await.unwrap();
    drained(&outage.bus).await;
    publish(&*outage.bus, 0, 400..410).await;
    assert_eq!(outage.bus.spooled().await.messages, 0, "published past the spool again");
    assert_eq!(firsts(waiting_soon(&outage.direct.bus, 0).await), (0..410).collect::<Vec<_>>());
    assert_eq!(firsts(waiting_soon(&outage.direct.bus, 1).await), (500..505).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_spool_says_so_and_takes_again_once_it_is_drained() {
    let outage = Outage::none().await;
    outage.proxy.refuse(true);
    let count = fill(&*outage.bus, 0, 100_000).await;
    assert_eq!(count as u64, SPOOL_BYTES_MAX / (100_000 + MESSAGE_OVERHEAD_BYTES));
    let refused = outage.bus.publish(0, sized(0, 100_000)).await.unwrap_err();
    let depth = outage.bus.depth().await;
    assert!(depth.bytes >= depth.bytes_max, "{depth:?}");
    assert!(matches!(refused, PublishError::Full { bytes_max: SPOOL_BYTES_MAX, .. }), "{refused}");
    outage.proxy.refuse(false);
    // The broker's shard holds less than the spool: somebody must consume.
    let mut consumer = consume_soon(&outage.direct.bus, 0).await;
    let mut taken = Vec::new();
    while firsts(taken.clone()).len() < count as usize {
        let deliveries = take(&mut *consumer, 1).await;
        taken.extend(ids(&deliveries));
        consumer.ack(last(&deliveries)).await.unwrap();
    }
    assert_eq!(firsts(taken), (0..count).collect::<Vec<_>>());
    drained(&outage.bus).await;
    outage.bus.publish(0, sized(0, 100_000)).await.unwrap();
    let depth = outage.bus.depth().await;
    assert!(depth.bytes < depth.bytes_max, "{depth:?}");
    assert_eq!(outage.bus.spooled().await.messages, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spool_killed_at_any_moment_loses_nothing_and_keeps_the_order() {
    let outage = Outage::none().await;
    outage.proxy.refuse(true);
    publish(&*outage.bus, 0, 0..100).await;
    outage.proxy.refuse(false);
    let mut killed = Vec::new();
    while outage.bus.spooled().await.messages > 0 {
        killed.push(as_killed(outage.folder.path()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    killed.push(as_killed(outage.folder.path()));
    outage.bus.close().await;
    for folder in killed {
        // On a queue of its own, as if the broker had lost nothing and had nothing.
        let options = Options { prefix: fresh_options().prefix, ..outage.options.clone() };
        let bus = open(&outage.direct.url, &options, folder.path()).await;
        let spooled = bus.spooled().await.messages as u128;
        publish(&bus, 0, 100..110).await;
        let again = firsts(waiting_soon(&bus, 0).await);
        assert!(again.is_sorted() && again.ends_with(&(100..110).collect::<Vec<_>>()), "{again:?}");
        assert!(again.len() as u128 <= spooled + 10, "{spooled} and {again:?}");
    }
    assert_eq!(firsts(waiting_soon(&outage.direct.bus, 0).await), (0..100).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spool_opened_while_the_broker_is_away_takes_messages_and_gives_them_to_a_later_process() {
    let outage = Outage::none().await;
    outage.bus.close().await;
    outage.proxy.refuse(true);
    let first = open(&outage.proxy.url(), &outage.options, outage.folder.path()).await;
    publish(&first, 2, 0..10).await;
    first.close().await;
    assert!(matches!(first.publish(2, message(99)).await, Err(PublishError::Unavailable(_))));
    let second = open(&outage.proxy.url(), &outage.options, outage.folder.path()).await;
    assert_eq!(second.spooled().await.messages, 10);
    outage.proxy.refuse(false);
    publish(&second, 2, 10..20).await;
    drained(&second).await;
    assert_eq!(firsts(waiting_soon(&outage.direct.bus, 2).await), (0..20).collect::<Vec<_>>());
}

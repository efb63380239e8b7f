//! The bus over RabbitMQ: a quorum queue a shard, publisher confirms, manual acknowledgements.
//!
//! Publishing has a connection of its own: RabbitMQ stops reading from publishers when it is short of memory, and
//! acknowledgements must not wait with them. Both connections are made when they are first needed, and again
//! whenever they are lost.

mod address;
mod backoff;
mod consumer;
mod dead_letters;
mod depth;
mod envelope;
mod examined;
mod holds;
mod link;
mod outbox;
mod publisher;
mod reading;
mod topology;
mod trust;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{anyhow, ensure};
use async_trait::async_trait;
use model::limits;

use crate::{Bus, ConsumeError, Consumer, DeadLetter, Decide, Depth, Message, PublishError};
use address::Address;
use depth::DepthOnBroker;
use envelope::Letter;
use holds::Holds;
use link::Dialer;
use outbox::{Outbox, Refusal};
use publisher::Publisher;
use reading::Reading;
use topology::Topology;

pub use address::NODES_MAX;
pub use backoff::{WAIT_MAX, WAIT_MIN};
pub use depth::DEPTH_AGE_MAX;
pub use link::{CONNECT_TIME_MAX, LinkError};
pub use outbox::WAITING_BYTES_MAX;
pub use publisher::{WINDOW, WINDOW_BYTES_MAX};

/// When a publisher that was told `Full` should come again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How often a connection that nothing is sent over is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// What RabbitMQ is asked must be answered within this.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);

/// The same for every process of one installation, but for `publish_within` and `prefetch`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// At least 1.
    pub shards: u16,
    /// What the queues' names begin with: installations may share a vhost. 1 to 100 of `A-Z a-z 0-9 . _ -`.
    pub prefix: String,
    /// Bytes of bodies that may wait for a consumer; each shard has an even part of it. RabbitMQ tells a queue's
    /// fullness a moment late, so that publishes under way may pass the bound.
    pub bytes_max: u64,
    /// A publish that is not confirmed within this is `Unavailable`. It outlives a lost connection till then.
    pub publish_within: Duration,
    /// Messages that a consumer may have without having acknowledged them, 1 to 2,000.
    pub prefetch: u16,
    /// A message that was delivered so often, and its consumer lost each time, goes to the dead letters. Every
    /// message that a lost consumer had counts as delivered, looked at or not: so not a small number.
    pub deliveries_max: u32,
    /// Dead letters kept, and their bytes; past either the oldest go.
    pub dead_letters_max: u64,
    pub dead_letters_bytes_max: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            shards: 1,
            prefix: "watchfire".to_owned(),
            bytes_max: 1 << 30,
            publish_within: Duration::from_secs(5),
            prefetch: 256,
            deliveries_max: 100,
            dead_letters_max: 1_000,
            dead_letters_bytes_max: 64 << 20,
        }
    }
}

/// A bus on a broker. Dropping it without `close` cuts its connections: what was not confirmed may be lost.
pub struct AmqpBus {
    shared: Arc<Shared>,
    publisher: tokio::task::JoinHandle<()>,
}

/// What bus and consumers share.
struct Shared {
    options: Options,
    topology: Topology,
    dialer: Arc<Dialer>,
    outbox: Arc<Outbox>,
    /// The connection of everything but publishing.
    reading: Reading,
    holds: Holds,
    depth: DepthOnBroker,
}

impl AmqpBus {
    /// `amqp://user:password@host:port,host:port/vhost`: nodes of one cluster, tried in turn. `amqps://` with TLS, and
    /// `?ca=FILE` behind it: certificates (PEM, at most 1 MiB) of the authorities to trust instead of the system's.
    /// Connects to nothing yet, so that a program starts while the broker is down. Must be called within a tokio
    /// runtime.
    pub fn open(uri: &str, options: Options) -> anyhow::Result<AmqpBus> {
        check(&options)?;
        describe_metrics();
        let address = Address::parse(uri)?;
        let topology = Topology {
            prefix: options.prefix.clone(),
            shards: options.shards,
            shard_bytes_max: options.bytes_max / u64::from(options.shards),
            deliveries_max: options.deliveries_max,
            dead_letters_max: options.dead_letters_max,
            dead_letters_bytes_max: options.dead_letters_bytes_max,
        };
        let dialer = Arc::new(Dialer::new(address, topology.clone()));
        let outbox = Arc::new(Outbox::default());
        let publisher = Publisher::start(Arc::clone(&outbox), Arc::clone(&dialer));
        let reading = Reading::over(Arc::clone(&dialer));
        let holds = Holds::of(options.shards);
        let depth = DepthOnBroker::default();
        let shared = Shared { options, topology, dialer, outbox, reading, holds, depth };
        Ok(AmqpBus { shared: Arc::new(shared), publisher })
    }

    /// Connects once and makes sure of the queues. `Refused`: somebody must change settings or broker;
    /// `Unreachable`: the bus goes on trying by itself.
    pub async fn check(&self) -> Result<(), LinkError> {
        let link = self.shared.dialer.dial().await?;
        link.close().await;
        Ok(())
    }
}

fn check(options: &Options) -> anyhow::Result<()> {
    let Options { shards, prefix, prefetch, .. } = options;
    let fits = |character: char| character.is_ascii_alphanumeric() || ".-_".contains(character);
    ensure!(*shards > 0, "a bus has at least 1 shard");
    ensure!((1..=2_000).contains(prefetch), "the prefetch of a consumer is 1 to 2,000 messages");
    ensure!(
        (1..=100).contains(&prefix.len()) && prefix.chars().all(fits),
        "the prefix of queue names is 1 to 100 of A-Z a-z 0-9 . _ -"
    );
    Ok(())
}

#[async_trait]
impl Bus for AmqpBus {
    fn shards(&self) -> u16 {
        self.shared.options.shards
    }

    async fn publish(&self, shard: u16, message: Message) -> Result<(), PublishError> {
        if message.body.len() > limits::BATCH_BYTES_MAX {
            return Err(PublishError::TooLarge(message.body.len()));
        }
        if shard >= self.shared.options.shards {
            return Err(PublishError::Unavailable(anyhow!("there is no shard {shard}")));
        }
        self.shared.depth.weigh(message.body.len());
        self.shared.send(envelope::hits(&self.shared.topology, shard, message)).await
    }

    async fn consume(&self, shard: u16) -> Result<Box<dyn Consumer>, ConsumeError> {
        consumer::consume(&self.shared, shard).await
    }

    async fn depth(&self) -> Depth {
        self.shared.depth().await
    }

    async fn dead_letters(&self, limit: usize) -> anyhow::Result<Vec<DeadLetter>> {
        self.shared.read_dead_letters(limit).await
    }

    async fn sort_dead_letters(&self, limit: usize, decide: &mut Decide<'_>) -> anyhow::Result<usize> {
        self.shared.sort_dead_letters(limit, decide).await
    }

    async fn close(&self) {
        self.shared.outbox.close();
        let mut ended = self.shared.outbox.ended.subscribe();
        // Its sender lives in `shared`.
        drop(ended.wait_for(|&ended| ended).await);
        self.shared.reading.close().await;
    }
}

impl Drop for AmqpBus {
    fn drop(&mut self) {
        self.publisher.abort();
        self.shared.outbox.close();
        self.shared.reading.cut();
    }
}

impl Shared {
    /// Returns once RabbitMQ has confirmed it.
    async fn send(&self, letter: Letter) -> Result<(), PublishError> {
        let answered = self.outbox.put(letter, self.options.publish_within, self.full())?;
        match answered.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Refusal::Full)) => Err(self.full()),
            Ok(Err(Refusal::Unavailable(cause))) => Err(PublishError::Unavailable(cause)),
            Err(_) => Err(PublishError::Unavailable(anyhow!("the bus is closed"))),
        }
    }

    fn full(&self) -> PublishError {
        PublishError::Full { bytes_max: self.options.bytes_max, retry_after: RETRY_AFTER }
    }
}

fn describe_metrics() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
    describe_gauge!("watchfire_bus_depth_bytes", Unit::Bytes, "Published and not acknowledged, estimated");
    describe_gauge!("watchfire_bus_depth_messages", "Messages published and not acknowledged");
    describe_histogram!("watchfire_bus_commit_seconds", Unit::Seconds, "From a publish to its confirmation");
    describe_counter!("watchfire_bus_messages_total", "Messages confirmed by RabbitMQ");
    describe_counter!(
        "watchfire_bus_full_total",
        "Messages that RabbitMQ did not take, its queue being full"
    );
    describe_counter!("watchfire_bus_failures_total", "Publishes that were not confirmed in time");
    describe_counter!("watchfire_bus_dead_letters_total", "Messages set aside with a reason");
    crate::begin_at_zero();
}

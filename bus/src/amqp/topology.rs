//! The queues: one quorum queue a shard, one for dead letters, and one that nothing is put into, which says how many shards there
//! are. Declaring checks them: RabbitMQ compares arguments.

use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{ErrorKind, Queue};

use super::link::{Link, LinkError};

/// Dead letters are read and put back, which RabbitMQ counts as deliveries: they must not run out (20 since 4.0).
const DEAD_LETTER_DELIVERIES_MAX: i32 = 1_000_000_000;

/// Names and arguments, the same for every process of one installation.
#[derive(Clone, Debug)]
pub struct Topology {
    /// What each queue's name begins with.
    pub prefix: String,
    pub shards: u16,
    /// Bytes that one shard's queue takes.
    pub shard_bytes_max: u64,
    pub deliveries_max: u32,
    pub dead_letters_max: u64,
    pub dead_letters_bytes_max: u64,
}

impl Topology {
    pub fn hits(&self, shard: u16) -> String {
        format!("{}.hits.{shard}", self.prefix)
    }

    pub fn dead_letters(&self) -> String {
        format!("{}.dead-letters", self.prefix)
    }

    /// Takes as many messages as there are shards, so that whoever believes in another number is refused.
    pub fn count(&self) -> String {
        format!("{}.shards", self.prefix)
    }

    /// All but those that are held by who consumes.
    pub fn queues(&self) -> Vec<String> {
        let hits = (0..self.shards).map(|shard| self.hits(shard));
        [self.count(), self.dead_letters()].into_iter().chain(hits).collect()
    }

    /// The exclusive queue that whoever consumes a shard holds.
    pub fn lock(&self, shard: u16) -> String {
        format!("{}.lock.{shard}", self.prefix)
    }

    /// The shard whose queue has this name.
    pub fn shard_of(&self, queue: &str) -> Option<u16> {
        queue.strip_prefix(&self.prefix)?.strip_prefix(".hits.")?.parse().ok()
    }

    /// Makes what is missing; an error where a queue is there with other arguments.
    pub async fn declare(&self, link: &Link, vhost: &str) -> Result<(), LinkError> {
        self.declare_queue(link, vhost, self.count(), self.count_arguments()).await?;
        self.declare_queue(link, vhost, self.dead_letters(), self.dead_letters_arguments()).await?;
        for shard in 0..self.shards {
            self.declare_queue(link, vhost, self.hits(shard), self.hits_arguments()).await?;
        }
        Ok(())
    }

    async fn declare_queue(
        &self,
        link: &Link,
        vhost: &str,
        name: String,
        arguments: FieldTable,
    ) -> Result<(), LinkError> {
        let options = QueueDeclareOptions { durable: true, ..Default::default() };
        let declared = async {
            // Its own channel: a refusal ends it.
            let channel = link.channel().await?;
            let declared = channel.queue_declare(name.as_str().into(), options, arguments).await?;
            channel.close(200, "declared".into()).await?;
            lapin::Result::<Queue>::Ok(declared)
        };
        declared.await.map(drop).map_err(|error| self.refused(vhost, &name, error))
    }

    /// What was rejected counts against no bound of a shard: at-least-once dead lettering keeps it in its shard
    /// until the dead letters' queue has it, and needs `reject-publish`.
    fn hits_arguments(&self) -> FieldTable {
        let mut arguments = quorum(i32::try_from(self.deliveries_max).unwrap_or(i32::MAX));
        let mut set = |name: &str, value| {
            arguments.insert(name.into(), value);
        };
        set("x-single-active-consumer", AMQPValue::Boolean(true));
        set("x-max-length-bytes", integer(self.shard_bytes_max));
        set("x-overflow", text("reject-publish"));
        set("x-dead-letter-exchange", text(""));
        set("x-dead-letter-routing-key", text(&self.dead_letters()));
        set("x-dead-letter-strategy", text("at-least-once"));
        arguments
    }

    /// Quorum, as all: a node that is away takes it from nobody.
    fn count_arguments(&self) -> FieldTable {
        let mut arguments = quorum(DEAD_LETTER_DELIVERIES_MAX);
        arguments.insert("x-max-length".into(), integer(self.shards.into()));
        arguments
    }

    fn dead_letters_arguments(&self) -> FieldTable {
        let mut arguments = quorum(DEAD_LETTER_DELIVERIES_MAX);
        let mut set = |name: &str, value| {
            arguments.insert(name.into(), value);
        };
        set("x-max-length", integer(self.dead_letters_max));
        set("x-max-length-bytes", integer(self.dead_letters_bytes_max));
        set("x-overflow", text("drop-head"));
        arguments
    }

    fn refused(&self, vhost: &str, queue: &str, error: lapin::Error) -> LinkError {
        match error.kind() {
            ErrorKind::ProtocolError(said) if said.get_id() == 406 && queue == self.count() => {
                LinkError::Refused(format!(
                    "this installation does not have {} shards (RabbitMQ says: {}). Start with the --shards it was made with; \
                     to change them see \"Other shards\" in docs/operating.md",
                    self.shards,
                    said.get_message()
                ))
            }
            ErrorKind::ProtocolError(said) if said.get_id() == 406 => LinkError::Refused(format!(
                "the queue `{queue}` is there with other arguments than these settings give it (RabbitMQ says: {}). \
                 Start with the settings it was made with, or stop the collectors, let it run empty, and delete it: \
                 rabbitmqctl -p {vhost} delete_queue {queue}",
                said.get_message()
            )),
            ErrorKind::ProtocolError(said) if said.get_id() == 403 => LinkError::Refused(format!(
                "the user may not declare the queue `{queue}` (RabbitMQ says: {})",
                said.get_message()
            )),
            _ => LinkError::Unreachable {
                nodes: "the node that answered".to_owned(),
                cause: anyhow::Error::new(error).context(format!("the queue `{queue}` cannot be declared")),
            },
        }
    }
}

fn quorum(deliveries_max: i32) -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongInt(deliveries_max));
    arguments
}

fn integer(value: u64) -> AMQPValue {
    AMQPValue::LongLongInt(i64::try_from(value).unwrap_or(i64::MAX))
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

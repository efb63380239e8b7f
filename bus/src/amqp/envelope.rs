//! A message on RabbitMQ: the body as it is; id, version and, for a dead letter, shard and reason in properties.

use bytes::Bytes;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use model::BatchId;

use super::topology::Topology;
use crate::{DeadLetter, Message, REASON_BYTES_MAX};

/// What the property `type` says of a message that this version writes.
const TYPE: &str = "watchfire-hits-1";
const SHARD: &str = "x-watchfire-shard";
const REASON: &str = "x-watchfire-reason";
/// On disk, in AMQP's words.
const PERSISTENT: u8 = 2;

/// A message as it is sent: `queue` on the default exchange.
#[derive(Clone, Debug)]
pub struct Letter {
    pub queue: String,
    pub properties: BasicProperties,
    pub body: Bytes,
}

pub fn hits(topology: &Topology, shard: u16, message: Message) -> Letter {
    Letter { queue: topology.hits(shard), properties: properties(message.id), body: message.body }
}

/// Set aside with its reason, cut to `REASON_BYTES_MAX` at a character.
pub fn dead(
    topology: &Topology,
    shard: u16,
    properties: BasicProperties,
    body: Bytes,
    reason: &str,
) -> Letter {
    let reason = &reason[..reason.floor_char_boundary(REASON_BYTES_MAX)];
    let mut headers = FieldTable::default();
    headers.insert(SHARD.into(), AMQPValue::LongInt(shard.into()));
    headers.insert(REASON.into(), AMQPValue::LongString(reason.into()));
    let mut properties = properties.with_headers(headers).with_delivery_mode(PERSISTENT);
    if id(&properties).is_none() {
        // Whoever looks at it calls it by its own.
        properties = properties.with_message_id(format!("{:032x}", fastrand::u128(..)).into());
    }
    Letter { queue: topology.dead_letters(), properties, body }
}

pub fn properties(id: BatchId) -> BasicProperties {
    BasicProperties::default()
        .with_message_id(format!("{:032x}", id.0).into())
        .with_type(TYPE.into())
        .with_delivery_mode(PERSISTENT)
}

/// The error says what it is not.
pub fn read(properties: &BasicProperties, body: Bytes) -> Result<Message, String> {
    let kind = properties.kind().as_ref().map_or("", |kind| kind.as_str());
    if kind != TYPE {
        return Err(format!("its type is `{kind}`, this version reads `{TYPE}`"));
    }
    let id = id(properties).ok_or("its message id is not 32 hexadecimal digits")?;
    Ok(Message { id, body })
}

fn id(properties: &BasicProperties) -> Option<BatchId> {
    let id = properties.message_id().as_ref()?.as_str();
    (id.len() == 32).then(|| u128::from_str_radix(id, 16).ok().map(BatchId))?
}

/// A dead letter as it lies in its queue: set aside by a consumer, or by RabbitMQ for its deliveries.
pub fn read_dead(topology: &Topology, properties: &BasicProperties, body: Bytes) -> DeadLetter {
    let headers = properties.headers().clone().unwrap_or_default();
    let text = |name: &str| headers.inner().get(name).and_then(text_of);
    let told =
        headers.inner().get(SHARD).and_then(AMQPValue::as_long_int).and_then(|n| u16::try_from(n).ok());
    let died_in = text("x-first-death-queue").and_then(|queue| topology.shard_of(&queue));
    let reason = text(REASON).unwrap_or_else(|| match text("x-first-death-reason").as_deref() {
        Some("delivery_limit") => {
            format!("delivered more than {} times and never acknowledged", topology.deliveries_max)
        }
        Some(other) => format!("set aside by RabbitMQ: {other}"),
        None => "unknown".to_owned(),
    });
    let message = Message { id: id(properties).unwrap_or(BatchId(0)), body };
    DeadLetter { shard: told.or(died_in).unwrap_or(0), message, reason }
}

fn text_of(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(text) => Some(String::from_utf8_lossy(text.as_bytes()).into_owned()),
        AMQPValue::ShortString(text) => Some(text.as_str().to_owned()),
        _ => None,
    }
}

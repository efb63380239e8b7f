//! Messages a second through RabbitMQ: `rate <url> [messages] [bytes] [under way] [shards]`. Published by so many
//! callers at once, consumed and acknowledged meanwhile in the same process. The queues it makes stay. With `own` for
//! the url it starts a broker as the tests do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::amqp::{AmqpBus, Options};
use bus::{Bus, Message};
use bytes::Bytes;
use model::BatchId;
use servers::rabbitmq::RabbitMq;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "own".to_owned());
    let broker = if url == "own" { Some(RabbitMq::start()?) } else { None };
    let url = broker.as_ref().map_or(url, RabbitMq::url);
    let mut number = |default: u64| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (messages, bytes, callers, shards) = (number(20_000), number(40_000), number(100), number(4) as u16);
    let prefix = format!("rate-{:x}", fastrand::u32(..));
    let options = Options { shards, prefix, bytes_max: 4 << 30, ..Options::default() };
    let bus = Arc::new(AmqpBus::open(&url, options)?);
    bus.check().await?;

    let began = Instant::now();
    let consuming = consume_all(&bus, shards, messages).await?;
    let body = Bytes::from(vec![7; bytes as usize]);
    let mut publishing = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let (bus, body) = (Arc::clone(&bus), body.clone());
        publishing.spawn(async move {
            let mut waits = Vec::new();
            for number in (caller..messages).step_by(callers as usize) {
                let message = Message { id: BatchId(number.into()), body: body.clone() };
                let sent = Instant::now();
                bus.publish((number % u64::from(shards)) as u16, message).await?;
                waits.push(sent.elapsed());
            }
            anyhow::Ok(waits)
        });
    }
    let mut waits: Vec<Duration> = Vec::new();
    while let Some(done) = publishing.join_next().await {
        waits.extend(done??);
    }
    let published = began.elapsed();
    consuming.await?;
    waits.sort();
    let at = |part: f64| waits[((waits.len() - 1) as f64 * part) as usize];
    let rate = |time: Duration| messages as f64 / time.as_secs_f64();
    println!("published {:.0}/s, end to end {:.0}/s", rate(published), rate(began.elapsed()));
    println!("a publish: p50 {:?}, p99 {:?}, max {:?}", at(0.5), at(0.99), at(1.0));
    bus.close().await;
    Ok(())
}

/// Ends once all messages are acknowledged.
async fn consume_all(
    bus: &Arc<AmqpBus>,
    shards: u16,
    messages: u64,
) -> anyhow::Result<impl Future<Output = anyhow::Result<()>>> {
    let mut consuming = tokio::task::JoinSet::new();
    for shard in 0..shards {
        let mut consumer = bus.consume(shard).await?;
        let expected = (u64::from(shard)..messages).step_by(shards.into()).count();
        consuming.spawn(async move {
            let mut taken = 0;
            while taken < expected {
                let deliveries = consumer.next(64).await?;
                taken += deliveries.len();
                if let Some(last) = deliveries.last() {
                    consumer.ack(last.position).await?;
                }
            }
            anyhow::Ok(())
        });
    }
    Ok(async move {
        while let Some(done) = consuming.join_next().await {
            done??;
        }
        Ok(())
    })
}

//! The bus on RabbitMQ as a world for the contract: one broker serves all tests, each has queues of its own.

use std::time::Instant;

use async_trait::async_trait;
use bus::amqp::{AmqpBus, Options};
use bus::{Bus, ConsumeError};
use servers::rabbitmq::RabbitMq;
use tokio::sync::OnceCell;

use crate::fixtures::*;

/// Names a broker to use instead of one started for the tests.
const URL: &str = "WATCHFIRE_TEST_AMQP_URL";

pub struct Amqp {
    pub bus: AmqpBus,
    pub url: String,
    pub options: Options,
}

impl Amqp {
    pub async fn fresh() -> Amqp {
        Amqp::with(fresh_options()).await
    }

    pub async fn with(options: Options) -> Amqp {
        let url = shared_url().await;
        Amqp { bus: AmqpBus::open(&url, options.clone()).unwrap(), url, options }
    }

    fn reopen(&mut self) {
        self.bus = AmqpBus::open(&self.url, self.options.clone()).unwrap();
    }
}

/// Queues that no other test has, `SHARDS` of them, bounded to `BYTES_MAX`.
pub fn fresh_options() -> Options {
    Options {
        shards: SHARDS,
        prefix: format!("test-{}-{:x}", std::process::id(), fastrand::u64(..)),
        bytes_max: BYTES_MAX,
        prefetch: 1_000,
        ..Options::default()
    }
}

pub async fn start() -> RabbitMq {
    tokio::task::spawn_blocking(|| RabbitMq::start().unwrap()).await.unwrap()
}

async fn shared_url() -> String {
    static SHARED: OnceCell<RabbitMq> = OnceCell::const_new();
    match std::env::var(URL) {
        Ok(url) => url,
        Err(_) => SHARED.get_or_init(start).await.url(),
    }
}

#[async_trait]
impl World for Amqp {
    fn bus(&self) -> &dyn Bus {
        &self.bus
    }

    async fn restart(&mut self) {
        self.bus.close().await;
        self.reopen();
    }

    async fn kill(&mut self) {
        self.reopen();
        for shard in 0..self.options.shards {
            consume_soon(&self.bus, shard).await;
        }
    }
}

/// Consumes as soon as the broker has noticed that an earlier consumer is gone.
pub async fn consume_soon(bus: &dyn Bus, shard: u16) -> Box<dyn bus::Consumer> {
    let end = Instant::now() + PATIENCE;
    loop {
        match bus.consume(shard).await {
            Ok(consumer) => return consumer,
            Err(ConsumeError::Taken(_)) => assert!(Instant::now() < end, "shard {shard} stays taken"),
            Err(other) => panic!("{other}"),
        }
    }
}

//! A bus that can be restarted and killed, and short words for publishing to it and taking from it.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use bus::embedded::{EmbeddedBus, Options};
use bus::{Bus, Consumer, Delivery, Depth, Message, Position, PublishError};
use bytes::Bytes;
use model::BatchId;
use tempfile::TempDir;

/// Long enough for any machine; reached only by a test that fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub const SHARDS: u16 = 3;
/// Small, so that a test can fill it.
pub const BYTES_MAX: u64 = 4 << 20;

/// One backend with its data, in a namespace of its own: `SHARDS` shards, bounded to `BYTES_MAX`.
#[async_trait]
pub trait World: Send {
    fn bus(&self) -> &dyn Bus;
    /// Closes the bus and opens it again.
    async fn restart(&mut self);
    /// Ends this process's part without a goodbye, and starts it again. What a broker keeps when it is killed itself
    /// is tested apart: it serves all tests at once.
    async fn kill(&mut self);
}

pub struct Embedded {
    pub bus: EmbeddedBus,
    pub folder: TempDir,
    pub options: Options,
}

impl Embedded {
    pub fn with(options: Options) -> Embedded {
        let folder = tempfile::tempdir().unwrap();
        Embedded { bus: EmbeddedBus::open(folder.path(), options.clone()).unwrap(), folder, options }
    }

    pub fn fresh() -> Embedded {
        Embedded::with(Options { shards: SHARDS, bytes_max: BYTES_MAX, ..Options::default() })
    }
}

#[async_trait]
impl World for Embedded {
    fn bus(&self) -> &dyn Bus {
        &self.bus
    }

    async fn restart(&mut self) {
        self.bus.close().await;
        self.bus = EmbeddedBus::open(self.folder.path(), self.options.clone()).unwrap();
    }

    async fn kill(&mut self) {
        let folder = as_killed(self.folder.path());
        self.bus = EmbeddedBus::open(folder.path(), self.options.clone()).unwrap();
        self.folder = folder;
    }
}

/// The folder's files as a process that dies at this moment leaves them.
pub fn as_killed(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_files(folder, copy.path());
    copy
}

fn copy_files(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy_files(&entry.path(), &target);
        } else {
            match std::fs::copy(entry.path(), target) {
                // Removed meanwhile, as a killed process may have done just before.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                copied => drop(copied.unwrap()),
            }
        }
    }
}

pub fn message(id: u128) -> Message {
    Message { id: BatchId(id), body: Bytes::from(format!("body {id}")) }
}

pub fn sized(id: u128, bytes: usize) -> Message {
    Message { id: BatchId(id), body: Bytes::from(vec![id as u8; bytes]) }
}

pub async fn publish(bus: &dyn Bus, shard: u16, ids: impl IntoIterator<Item = u128>) {
    for id in ids {
        bus.publish(shard, message(id)).await.unwrap();
    }
}

/// Publishes messages of this size until it is full; returns how many it took.
pub async fn fill(bus: &dyn Bus, shard: u16, bytes: usize) -> u128 {
    for id in 0.. {
        match bus.publish(shard, sized(id, bytes)).await {
            Ok(()) => {}
            Err(PublishError::Full { .. }) => return id,
            Err(other) => panic!("{other}"),
        }
    }
    unreachable!("a bus is bounded")
}

/// Takes messages until it has `count`.
pub async fn take(consumer: &mut dyn Consumer, count: usize) -> Vec<Delivery> {
    let mut taken = Vec::new();
    while taken.len() < count {
        let next = consumer.next(count - taken.len());
        taken.extend(tokio::time::timeout(PATIENCE, next).await.expect("a delivery").unwrap());
    }
    taken
}

/// Waits until so many messages are said to be held: a broker is asked only now and then.
pub async fn depth_of(bus: &dyn Bus, messages: u64) -> Depth {
    let said = async {
        loop {
            let depth = bus.depth().await;
            if depth.messages == messages {
                return depth;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match tokio::time::timeout(PATIENCE / 3, said).await {
        Ok(depth) => depth,
        Err(_) => panic!("{messages} messages expected, {:?}", bus.depth().await),
    }
}

/// Everything that a shard holds, by id, without acknowledging it.
pub async fn waiting(bus: &dyn Bus, shard: u16) -> Vec<u128> {
    let marker = u128::MAX;
    bus.publish(shard, message(marker)).await.unwrap();
    let mut consumer = bus.consume(shard).await.unwrap();
    let mut ids = Vec::new();
    loop {
        let delivery = take(&mut *consumer, 1).await.remove(0);
        if delivery.message.id.0 == marker {
            return ids;
        }
        ids.push(delivery.message.id.0);
    }
}

pub fn ids(deliveries: &[Delivery]) -> Vec<u128> {
    deliveries.iter().map(|delivery| delivery.message.id.0).collect()
}

pub fn last(deliveries: &[Delivery]) -> Position {
    deliveries.last().expect("something was delivered").position
}

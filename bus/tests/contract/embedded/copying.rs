//! A copy of a journal at work: what was published before is in it, or was processed by its end.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use bus::Bus;
use bus::embedded::{EmbeddedBus, Options};
use fastrand::Rng;
use tokio::task::spawn_blocking;

use crate::fixtures::*;

const COPIES: usize = 40;

/// Ids: what became of them, as the world outside of the bus knows it.
#[derive(Clone, Default)]
struct Ids(Arc<Mutex<BTreeSet<u128>>>);

impl Ids {
    fn add(&self, id: u128) {
        self.0.lock().unwrap().insert(id);
    }

    fn now(&self) -> BTreeSet<u128> {
        self.0.lock().unwrap().clone()
    }
}

async fn publishing(bus: Arc<EmbeddedBus>, published: Ids) {
    for id in 0.. {
        if bus.publish(0, sized(id, 700)).await.is_ok() {
            published.add(id);
        } else {
            tokio::task::yield_now().await;
        }
    }
}

/// Processes, then acknowledges; some become dead letters instead.
async fn consuming(bus: Arc<EmbeddedBus>, processed: Ids) {
    let mut rng = Rng::new();
    let mut consumer = bus.consume(0).await.unwrap();
    loop {
        for delivery in consumer.next(rng.usize(1..20)).await.unwrap() {
            if rng.u8(0..10) == 0 {
                consumer.reject(delivery.position, "a test").await.unwrap();
                continue;
            }
            processed.add(delivery.message.id.0);
            consumer.ack(delivery.position).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_published_before_a_copy_is_in_it_or_was_processed_by_its_end() {
    let options = Options { shards: 1, segment_bytes: 4_000, bytes_max: 40_000, ..Options::default() };
    let world = Embedded::with(options.clone());
    let (folder, bus) = (world.folder, Arc::new(world.bus));
    let (published, processed) = (Ids::default(), Ids::default());
    let work = [
        tokio::spawn(publishing(bus.clone(), published.clone())),
        tokio::spawn(consuming(bus.clone(), processed.clone())),
    ];
    let mut held = 0;
    for _ in 0..COPIES {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        let before = published.now();
        let copy = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().to_owned(), copy.path().join("bus"));
        spawn_blocking(move || EmbeddedBus::copy(&from, &to)).await.unwrap().unwrap();
        let done = processed.now();
        let copied =
            EmbeddedBus::open(&copy.path().join("bus"), Options { bytes_max: 1 << 30, ..options.clone() })
                .unwrap();
        let letters = copied.dead_letters(usize::MAX).await.unwrap();
        let letters = letters.iter().map(|letter| letter.message.id.0);
        let there: BTreeSet<u128> = letters.chain(waiting(&copied, 0).await).collect();
        held += there.len();
        let lost: Vec<_> = before.iter().filter(|id| !there.contains(id) && !done.contains(id)).collect();
        assert!(lost.is_empty(), "{lost:?} are in neither");
        copied.close().await;
    }
    assert!(held > 0, "nothing was ever on its way");
    work.iter().for_each(tokio::task::JoinHandle::abort);
}

#[test]
fn a_bus_that_is_not_there_is_an_empty_copy() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("to");
    EmbeddedBus::copy(&folder.path().join("nothing"), &to).unwrap();
    assert!(!to.exists());
}

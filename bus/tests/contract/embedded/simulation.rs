//! Seeded runs of everything that can happen to a bus, held against what must come out of it.

use std::collections::BTreeSet;

use bus::embedded::{EmbeddedBus, Options};
use bus::{Bus, Consumer, Delivery};

use super::journals;
use crate::fixtures::*;

const RUNS: u64 = 12;
const STEPS: usize = 120;

fn options() -> Options {
    Options { segment_bytes: 3_000, ..Options::default() }
}

/// One run, one shard.
struct Run {
    rng: fastrand::Rng,
    world: Embedded,
    consumer: Option<Box<dyn Consumer>>,
    next_id: u128,
    /// Published and never acknowledged: must come.
    owed: BTreeSet<u128>,
    /// Acknowledged in this life of the process.
    spent: BTreeSet<u128>,
    /// Acknowledged in a life that ended with a kill: may come again.
    doubtful: BTreeSet<u128>,
    /// Handed out to the consumer of now, in order.
    out: Vec<Delivery>,
}

impl Run {
    async fn step(&mut self) {
        match self.rng.u8(..100) {
            0..40 => self.publish().await,
            40..60 => self.take().await,
            60..80 => self.acknowledge().await,
            80..86 => self.reject().await,
            86..92 => self.lose_consumer(),
            92..95 => self.restart().await,
            _ => self.kill().await,
        }
    }

    async fn publish(&mut self) {
        let new = self.next_id..self.next_id + self.rng.u128(1..6);
        let messages: Vec<_> = new.clone().map(|id| sized(id, self.rng.usize(..800))).collect();
        let published = messages.into_iter().map(|message| self.world.bus.publish(0, message));
        futures_util::future::try_join_all(published).await.unwrap();
        self.next_id = new.end;
        self.owed.extend(new);
    }

    async fn take(&mut self) {
        let out: BTreeSet<u128> = ids(&self.out).into_iter().collect();
        let missing = self.owed.difference(&out).count();
        if missing == 0 {
            return;
        }
        if self.consumer.is_none() {
            self.consumer = Some(self.world.bus.consume(0).await.unwrap());
        }
        let consumer = self.consumer.as_mut().expect("it was just made");
        let wanted = self.rng.usize(1..=missing);
        for delivery in take(&mut **consumer, wanted).await {
            let id = delivery.message.id.0;
            assert!(self.owed.contains(&id) || self.doubtful.contains(&id), "{id} is acknowledged for good");
            assert!(self.out.last().is_none_or(|last| last.position < delivery.position));
            assert!(self.out.last().is_none_or(|last| last.message.id.0 < id), "in order");
            let skipped =
                |owed: &&u128| **owed < id && !out.contains(*owed) && !ids(&self.out).contains(*owed);
            assert_eq!(self.owed.iter().find(skipped), None, "before {id}");
            self.out.push(delivery);
        }
    }

    async fn acknowledge(&mut self) {
        if self.out.is_empty() {
            return;
        }
        let count = self.rng.usize(1..=self.out.len());
        let covered: Vec<Delivery> = self.out.drain(..count).collect();
        self.consumer.as_mut().expect("it took them").ack(last(&covered)).await.unwrap();
        self.spend(&ids(&covered));
        // Everything before is covered too, and what did not come by then comes no more.
        self.doubtful = self.doubtful.split_off(&(ids(&covered)[count - 1] + 1));
    }

    async fn reject(&mut self) {
        if self.out.is_empty() {
            return;
        }
        let rejected = self.out.remove(self.rng.usize(..self.out.len()));
        self.consumer.as_mut().expect("it took them").reject(rejected.position, "poison").await.unwrap();
        self.spend(&ids(&[rejected]));
    }

    fn spend(&mut self, ids: &[u128]) {
        for id in ids {
            self.owed.remove(id);
            self.doubtful.remove(id);
            self.spent.insert(*id);
        }
    }

    fn lose_consumer(&mut self) {
        self.consumer = None;
        self.out.clear();
    }

    async fn restart(&mut self) {
        self.lose_consumer();
        self.world.restart().await;
        self.spent.clear();
        self.check_depth().await;
    }

    /// The process dies, and the disk loses the end of a write that nobody was told about.
    async fn kill(&mut self) {
        self.lose_consumer();
        let folder = as_killed(self.world.folder.path());
        if let Some(newest) = journals(folder.path()).last() {
            let mut bytes = std::fs::read(newest).unwrap();
            bytes.extend((0..self.rng.usize(..300)).map(|_| self.rng.u8(..)));
            std::fs::write(newest, bytes).unwrap();
        }
        self.world.bus = EmbeddedBus::open(folder.path(), options()).unwrap();
        self.world.folder = folder;
        self.doubtful.append(&mut self.spent);
        self.check_depth().await;
    }

    async fn check_depth(&self) {
        let depth = self.world.bus.depth().await.messages as usize;
        let most = self.owed.len() + self.doubtful.len();
        assert!(
            (self.owed.len()..=most).contains(&depth),
            "{} owed, {depth} held, {most} at most",
            self.owed.len()
        );
    }
}

#[tokio::test]
async fn whatever_happens_everything_owed_comes_in_order_and_nothing_acknowledged_for_good() {
    for seed in 0..RUNS {
        println!("seed {seed}");
        let rng = fastrand::Rng::with_seed(seed);
        let world = Embedded::with(options());
        let (owed, spent, doubtful) = Default::default();
        let mut run = Run { rng, world, consumer: None, next_id: 0, owed, spent, doubtful, out: Vec::new() };
        for _ in 0..STEPS {
            run.step().await;
        }
        run.restart().await;
        let held = waiting(&run.world.bus, 0).await;
        assert!(held.is_sorted());
        let held: BTreeSet<u128> = held.into_iter().collect();
        assert!(held.is_superset(&run.owed), "seed {seed}");
        assert!(held.difference(&run.owed).all(|id| run.doubtful.contains(id)), "seed {seed}");
    }
}

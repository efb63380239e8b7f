//! What every backend promises of dead letters that are requeued or dropped.

use std::collections::BTreeSet;
use std::time::Duration;

use bus::{Bus, DeadLetter, Fate, PublishError};

use crate::fixtures::*;

fn ids_of(letters: &[DeadLetter]) -> Vec<u128> {
    letters.iter().map(|letter| letter.message.id.0).collect()
}

async fn letters(bus: &dyn Bus) -> Vec<u128> {
    ids_of(&bus.dead_letters(100).await.unwrap())
}

/// Publishes these to a shard and sets them aside.
async fn set_aside(bus: &dyn Bus, shard: u16, ids: impl IntoIterator<Item = u128> + Clone) {
    publish(bus, shard, ids.clone()).await;
    let mut consumer = bus.consume(shard).await.unwrap();
    for delivery in take(&mut *consumer, ids.into_iter().count()).await {
        consumer.reject(delivery.position, "poison").await.unwrap();
    }
}

async fn sort(bus: &dyn Bus, fate: Fate) -> usize {
    bus.sort_dead_letters(100, &mut |_: &DeadLetter| fate).await.unwrap()
}

pub async fn a_requeued_letter_is_delivered_again_at_the_end_of_its_shard(mut world: impl World) {
    set_aside(world.bus(), 1, 1..=2).await;
    publish(world.bus(), 1, [3]).await;
    publish(world.bus(), 0, [4]).await;
    assert_eq!(sort(world.bus(), Fate::Requeue).await, 2);
    assert_eq!(letters(world.bus()).await, [] as [u128; 0]);
    assert_eq!(waiting(world.bus(), 1).await, [3, 1, 2]);
    assert_eq!(waiting(world.bus(), 0).await, [4]);
    world.kill().await;
    assert_eq!(letters(world.bus()).await, [] as [u128; 0]);
    let mut consumer = world.bus().consume(1).await.unwrap();
    let again = take(&mut *consumer, 3).await;
    assert_eq!(again[1].message, message(1), "as it was published");
    consumer.reject(again[1].position, "still poison").await.unwrap();
    let dead = world.bus().dead_letters(10).await.unwrap();
    assert_eq!((ids_of(&dead), &*dead[0].reason), (vec![1], "still poison"));
}

pub async fn a_dropped_letter_is_gone_also_in_a_later_life(mut world: impl World) {
    publish(world.bus(), 0, 1..=3).await;
    let mut consumer = world.bus().consume(0).await.unwrap();
    let taken = take(&mut *consumer, 3).await;
    consumer.reject(taken[1].position, "poison").await.unwrap();
    drop(consumer);
    assert_eq!(sort(world.bus(), Fate::Drop).await, 1);
    for _ in 0..2 {
        world.kill().await;
        assert_eq!(letters(world.bus()).await, [] as [u128; 0]);
        assert_eq!(waiting(world.bus(), 0).await[..2], [1, 3], "what stood before it was not acknowledged");
        world.restart().await;
    }
}

pub async fn letters_are_decided_oldest_first_at_most_limit_and_the_others_stay(world: impl World) {
    set_aside(world.bus(), 0, 1..=6).await;
    let mut asked = Vec::new();
    let mut decide = |letter: &DeadLetter| {
        asked.push(letter.message.id.0);
        match letter.message.id.0 {
            2 | 6 => Fate::Requeue,
            4 => Fate::Drop,
            _ => Fate::Keep,
        }
    };
    assert_eq!(world.bus().sort_dead_letters(5, &mut decide).await.unwrap(), 2);
    assert_eq!(asked, [1, 2, 3, 4, 5], "the sixth is past the limit");
    assert_eq!(letters(world.bus()).await, [1, 3, 5, 6]);
    assert_eq!(waiting(world.bus(), 0).await, [2]);
    assert_eq!(world.bus().sort_dead_letters(0, &mut |_: &DeadLetter| Fate::Drop).await.unwrap(), 0);
    assert_eq!(letters(world.bus()).await, [1, 3, 5, 6]);
}

pub async fn killed_while_requeueing_a_letter_may_be_doubled_and_is_never_lost(mut world: impl World) {
    const LETTERS: u128 = 40;
    set_aside(world.bus(), 2, 0..LETTERS).await;
    let (mut delivered, mut moment) = (BTreeSet::new(), Duration::ZERO);
    while delivered.len() < LETTERS as usize {
        // Given up in the middle, later from round to round.
        let mut requeue = |_: &DeadLetter| Fate::Requeue;
        let sorting = world.bus().sort_dead_letters(100, &mut requeue);
        drop(tokio::time::timeout(moment, sorting).await);
        world.kill().await;
        // What the killed process had got comes back to a broker's queue a moment later.
        let mut lost: Vec<u128> = Vec::new();
        for _ in 0..100 {
            delivered.extend(drain(world.bus(), 2).await);
            let dead = letters(world.bus()).await;
            lost = (0..LETTERS).filter(|id| !delivered.contains(id) && !dead.contains(id)).collect();
            if lost.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(lost.is_empty(), "lost after {moment:?}: {lost:?}");
        moment = moment * 2 + Duration::from_millis(5);
    }
}

/// Takes all that waits in a shard.
async fn drain(bus: &dyn Bus, shard: u16) -> Vec<u128> {
    let held = waiting(bus, shard).await;
    let mut consumer = bus.consume(shard).await.unwrap();
    let taken = take(&mut *consumer, held.len() + 1).await;
    consumer.ack(last(&taken)).await.unwrap();
    held
}

pub async fn a_full_bus_takes_no_letter_back_and_keeps_it(world: impl World) {
    world.bus().publish(0, sized(1, 100_000)).await.unwrap();
    let mut consumer = world.bus().consume(0).await.unwrap();
    let taken = take(&mut *consumer, 1).await;
    consumer.reject(last(&taken), "poison").await.unwrap();
    drop(consumer);
    let count = fill(world.bus(), 0, 100_000).await;
    let refused = world.bus().sort_dead_letters(10, &mut |_: &DeadLetter| Fate::Requeue).await;
    let refused = refused.unwrap_err();
    assert!(matches!(refused.downcast_ref(), Some(PublishError::Full { .. })), "{refused:#}");
    assert_eq!(letters(world.bus()).await, [1]);
    let mut consumer = world.bus().consume(0).await.unwrap();
    let taken = take(&mut *consumer, count as usize).await;
    consumer.ack(last(&taken)).await.unwrap();
    drop(consumer);
    depth_of(world.bus(), 0).await;
    assert_eq!(sort(world.bus(), Fate::Requeue).await, 1);
    assert_eq!(waiting(world.bus(), 0).await, [1]);
}

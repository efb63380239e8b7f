//! What every backend of Bus promises, one named test each. A backend is one line at the end.

#![allow(clippy::unwrap_used)]

mod amqp;
mod broker;
mod embedded;
mod fixtures;
mod letters;
mod spool;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bus::amqp::DEPTH_AGE_MAX;
use bus::{ConsumeError, Message, Position, PublishError, REASON_BYTES_MAX};
use bytes::Bytes;
use fixtures::*;
use letters::*;
use model::{BatchId, limits};

async fn shards_are_numbered_from_0_and_there_are_no_others(world: impl World) {
    let bus = world.bus();
    assert_eq!(bus.shards(), SHARDS);
    for shard in 0..SHARDS {
        bus.publish(shard, message(shard.into())).await.unwrap();
        assert_eq!(waiting(bus, shard).await, [u128::from(shard)]);
    }
    assert!(matches!(bus.consume(SHARDS).await.err(), Some(ConsumeError::NoSuchShard(SHARDS))));
    assert!(matches!(bus.publish(SHARDS, message(1)).await, Err(PublishError::Unavailable(_))));
}

async fn a_message_arrives_as_it_was_published(world: impl World) {
    let every_byte: Vec<u8> = (0..=255).collect();
    let mut consumer = world.bus().consume(0).await.unwrap();
    for body in [Bytes::new(), Bytes::from(every_byte)] {
        let sent = Message { id: BatchId(u128::MAX - 1), body };
        world.bus().publish(0, sent.clone()).await.unwrap();
        let taken = take(&mut *consumer, 1).await;
        assert_eq!(taken[0].message, sent);
        assert!(!taken[0].redelivered);
        consumer.ack(last(&taken)).await.unwrap();
    }
}

async fn a_publish_that_returned_survives_a_kill(mut world: impl World) {
    publish(world.bus(), 0, 1..=20).await;
    publish(world.bus(), 1, 21..=40).await;
    world.kill().await;
    assert_eq!(waiting(world.bus(), 0).await, (1..=20).collect::<Vec<_>>());
    assert_eq!(waiting(world.bus(), 1).await, (21..=40).collect::<Vec<_>>());
}

async fn messages_of_one_caller_keep_their_order_within_a_shard(world: impl World) {
    for id in 0..90 {
        publish(world.bus(), (id % 3) as u16, [id]).await;
    }
    for shard in 0..3 {
        let expected: Vec<u128> = (0..90).filter(|id| id % 3 == u128::from(shard)).collect();
        assert_eq!(waiting(world.bus(), shard).await, expected);
    }
}

async fn positions_grow_with_delivery_order_whoever_publishes_at_once(world: impl World + Sync + 'static) {
    const CALLERS: u128 = 8;
    const EACH: u128 = 100;
    let world = Arc::new(world);
    let mut consumer = world.bus().consume(1).await.unwrap();
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        let world = Arc::clone(&world);
        callers.spawn(async move { publish(world.bus(), 1, (0..EACH).map(|n| caller << 32 | n)).await });
    }
    let taken = take(&mut *consumer, (CALLERS * EACH) as usize).await;
    callers.join_all().await;
    assert!(taken.is_sorted_by(|one, next| one.position < next.position));
    let mut by_caller: HashMap<u128, Vec<u128>> = HashMap::new();
    ids(&taken).iter().for_each(|id| by_caller.entry(id >> 32).or_default().push(id & 0xFFFF_FFFF));
    assert_eq!(by_caller.len() as u128, CALLERS);
    assert!(by_caller.values().all(|numbers| numbers.iter().copied().eq(0..EACH)));
}

async fn a_body_of_the_maximum_is_carried_and_one_byte_more_is_too_large(world: impl World) {
    let largest = sized(1, limits::BATCH_BYTES_MAX);
    world.bus().publish(0, largest.clone()).await.unwrap();
    let refused = world.bus().publish(0, sized(2, limits::BATCH_BYTES_MAX + 1)).await;
    assert!(matches!(refused, Err(PublishError::TooLarge(bytes)) if bytes == limits::BATCH_BYTES_MAX + 1));
    let mut consumer = world.bus().consume(0).await.unwrap();
    assert_eq!(take(&mut *consumer, 1).await[0].message, largest);
}

async fn what_was_not_acknowledged_comes_again_before_newer_messages(world: impl World) {
    publish(world.bus(), 0, 1..=4).await;
    let mut consumer = world.bus().consume(0).await.unwrap();
    let taken = take(&mut *consumer, 3).await;
    consumer.ack(taken[0].position).await.unwrap();
    drop(consumer);
    publish(world.bus(), 0, [5]).await;
    let mut consumer = world.bus().consume(0).await.unwrap();
    let again = take(&mut *consumer, 4).await;
    assert_eq!(ids(&again), [2, 3, 4, 5]);
    let redelivered: Vec<bool> = again.iter().map(|delivery| delivery.redelivered).collect();
    assert_eq!(redelivered[..2], [true, true], "the others may have been on their way to the first consumer");
}

async fn what_was_not_acknowledged_comes_again_in_a_later_life(mut world: impl World) {
    publish(world.bus(), 0, 1..=4).await;
    let mut consumer = world.bus().consume(0).await.unwrap();
    let taken = take(&mut *consumer, 3).await;
    consumer.ack(taken[0].position).await.unwrap();
    drop(consumer);
    world.restart().await;
    publish(world.bus(), 0, [5]).await;
    assert_eq!(waiting(world.bus(), 0).await, [2, 3, 4, 5]);
}

async fn a_shard_has_one_consumer_at_a_time_and_dropping_it_frees_the_shard(world: impl World) {
    let first = world.bus().consume(0).await.unwrap();
    assert!(matches!(world.bus().consume(0).await.err(), Some(ConsumeError::Taken(0))));
    let _other_shard = world.bus().consume(1).await.unwrap();
    drop(first);
    assert!(world.bus().consume(0).await.is_ok());
}

async fn depth_is_what_is_published_and_not_acknowledged(mut world: impl World) {
    let depth = world.bus().depth().await;
    assert_eq!((depth.messages, depth.bytes, depth.bytes_max), (0, 0, BYTES_MAX));
    publish(world.bus(), 0, 1..=3).await;
    publish(world.bus(), 2, 4..=5).await;
    let depth = depth_of(world.bus(), 5).await;
    assert!(depth.bytes >= 5 * message(1).body.len() as u64);
    let mut consumer = world.bus().consume(0).await.unwrap();
    let taken = take(&mut *consumer, 3).await;
    tokio::time::sleep(DEPTH_AGE_MAX).await;
    assert_eq!(world.bus().depth().await, depth, "delivered is not acknowledged");
    consumer.ack(taken[1].position).await.unwrap();
    depth_of(world.bus(), 3).await;
    drop(consumer);
    world.restart().await;
    depth_of(world.bus(), 3).await;
    for (shard, count) in [(0, 1), (2, 2)] {
        let mut consumer = world.bus().consume(shard).await.unwrap();
        let taken = take(&mut *consumer, count).await;
        consumer.ack(last(&taken)).await.unwrap();
    }
    assert_eq!(depth_of(world.bus(), 0).await.bytes, 0);
}

async fn a_full_bus_says_its_bound_and_takes_again_after_an_acknowledgement(world: impl World) {
    let mut counts = Vec::new();
    for shard in 0..SHARDS {
        counts.push(fill(world.bus(), shard, 100_000).await);
    }
    let held: u128 = counts.iter().sum();
    let depth = depth_of(world.bus(), held as u64).await;
    // A backend may bound each shard, and tell that it is full a message late.
    let late = u64::from(SHARDS) * 2 * 110_000;
    assert!((BYTES_MAX - late..=BYTES_MAX + late).contains(&depth.bytes), "{depth:?}");
    for shard in 0..SHARDS {
        let refused = world.bus().publish(shard, sized(0, 100_000)).await.unwrap_err();
        let PublishError::Full { bytes_max, retry_after } = refused else { panic!("{refused}") };
        assert_eq!(bytes_max, BYTES_MAX);
        assert!(retry_after > Duration::ZERO);
    }
    for (shard, &count) in counts.iter().enumerate().filter(|&(_, &count)| count > 0) {
        let mut consumer = world.bus().consume(shard as u16).await.unwrap();
        let taken = take(&mut *consumer, count as usize).await;
        consumer.ack(last(&taken)).await.unwrap();
        world.bus().publish(shard as u16, sized(0, 100_000)).await.unwrap();
    }
}

async fn next_waits_for_one_message_returns_at_most_max_and_waits_for_no_more(world: impl World + Sync) {
    let mut consumer = world.bus().consume(0).await.unwrap();
    let mut next = Box::pin(consumer.next(10));
    assert!(poll_once(&mut next).await.is_none(), "nothing is there");
    publish(world.bus(), 0, [1]).await;
    assert_eq!(ids(&next.await.unwrap()), [1]);
    publish(world.bus(), 0, 2..=6).await;
    let taken = consumer.next(3).await.unwrap();
    assert!(!taken.is_empty() && taken.len() <= 3);
    assert_eq!(ids(&taken)[0], 2);
}

async fn a_dropped_next_loses_nothing(world: impl World) {
    let mut consumer = world.bus().consume(0).await.unwrap();
    let mut taken = Vec::new();
    for id in 0..50 {
        assert!(poll_once(&mut Box::pin(consumer.next(10))).await.is_none());
        publish(world.bus(), 0, [id]).await;
        // Given up at once: it may have been about to deliver.
        taken.extend(poll_once(&mut Box::pin(consumer.next(10))).await.into_iter().flat_map(Result::unwrap));
        let missing = id as usize + 1 - taken.len();
        taken.extend(take(&mut *consumer, missing).await);
    }
    assert_eq!(ids(&taken), (0..50).collect::<Vec<_>>());
}

async fn an_acknowledgement_covers_every_message_of_its_shard_up_to_it(mut world: impl World) {
    publish(world.bus(), 0, 1..=5).await;
    publish(world.bus(), 1, 6..=7).await;
    let mut consumer = world.bus().consume(0).await.unwrap();
    let taken = take(&mut *consumer, 5).await;
    consumer.ack(taken[2].position).await.unwrap();
    consumer.ack(taken[0].position).await.unwrap();
    drop(consumer);
    assert_eq!(waiting(world.bus(), 0).await, [4, 5]);
    world.restart().await;
    assert_eq!(waiting(world.bus(), 0).await[..2], [4, 5]);
    assert_eq!(waiting(world.bus(), 1).await, [6, 7]);
}

async fn a_message_is_set_aside_alone_with_its_reason(mut world: impl World) {
    publish(world.bus(), 0, 1..=3).await;
    publish(world.bus(), 1, [4]).await;
    let mut consumer = world.bus().consume(0).await.unwrap();
    let taken = take(&mut *consumer, 3).await;
    consumer.reject(taken[1].position, "does not decode").await.unwrap();
    drop(consumer);
    depth_of(world.bus(), 3).await;
    assert_eq!(waiting(world.bus(), 0).await, [1, 3], "earlier and later ones stay");
    let mut consumer = world.bus().consume(1).await.unwrap();
    let taken = take(&mut *consumer, 1).await;
    consumer.reject(last(&taken), "version 9").await.unwrap();
    drop(consumer);
    world.kill().await;
    let letters = world.bus().dead_letters(10).await.unwrap();
    let told: Vec<_> =
        letters.iter().map(|letter| (letter.shard, &letter.message, &*letter.reason)).collect();
    assert_eq!(told, [(0, &message(2), "does not decode"), (1, &message(4), "version 9")]);
    assert_eq!(world.bus().dead_letters(1).await.unwrap().len(), 1);
    assert_eq!(ids_of(&world.bus().dead_letters(1).await.unwrap()), [2], "the oldest first");
    assert_eq!(waiting(world.bus(), 0).await[..2], [1, 3], "not after a kill either");
    assert_eq!(waiting(world.bus(), 1).await, [] as [u128; 0]);
}

async fn a_reason_is_cut(world: impl World) {
    publish(world.bus(), 0, 1..=2).await;
    let mut consumer = world.bus().consume(0).await.unwrap();
    for delivery in take(&mut *consumer, 2).await {
        let length = REASON_BYTES_MAX + delivery.message.id.0 as usize - 1;
        consumer.reject(delivery.position, &"x".repeat(length)).await.unwrap();
    }
    let letters = world.bus().dead_letters(2).await.unwrap();
    assert!(
        letters.iter().all(|letter| letter.reason.len() == REASON_BYTES_MAX),
        "at the maximum and past it"
    );
}

async fn a_closed_bus_takes_nothing_and_has_kept_everything(mut world: impl World + Sync) {
    publish(world.bus(), 0, [1]).await;
    let publishes = (2..50).map(|id| world.bus().publish(0, message(id)));
    let (outcomes, ()) = tokio::join!(futures_util::future::join_all(publishes), world.bus().close());
    let kept = 1 + outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let unavailable =
        |outcome: &Result<(), PublishError>| matches!(outcome, Err(PublishError::Unavailable(_)));
    assert!(outcomes.iter().all(|outcome| outcome.is_ok() || unavailable(outcome)));
    assert!(unavailable(&world.bus().publish(0, message(99)).await));
    world.bus().close().await;
    world.kill().await;
    assert_eq!(waiting(world.bus(), 0).await.len(), kept);
}

async fn a_closed_bus_finishes_its_consumers(world: impl World + Sync) {
    let mut consumer = world.bus().consume(0).await.unwrap();
    let (next, ()) = tokio::join!(consumer.next(1), world.bus().close());
    assert!(next.is_err());
    assert!(consumer.ack(Position(1)).await.is_err());
}

/// Its outcome, if it is ready now.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        let outcome = std::pin::Pin::new(&mut *future).poll(context);
        std::task::Poll::Ready(match outcome {
            std::task::Poll::Ready(outcome) => Some(outcome),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

fn ids_of(letters: &[bus::DeadLetter]) -> Vec<u128> {
    letters.iter().map(|letter| letter.message.id.0).collect()
}

/// One line a backend: its name, and how to make a fresh world of it. A promise that is not listed is dead code,
/// which the compiler reports.
macro_rules! bus_contract {
    ($backend:ident, $world:expr) => {
        bus_contract!(@ $backend, $world,
            shards_are_numbered_from_0_and_there_are_no_others,
            a_message_arrives_as_it_was_published,
            a_publish_that_returned_survives_a_kill,
            messages_of_one_caller_keep_their_order_within_a_shard,
            positions_grow_with_delivery_order_whoever_publishes_at_once,
            a_body_of_the_maximum_is_carried_and_one_byte_more_is_too_large,
            what_was_not_acknowledged_comes_again_before_newer_messages,
            what_was_not_acknowledged_comes_again_in_a_later_life,
            a_shard_has_one_consumer_at_a_time_and_dropping_it_frees_the_shard,
            depth_is_what_is_published_and_not_acknowledged,
            a_full_bus_says_its_bound_and_takes_again_after_an_acknowledgement,
            next_waits_for_one_message_returns_at_most_max_and_waits_for_no_more,
            a_dropped_next_loses_nothing,
            an_acknowledgement_covers_every_message_of_its_shard_up_to_it,
            a_message_is_set_aside_alone_with_its_reason,
            a_reason_is_cut,
            a_requeued_letter_is_delivered_again_at_the_end_of_its_shard,
            a_dropped_letter_is_gone_also_in_a_later_life,
            letters_are_decided_oldest_first_at_most_limit_and_the_others_stay,
            killed_while_requeueing_a_letter_may_be_doubled_and_is_never_lost,
            a_full_bus_takes_no_letter_back_and_keeps_it,
            a_closed_bus_takes_nothing_and_has_kept_everything,
            a_closed_bus_finishes_its_consumers,
        );
    };
    (@ $backend:ident, $world:expr, $($promise:ident,)*) => {
        mod $backend {
            use super::fixtures;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                let kept = super::$promise($world);
                tokio::time::timeout(fixtures::PATIENCE, kept).await.expect("in time");
            })*
        }
    };
}

bus_contract!(on_the_embedded_bus, fixtures::Embedded::fresh());
bus_contract!(on_rabbitmq, super::broker::Amqp::fresh().await);
bus_contract!(on_rabbitmq_behind_a_spool, super::spool::SpooledAmqp::fresh().await);

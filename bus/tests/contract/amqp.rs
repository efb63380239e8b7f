//! What only the bus on RabbitMQ promises: a broker that dies, freezes, fills up or is cut off, and queues that are
//! not as expected.

pub mod proxy;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bus::amqp::{AmqpBus, LinkError, Options};
use bus::{Bus, ConsumeError, DeadLetter, Fate, PublishError};
use servers::Signal;
use servers::certificates::Certified;
use servers::rabbitmq::RabbitMq;

use crate::broker::*;
use crate::fixtures::*;
use proxy::Proxy;

const MANY: u128 = 300;
/// Rounds of a rush, of which one is to succeed.
const TRIES: usize = 20;

/// A broker that a test may kill.
async fn own_broker(options: Options) -> (RabbitMq, AmqpBus) {
    let broker = start().await;
    let bus = AmqpBus::open(&broker.url(), options).unwrap();
    bus.check().await.unwrap();
    (broker, bus)
}

async fn restart(mut broker: RabbitMq) -> RabbitMq {
    let restarted = tokio::task::spawn_blocking(move || broker.restart().map(|()| broker));
    restarted.await.unwrap().unwrap()
}

/// Publishes each until the bus takes it.
async fn insist(bus: &dyn Bus, shard: u16, ids: impl IntoIterator<Item = u128>) {
    let end = Instant::now() + PATIENCE * 2;
    for id in ids {
        while let Err(refused) = bus.publish(shard, message(id)).await {
            assert!(matches!(refused, PublishError::Unavailable(_)), "{refused}");
            assert!(Instant::now() < end, "{refused}");
        }
    }
}

/// Each once, in the order they came first.
pub fn firsts(ids: Vec<u128>) -> Vec<u128> {
    let mut seen = std::collections::HashSet::new();
    ids.into_iter().filter(|&id| seen.insert(id)).collect()
}

pub async fn waiting_soon(bus: &dyn Bus, shard: u16) -> Vec<u128> {
    insist(bus, shard, [u128::MAX]).await;
    drop(consume_patiently(bus, shard).await);
    waiting(bus, shard).await.into_iter().filter(|&id| id != u128::MAX).collect()
}

async fn consume_patiently(bus: &dyn Bus, shard: u16) -> Box<dyn bus::Consumer> {
    let end = Instant::now() + PATIENCE;
    loop {
        match bus.consume(shard).await {
            Ok(consumer) => return consumer,
            Err(refused @ (ConsumeError::Taken(_) | ConsumeError::Unavailable(_))) => {
                assert!(Instant::now() < end, "{refused}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_confirmed_survives_a_broker_killed_and_started_again() {
    let (mut broker, bus) = own_broker(fresh_options()).await;
    let bus = Arc::new(bus);
    insist(&*bus, 1, 1..=20).await;
    let mut consumer = bus.consume(1).await.unwrap();
    let taken = take(&mut *consumer, 3).await;
    consumer.reject(taken[1].position, "poison").await.unwrap();
    let publishing = tokio::spawn({
        let bus = Arc::clone(&bus);
        async move { insist(&*bus, 0, 0..MANY).await }
    });
    depth_at_least(&*bus, 60).await;
    broker.kill();
    assert!(consumer.next(100).await.is_ok(), "what had arrived");
    assert!(consumer.next(100).await.is_err(), "its consumers are finished");
    drop(consumer);
    let _broker = restart(broker).await;
    publishing.await.unwrap();
    assert_eq!(firsts(waiting_soon(&*bus, 0).await), (0..MANY).collect::<Vec<_>>());
    let expected: Vec<u128> = (1..=20).filter(|&id| id != 2).collect();
    assert_eq!(firsts(waiting_soon(&*bus, 1).await), expected);
    let letters = bus.dead_letters(10).await.unwrap();
    assert_eq!((letters.len(), letters[0].message.id.0, &*letters[0].reason), (1, 2, "poison"));
}

async fn depth_at_least(bus: &dyn Bus, messages: u64) {
    while bus.depth().await.messages < messages {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_broker_is_told_in_time_and_used_again_once_it_thaws() {
    let within = Duration::from_secs(2);
    let options = Options { publish_within: within, ..fresh_options() };
    let (broker, bus) = own_broker(options).await;
    publish(&bus, 0, [1]).await;
    broker.signal(Signal::Stop);
    let began = Instant::now();
    let refused = bus.publish(0, message(2)).await.unwrap_err();
    assert!(matches!(refused, PublishError::Unavailable(_)), "{refused}");
    assert!((within..within * 2).contains(&began.elapsed()), "{:?}", began.elapsed());
    let refused = bus.publish(0, message(3)).await.unwrap_err();
    assert!(matches!(refused, PublishError::Unavailable(_)), "{refused}");
    broker.signal(Signal::Continue);
    insist(&bus, 0, 4..10).await;
    let held = firsts(waiting_soon(&bus, 0).await);
    assert!(held.is_sorted() && held.starts_with(&[1]) && held.ends_with(&[4, 5, 6, 7, 8, 9]), "{held:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publish_outlives_a_connection_that_is_cut() {
    let world = Amqp::fresh().await;
    let proxy = Proxy::to(&world.url).await;
    let bus = Arc::new(AmqpBus::open(&proxy.url(), world.options.clone()).unwrap());
    let (over, confirmed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let publishing = tokio::spawn({
        let (bus, over, confirmed) = (Arc::clone(&bus), Arc::clone(&over), Arc::clone(&confirmed));
        async move {
            while !over.load(Ordering::Relaxed) {
                let id = confirmed.load(Ordering::Relaxed);
                bus.publish(0, message(id.into())).await.unwrap();
                confirmed.store(id + 1, Ordering::Relaxed);
            }
        }
    });
    for _ in 0..3 {
        let enough = confirmed.load(Ordering::Relaxed) + 20;
        while confirmed.load(Ordering::Relaxed) < enough {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        proxy.cut();
    }
    over.store(true, Ordering::Relaxed);
    publishing.await.unwrap();
    assert!(proxy.connections() >= 3);
    let published = u128::from(confirmed.load(Ordering::Relaxed));
    assert_eq!(firsts(waiting_soon(&*bus, 0).await), (0..published).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_connection_a_publish_is_unavailable_in_time_and_later_ones_go_through() {
    let within = Duration::from_millis(700);
    let world = Amqp::fresh().await;
    let proxy = Proxy::to(&world.url).await;
    let options = Options { publish_within: within, ..world.options.clone() };
    let bus = AmqpBus::open(&proxy.url(), options).unwrap();
    proxy.refuse(true);
    let began = Instant::now();
    assert!(matches!(bus.publish(0, message(1)).await, Err(PublishError::Unavailable(_))));
    assert!((within..within + Duration::from_secs(1)).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert!(matches!(bus.check().await, Err(LinkError::Unreachable { .. })));
    assert!(matches!(bus.consume(0).await.err(), Some(ConsumeError::Unavailable(_))));
    proxy.refuse(false);
    insist(&bus, 0, [2]).await;
    assert_eq!(firsts(waiting_soon(&bus, 0).await), [2], "what was Unavailable may have arrived");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_consumer_is_told_and_another_process_takes_the_shard() {
    let world = Amqp::fresh().await;
    let proxy = Proxy::to(&world.url).await;
    let first = AmqpBus::open(&proxy.url(), world.options.clone()).unwrap();
    publish(&world.bus, 0, 1..=5).await;
    let mut consumer = first.consume(0).await.unwrap();
    let taken = take(&mut *consumer, 3).await;
    consumer.ack(taken[0].position).await.unwrap();
    assert!(matches!(world.bus.consume(0).await.err(), Some(ConsumeError::Taken(0))));
    proxy.cut();
    let began = Instant::now();
    let mut next = consume_soon(&world.bus, 0).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let again = ids(&take(&mut *next, 4).await);
    assert!(again == [2, 3, 4, 5], "{again:?}");
    while consumer.next(10).await.is_ok() {}
    assert!(consumer.ack(taken[2].position).await.is_err());
    assert!(matches!(
        first.consume(0).await.err(),
        Some(ConsumeError::Taken(0) | ConsumeError::Unavailable(_))
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_want_a_shard_at_once_one_has_it() {
    let world = Amqp::fresh().await;
    let buses: Vec<AmqpBus> =
        (0..4).map(|_| AmqpBus::open(&world.url, world.options.clone()).unwrap()).collect();
    for _ in 0..3 {
        let mut held = Vec::new();
        for _ in 0..TRIES {
            let wanted = buses.iter().map(|bus| bus.consume(2));
            for outcome in futures_util::future::join_all(wanted).await {
                match outcome {
                    Ok(consumer) => held.push(consumer),
                    Err(ConsumeError::Taken(2)) => {}
                    // The server itself may stumble over the rush; nobody has it then, and who wants it asks again.
                    Err(refused) => assert!(matches!(refused, ConsumeError::Unavailable(_)), "{refused}"),
                }
            }
            if !held.is_empty() {
                break;
            }
        }
        assert_eq!(held.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_cannot_join_or_stops_waiting_leaves_the_shard_to_others() {
    let options = fresh_options();
    let (broker, one) = own_broker(options.clone()).await;
    let other = AmqpBus::open(&broker.url(), options).unwrap();
    other.check().await.unwrap();
    let may_read = |pattern| broker.control(&["set_permissions", "guest", ".*", ".*", pattern]).unwrap();
    may_read("^nothing$");
    let refused = one.consume(0).await.err().unwrap();
    assert!(matches!(refused, ConsumeError::Unavailable(_)), "{refused}");
    may_read(".*");
    drop(consume_patiently(&other, 0).await);
    for _ in 0..MANY {
        let wait = Duration::from_micros(fastrand::u64(..20_000));
        drop(tokio::time::timeout(wait, one.consume(0)).await);
    }
    drop(consume_patiently(&other, 0).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_examination_names_what_is_missing_and_makes_nothing() {
    let broker = tokio::task::spawn_blocking(RabbitMq::start).await.unwrap().unwrap();
    let options = Options { shards: 2, ..fresh_options() };
    let bus = AmqpBus::open(&broker.url(), options.clone()).unwrap();
    let lacks = |found: &[String], what: &str| found.iter().filter(|told| told.contains(what)).count();
    for _ in 0..2 {
        let found = bus.examine().await;
        assert_eq!((found.len(), lacks(&found, "is not there")), (4, 4), "{found:?}");
    }
    bus.check().await.unwrap();
    assert_eq!(bus.examine().await, Vec::<String>::new());
    let deleted = format!("{}.hits.1", options.prefix);
    broker.control(&["delete_queue", &deleted]).unwrap();
    let found = bus.examine().await;
    assert_eq!((found.len(), lacks(&found, &deleted)), (1, 1), "{found:?}");
    bus.check().await.unwrap();
    let may = |configure, write, read| {
        broker.control(&["set_permissions", "guest", configure, write, read]).unwrap();
    };
    let cases = [
        ("^nothing$", ".*", ".*", "may not declare"),
        (".*", "^nothing$", ".*", "may not write"),
        (".*", ".*", "^nothing$", "may not read"),
    ];
    for (configure, write, read, told) in cases {
        may(configure, write, read);
        let found = bus.examine().await;
        assert!(lacks(&found, told) == 1, "{told}: {found:?}");
    }
    may(".*", ".*", ".*");
    assert_eq!(bus.examine().await, Vec::<String>::new());
    let waiting = bus.depth().await.messages;
    assert_eq!(waiting, 0, "what was published for it went nowhere");
    bus.close().await;
    drop(broker);
    let gone = bus.examine().await;
    assert_eq!((gone.len(), lacks(&gone, "cannot be reached")), (1, 1), "{gone:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_with_other_arguments_is_refused_by_name_with_what_to_do() {
    let world = Amqp::fresh().await;
    world.bus.check().await.unwrap();
    let more = Options { bytes_max: BYTES_MAX * 2, ..world.options.clone() };
    let fewer_shards = Options { shards: 1, ..world.options.clone() };
    let longer = Options { dead_letters_max: 7, ..world.options.clone() };
    let often = Options { deliveries_max: 7, ..world.options.clone() };
    let bytes_max = BYTES_MAX * 2;
    // With the bytes doubled, too, each of its queues would be as it is.
    let more_shards = Options { shards: SHARDS * 2, bytes_max, ..world.options.clone() };
    let cases = [
        (more, "hits.0"),
        (fewer_shards, "shards"),
        (more_shards, "shards"),
        (longer, "dead-letters"),
        (often, "hits.0"),
    ];
    for (options, queue) in cases {
        let bus = AmqpBus::open(&world.url, options.clone()).unwrap();
        let Err(LinkError::Refused(told)) = bus.check().await else { panic!("{options:?} were taken") };
        let (queue, cure) = match queue {
            "shards" => (format!("does not have {} shards", options.shards), "--shards"),
            _ => (format!("`{}.{queue}`", options.prefix), "rabbitmqctl -p / delete_queue"),
        };
        assert!(told.contains(&queue) && told.contains(cure), "{told}");
        let refused = bus.publish(0, message(1)).await.unwrap_err().to_string();
        assert!(refused.contains(&queue), "{refused}");
    }
    world.bus.check().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_refused_without_repeating_it() {
    let world = Amqp::fresh().await;
    let url = world.url.replace("guest:guest@", "guest:secret@");
    let bus = AmqpBus::open(&url, world.options.clone()).unwrap();
    let refused = bus.check().await.unwrap_err();
    assert!(matches!(refused, LinkError::Refused(_)), "{refused}");
    assert!(!refused.to_string().contains("secret"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_nodes_one_that_answers_is_enough() {
    let world = Amqp::fresh().await;
    let dead = servers::free_port();
    let url = world.url.replace("@", &format!("@127.0.0.1:{dead},"));
    let bus = AmqpBus::open(&url, world.options.clone()).unwrap();
    publish(&bus, 0, [1]).await;
    assert_eq!(waiting(&bus, 0).await, [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_loses_its_consumer_too_often_ends_among_the_dead_letters() {
    let world = Amqp::with(Options { deliveries_max: 3, ..fresh_options() }).await;
    publish(&world.bus, 2, [1]).await;
    for _ in 0..4 {
        let mut consumer = consume_soon(&world.bus, 2).await;
        assert_eq!(ids(&take(&mut *consumer, 1).await), [1]);
    }
    let letters = loop {
        let letters = world.bus.dead_letters(10).await.unwrap();
        if !letters.is_empty() {
            break letters;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!((letters[0].shard, &letters[0].message), (2, &message(1)));
    assert_eq!(letters[0].reason, "delivered more than 3 times and never acknowledged");
    assert_eq!(waiting(&world.bus, 2).await, [] as [u128; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_kept_requeued_or_dropped_and_keep_their_order() {
    let world = Amqp::fresh().await;
    publish(&world.bus, 1, 1..=6).await;
    let mut consumer = world.bus.consume(1).await.unwrap();
    for delivery in take(&mut *consumer, 6).await {
        consumer.reject(delivery.position, "poison").await.unwrap();
    }
    drop(consumer);
    let mut decide = |letter: &DeadLetter| match letter.message.id.0 {
        2 | 6 => Fate::Requeue,
        4 => Fate::Drop,
        _ => Fate::Keep,
    };
    let sorted = world.bus.sort_dead_letters(5, &mut decide);
    assert_eq!(sorted.await.unwrap(), 2, "the sixth is past the limit");
    for _ in 0..3 {
        let letters = world.bus.dead_letters(2).await.unwrap();
        assert_eq!(letters.iter().map(|letter| letter.message.id.0).collect::<Vec<_>>(), [1, 3]);
    }
    let left: Vec<u128> =
        world.bus.dead_letters(10).await.unwrap().iter().map(|letter| letter.message.id.0).collect();
    assert_eq!(left, [1, 3, 5, 6]);
    assert_eq!(waiting(&world.bus, 1).await, [2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn past_the_bound_the_oldest_dead_letters_go() {
    let world = Amqp::with(Options { dead_letters_max: 3, ..fresh_options() }).await;
    publish(&world.bus, 0, 1..=5).await;
    let mut consumer = world.bus.consume(0).await.unwrap();
    for delivery in take(&mut *consumer, 5).await {
        consumer.reject(delivery.position, "poison").await.unwrap();
    }
    let letters = world.bus.dead_letters(10).await.unwrap();
    assert_eq!(letters.iter().map(|letter| letter.message.id.0).collect::<Vec<_>>(), [3, 4, 5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn options_out_of_bounds_are_refused() {
    let check = |change: fn(&mut Options), fits: bool| {
        let mut options = Options::default();
        change(&mut options);
        assert_eq!(AmqpBus::open("amqp://localhost:1", options.clone()).is_ok(), fits, "{options:?}");
    };
    check(|_| {}, true);
    check(|options| options.shards = 0, false);
    check(|options| options.prefetch = 0, false);
    check(|options| options.prefetch = 2_000, true);
    check(|options| options.prefetch = 2_001, false);
    check(|options| options.prefix = String::new(), false);
    check(|options| options.prefix = "a".repeat(100), true);
    check(|options| options.prefix = "a".repeat(101), false);
    check(|options| options.prefix = "a b".to_owned(), false);
}

/// A channel as any other program has one.
async fn foreign_channel(url: &str) -> lapin::Channel {
    let connection = lapin::Connection::connect(url, lapin::ConnectionProperties::default()).await.unwrap();
    connection.create_channel().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_none_of_ours_is_set_aside_and_the_others_go_on() {
    let world = Amqp::fresh().await;
    publish(&world.bus, 0, [1]).await;
    let channel = foreign_channel(&world.url).await;
    channel.confirm_select(Default::default()).await.unwrap();
    let queue = format!("{}.hits.0", world.options.prefix);
    for junk in [b"junk", b"more"] {
        let (queue, plain) = (queue.as_str().into(), Default::default());
        let sent = channel.basic_publish("".into(), queue, Default::default(), junk, plain);
        sent.await.unwrap().await.unwrap();
    }
    publish(&world.bus, 0, [2]).await;
    let mut consumer = world.bus.consume(0).await.unwrap();
    let taken = take(&mut *consumer, 2).await;
    assert_eq!(ids(&taken), [1, 2]);
    consumer.ack(last(&taken)).await.unwrap();
    let letters = world.bus.dead_letters(10).await.unwrap();
    assert_eq!((letters.len(), &letters[0].message.body[..], letters[0].shard), (2, &b"junk"[..], 0));
    assert_ne!(letters[0].message.id, letters[1].message.id, "each can be named");
    assert!(letters[0].reason.contains("type"), "{}", letters[0].reason);
    depth_of(&world.bus, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_deleted_by_somebody_is_made_again_and_no_publish_is_confirmed_into_nothing() {
    let world = Amqp::fresh().await;
    publish(&world.bus, 0, [1]).await;
    let mut consumer = world.bus.consume(0).await.unwrap();
    assert_eq!(ids(&take(&mut *consumer, 1).await), [1]);
    let channel = foreign_channel(&world.url).await;
    let queue = format!("{}.hits.0", world.options.prefix);
    channel.queue_delete(queue.into(), Default::default()).await.unwrap();
    assert!(consumer.next(1).await.is_err());
    drop(consumer);
    publish(&world.bus, 0, 2..5).await;
    assert_eq!(firsts(waiting_soon(&world.bus, 0).await), [2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn past_the_prefetch_nothing_is_handed_out_until_something_is_acknowledged() {
    let world = Amqp::with(Options { prefetch: 3, ..fresh_options() }).await;
    publish(&world.bus, 0, 1..=5).await;
    let mut consumer = world.bus.consume(0).await.unwrap();
    let taken = take(&mut *consumer, 3).await;
    let silence = tokio::time::timeout(Duration::from_millis(300), consumer.next(10)).await;
    assert!(silence.is_err(), "{silence:?}");
    consumer.ack(taken[1].position).await.unwrap();
    assert_eq!(ids(&take(&mut *consumer, 2).await), [4, 5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encrypted_connection_is_made_to_a_broker_that_is_trusted_and_to_no_other() {
    let start = || RabbitMq::start_encrypted().unwrap();
    let broker = tokio::task::spawn_blocking(start).await.unwrap();
    let (url, authority) = broker.encrypted().unwrap();
    let options = fresh_options();
    let bus = AmqpBus::open(&format!("{url}?ca={}", authority.display()), options.clone()).unwrap();
    bus.check().await.unwrap();
    publish(&bus, 0, 1..=3).await;
    assert_eq!(waiting(&bus, 0).await, [1, 2, 3]);
    let folder = tempfile::tempdir().unwrap();
    let other = Certified::make(folder.path()).unwrap().authority;
    for wary in [url.clone(), format!("{url}?ca={}", other.display())] {
        let refused = AmqpBus::open(&wary, options.clone()).unwrap().check().await.unwrap_err();
        assert!(matches!(refused, LinkError::Unreachable { .. }));
        assert!(refused.to_string().contains("certificate"), "{refused}");
    }
}

//! What only the journal on disk promises: torn and damaged files, segments, bounds to the byte, one process.

mod copying;
mod full_disk;
mod simulation;

use std::path::{Path, PathBuf};
use std::time::Duration;

use bus::embedded::{EmbeddedBus, Left, MESSAGE_OVERHEAD_BYTES, Options};
use bus::{Bus, DeadLetter, Fate, PublishError};

use crate::fixtures::*;

fn journals(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "journal")).collect();
    paths.sort();
    paths
}

fn one_shard() -> Options {
    Options { shards: 1, ..Options::default() }
}

/// Segments of about two messages of 1,000 bytes.
fn small_segments() -> Options {
    Options { segment_bytes: 1_500, ..one_shard() }
}

async fn take_all(bus: &dyn Bus, shard: u16, count: usize) {
    let mut consumer = bus.consume(shard).await.unwrap();
    let taken = take(&mut *consumer, count).await;
    consumer.ack(last(&taken)).await.unwrap();
}

/// Waits for a condition of the files.
async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

#[tokio::test]
async fn a_tail_torn_at_any_byte_is_cut_and_the_journal_goes_on() {
    let world = Embedded::with(one_shard());
    publish(&world.bus, 0, 1..=2).await;
    let before = std::fs::metadata(&journals(world.folder.path())[0]).unwrap().len() as usize;
    publish(&world.bus, 0, [3]).await;
    let whole = std::fs::read(&journals(world.folder.path())[0]).unwrap();
    for length in before..whole.len() {
        let folder = as_killed(world.folder.path());
        std::fs::write(&journals(folder.path())[0], &whole[..length]).unwrap();
        let bus = EmbeddedBus::open(folder.path(), one_shard()).unwrap();
        assert_eq!(bus.depth().await.messages, 2, "{length} bytes");
        publish(&bus, 0, [4]).await;
        drop(bus);
        let bus = EmbeddedBus::open(folder.path(), one_shard()).unwrap();
        assert_eq!(waiting(&bus, 0).await, [1, 2, 4], "{length} bytes");
    }
}

#[tokio::test]
async fn a_segment_torn_within_its_first_bytes_begins_anew() {
    let world = Embedded::with(one_shard());
    publish(&world.bus, 0, [1]).await;
    for length in 0..10 {
        let folder = as_killed(world.folder.path());
        let path = &journals(folder.path())[0];
        let whole = std::fs::read(path).unwrap();
        std::fs::write(path, &whole[..length]).unwrap();
        let bus = EmbeddedBus::open(folder.path(), one_shard()).unwrap();
        publish(&bus, 0, [2]).await;
        drop(bus);
        let bus = EmbeddedBus::open(folder.path(), one_shard()).unwrap();
        assert_eq!(waiting(&bus, 0).await, [2], "{length} bytes");
    }
}

#[tokio::test]
async fn a_damaged_record_is_passed_over_and_everything_after_it_is_delivered() {
    let world = Embedded::with(small_segments());
    for id in 1..=6 {
        world.bus.publish(0, sized(id, 1_000)).await.unwrap();
    }
    assert_eq!(journals(world.folder.path()).len(), 3);
    for (segment, lost) in [(0, 1), (1, 3), (2, 5)] {
        let folder = as_killed(world.folder.path());
        let path = &journals(folder.path())[segment];
        let mut bytes = std::fs::read(path).unwrap();
        bytes[100] ^= 1;
        std::fs::write(path, bytes).unwrap();
        let bus = EmbeddedBus::open(folder.path(), small_segments()).unwrap();
        let expected: Vec<u128> = (1..=6).filter(|&id| id != lost).collect();
        assert_eq!(waiting(&bus, 0).await, expected, "segment {segment}");
        take_all(&bus, 0, 6).await;
        assert_eq!(bus.depth().await.messages, 0, "what is lost is not waited for");
    }
}

#[tokio::test]
async fn a_journal_of_an_unknown_format_is_refused_and_left_alone() {
    let world = Embedded::with(one_shard());
    publish(&world.bus, 0, [1]).await;
    let folder = as_killed(world.folder.path());
    let path = &journals(folder.path())[0];
    let mut bytes = std::fs::read(path).unwrap();
    bytes[7] = 9;
    std::fs::write(path, &bytes).unwrap();
    let refused = format!("{:#}", EmbeddedBus::open(folder.path(), one_shard()).err().unwrap());
    assert!(refused.contains("format 9"), "{refused}");
    assert_eq!(std::fs::read(path).unwrap(), bytes);
}

#[tokio::test]
async fn a_segment_is_removed_once_everything_in_it_is_acknowledged() {
    let world = Embedded::with(Options { shards: 2, ..small_segments() });
    for id in 1..=8 {
        world.bus.publish(u16::from(id == 4), sized(id, 1_000)).await.unwrap();
    }
    assert_eq!(journals(world.folder.path()).len(), 4);
    take_all(&world.bus, 0, 7).await;
    until("only the segment of message 4 and the growing one are left", || {
        journals(world.folder.path()).len() == 2
    })
    .await;
    assert_eq!(waiting(&world.bus, 1).await, [4]);
    take_all(&world.bus, 1, 2).await;
    until("only the growing one is left", || journals(world.folder.path()).len() == 1).await;
    world.bus.close().await;
    assert_eq!(journals(world.folder.path()).len(), 0, "nothing is left of a bus closed empty");
}

#[tokio::test]
async fn positions_are_never_given_twice_even_when_every_segment_is_gone() {
    let mut world = Embedded::with(one_shard());
    let mut highest = 0;
    for id in 0..5 {
        publish(&world.bus, 0, [id]).await;
        let mut consumer = world.bus.consume(0).await.unwrap();
        let taken = take(&mut *consumer, 1).await;
        consumer.ack(last(&taken)).await.unwrap();
        assert!(last(&taken).0 > highest);
        highest = last(&taken).0;
        drop(consumer);
        world.restart().await;
        assert_eq!(journals(world.folder.path()).len(), 0);
    }
}

#[tokio::test]
async fn the_bound_on_bytes_is_exact() {
    let each = 1_000 + MESSAGE_OVERHEAD_BYTES;
    let mut world = Embedded::with(Options { bytes_max: each * 3, ..one_shard() });
    for id in 1..=3 {
        world.bus.publish(0, sized(id, 1_000)).await.unwrap();
    }
    assert_eq!(world.bus.depth().await.bytes, each * 3);
    assert!(matches!(world.bus.publish(0, sized(4, 0)).await, Err(PublishError::Full { .. })));
    world.restart().await;
    assert_eq!(world.bus.depth().await.bytes, each * 3);
    take_all(&world.bus, 0, 3).await;
    let one_more = sized(5, (each * 3 - MESSAGE_OVERHEAD_BYTES) as usize + 1);
    assert!(matches!(world.bus.publish(0, one_more).await, Err(PublishError::Full { .. })));
    let largest = sized(6, (each * 3 - MESSAGE_OVERHEAD_BYTES) as usize);
    world.bus.publish(0, largest).await.unwrap();
}

#[tokio::test]
async fn the_files_are_bounded_even_where_one_shard_holds_every_segment() {
    let options = Options { shards: 2, bytes_max: 20_000, segment_bytes: 5_000, ..Options::default() };
    let world = Embedded::with(options.clone());
    let mut taken = 0;
    'full: for round in 0..1_000 {
        // One message in ten stays in a shard that nobody reads; the others go on at once.
        for id in 0..10 {
            let shard = u16::from(id == 0 && round < 10);
            if let Err(refused) = world.bus.publish(shard, sized(id, 500)).await {
                assert!(matches!(refused, PublishError::Full { .. }), "{refused}");
                break 'full;
            }
            taken += usize::from(shard == 0);
        }
        take_all(&world.bus, 0, taken).await;
        taken = 0;
    }
    let bytes: u64 = journals(world.folder.path()).iter().map(|path| path.metadata().unwrap().len()).sum();
    assert!(bytes <= options.bytes_max * 2 + options.segment_bytes + 1_000, "{bytes}");
}

#[tokio::test]
async fn acknowledgements_are_durable_before_long() {
    let world = Embedded::with(one_shard());
    publish(&world.bus, 0, 1..=3).await;
    take_all(&world.bus, 0, 2).await;
    for _ in 0..2_000 {
        let killed = as_killed(world.folder.path());
        let bus = EmbeddedBus::open(killed.path(), one_shard()).unwrap();
        if waiting(&bus, 0).await == [3] {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never durable");
}

#[tokio::test]
async fn a_second_process_is_told_who_has_the_folder() {
    let world = Embedded::with(one_shard());
    let refused = EmbeddedBus::open(world.folder.path(), one_shard()).err().unwrap().to_string();
    assert!(refused.starts_with("another process uses "), "{refused}");
    world.bus.close().await;
    assert!(EmbeddedBus::open(world.folder.path(), one_shard()).is_ok(), "closing frees it");
}

#[tokio::test]
async fn nobody_else_on_the_machine_reads_the_folder() {
    use std::os::unix::fs::PermissionsExt;
    let world = Embedded::with(one_shard());
    let mode = std::fs::metadata(world.folder.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn a_bus_dropped_without_closing_frees_its_folder_and_keeps_its_messages() {
    let Embedded { bus, folder, options } = Embedded::with(one_shard());
    publish(&bus, 0, 1..=3).await;
    let mut consumer = bus.consume(0).await.unwrap();
    drop(bus);
    assert!(consumer.next(1).await.is_err(), "its consumers are finished");
    let bus = EmbeddedBus::open(folder.path(), options).unwrap();
    assert_eq!(waiting(&bus, 0).await, [1, 2, 3]);
}

#[tokio::test]
async fn fewer_shards_are_refused_until_the_others_are_empty() {
    let (two, one) = (Options { shards: 2, ..one_shard() }, one_shard());
    let Embedded { bus, folder, .. } = Embedded::with(two.clone());
    publish(&bus, 0, [1]).await;
    publish(&bus, 1, [2]).await;
    drop(bus);
    let refused = format!("{:#}", EmbeddedBus::open(folder.path(), one.clone()).err().unwrap());
    assert!(refused.contains("messages of 2 shards"), "{refused}");
    let bus = EmbeddedBus::open(folder.path(), two.clone()).unwrap();
    take_all(&bus, 1, 1).await;
    drop(bus);
    let bus = EmbeddedBus::open(folder.path(), one).unwrap();
    assert_eq!(waiting(&bus, 0).await, [1]);
    drop(bus);
    let bus = EmbeddedBus::open(folder.path(), two).unwrap();
    publish(&bus, 1, [3]).await;
    assert_eq!(waiting(&bus, 1).await, [3]);
}

#[tokio::test]
async fn a_letter_of_a_shard_that_is_not_there_stays() {
    let Embedded { bus, folder, .. } = Embedded::with(Options { shards: 2, ..one_shard() });
    publish(&bus, 1, [1]).await;
    let mut consumer = bus.consume(1).await.unwrap();
    let taken = take(&mut *consumer, 1).await;
    consumer.reject(last(&taken), "poison").await.unwrap();
    drop((consumer, bus));
    let bus = EmbeddedBus::open(folder.path(), one_shard()).unwrap();
    let refused = bus.sort_dead_letters(10, &mut |_: &DeadLetter| Fate::Requeue).await.unwrap_err();
    assert!(format!("{refused:#}").contains("there is no shard 1"), "{refused:#}");
    assert_eq!(bus.dead_letters(10).await.unwrap().len(), 1);
    assert_eq!(bus.sort_dead_letters(10, &mut |_: &DeadLetter| Fate::Drop).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_of_requeueing_no_letter_is_lost() {
    const LETTERS: u128 = 60;
    let world = Embedded::with(one_shard());
    publish(&world.bus, 0, 0..LETTERS).await;
    let mut consumer = world.bus.consume(0).await.unwrap();
    for delivery in take(&mut *consumer, LETTERS as usize).await {
        consumer.reject(delivery.position, "poison").await.unwrap();
    }
    drop(consumer);
    let mut requeue = |_: &DeadLetter| Fate::Requeue;
    let mut sorting = world.bus.sort_dead_letters(100, &mut requeue);
    let mut killed = Vec::new();
    while tokio::time::timeout(Duration::from_millis(2), &mut sorting).await.is_err() {
        killed.push(as_killed(world.folder.path()));
    }
    assert!(killed.len() > 3, "{} moments", killed.len());
    for folder in killed {
        let bus = EmbeddedBus::open(folder.path(), one_shard()).unwrap();
        let dead = bus.dead_letters(100).await.unwrap();
        let mut held = waiting(&bus, 0).await;
        held.extend(dead.iter().map(|letter| letter.message.id.0));
        assert!(held.len() as u128 <= LETTERS + 2, "only the one under way is in both");
        assert!((0..LETTERS).all(|id| held.contains(&id)), "{held:?}");
    }
}

#[tokio::test]
async fn what_is_left_is_told_without_taking_or_changing_it() {
    let Embedded { bus, folder, options } = Embedded::with(Options { shards: 3, ..one_shard() });
    publish(&bus, 0, 1..=3).await;
    publish(&bus, 2, 4..=5).await;
    let mut consumer = bus.consume(0).await.unwrap();
    let taken = take(&mut *consumer, 1).await;
    consumer.reject(last(&taken), "poison").await.unwrap();
    assert!(EmbeddedBus::left(folder.path(), 64).is_err(), "a process has the folder");
    drop((consumer, bus));
    for _ in 0..2 {
        assert_eq!(EmbeddedBus::left(folder.path(), 64).unwrap(), Left { waiting: 4, dead_letters: 1 });
    }
    let bus = EmbeddedBus::open(folder.path(), options).unwrap();
    assert_eq!(waiting(&bus, 2).await, [4, 5]);
    let nowhere = folder.path().join("nowhere");
    assert_eq!(EmbeddedBus::left(&nowhere, 64).unwrap(), Left::default());
    assert!(!nowhere.exists(), "nothing is made by looking");
}

#[tokio::test]
async fn there_is_at_least_one_shard() {
    let folder = tempfile::tempdir().unwrap();
    assert!(EmbeddedBus::open(folder.path(), Options { shards: 0, ..one_shard() }).is_err());
}

#[tokio::test]
async fn more_than_memory_keeps_comes_from_disk_in_order() {
    let world = Embedded::with(Options { shards: 2, segment_bytes: 6 << 20, ..Options::default() });
    let mut consumer = world.bus.consume(0).await.unwrap();
    let half = 500_000;
    for id in 0..50 {
        world.bus.publish((id % 2) as u16, sized(id, half)).await.unwrap();
    }
    let first = take(&mut *consumer, 20).await;
    for id in 50..54 {
        world.bus.publish((id % 2) as u16, sized(id, half)).await.unwrap();
    }
    let rest = take(&mut *consumer, 7).await;
    let taken: Vec<u128> = ids(&first).into_iter().chain(ids(&rest)).collect();
    assert_eq!(taken, (0..54).step_by(2).collect::<Vec<_>>());
    assert!(first.iter().chain(&rest).all(|delivery| delivery.message == sized(delivery.message.id.0, half)));
    let positions = first.iter().chain(&rest).map(|delivery| delivery.position);
    assert!(positions.is_sorted());
    consumer.ack(last(&rest)).await.unwrap();
    publish(&world.bus, 0, [100]).await;
    assert_eq!(ids(&take(&mut *consumer, 1).await), [100]);
}

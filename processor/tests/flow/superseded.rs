//! A processor whose shard another has by now: it is refused, and gives the shard up.

use std::sync::{Arc, mpsc};

use bus::Bus;
use live::Live;

use crate::world::*;

#[tokio::test]
async fn a_processor_superseded_while_it_drains_ends_well_and_what_it_held_comes_again() {
    let mut world = World::new(1).await;
    world.live.load(0).await.unwrap();
    // Nothing is awaited until the shutdown: the hit is met by the drain.
    world.publish(&[world.arrival(1, view(1, "/a"))]).await;
    world.stop().await.unwrap();
    assert_eq!((world.bus.depth().await.messages, world.present().await), (1, 0));
    world.start().await;
    world.settled().await;
    // Live is right again within one heartbeat.
    world.send(&[world.arrival(1, beat(2, 1, "/a"))]).await;
    let totals = world.totals().await;
    assert_eq!((totals.all.pageviews, totals.duplicates, world.present().await), (1, 0, 1));
}

/// Frozen whole, as a stopped machine is, and back after the bus and live gave its shard to another.
#[tokio::test]
async fn an_old_owner_that_wakes_up_is_refused_and_gives_the_shard_up() {
    let mut world = World::new(1).await;
    world.stop().await.unwrap();
    let machine = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let old = {
        let _on_it = machine.enter();
        world.another().await
    };
    world.send(&[world.arrival(1, view(1, "/a"))]).await;
    let (wake, woken) = mpsc::channel::<()>();
    let (freeze, frozen) = tokio::sync::oneshot::channel();
    machine.spawn(async move {
        let _ = freeze.send(());
        // Blocks the only thread there.
        let _ = woken.recv();
    });
    frozen.await.unwrap();

    let queue = world.bus.queues[0].clone();
    queue.take_away();
    let new = world.another().await;
    // The old one believes that the visitor went long ago.
    for beats in 0..10 {
        world.advance(12);
        world.send(&[world.arrival(1, beat(10 + beats, 1, "/a"))]).await;
    }
    assert_eq!(world.present().await, 1);
    let version = world.snapshot().await.version;
    let held = Arc::strong_count(&queue);
    drop(wake);
    until("the old one gave the shard up", async || Arc::strong_count(&queue) < held).await;
    assert_eq!(world.present().await, 1, "the old one took the visitor away");
    assert_eq!(world.snapshot().await.version, version, "the old one committed");

    // Whoever of the two has it by now: within one heartbeat all are there.
    world.send(&[world.arrival(2, view(2, "/b"))]).await;
    world.send(&[world.arrival(2, beat(3, 2, "/b"))]).await;
    until("both are present", async || world.present().await == 2).await;
    for (stop, work) in [old, new] {
        stop.cancel();
        work.await.unwrap().unwrap();
    }
    assert_eq!(world.totals().await.duplicates, 0);
    machine.shutdown_background();
}

//! Tails become segments by the clock: after a while, and what is rebuilt after a crash stays in the tail for longer.

use std::time::Duration;

use history::amend::{Correction, Verdict};
use history::query::Filter;
use history::segment::Head;
use model::SavedId;
use store::history::Shelf;
use store::saved::SavedItem;

use crate::world::*;

async fn shelf(world: &World) -> Shelf {
    world.store.history.shelf(SITE).await.unwrap()
}

async fn batches(world: &World) -> usize {
    world.store.history.tail_of(SITE, None, 100).await.unwrap().batches.len()
}

/// Folding writes to the disk, which may be busy.
async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), wait).await.expect(what);
}

#[tokio::test]
async fn a_tail_is_folded_after_a_while_and_leaves_an_hour_later() {
    let mut world = World::new(1).await;
    world.stop().await.unwrap();
    world.fold_every = Duration::from_millis(10);
    world.start().await;
    let arrivals = [world.arrival(1, view(1, "/tea")), world.arrival(2, view(2, "/cup"))];
    world.send(&arrivals).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!((shelf(&world).await.fold, batches(&world).await), (0, 1), "it has not waited for long");
    world.advance(121);
    eventually("the tail was folded", async || shelf(&world).await.fold > 0).await;
    let shelves = shelf(&world).await;
    assert_eq!((shelves.segments.len(), batches(&world).await), (1, 1), "presence is rebuilt from the tail");
    let head = Head::from_json(std::str::from_utf8(&shelves.segments[0].head).unwrap()).unwrap();
    assert_eq!((head.visits, head.hits), (2, 2));
    // Presence of a restart and what a message brings again are as without a fold.
    world.restart().await;
    assert_eq!(world.charted().await, 2);
    world.advance(3_600);
    // The site rests for fifty times what its last fold took.
    eventually("the folded batch has left", async || batches(&world).await == 0).await;
    assert_eq!(shelf(&world).await.segments, shelves.segments, "nothing new, nothing written");
}

#[tokio::test]
async fn a_correction_that_was_cut_off_is_ended_without_a_hit() {
    let mut world = World::new(1).await;
    world.stop().await.unwrap();
    let (stores, saved) = (archive::Stores::from(&world.store), world.store.saved.clone());
    let site = world.store.sites.site(SITE).await.unwrap();
    let filter = Filter::Is { by: "page".parse().unwrap(), values: vec!["/tea".into()] };
    let correction = Correction { from: 0, to: i64::MAX, filter, verdict: Verdict::Bot };
    let named = (SavedId::of(1), "Tea".to_owned(), "Olive".to_owned());
    archive::correct(&stores, &site, named, correction, EVE).await.unwrap();
    let [item] = &saved.all(SITE).await.unwrap()[..] else { panic!("one is saved") };
    let taken_back = SavedItem { body: item.body.replace("in-force", "taken-back"), ..item.clone() };
    assert_ne!(taken_back.body, item.body);
    saved.change(SITE, taken_back).await.unwrap();
    world.fold_every = Duration::from_millis(10);
    world.start().await;
    eventually("the correction is gone", async || saved.all(SITE).await.unwrap().is_empty()).await;
}

//! Promises of `Backend`.

use super::fixtures::{NOW, batch, site};
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::Unavailable;

on_every_backend! {
    what_was_asked_for_before_closing_is_done,
    after_closing_every_call_is_unavailable,
    closing_twice_does_nothing_more,
}

async fn what_was_asked_for_before_closing_is_done(world: World) {
    let mut appends = tokio::task::JoinSet::new();
    for number in 0..200 {
        let history = world.store.history.clone();
        appends.spawn(async move { history.append(vec![batch(number, 1, NOW)]).await.is_ok() });
    }
    tokio::task::yield_now().await;
    world.store.close().await;
    let mut acknowledged = 0;
    while let Some(appended) = appends.join_next().await {
        acknowledged += usize::from(appended.unwrap());
    }
    let world = world.reopened().await;
    let stored = world.store.history.tail_since(NOW, None, 1_000).await.unwrap().batches.len();
    assert_eq!(stored, acknowledged);
}

async fn after_closing_every_call_is_unavailable(world: World) {
    let (operator, _) = world.founded().await;
    world.store.close().await;
    assert_refused!(world.store.history.append(vec![batch(1, 1, NOW)]), Unavailable(_));
    assert_refused!(world.store.history.tail_since(NOW, None, 1), Unavailable(_));
    assert_refused!(world.store.sites.all(), Unavailable(_));
    assert_refused!(world.store.sites.add(site(2), operator.id), Unavailable(_));
    assert_refused!(world.store.accounts.account(operator.id), Unavailable(_));
    assert_refused!(world.store.salts.salt("name", NOW), Unavailable(_));
    assert_refused!(world.store.salts.destroy_expired(NOW), Unavailable(_));
}

async fn closing_twice_does_nothing_more(world: World) {
    world.founded().await;
    tokio::join!(world.store.close(), world.store.close());
    let world = world.reopened().await;
    assert_eq!(world.store.sites.all().await.unwrap().len(), 1);
}

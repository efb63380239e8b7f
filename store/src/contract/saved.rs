//! Promises of `Saved`.

use model::{Millis, SavedId, SiteId, limits};

use super::fixtures::{NOW, site};
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::{Conflict, Limit, NotFound, Unavailable};
use crate::saved::{SavedItem, SavedKind};

on_every_backend! {
    a_saved_item_is_read_back_as_it_was_by_kind_and_name,
    a_saved_item_of_an_unknown_site_is_not_found,
    a_taken_id_of_a_saved_item_is_a_conflict,
    a_site_has_saved_items_of_each_kind_up_to_the_maximum,
    of_items_saved_at_once_no_more_than_the_maximum_stay,
    a_saved_name_and_body_have_their_bytes_max,
    a_change_replaces_name_body_and_moment,
    what_is_another_sites_is_not_found,
    a_removed_item_is_gone,
    saved_items_go_with_their_site,
    after_closing_nothing_is_saved,
}

const KINDS: [SavedKind; 5] =
    [SavedKind::Goal, SavedKind::Segment, SavedKind::Funnel, SavedKind::Annotation, SavedKind::Correction];

fn item(number: u64, kind: SavedKind) -> SavedItem {
    SavedItem {
        id: SavedId::of(number),
        kind,
        name: format!("item {number}"),
        body: format!("{{\"of\":{number}}}"),
        at: (kind == SavedKind::Annotation).then_some(Millis(number as i64 - 5)),
        created: NOW,
    }
}

async fn a_saved_item_is_read_back_as_it_was_by_kind_and_name(world: World) {
    let (_, site) = world.founded().await;
    let named = |number, kind, name: &str| SavedItem { name: name.into(), ..item(number, kind) };
    let items = [
        named(9, SavedKind::Goal, "alpha"),
        named(2, SavedKind::Goal, "Beta"),
        named(3, SavedKind::Goal, "beta"),
        item(1, SavedKind::Segment),
        item(4, SavedKind::Funnel),
        item(0, SavedKind::Annotation),
        item(5, SavedKind::Correction),
    ];
    for index in [5, 6, 2, 0, 4, 1, 3] {
        world.store.saved.add(site.id, items[index].clone()).await.unwrap();
    }
    assert_eq!(world.store.saved.all(site.id).await.unwrap(), items);
    assert_eq!(world.store.saved.all(SiteId::of(9)).await.unwrap(), []);
    let world = world.reopened().await;
    assert_eq!(world.store.saved.all(site.id).await.unwrap(), items);
}

async fn a_saved_item_of_an_unknown_site_is_not_found(world: World) {
    world.founded().await;
    assert_refused!(world.store.saved.add(SiteId::of(9), item(1, SavedKind::Goal)), NotFound(_));
}

async fn a_taken_id_of_a_saved_item_is_a_conflict(world: World) {
    let (operator, first) = world.founded().await;
    world.store.sites.add(site(2), operator.id).await.unwrap();
    world.store.saved.add(first.id, item(1, SavedKind::Goal)).await.unwrap();
    for site in [first.id, SiteId::of(2)] {
        assert_refused!(world.store.saved.add(site, item(1, SavedKind::Funnel)), Conflict(_));
    }
    assert_eq!(world.store.saved.all(first.id).await.unwrap(), [item(1, SavedKind::Goal)]);
}

async fn a_site_has_saved_items_of_each_kind_up_to_the_maximum(world: World) {
    let (operator, first) = world.founded().await;
    world.store.sites.add(site(2), operator.id).await.unwrap();
    let max = limits::SAVED_MAX as u64;
    for number in 0..max {
        world.store.saved.add(first.id, item(number, SavedKind::Goal)).await.unwrap();
    }
    let one_more = || item(max, SavedKind::Goal);
    assert_refused!(world.store.saved.add(first.id, one_more()), Limit { max: limits::SAVED_MAX, .. });
    world.store.saved.add(SiteId::of(2), one_more()).await.unwrap();
    for (number, kind) in (max + 1..).zip(&KINDS[1..]) {
        world.store.saved.add(first.id, item(number, *kind)).await.unwrap();
    }
    assert_eq!(world.store.saved.all(first.id).await.unwrap().len(), limits::SAVED_MAX + KINDS.len() - 1);
}

async fn of_items_saved_at_once_no_more_than_the_maximum_stay(world: World) {
    let (_, site) = world.founded().await;
    let max = limits::SAVED_MAX as u64;
    for number in 0..max - 3 {
        world.store.saved.add(site.id, item(number, SavedKind::Goal)).await.unwrap();
    }
    let mut adding = tokio::task::JoinSet::new();
    for number in max..max + 8 {
        let saved = world.store.saved.clone();
        adding.spawn(async move { saved.add(site.id, item(number, SavedKind::Goal)).await.is_ok() });
    }
    assert_eq!(adding.join_all().await.into_iter().filter(|added| *added).count(), 3);
    assert_eq!(world.store.saved.all(site.id).await.unwrap().len(), limits::SAVED_MAX);
}

async fn a_saved_name_and_body_have_their_bytes_max(world: World) {
    let (_, site) = world.founded().await;
    let saved = &world.store.saved;
    let sized = |name, body| SavedItem {
        name: "n".repeat(name),
        body: "b".repeat(body),
        ..item(1, SavedKind::Segment)
    };
    let (name, body) = (limits::NAME_BYTES_MAX, limits::SAVED_BYTES_MAX);
    assert_refused!(saved.add(site.id, sized(name + 1, 1)), Limit { max: limits::NAME_BYTES_MAX, .. });
    assert_refused!(saved.add(site.id, sized(1, body + 1)), Limit { max: limits::SAVED_BYTES_MAX, .. });
    saved.add(site.id, sized(name, body)).await.unwrap();
    assert_refused!(saved.change(site.id, sized(name + 1, 1)), Limit { max: limits::NAME_BYTES_MAX, .. });
    assert_refused!(saved.change(site.id, sized(1, body + 1)), Limit { max: limits::SAVED_BYTES_MAX, .. });
    assert_eq!(saved.all(site.id).await.unwrap(), [sized(name, body)]);
}

async fn a_change_replaces_name_body_and_moment(world: World) {
    let (_, site) = world.founded().await;
    let saved = &world.store.saved;
    saved.add(site.id, item(1, SavedKind::Annotation)).await.unwrap();
    let mut changed = SavedItem {
        name: "another".into(),
        body: "[]".into(),
        at: None,
        created: Millis(1),
        ..item(1, SavedKind::Annotation)
    };
    saved.change(site.id, changed.clone()).await.unwrap();
    changed.created = NOW;
    assert_eq!(saved.all(site.id).await.unwrap(), [changed]);
}

async fn what_is_another_sites_is_not_found(world: World) {
    let (operator, first) = world.founded().await;
    world.store.sites.add(site(2), operator.id).await.unwrap();
    let saved = &world.store.saved;
    saved.add(first.id, item(1, SavedKind::Goal)).await.unwrap();
    assert_refused!(saved.change(SiteId::of(2), item(1, SavedKind::Goal)), NotFound(_));
    assert_refused!(saved.change(first.id, item(1, SavedKind::Funnel)), NotFound(_));
    assert_refused!(saved.change(first.id, item(2, SavedKind::Goal)), NotFound(_));
    assert_refused!(saved.remove(SiteId::of(2), SavedId::of(1)), NotFound(_));
    assert_eq!(saved.all(first.id).await.unwrap(), [item(1, SavedKind::Goal)]);
}

async fn a_removed_item_is_gone(world: World) {
    let (_, site) = world.founded().await;
    let saved = &world.store.saved;
    saved.add(site.id, item(1, SavedKind::Goal)).await.unwrap();
    saved.add(site.id, item(2, SavedKind::Goal)).await.unwrap();
    saved.remove(site.id, SavedId::of(1)).await.unwrap();
    assert_refused!(saved.remove(site.id, SavedId::of(1)), NotFound(_));
    assert_eq!(saved.all(site.id).await.unwrap(), [item(2, SavedKind::Goal)]);
}

async fn saved_items_go_with_their_site(world: World) {
    let (_, first) = world.founded().await;
    world.store.saved.add(first.id, item(1, SavedKind::Goal)).await.unwrap();
    world.store.sites.remove(first.id).await.unwrap();
    assert_eq!(world.store.saved.all(first.id).await.unwrap(), []);
}

async fn after_closing_nothing_is_saved(world: World) {
    let (_, site) = world.founded().await;
    world.store.close().await;
    assert_refused!(world.store.saved.add(site.id, item(1, SavedKind::Goal)), Unavailable(_));
    assert_refused!(world.store.saved.all(site.id), Unavailable(_));
}

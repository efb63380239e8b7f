//! Promises of `Sites`.

use model::rights::TokenSites;
use model::{Millis, Role, SiteId};

use super::fixtures::{NOW, batch, invitation, new_account, secret, share, site, token};
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::{Conflict, NotFound};

on_every_backend! {
    an_added_site_is_read_back_as_it_was,
    an_added_site_survives_the_process,
    all_sites_come_by_name,
    who_adds_a_site_owns_it,
    a_site_for_an_unknown_owner_is_not_added,
    a_taken_id_is_a_conflict,
    an_unknown_site_is_not_found,
    a_change_replaces_everything_but_id_and_created,
    a_removed_site_is_gone_with_everything_that_was_for_it,
    the_history_of_a_removed_site_is_gone_after_the_next_opening,
}

async fn an_added_site_is_read_back_as_it_was(world: World) {
    let (_, site) = world.founded().await;
    assert_eq!(world.store.sites.site(site.id).await.unwrap(), site);
}

async fn an_added_site_survives_the_process(world: World) {
    let (_, site) = world.founded().await;
    let world = world.reopened().await;
    assert_eq!(world.store.sites.all().await.unwrap(), vec![site]);
}

async fn all_sites_come_by_name(world: World) {
    let operator = world.operator().await;
    for (number, name) in [(1, "beta"), (2, "Alpha"), (3, "gamma")] {
        let mut site = site(number);
        site.name = name.into();
        world.store.sites.add(site, operator.id).await.unwrap();
    }
    let names: Vec<_> = world.store.sites.all().await.unwrap().into_iter().map(|site| site.name).collect();
    assert_eq!(names, ["Alpha", "beta", "gamma"]);
}

async fn who_adds_a_site_owns_it(world: World) {
    let (operator, site) = world.founded().await;
    assert_eq!(world.store.accounts.role(operator.id, site.id).await.unwrap(), Some(Role::Owner));
}

async fn a_site_for_an_unknown_owner_is_not_added(world: World) {
    world.operator().await;
    assert_refused!(world.store.sites.add(site(1), new_account(9).id), NotFound(_));
    assert_eq!(world.store.sites.all().await.unwrap(), vec![]);
}

async fn a_taken_id_is_a_conflict(world: World) {
    let (operator, taken) = world.founded().await;
    let mut other = site(1);
    other.name = "other".into();
    assert_refused!(world.store.sites.add(other, operator.id), Conflict(_));
    assert_eq!(world.store.sites.all().await.unwrap(), vec![taken]);
}

async fn an_unknown_site_is_not_found(world: World) {
    assert_refused!(world.store.sites.site(SiteId::of(1)), NotFound(_));
    assert_refused!(world.store.sites.change(site(1)), NotFound(_));
    assert_refused!(world.store.sites.remove(SiteId::of(1)), NotFound(_));
}

async fn a_change_replaces_everything_but_id_and_created(world: World) {
    let (_, before) = world.founded().await;
    let mut changed = site(1);
    changed.name = "another name".into();
    changed.hostnames = vec!["*".into()];
    changed.time_zone = "Asia/Tokyo".into();
    changed.honour_opt_out = true;
    changed.first_party_id = false;
    changed.ignored_addresses = vec![];
    changed.ignored_paths = vec!["/a".into(), "/b\"'".into()];
    changed.keep_days = None;
    changed.created = Millis(7);
    world.store.sites.change(changed.clone()).await.unwrap();
    changed.created = before.created;
    assert_eq!(world.store.sites.site(before.id).await.unwrap(), changed);
}

async fn a_removed_site_is_gone_with_everything_that_was_for_it(world: World) {
    let (operator, removed) = world.founded().await;
    let kept = site(2);
    let accounts = &world.store.accounts;
    world.store.sites.add(kept.clone(), operator.id).await.unwrap();
    for (number, site) in [(1, removed.id), (2, kept.id)] {
        let invitation = invitation(number, site, operator.id, Role::Admin);
        accounts.invite(invitation, secret(10 + number)).await.unwrap();
        accounts.share(share(number, site), secret(20 + number)).await.unwrap();
        let token = token(number, operator.id, TokenSites::One(site));
        accounts.mint_token(token, secret(30 + number)).await.unwrap();
    }
    accounts.mint_token(token(3, operator.id, TokenSites::All), secret(33)).await.unwrap();

    world.store.sites.remove(removed.id).await.unwrap();

    assert_eq!(world.store.sites.all().await.unwrap(), vec![kept.clone()]);
    assert_refused!(world.store.sites.site(removed.id), NotFound(_));
    assert_eq!(accounts.memberships(operator.id).await.unwrap(), [(kept.id, Role::Owner)]);
    assert_eq!(accounts.members(removed.id).await.unwrap(), []);
    assert_refused!(accounts.invitation(secret(11), NOW), NotFound(_));
    assert_refused!(accounts.shared(secret(21)), NotFound(_));
    assert_refused!(accounts.token(secret(31)), NotFound(_));
    accounts.invitation(secret(12), NOW).await.unwrap();
    accounts.shared(secret(22)).await.unwrap();
    accounts.token(secret(32)).await.unwrap();
    accounts.token(secret(33)).await.unwrap();
}

/// A process that was killed after `remove` never came to `forget`.
async fn the_history_of_a_removed_site_is_gone_after_the_next_opening(world: World) {
    let (operator, removed) = world.founded().await;
    world.store.sites.add(site(2), operator.id).await.unwrap();
    world.store.history.append(vec![batch(1, 1, NOW), batch(2, 2, NOW)]).await.unwrap();
    world.store.sites.remove(removed.id).await.unwrap();
    let world = world.reopened().await;
    let page = world.store.history.tail_since(Millis(0), None, 10).await.unwrap();
    assert_eq!(page.batches, [batch(2, 2, NOW)]);
}

//! Promises of `Accounts` about tokens and share links.

use model::rights::{Scope, TokenSites};
use model::{AccountId, SiteId, limits};

use super::fixtures::{secret, share, site, token};
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::{Limit, NotFound};

on_every_backend! {
    a_token_is_found_with_its_account,
    a_token_for_what_is_not_there_is_not_found,
    an_account_has_tokens_up_to_the_maximum,
    of_tokens_minted_at_once_no_more_than_the_maximum_stay,
    tokens_are_listed_newest_first,
    a_revoked_token_is_gone,
    a_token_of_another_account_cannot_be_revoked,
    a_share_link_is_found_by_its_secret,
    a_share_link_of_an_unknown_site_is_not_found,
    a_site_has_share_links_up_to_the_maximum,
    share_links_are_listed_newest_first,
    an_ended_share_link_is_gone,
    a_share_link_of_another_site_cannot_be_ended,
}

async fn a_token_is_found_with_its_account(world: World) {
    let (operator, site) = world.founded().await;
    let accounts = &world.store.accounts;
    let mut one = token(1, operator.id, TokenSites::One(site.id));
    one.scopes = vec![Scope::StateSender];
    let mut all = token(2, operator.id, TokenSites::All);
    all.scopes = vec![];
    accounts.mint_token(one.clone(), secret(1)).await.unwrap();
    accounts.mint_token(all.clone(), secret(2)).await.unwrap();
    assert_eq!(accounts.token(secret(1)).await.unwrap(), (one, operator.clone()));
    assert_eq!(accounts.token(secret(2)).await.unwrap(), (all, operator));
    assert_refused!(accounts.token(secret(3)), NotFound(_));
}

async fn a_token_for_what_is_not_there_is_not_found(world: World) {
    let operator = world.operator().await;
    let accounts = &world.store.accounts;
    let of_nobody = token(1, AccountId::of(9), TokenSites::All);
    assert_refused!(accounts.mint_token(of_nobody, secret(1)), NotFound(_));
    let for_nothing = token(1, operator.id, TokenSites::One(SiteId::of(9)));
    assert_refused!(accounts.mint_token(for_nothing, secret(1)), NotFound(_));
}

async fn an_account_has_tokens_up_to_the_maximum(world: World) {
    let (operator, site) = world.founded().await;
    let other = world.viewer(2, site.id, operator.id).await;
    let accounts = &world.store.accounts;
    let max = limits::TOKENS_MAX as u64;
    for number in 0..max {
        let each = token(number, operator.id, TokenSites::All);
        accounts.mint_token(each, secret(number)).await.unwrap();
    }
    let refused = accounts.mint_token(token(max, operator.id, TokenSites::All), secret(max));
    assert_refused!(refused, Limit { max: limits::TOKENS_MAX, .. });
    accounts.mint_token(token(max, other.id, TokenSites::All), secret(max)).await.unwrap();
}

async fn of_tokens_minted_at_once_no_more_than_the_maximum_stay(world: World) {
    let operator = world.operator().await;
    let max = limits::TOKENS_MAX as u64;
    for number in 5..max {
        let each = token(number, operator.id, TokenSites::All);
        world.store.accounts.mint_token(each, secret(number)).await.unwrap();
    }
    let mut mints = tokio::task::JoinSet::new();
    for number in 1_000..1_020 {
        let accounts = world.store.accounts.clone();
        let each = token(number, operator.id, TokenSites::All);
        mints.spawn(async move { accounts.mint_token(each, secret(number)).await });
    }
    let outcomes = mints.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 5);
    let refused =
        |outcome: &&crate::Result<()>| matches!(outcome, Err(Limit { max: limits::TOKENS_MAX, .. }));
    assert_eq!(outcomes.iter().filter(refused).count(), 15);
    assert_eq!(world.store.accounts.tokens(operator.id).await.unwrap().len(), limits::TOKENS_MAX);
}

async fn tokens_are_listed_newest_first(world: World) {
    let (operator, site) = world.founded().await;
    let other = world.viewer(2, site.id, operator.id).await;
    let accounts = &world.store.accounts;
    for (number, account) in [(2, operator.id), (3, operator.id), (1, operator.id), (4, other.id)] {
        let each = token(number, account, TokenSites::All);
        accounts.mint_token(each, secret(number)).await.unwrap();
    }
    let expected = [3, 2, 1].map(|number| token(number, operator.id, TokenSites::All));
    assert_eq!(accounts.tokens(operator.id).await.unwrap(), expected);
}

async fn a_revoked_token_is_gone(world: World) {
    let operator = world.operator().await;
    let accounts = &world.store.accounts;
    let minted = token(1, operator.id, TokenSites::All);
    accounts.mint_token(minted.clone(), secret(1)).await.unwrap();
    accounts.revoke_token(operator.id, minted.id).await.unwrap();
    assert_refused!(accounts.token(secret(1)), NotFound(_));
    assert_refused!(accounts.revoke_token(operator.id, minted.id), NotFound(_));
}

async fn a_token_of_another_account_cannot_be_revoked(world: World) {
    let (operator, site) = world.founded().await;
    let other = world.viewer(2, site.id, operator.id).await;
    let accounts = &world.store.accounts;
    let minted = token(1, operator.id, TokenSites::All);
    accounts.mint_token(minted.clone(), secret(1)).await.unwrap();
    assert_refused!(accounts.revoke_token(other.id, minted.id), NotFound(_));
    accounts.token(secret(1)).await.unwrap();
}

async fn a_share_link_is_found_by_its_secret(world: World) {
    let (_, site) = world.founded().await;
    let accounts = &world.store.accounts;
    accounts.share(share(1, site.id), secret(1)).await.unwrap();
    assert_eq!(accounts.shared(secret(1)).await.unwrap(), share(1, site.id));
    assert_refused!(accounts.shared(secret(2)), NotFound(_));
}

async fn a_share_link_of_an_unknown_site_is_not_found(world: World) {
    assert_refused!(world.store.accounts.share(share(1, SiteId::of(9)), secret(1)), NotFound(_));
}

async fn a_site_has_share_links_up_to_the_maximum(world: World) {
    let (operator, first) = world.founded().await;
    world.store.sites.add(site(2), operator.id).await.unwrap();
    let accounts = &world.store.accounts;
    let max = limits::SHARES_MAX as u64;
    for number in 0..max {
        accounts.share(share(number, first.id), secret(number)).await.unwrap();
    }
    let refused = accounts.share(share(max, first.id), secret(max));
    assert_refused!(refused, Limit { max: limits::SHARES_MAX, .. });
    accounts.share(share(max, site(2).id), secret(max)).await.unwrap();
}

async fn share_links_are_listed_newest_first(world: World) {
    let (_, site) = world.founded().await;
    let accounts = &world.store.accounts;
    for number in [2, 3, 1] {
        accounts.share(share(number, site.id), secret(number)).await.unwrap();
    }
    let expected = [3, 2, 1].map(|number| share(number, site.id));
    assert_eq!(accounts.shares(site.id).await.unwrap(), expected);
}

async fn an_ended_share_link_is_gone(world: World) {
    let (_, site) = world.founded().await;
    let accounts = &world.store.accounts;
    accounts.share(share(1, site.id), secret(1)).await.unwrap();
    accounts.unshare(site.id, share(1, site.id).id).await.unwrap();
    assert_refused!(accounts.shared(secret(1)), NotFound(_));
    assert_eq!(accounts.shares(site.id).await.unwrap(), []);
    assert_refused!(accounts.unshare(site.id, share(1, site.id).id), NotFound(_));
}

async fn a_share_link_of_another_site_cannot_be_ended(world: World) {
    let (operator, first) = world.founded().await;
    world.store.sites.add(site(2), operator.id).await.unwrap();
    let accounts = &world.store.accounts;
    accounts.share(share(1, first.id), secret(1)).await.unwrap();
    assert_refused!(accounts.unshare(site(2).id, share(1, first.id).id), NotFound(_));
    accounts.shared(secret(1)).await.unwrap();
}

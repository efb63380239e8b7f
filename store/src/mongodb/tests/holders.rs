//! Processes that die or freeze in the middle of a transaction: MongoDB itself would keep it for a minute.

use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, join_all};
use model::rights::TokenSites;
use model::{AccountId, Role, Site, SiteId};
use mongodb::bson::doc;

use super::{batch, fresh_uri, numbers};
use crate::contract::fixtures::{NOW, invitation, new_account, secret, share, site, token};
use crate::mongodb::database::Database;
use crate::mongodb::step::Step;
use crate::mongodb::transaction::Tries;
use crate::mongodb::{people, sites, turns};
use crate::{MongoStore, Result, Store};

/// For a server that does much else.
const HELD_UP_MAX: Duration = Duration::from_secs(8);

const SITE: SiteId = SiteId::of(1);
const ACCOUNT: AccountId = AccountId::of(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_with_the_turn_holds_up_the_others_for_seconds_only() {
    let uri = fresh_uri();
    let store = MongoStore::open(&uri).await.unwrap();
    let dead = Database::connect(&uri).await.unwrap();
    let mut tries = Tries::of(&dead);
    let mut step = tries.begin().await.unwrap();
    turns::take(&mut step, turns::TAIL, doc! { "$inc": { "last": 1_i64 } }).await.unwrap();

    let began = Instant::now();
    store.history.append(vec![batch(1, 1)]).await.unwrap();
    assert!(began.elapsed() < HELD_UP_MAX, "{:?}", began.elapsed());
    // It wakes up: its transaction is no more, the next one is.
    let outcome = turns::take(&mut step, turns::TAIL, doc! { "$inc": { "last": 1_i64 } }).await;
    assert!(tries.end(step, outcome).await.is_none(), "a turn that was taken away was committed");
    let mut step = tries.begin().await.unwrap();
    let turn = turns::take(&mut step, turns::TAIL, doc! { "$inc": { "last": 1_i64 } }).await;
    assert_eq!(tries.end(step, turn).await.unwrap().unwrap().last, 2);
    assert_eq!(numbers(&*store.history, 10).await, [1]);
}

/// Whatever it was changing, and whatever the others change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_while_it_changes_sites_and_accounts_holds_up_nobody_for_long() {
    let changes: [Change; 10] = [
        ("append", |store| Box::pin(async move { store.history.append(vec![batch(1, 1)]).await })),
        ("add", |store| Box::pin(async move { store.sites.add(site(2), ACCOUNT).await })),
        ("change", |store| {
            let site = Site { name: "other".into(), ..site(1) };
            Box::pin(async move { store.sites.change(site).await })
        }),
        ("remove", |store| Box::pin(async move { store.sites.remove(SITE).await })),
        ("grant", |store| Box::pin(async move { store.accounts.grant(SITE, ACCOUNT, Role::Owner).await })),
        ("invite", |store| {
            let invitation = invitation(1, SITE, ACCOUNT, Role::Viewer);
            Box::pin(async move { store.accounts.invite(invitation, secret(2)).await })
        }),
        ("share", |store| Box::pin(async move { store.accounts.share(share(1, SITE), secret(2)).await })),
        ("mint a token", |store| {
            let token = token(1, ACCOUNT, TokenSites::All);
            Box::pin(async move { store.accounts.mint_token(token, secret(2)).await })
        }),
        ("change an account", |store| {
            Box::pin(
                async move { store.accounts.change_account(ACCOUNT, "Olive", "olive@example.org").await },
            )
        }),
        ("forget", |store| Box::pin(async move { store.history.forget(SITE).await })),
    ];
    // On the heap: ten of them side by side are more than a thread's stack has room for.
    join_all(changes.map(|change| Box::pin(held_up(change)))).await;
}

type Change = (&'static str, fn(Store) -> BoxFuture<'static, Result<()>>);

async fn held_up((name, change): Change) {
    let uri = fresh_uri();
    let store = MongoStore::open(&uri).await.unwrap();
    store.accounts.offer_set_up(secret(1)).await.unwrap();
    store.accounts.set_up(secret(1), new_account(1), NOW).await.unwrap();
    store.sites.add(site(1), ACCOUNT).await.unwrap();
    let dead = Database::connect(&uri).await.unwrap();
    let mut tries = Tries::of(&dead);
    let mut step = tries.begin().await.unwrap();
    take_everything(&mut step).await.unwrap();

    let began = Instant::now();
    change(store).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    let took = began.elapsed();
    assert!(took < HELD_UP_MAX, "{name} took {took:?}");
    let outcome = take_everything(&mut step).await;
    assert!(!matches!(tries.end(step, outcome).await, Some(Ok(()))), "{name}: what was ended was committed");
}

/// All that changes of sites and accounts take turns with.
async fn take_everything(step: &mut Step) -> Result<()> {
    for turn in [turns::TAIL, turns::PEAKS, turns::SITES, turns::ACCOUNTS] {
        turns::take(step, turn, doc! { "$inc": { "turn": 1_i64 } }).await?;
    }
    people::take_turn(step, ACCOUNT).await?;
    sites::take_turn(step, SITE).await
}

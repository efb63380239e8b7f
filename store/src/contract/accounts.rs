//! Promises of `Accounts` about people and their sign-ins.

use model::{AccountId, Millis, limits};

use super::fixtures::{LATER, NOW, new_account, secret, sign_in, site};
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::{Conflict, NotFound};
use crate::accounts::{Account, NewAccount, SignIn};

on_every_backend! {
    there_is_no_account_until_set_up,
    a_new_set_up_secret_replaces_the_one_before,
    set_up_makes_the_operator_and_ends_the_offer,
    set_up_with_a_secret_not_on_offer_makes_nothing,
    nothing_is_set_up_twice,
    of_many_set_ups_at_once_one_succeeds,
    an_account_is_found_by_its_email_in_any_case,
    an_unknown_account_is_not_found,
    an_account_changes_its_name_and_email,
    a_taken_email_is_a_conflict_in_any_case,
    a_password_change_ends_every_sign_in_but_the_kept_one,
    a_sign_in_is_found_with_its_account_until_it_expires,
    a_sign_in_of_an_unknown_account_is_not_opened,
    past_the_maximum_the_oldest_sign_in_ends,
    an_expired_sign_in_takes_no_place,
    a_closed_sign_in_is_gone,
    sign_ins_of_an_account_end_together_but_the_kept_one,
    sign_ins_are_listed_newest_first,
}

async fn there_is_no_account_until_set_up(world: World) {
    assert!(world.store.accounts.is_empty().await.unwrap());
    world.operator().await;
    assert!(!world.store.accounts.is_empty().await.unwrap());
}

async fn a_new_set_up_secret_replaces_the_one_before(world: World) {
    let accounts = &world.store.accounts;
    assert!(!accounts.set_up_offered(secret(1)).await.unwrap());
    accounts.offer_set_up(secret(1)).await.unwrap();
    assert!(accounts.set_up_offered(secret(1)).await.unwrap());
    accounts.offer_set_up(secret(2)).await.unwrap();
    assert!(!accounts.set_up_offered(secret(1)).await.unwrap());
    assert!(accounts.set_up_offered(secret(2)).await.unwrap());
    assert_refused!(accounts.set_up(secret(1), new_account(1), NOW), NotFound(_));
}

async fn set_up_makes_the_operator_and_ends_the_offer(world: World) {
    let accounts = &world.store.accounts;
    accounts.offer_set_up(secret(1)).await.unwrap();
    let made = accounts.set_up(secret(1), new_account(1), NOW).await.unwrap();
    let NewAccount { id, name, email, password_phc } = new_account(1);
    assert_eq!(made, Account { id, name, email, password_phc, operator: true, created: NOW });
    assert_eq!(accounts.account(id).await.unwrap(), made);
    assert!(!accounts.set_up_offered(secret(1)).await.unwrap());
}

async fn set_up_with_a_secret_not_on_offer_makes_nothing(world: World) {
    let accounts = &world.store.accounts;
    assert_refused!(accounts.set_up(secret(1), new_account(1), NOW), NotFound(_));
    accounts.offer_set_up(secret(1)).await.unwrap();
    assert_refused!(accounts.set_up(secret(2), new_account(1), NOW), NotFound(_));
    assert!(accounts.is_empty().await.unwrap());
    assert!(accounts.set_up_offered(secret(1)).await.unwrap());
}

async fn nothing_is_set_up_twice(world: World) {
    let accounts = &world.store.accounts;
    accounts.offer_set_up(secret(1)).await.unwrap();
    accounts.set_up(secret(1), new_account(1), NOW).await.unwrap();
    assert_refused!(accounts.offer_set_up(secret(2)), Conflict(_));
    assert_refused!(accounts.set_up(secret(1), new_account(2), NOW), Conflict(_));
}

async fn of_many_set_ups_at_once_one_succeeds(world: World) {
    world.store.accounts.offer_set_up(secret(1)).await.unwrap();
    let mut tries = tokio::task::JoinSet::new();
    for number in 1..=20 {
        let accounts = world.store.accounts.clone();
        tries.spawn(async move { accounts.set_up(secret(1), new_account(number), NOW).await.is_ok() });
    }
    let outcomes = tries.join_all().await;
    assert_eq!(outcomes.iter().filter(|&&made| made).count(), 1);
}

async fn an_account_is_found_by_its_email_in_any_case(world: World) {
    let operator = world.operator().await;
    let accounts = &world.store.accounts;
    accounts.change_account(operator.id, "Ödön", "Ödön@Example.org").await.unwrap();
    for email in ["Ödön@Example.org", "ödön@example.org", "ÖDÖN@EXAMPLE.ORG"] {
        assert_eq!(accounts.account_by_email(email).await.unwrap().id, operator.id, "{email}");
    }
    assert_eq!(accounts.account(operator.id).await.unwrap().email, "Ödön@Example.org");
}

async fn an_unknown_account_is_not_found(world: World) {
    let accounts = &world.store.accounts;
    let id = AccountId::of(9);
    assert_refused!(accounts.account(id), NotFound(_));
    assert_refused!(accounts.account_by_email("9@example.org"), NotFound(_));
    assert_refused!(accounts.change_account(id, "name", "9@example.org"), NotFound(_));
    assert_refused!(accounts.change_password(id, "$phc", None), NotFound(_));
}

async fn an_account_changes_its_name_and_email(world: World) {
    let operator = world.operator().await;
    let accounts = &world.store.accounts;
    accounts.change_account(operator.id, "Ada", "ada@example.org").await.unwrap();
    let changed = Account { name: "Ada".into(), email: "ada@example.org".into(), ..operator.clone() };
    assert_eq!(accounts.account(operator.id).await.unwrap(), changed);
    assert_refused!(accounts.account_by_email(&operator.email), NotFound(_));
    accounts.change_account(operator.id, "Ada", "ADA@example.org").await.unwrap();
}

async fn a_taken_email_is_a_conflict_in_any_case(world: World) {
    let (operator, site) = world.founded().await;
    let viewer = world.viewer(2, site.id, operator.id).await;
    let accounts = &world.store.accounts;
    let taken = operator.email.to_uppercase();
    assert_refused!(accounts.change_account(viewer.id, "name", &taken), Conflict(_));
    assert_eq!(accounts.account(viewer.id).await.unwrap(), viewer);
}

async fn a_password_change_ends_every_sign_in_but_the_kept_one(world: World) {
    let (operator, site) = world.founded().await;
    let other = world.viewer(2, site.id, operator.id).await;
    let accounts = &world.store.accounts;
    for (number, account) in [(1, operator.id), (2, operator.id), (3, other.id)] {
        accounts.open_sign_in(sign_in(number, account, NOW, LATER)).await.unwrap();
    }
    accounts.change_password(operator.id, "$new", Some(secret(2))).await.unwrap();
    assert_eq!(accounts.account(operator.id).await.unwrap().password_phc, "$new");
    assert_eq!(open(&world, operator.id).await, vec![sign_in(2, operator.id, NOW, LATER)]);
    accounts.change_password(operator.id, "$newer", None).await.unwrap();
    assert_eq!(open(&world, operator.id).await, vec![]);
    assert_eq!(open(&world, other.id).await.len(), 1);
}

async fn a_sign_in_is_found_with_its_account_until_it_expires(world: World) {
    let operator = world.operator().await;
    let accounts = &world.store.accounts;
    let opened = sign_in(1, operator.id, NOW, LATER);
    accounts.open_sign_in(opened.clone()).await.unwrap();
    let last = Millis(LATER.0 - 1);
    assert_eq!(accounts.sign_in(secret(1), last).await.unwrap(), (opened, operator.clone()));
    assert_refused!(accounts.sign_in(secret(1), LATER), NotFound(_));
    assert_refused!(accounts.sign_in(secret(2), NOW), NotFound(_));
    assert_eq!(accounts.sign_ins(operator.id, LATER).await.unwrap(), vec![]);
}

async fn a_sign_in_of_an_unknown_account_is_not_opened(world: World) {
    let sign_in = sign_in(1, AccountId::of(9), NOW, LATER);
    assert_refused!(world.store.accounts.open_sign_in(sign_in), NotFound(_));
}

async fn past_the_maximum_the_oldest_sign_in_ends(world: World) {
    let operator = world.operator().await;
    let accounts = &world.store.accounts;
    let at = |number: u64| Millis(NOW.0 + number as i64);
    let max = limits::SIGN_INS_MAX as u64;
    for number in 0..max {
        accounts.open_sign_in(sign_in(number, operator.id, at(number), LATER)).await.unwrap();
    }
    assert_eq!(open(&world, operator.id).await.len(), limits::SIGN_INS_MAX);
    accounts.open_sign_in(sign_in(max, operator.id, at(max), LATER)).await.unwrap();
    let now_open: Vec<_> = open(&world, operator.id).await.iter().map(|each| each.created).collect();
    assert_eq!(now_open, (1..=max).rev().map(at).collect::<Vec<_>>());
    assert_refused!(accounts.sign_in(secret(0), NOW), NotFound(_));
}

async fn an_expired_sign_in_takes_no_place(world: World) {
    let operator = world.operator().await;
    let accounts = &world.store.accounts;
    accounts.open_sign_in(sign_in(0, operator.id, NOW, LATER)).await.unwrap();
    for number in 1..limits::SIGN_INS_MAX as u64 {
        accounts.open_sign_in(sign_in(number, operator.id, Millis(NOW.0 + 1), LATER)).await.unwrap();
    }
    let after = Millis(LATER.0 + 1);
    for number in 100..102 {
        accounts.open_sign_in(sign_in(number, operator.id, LATER, after)).await.unwrap();
    }
    assert_eq!(open(&world, operator.id).await.len(), 2);
}

async fn a_closed_sign_in_is_gone(world: World) {
    let operator = world.operator().await;
    let accounts = &world.store.accounts;
    accounts.open_sign_in(sign_in(1, operator.id, NOW, LATER)).await.unwrap();
    accounts.close_sign_in(secret(2)).await.unwrap();
    accounts.sign_in(secret(1), NOW).await.unwrap();
    accounts.close_sign_in(secret(1)).await.unwrap();
    assert_refused!(accounts.sign_in(secret(1), NOW), NotFound(_));
}

async fn sign_ins_of_an_account_end_together_but_the_kept_one(world: World) {
    let (operator, site) = world.founded().await;
    let other = world.viewer(2, site.id, operator.id).await;
    let accounts = &world.store.accounts;
    for (number, account) in [(1, operator.id), (2, operator.id), (3, operator.id), (4, other.id)] {
        accounts.open_sign_in(sign_in(number, account, NOW, LATER)).await.unwrap();
    }
    assert_eq!(accounts.close_sign_ins(operator.id, Some(secret(3))).await.unwrap(), 2);
    accounts.sign_in(secret(3), NOW).await.unwrap();
    assert_eq!(accounts.close_sign_ins(operator.id, None).await.unwrap(), 1);
    assert_eq!(open(&world, operator.id).await, vec![]);
    accounts.sign_in(secret(4), NOW).await.unwrap();
}

async fn sign_ins_are_listed_newest_first(world: World) {
    let operator = world.operator().await;
    let accounts = &world.store.accounts;
    for (number, created) in [(1, 20), (2, 30), (3, 10)] {
        accounts.open_sign_in(sign_in(number, operator.id, Millis(created), LATER)).await.unwrap();
    }
    let listed: Vec<_> = open(&world, operator.id).await.iter().map(|each| each.created.0).collect();
    assert_eq!(listed, [30, 20, 10]);
    world.store.sites.add(site(1), operator.id).await.unwrap();
    let viewer = world.viewer(2, site(1).id, operator.id).await;
    assert_eq!(open(&world, viewer.id).await, vec![]);
}

async fn open(world: &World, account: AccountId) -> Vec<SignIn> {
    world.store.accounts.sign_ins(account, NOW).await.unwrap()
}

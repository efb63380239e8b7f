//! Promises of `Accounts` about invitations.

use model::{AccountId, Millis, Role, SiteId, limits};

use super::fixtures::{LATER, NOW, invitation, new_account, secret, site};
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::{Conflict, Limit, NotFound};
use crate::accounts::Invitation;

on_every_backend! {
    an_invitation_is_found_until_it_expires,
    an_invitation_to_what_is_not_there_is_not_found,
    a_site_has_open_invitations_up_to_the_maximum,
    an_expired_invitation_takes_no_place,
    an_accepted_invitation_grants_its_role_and_is_used_up,
    an_invitation_never_lowers_a_role,
    an_expired_invitation_cannot_be_accepted,
    a_new_account_accepts_in_one_step,
    a_new_account_with_a_taken_email_leaves_the_invitation_open,
    without_an_invitation_no_account_is_made,
    an_invitation_is_accepted_once,
    invitations_are_listed_newest_first,
    a_withdrawn_invitation_is_gone,
    an_invitation_of_another_site_cannot_be_withdrawn,
}

async fn an_invitation_is_found_until_it_expires(world: World) {
    let (operator, site) = world.founded().await;
    let accounts = &world.store.accounts;
    let made = invitation(1, site.id, operator.id, Role::Admin);
    accounts.invite(made.clone(), secret(1)).await.unwrap();
    assert_eq!(accounts.invitation(secret(1), Millis(LATER.0 - 1)).await.unwrap(), made);
    assert_refused!(accounts.invitation(secret(1), LATER), NotFound(_));
    assert_refused!(accounts.invitation(secret(2), NOW), NotFound(_));
}

async fn an_invitation_to_what_is_not_there_is_not_found(world: World) {
    let (operator, site) = world.founded().await;
    let accounts = &world.store.accounts;
    let elsewhere = invitation(1, SiteId::of(9), operator.id, Role::Admin);
    assert_refused!(accounts.invite(elsewhere, secret(1)), NotFound(_));
    let by_nobody = invitation(1, site.id, AccountId::of(9), Role::Admin);
    assert_refused!(accounts.invite(by_nobody, secret(1)), NotFound(_));
}

async fn a_site_has_open_invitations_up_to_the_maximum(world: World) {
    let (operator, first) = world.founded().await;
    let accounts = &world.store.accounts;
    world.store.sites.add(site(2), operator.id).await.unwrap();
    let max = limits::INVITATIONS_MAX as u64;
    for number in 0..max {
        let each = invitation(number, first.id, operator.id, Role::Viewer);
        accounts.invite(each, secret(number)).await.unwrap();
    }
    let one_more = invitation(max, first.id, operator.id, Role::Viewer);
    let refused = accounts.invite(one_more.clone(), secret(max));
    assert_refused!(refused, Limit { max: limits::INVITATIONS_MAX, .. });
    let elsewhere = Invitation { site: site(2).id, ..one_more.clone() };
    accounts.invite(elsewhere, secret(max)).await.unwrap();
}

async fn an_expired_invitation_takes_no_place(world: World) {
    let (operator, site) = world.founded().await;
    let accounts = &world.store.accounts;
    for number in 0..limits::INVITATIONS_MAX as u64 {
        let each = invitation(number, site.id, operator.id, Role::Viewer);
        accounts.invite(each, secret(number)).await.unwrap();
    }
    let late = Invitation {
        created: LATER,
        expires: Millis(LATER.0 + 1),
        ..invitation(1_000, site.id, operator.id, Role::Viewer)
    };
    accounts.invite(late.clone(), secret(1_000)).await.unwrap();
    assert_eq!(accounts.invitations(site.id, NOW).await.unwrap(), vec![late]);
}

async fn an_accepted_invitation_grants_its_role_and_is_used_up(world: World) {
    let (operator, first) = world.founded().await;
    let accounts = &world.store.accounts;
    let member = world.viewer(2, first.id, operator.id).await;
    let second = site(2);
    world.store.sites.add(second.clone(), operator.id).await.unwrap();
    let made = invitation(1, second.id, operator.id, Role::Admin);
    accounts.invite(made.clone(), secret(1)).await.unwrap();
    assert_eq!(accounts.accept(secret(1), member.id, NOW).await.unwrap(), made);
    assert_eq!(accounts.role(member.id, second.id).await.unwrap(), Some(Role::Admin));
    assert_refused!(accounts.accept(secret(1), member.id, NOW), NotFound(_));
    assert_refused!(accounts.invitation(secret(1), NOW), NotFound(_));
}

async fn an_invitation_never_lowers_a_role(world: World) {
    let (operator, site) = world.founded().await;
    let accounts = &world.store.accounts;
    let made = invitation(1, site.id, operator.id, Role::Viewer);
    accounts.invite(made, secret(1)).await.unwrap();
    accounts.accept(secret(1), operator.id, NOW).await.unwrap();
    assert_eq!(accounts.role(operator.id, site.id).await.unwrap(), Some(Role::Owner));
    assert_refused!(accounts.invitation(secret(1), NOW), NotFound(_));
}

async fn an_expired_invitation_cannot_be_accepted(world: World) {
    let (operator, site) = world.founded().await;
    let accounts = &world.store.accounts;
    accounts.invite(invitation(1, site.id, operator.id, Role::Viewer), secret(1)).await.unwrap();
    assert_refused!(accounts.accept(secret(1), operator.id, LATER), NotFound(_));
    assert_refused!(accounts.accept_as_new(secret(1), new_account(2), LATER), NotFound(_));
}

async fn a_new_account_accepts_in_one_step(world: World) {
    let (operator, site) = world.founded().await;
    let accounts = &world.store.accounts;
    accounts.invite(invitation(1, site.id, operator.id, Role::Admin), secret(1)).await.unwrap();
    let made =
        accounts.accept_as_new(secret(1), new_account(2), LATER.minus(std::time::Duration::from_millis(1)));
    let made = made.await.unwrap();
    assert_eq!(accounts.account(new_account(2).id).await.unwrap(), made);
    assert!(!made.operator);
    assert_eq!(made.created, Millis(LATER.0 - 1));
    assert_eq!(accounts.role(made.id, site.id).await.unwrap(), Some(Role::Admin));
    assert_refused!(accounts.invitation(secret(1), NOW), NotFound(_));
}

async fn a_new_account_with_a_taken_email_leaves_the_invitation_open(world: World) {
    let (operator, site) = world.founded().await;
    let accounts = &world.store.accounts;
    accounts.invite(invitation(1, site.id, operator.id, Role::Admin), secret(1)).await.unwrap();
    let mut taken = new_account(2);
    taken.email = operator.email.to_uppercase();
    assert_refused!(accounts.accept_as_new(secret(1), taken, NOW), Conflict(_));
    assert_refused!(accounts.account(new_account(2).id), NotFound(_));
    accounts.accept_as_new(secret(1), new_account(2), NOW).await.unwrap();
}

async fn without_an_invitation_no_account_is_made(world: World) {
    let operator = world.operator().await;
    let accounts = &world.store.accounts;
    let mut prying = new_account(2);
    assert_refused!(accounts.accept_as_new(secret(1), prying.clone(), NOW), NotFound(_));
    assert_refused!(accounts.account(prying.id), NotFound(_));
    // Not even a Conflict, which would tell a stranger who has an account.
    prying.email = operator.email;
    assert_refused!(accounts.accept_as_new(secret(1), prying, NOW), NotFound(_));
}

async fn an_invitation_is_accepted_once(world: World) {
    let (operator, site) = world.founded().await;
    let made = invitation(1, site.id, operator.id, Role::Viewer);
    world.store.accounts.invite(made, secret(1)).await.unwrap();
    let mut tries = tokio::task::JoinSet::new();
    for number in 2..12 {
        let accounts = world.store.accounts.clone();
        tries.spawn(async move { accounts.accept_as_new(secret(1), new_account(number), NOW).await.is_ok() });
    }
    let outcomes = tries.join_all().await;
    assert_eq!(outcomes.iter().filter(|&&accepted| accepted).count(), 1);
    assert_eq!(world.store.accounts.members(site.id).await.unwrap().len(), 2);
}

async fn invitations_are_listed_newest_first(world: World) {
    let (operator, site) = world.founded().await;
    let accounts = &world.store.accounts;
    for number in [2, 3, 1] {
        let each = invitation(number, site.id, operator.id, Role::Viewer);
        accounts.invite(each, secret(number)).await.unwrap();
    }
    let listed = accounts.invitations(site.id, NOW).await.unwrap();
    let expected = [3, 2, 1].map(|number| invitation(number, site.id, operator.id, Role::Viewer));
    assert_eq!(listed, expected);
    assert_eq!(accounts.invitations(site.id, LATER).await.unwrap(), []);
}

async fn a_withdrawn_invitation_is_gone(world: World) {
    let (operator, site) = world.founded().await;
    let accounts = &world.store.accounts;
    let made = invitation(1, site.id, operator.id, Role::Viewer);
    accounts.invite(made.clone(), secret(1)).await.unwrap();
    accounts.withdraw(site.id, made.id).await.unwrap();
    assert_refused!(accounts.invitation(secret(1), NOW), NotFound(_));
    assert_refused!(accounts.withdraw(site.id, made.id), NotFound(_));
}

async fn an_invitation_of_another_site_cannot_be_withdrawn(world: World) {
    let (operator, first) = world.founded().await;
    let accounts = &world.store.accounts;
    world.store.sites.add(site(2), operator.id).await.unwrap();
    let made = invitation(1, first.id, operator.id, Role::Viewer);
    accounts.invite(made.clone(), secret(1)).await.unwrap();
    assert_refused!(accounts.withdraw(site(2).id, made.id), NotFound(_));
    accounts.invitation(secret(1), NOW).await.unwrap();
}

//! Promises of `Accounts` about members and roles.

use model::{AccountId, Role, SiteId, limits};

use super::fixtures::{LATER, NOW, invitation, new_account, secret, site};
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::{Conflict, Limit, NotFound};

on_every_backend! {
    a_stranger_to_a_site_has_no_role,
    a_granted_role_is_held_and_changed_by_the_next,
    a_grant_to_or_on_what_is_not_there_is_not_found,
    memberships_are_the_sites_of_an_account,
    members_come_owners_first_then_by_name,
    a_site_takes_members_up_to_the_maximum,
    a_member_at_the_maximum_can_still_change_role,
    a_revoked_member_has_no_role,
    who_is_no_member_cannot_be_revoked,
    invitations_end_with_the_right_to_make_them,
    the_last_owner_stays_owner,
    of_two_owners_who_leave_at_once_one_stays,
}

async fn a_stranger_to_a_site_has_no_role(world: World) {
    let (operator, site) = world.founded().await;
    let accounts = &world.store.accounts;
    assert_eq!(accounts.role(operator.id, SiteId::of(9)).await.unwrap(), None);
    assert_eq!(accounts.role(AccountId::of(9), site.id).await.unwrap(), None);
}

async fn a_granted_role_is_held_and_changed_by_the_next(world: World) {
    let (operator, site) = world.founded().await;
    let member = world.viewer(2, site.id, operator.id).await;
    let accounts = &world.store.accounts;
    for role in [Role::Admin, Role::Owner, Role::Viewer] {
        accounts.grant(site.id, member.id, role).await.unwrap();
        assert_eq!(accounts.role(member.id, site.id).await.unwrap(), Some(role));
    }
}

async fn a_grant_to_or_on_what_is_not_there_is_not_found(world: World) {
    let (operator, site) = world.founded().await;
    let accounts = &world.store.accounts;
    assert_refused!(accounts.grant(site.id, AccountId::of(9), Role::Viewer), NotFound(_));
    assert_refused!(accounts.grant(SiteId::of(9), operator.id, Role::Viewer), NotFound(_));
}

async fn memberships_are_the_sites_of_an_account(world: World) {
    let (operator, first) = world.founded().await;
    let second = site(2);
    world.store.sites.add(second.clone(), operator.id).await.unwrap();
    let member = world.viewer(2, second.id, operator.id).await;
    let accounts = &world.store.accounts;
    let expected = [(first.id, Role::Owner), (second.id, Role::Owner)];
    assert_eq!(accounts.memberships(operator.id).await.unwrap(), expected);
    assert_eq!(accounts.memberships(member.id).await.unwrap(), [(second.id, Role::Viewer)]);
    assert_eq!(accounts.memberships(AccountId::of(9)).await.unwrap(), []);
}

async fn members_come_owners_first_then_by_name(world: World) {
    let (operator, site) = world.founded().await;
    let accounts = &world.store.accounts;
    accounts.change_account(operator.id, "Zoe", "zoe@example.org").await.unwrap();
    let roles = [(2, "carl", Role::Viewer), (3, "Bea", Role::Admin), (4, "Ann", Role::Viewer)];
    for (number, name, role) in roles {
        let member = world.viewer(number, site.id, operator.id).await;
        accounts.change_account(member.id, name, &member.email).await.unwrap();
        accounts.grant(site.id, member.id, role).await.unwrap();
    }
    let members = accounts.members(site.id).await.unwrap();
    let names: Vec<_> = members.iter().map(|(member, role)| (member.name.as_str(), *role)).collect();
    let expected =
        [("Zoe", Role::Owner), ("Ann", Role::Viewer), ("Bea", Role::Admin), ("carl", Role::Viewer)];
    assert_eq!(names, expected);
}

async fn a_site_takes_members_up_to_the_maximum(world: World) {
    let (operator, site) = world.founded().await;
    let accounts = &world.store.accounts;
    fill(&world, site.id, operator.id).await;
    assert_eq!(accounts.members(site.id).await.unwrap().len(), limits::MEMBERS_MAX);

    let code = secret(1);
    accounts.invite(invitation(1, site.id, operator.id, Role::Viewer), code).await.unwrap();
    let one_more = || accounts.accept_as_new(code, new_account(9_999), NOW);
    assert_refused!(one_more(), Limit { max: limits::MEMBERS_MAX, .. });
    assert_refused!(accounts.account(new_account(9_999).id), NotFound(_));
    accounts.revoke(site.id, AccountId::of(2)).await.unwrap();
    one_more().await.unwrap();
    assert_refused!(accounts.grant(site.id, AccountId::of(2), Role::Viewer), Limit { .. });
}

async fn a_member_at_the_maximum_can_still_change_role(world: World) {
    let (operator, site) = world.founded().await;
    fill(&world, site.id, operator.id).await;
    let member = AccountId::of(2);
    world.store.accounts.grant(site.id, member, Role::Owner).await.unwrap();
    assert_eq!(world.store.accounts.role(member, site.id).await.unwrap(), Some(Role::Owner));
}

async fn a_revoked_member_has_no_role(world: World) {
    let (operator, site) = world.founded().await;
    let member = world.viewer(2, site.id, operator.id).await;
    let accounts = &world.store.accounts;
    accounts.revoke(site.id, member.id).await.unwrap();
    assert_eq!(accounts.role(member.id, site.id).await.unwrap(), None);
    assert_eq!(accounts.members(site.id).await.unwrap().len(), 1);
    assert_eq!(accounts.account(member.id).await.unwrap(), member);
}

async fn who_is_no_member_cannot_be_revoked(world: World) {
    let (_, site) = world.founded().await;
    assert_refused!(world.store.accounts.revoke(site.id, AccountId::of(9)), NotFound(_));
}

async fn the_last_owner_stays_owner(world: World) {
    let (operator, site) = world.founded().await;
    let member = world.viewer(2, site.id, operator.id).await;
    let accounts = &world.store.accounts;
    assert_refused!(accounts.revoke(site.id, operator.id), Conflict(_));
    assert_refused!(accounts.grant(site.id, operator.id, Role::Admin), Conflict(_));
    accounts.grant(site.id, operator.id, Role::Owner).await.unwrap();
    accounts.grant(site.id, member.id, Role::Owner).await.unwrap();
    accounts.grant(site.id, operator.id, Role::Viewer).await.unwrap();
    assert_refused!(accounts.revoke(site.id, member.id), Conflict(_));
    accounts.revoke(site.id, operator.id).await.unwrap();
    // An operator who is no member does not count.
    assert_refused!(accounts.revoke(site.id, member.id), Conflict(_));
}

async fn of_two_owners_who_leave_at_once_one_stays(world: World) {
    let (operator, site) = world.founded().await;
    let member = world.viewer(2, site.id, operator.id).await;
    let accounts = &world.store.accounts;
    accounts.grant(site.id, member.id, Role::Owner).await.unwrap();
    let (first, second) =
        tokio::join!(accounts.revoke(site.id, operator.id), accounts.revoke(site.id, member.id));
    assert_ne!(first.is_ok(), second.is_ok());
    assert_eq!(accounts.members(site.id).await.unwrap().len(), 1);
}

/// Accounts 2 and up become members until there is no place left.
async fn fill(world: &World, site: SiteId, by: AccountId) {
    for number in 2..=limits::MEMBERS_MAX as u64 {
        world.viewer(number, site, by).await;
    }
    assert!(world.store.accounts.invitations(site, LATER).await.unwrap().is_empty());
}

async fn invitations_end_with_the_right_to_make_them(world: World) {
    let (operator, site) = world.founded().await;
    let accounts = &world.store.accounts;
    let by = world.viewer(2, site.id, operator.id).await.id;
    let open = async || {
        let open = accounts.invitations(site.id, NOW).await.unwrap();
        let mut roles: Vec<_> = open.into_iter().map(|open| (open.by == by, open.role)).collect();
        roles.sort();
        roles
    };
    accounts.grant(site.id, by, Role::Owner).await.unwrap();
    for (number, role) in [(11, Role::Viewer), (12, Role::Admin), (13, Role::Owner)] {
        accounts.invite(invitation(number, site.id, by, role), secret(number)).await.unwrap();
        let of_operator = invitation(10 + number, site.id, operator.id, role);
        accounts.invite(of_operator, secret(10 + number)).await.unwrap();
    }
    let of_operator = [(false, Role::Viewer), (false, Role::Admin), (false, Role::Owner)];
    let with = |more: &[(bool, Role)]| [&of_operator, more].concat();
    accounts.grant(site.id, by, Role::Admin).await.unwrap();
    assert_eq!(open().await, with(&[(true, Role::Viewer), (true, Role::Admin)]));
    accounts.revoke(site.id, by).await.unwrap();
    assert_eq!(open().await, with(&[]));
    assert_refused!(accounts.accept(secret(12), by, NOW), NotFound(_));
    accounts.revoke(site.id, operator.id).await.unwrap_err();
    accounts.accept(secret(23), by, NOW).await.unwrap();
    accounts.revoke(site.id, operator.id).await.unwrap();
    assert_eq!(open().await.len(), 2, "an operator is one of every site");
}

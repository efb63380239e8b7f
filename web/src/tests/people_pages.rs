//! Members, invitations and share links.

use std::time::Duration;

use axum::http::StatusCode;
use model::limits::NAME_BYTES_MAX;

use super::{World, account};

async fn id_of(world: &World, email: &str) -> String {
    world.store.accounts.account_by_email(email).await.unwrap().id.to_string()
}

#[tokio::test]
async fn an_invitation_works_once_for_a_new_account() {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    let page =
        owner.post(&format!("/sites/{site}/invitations"), &[("role", "viewer"), ("note", "Gus")]).await;
    let secret = page.secret_behind("http://stats.example:8080/invitation/");
    let shown = owner.get(&format!("/sites/{site}/people")).await;
    shown.says("Gus");
    assert!(!shown.text.contains(&secret), "the link is shown once");

    let mut guest = world.browser();
    let path = format!("/invitation/{secret}");
    let asked = guest.get(&path).await;
    asked.says("Shop");
    asked.says("Olive Owner");
    let bad =
        guest.post(&format!("{path}/new"), &[("name", "Gus"), ("email", "gus"), ("password", "x")]).await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    let taken = guest.post(&format!("{path}/new"), &account("Gus", "OLIVE@example.org")).await;
    assert_eq!(taken.status, StatusCode::BAD_REQUEST);
    taken.says("There is an account with this e-mail address already");
    let mut rights = world.listen(live::RIGHTS_TOPIC).await;
    let joined = guest.post(&format!("{path}/new"), &account("Gus", "gus@example.org")).await;
    assert_eq!(joined.location(), format!("/sites/{site}?done=joined"));
    assert!(rights.0.try_recv().is_ok());
    assert_eq!(guest.get(&format!("/sites/{site}")).await.status, StatusCode::OK);

    let mut second = world.browser();
    assert_eq!(second.get(&path).await.status, StatusCode::NOT_FOUND);
    let again = second.post(&format!("{path}/new"), &account("Eve", "eve@example.org")).await;
    assert_eq!((again.status, second.cookie), (StatusCode::NOT_FOUND, None));
}

#[tokio::test]
async fn somebody_with_an_account_accepts_with_it() {
    let (_world, mut owner) = World::with_owner().await;
    let (one, other) = (owner.add_site("One").await, owner.add_site("Other").await);
    let mut guest = owner.invites(&one, "viewer", "gus@example.org").await;
    assert_eq!(guest.get(&format!("/sites/{other}")).await.status, StatusCode::NOT_FOUND);
    let page = owner.post(&format!("/sites/{other}/invitations"), &[("role", "admin")]).await;
    let path = format!("/invitation/{}", page.secret_behind("/invitation/"));
    guest.get(&path).await.says("You are signed in as");
    let mut stranger = super::Browser { cookie: None, ..guest.clone() };
    assert_eq!(stranger.post(&path, &[]).await.location(), format!("/sign-in?next={path}"));
    assert_eq!(guest.post(&path, &[]).await.location(), format!("/sites/{other}?done=joined"));
    assert_eq!(guest.get(&format!("/sites/{other}/settings")).await.status, StatusCode::OK);
    assert_eq!(guest.post(&path, &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_invitation_can_be_withdrawn_and_grows_old() {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    let invite = format!("/sites/{site}/invitations");
    let first = owner.post(&invite, &[("role", "viewer")]).await;
    let path = format!("/invitation/{}", first.secret_behind("/invitation/"));
    assert_eq!(world.browser().get(&path).await.status, StatusCode::OK);
    let open = world.store.accounts.invitations(site.parse().unwrap(), super::NOW).await.unwrap();
    let withdrawn = owner.post(&format!("{invite}/{}/withdraw", open[0].id), &[]).await;
    assert_eq!(withdrawn.location(), format!("/sites/{site}/people?done=withdrawn"));
    assert_eq!(world.browser().get(&path).await.status, StatusCode::NOT_FOUND);

    let second = owner.post(&invite, &[("role", "viewer")]).await;
    let path = format!("/invitation/{}", second.secret_behind("/invitation/"));
    world.clock.advance(Duration::from_secs(7 * 86_400 - 1));
    assert_eq!(world.browser().get(&path).await.status, StatusCode::OK);
    world.clock.advance(Duration::from_secs(2));
    let old = world.browser().get(&path).await;
    assert_eq!(old.status, StatusCode::NOT_FOUND);
    old.says("Ask whoever sent it for a new one");
}

#[tokio::test]
async fn roles_are_changed_and_members_removed_at_once() {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    let mut guest = owner.invites(&site, "viewer", "gus@example.org").await;
    let people = format!("/sites/{site}/people");
    let gus = format!("{people}/{}", id_of(&world, "gus@example.org").await);
    assert_eq!(guest.get(&people).await.status, StatusCode::NOT_FOUND);
    let mut rights = world.listen(live::RIGHTS_TOPIC).await;
    owner.post(&format!("{gus}/role"), &[("role", "admin")]).await;
    assert!(rights.0.try_recv().is_ok());
    assert_eq!(guest.get(&people).await.status, StatusCode::OK);
    let odd = owner.post(&format!("{gus}/role"), &[("role", "emperor")]).await;
    assert_eq!(odd.status, StatusCode::BAD_REQUEST);
    let removed = owner.post(&format!("{gus}/remove"), &[]).await;
    assert_eq!(removed.location(), format!("{people}?done=removed"));
    assert!(rights.0.try_recv().is_ok());
    assert_eq!(guest.get(&format!("/sites/{site}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(owner.post(&format!("{gus}/remove"), &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_admin_neither_rises_nor_pushes_an_owner_out() {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    let mut admin = owner.invites(&site, "admin", "ada@example.org").await;
    let people = format!("/sites/{site}/people");
    let (ada, olive) = (id_of(&world, "ada@example.org").await, id_of(&world, "olive@example.org").await);
    for (path, role) in [
        (format!("{people}/{ada}/role"), "owner"),
        (format!("{people}/{olive}/role"), "viewer"),
        (format!("{people}/{olive}/remove"), ""),
        (format!("/sites/{site}/invitations"), "owner"),
    ] {
        assert_eq!(admin.post(&path, &[("role", role)]).await.status, StatusCode::NOT_FOUND, "{path} {role}");
    }
    owner.post(&format!("/sites/{site}/invitations"), &[("role", "owner")]).await;
    let open = world.store.accounts.invitations(site.parse().unwrap(), super::NOW).await.unwrap();
    let withdraw = format!("/sites/{site}/invitations/{}/withdraw", open[0].id);
    assert_eq!(admin.post(&withdraw, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(admin.get(&people).await.status, StatusCode::OK);
    let stepped_down = admin.post(&format!("{people}/{ada}/role"), &[("role", "viewer")]).await;
    assert_eq!(stepped_down.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_last_owner_stays() {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    let olive = id_of(&world, "olive@example.org").await;
    let path = format!("/sites/{site}/people/{olive}");
    for (action, role) in [("role", "viewer"), ("remove", "")] {
        let refused = owner.post(&format!("{path}/{action}"), &[("role", role)]).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        refused.says("A site needs an owner");
    }
}

#[tokio::test]
async fn a_share_link_shows_one_site_until_it_ends() {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    let shares = format!("/sites/{site}/shares");
    let nameless = owner.post(&shares, &[("name", "")]).await;
    assert_eq!(nameless.status, StatusCode::BAD_REQUEST);
    let long = "n".repeat(NAME_BYTES_MAX + 1);
    assert_eq!(owner.post(&shares, &[("name", &long)]).await.status, StatusCode::BAD_REQUEST);
    let page = owner.post(&shares, &[("name", &long[1..])]).await;
    let secret = page.secret_behind("http://stats.example:8080/share/");
    let path = format!("/share/{secret}");
    let mut stranger = world.browser();
    assert_eq!(stranger.get(&path).await.status, StatusCode::OK);
    let answer = stranger.get(&format!("/api/watchfire/sites/{site}?share={secret}")).await;
    assert_eq!(answer.json()["name"], "Shop");
    assert_eq!(stranger.get(&format!("/sites/{site}?share={secret}")).await.status, StatusCode::SEE_OTHER);

    let open = world.store.accounts.shares(site.parse().unwrap()).await.unwrap();
    let mut rights = world.listen(live::RIGHTS_TOPIC).await;
    let ended = owner.post(&format!("{shares}/{}/revoke", open[0].id), &[]).await;
    assert_eq!(ended.location(), format!("/sites/{site}/people?done=unshared"));
    assert!(rights.0.try_recv().is_ok());
    assert_eq!(stranger.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_form_sent_twice_makes_one_link() {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    let mark = owner.get(&format!("/sites/{site}/people")).await.hidden("mark");
    let path = format!("/sites/{site}/invitations");
    let form = [("role", "viewer"), ("mark", mark.as_str())];
    assert_eq!(owner.post(&path, &form).await.status, StatusCode::OK);
    assert_eq!(owner.post(&path, &form).await.location(), format!("/sites/{site}/people?done=made"));
    let open = world.store.accounts.invitations(site.parse().unwrap(), super::NOW).await.unwrap();
    assert_eq!(open.len(), 1);
}

//! Minting, using and revoking API tokens.

use axum::http::StatusCode;
use model::limits::TOKENS_MAX;
use model::rights::{Principal, Scope, TokenSites};
use store::{Access, Credential};

use super::World;

#[tokio::test]
async fn a_token_is_shown_once_and_works_until_revoked() {
    let (world, mut owner) = World::with_owner().await;
    let (one, other) = (owner.add_site("One").await, owner.add_site("Other").await);
    let form = [("name", "screen"), ("scope_read", "on"), ("sites", one.as_str())];
    let page = owner.post("/account/tokens", &form).await;
    let secret = format!("wft_{}", page.secret_behind("wft_"));
    let listed = owner.get("/account/tokens").await;
    listed.says("screen");
    assert!(!listed.text.contains(&secret));

    let mut program = world.browser();
    program.headers.push(("authorization", format!("Bearer {secret}")));
    let sites = program.get("/api/watchfire/sites").await.json();
    assert_eq!(sites["sites"].as_array().unwrap().len(), 1);
    assert_eq!(program.get(&format!("/api/watchfire/sites/{one}")).await.status, StatusCode::OK);
    assert_eq!(program.get(&format!("/api/watchfire/sites/{other}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(program.get("/account/tokens").await.status, StatusCode::SEE_OTHER);

    let account = world.store.accounts.account_by_email("olive@example.org").await.unwrap();
    let token = world.store.accounts.tokens(account.id).await.unwrap().remove(0);
    let mut rights = world.listen(live::RIGHTS_TOPIC).await;
    owner.post(&format!("/account/tokens/{}/revoke", token.id), &[]).await;
    assert!(rights.0.try_recv().is_ok());
    assert_eq!(program.get("/api/watchfire/sites").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn only_the_operator_mints_tokens_that_state_senders() {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    let form = [("name", "replay"), ("scope_read", "on"), ("scope_state_sender", "on"), ("sites", "all")];
    let page = owner.post("/account/tokens", &form).await;
    let credential = Credential::Token(format!("wft_{}", page.secret_behind("wft_")));
    let access = Access::new(&world.store, world.clock.clone());
    let principal = access.principal(&credential).await.unwrap();
    assert!(access.may_state_sender(&principal, site.parse().unwrap()));
    let Principal::Token { sites: TokenSites::All, scopes, .. } = principal else { panic!("{principal:?}") };
    assert_eq!(scopes, [Scope::Read, Scope::StateSender]);

    let mut admin = owner.invites(&site, "owner", "ada@example.org").await;
    assert!(!admin.get("/account/tokens").await.text.contains("scope_state_sender"));
    assert_eq!(admin.post("/account/tokens", &form).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_token_for_somebody_elses_site_is_not_minted() {
    let (_world, mut owner) = World::with_owner().await;
    let (one, other) = (owner.add_site("One").await, owner.add_site("Other").await);
    let mut guest = owner.invites(&one, "viewer", "gus@example.org").await;
    let form =
        |site: &str| [("name", "t".to_owned()), ("scope_read", "on".to_owned()), ("sites", site.to_owned())];
    for (site, status) in
        [(&one, 200), (&other, 404), (&"WF-00000000".to_owned(), 404), (&"x".to_owned(), 404)]
    {
        let form = form(site);
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(guest.post("/account/tokens", &form).await.status, status, "{site}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_token_is_said_and_their_number_is_bounded() {
    let (_world, mut owner) = World::with_owner().await;
    let nothing = owner.post("/account/tokens", &[("name", "t"), ("sites", "all")]).await;
    assert_eq!(nothing.status, StatusCode::BAD_REQUEST);
    nothing.says("Choose at least one thing");
    let form = [("name", "t"), ("scope_read", "on"), ("sites", "all")];
    for _ in 0..TOKENS_MAX {
        assert_eq!(owner.post("/account/tokens", &form).await.status, StatusCode::OK);
    }
    let full = owner.post("/account/tokens", &form).await;
    assert_eq!(full.status, StatusCode::CONFLICT);
    full.says(&format!("At most {TOKENS_MAX}"));
}

#[tokio::test]
async fn a_token_is_revoked_by_its_own_account_only() {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    let mut guest = owner.invites(&site, "owner", "gus@example.org").await;
    owner.post("/account/tokens", &[("name", "t"), ("scope_read", "on"), ("sites", "all")]).await;
    let account = world.store.accounts.account_by_email("olive@example.org").await.unwrap();
    let token = world.store.accounts.tokens(account.id).await.unwrap().remove(0);
    let path = format!("/account/tokens/{}/revoke", token.id);
    assert_eq!(guest.post(&path, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(owner.post(&path, &[]).await.status, StatusCode::SEE_OTHER);
}

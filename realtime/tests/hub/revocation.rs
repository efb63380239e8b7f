//! Rights that are taken away while somebody watches.

use std::time::Duration;

use realtime::Options;
use serde_json::json;
use store::accounts::SecretHash;

use crate::house::*;

async fn watching(house: &House, query: &str) -> Dashboard {
    let mut dashboard = house.connect(query).await;
    dashboard.subscribe(1, &topic(SITE, "now")).await;
    dashboard.next_named("snapshot").await;
    dashboard
}

/// Shows that somebody else still watches: the hub works.
async fn still_told(house: &House, dashboard: &mut Dashboard, name: u64) {
    house.put(name..name + 1, "/").await;
    dashboard.next_named("delta").await;
}

#[tokio::test]
async fn a_lost_role_ends_the_subscription_and_not_the_connection() {
    let house = House::open(Options::default()).await;
    let mut viewer = watching(&house, &format!("token={VIEWER_TOKEN}")).await;
    let mut owner = watching(&house, &format!("token={OWNER_TOKEN}")).await;
    house.store.accounts.revoke(SITE, VIEWER).await.unwrap();
    house.tell_rights().await;
    let ended = viewer.next_named("ended").await;
    assert_eq!((&ended["key"], &ended["code"]), (&json!(topic(SITE, "now")), &json!("revoked")));
    still_told(&house, &mut owner, 1).await;
    viewer.subscribe(1, &topic(SITE, "now")).await;
    let answer = viewer.next().await;
    assert_eq!(answer["refused"]["code"], "not_found", "no delta came before: {answer}");
    house.close().await;
}

#[tokio::test]
async fn a_revoked_credential_closes_the_connection() {
    let house = House::open(Options::default()).await;
    let origin = format!("http://{}", house.address);
    let mut request = house.request("/api/watchfire/live");
    request.headers_mut().insert("cookie", format!("watchfire={VIEWER_COOKIE}").parse().unwrap());
    request.headers_mut().insert("origin", origin.parse().unwrap());
    let mut signed_in = house.try_connect(request).await.unwrap();
    let mut token = watching(&house, &format!("token={VIEWER_TOKEN}")).await;
    let mut shares = Vec::new();
    for _ in 0..10 {
        shares.push(watching(&house, &format!("share={SHARE}")).await);
    }
    let mut owner = watching(&house, &format!("token={OWNER_TOKEN}")).await;

    house.store.accounts.close_sign_in(SecretHash::of(VIEWER_COOKIE)).await.unwrap();
    house.tell_rights().await;
    assert_eq!(signed_in.closed().await, Some(4401));
    still_told(&house, &mut token, 1).await;

    house.store.accounts.revoke_token(VIEWER, model::TokenId::of(2)).await.unwrap();
    house.tell_rights().await;
    assert_eq!(token.closed().await, Some(4401));

    house.store.accounts.unshare(SITE, model::ShareId::of(1)).await.unwrap();
    house.tell_rights().await;
    for share in &mut shares {
        assert_eq!(share.closed().await, Some(4401));
    }
    owner.next_named("delta").await;
    still_told(&house, &mut owner, 2).await;
    house.close().await;
}

#[tokio::test]
async fn a_deleted_site_ends_for_everybody() {
    let house = House::open(Options::default()).await;
    let mut owner = watching(&house, &format!("token={OWNER_TOKEN}")).await;
    owner.subscribe(2, &topic(OTHER_SITE, "now")).await;
    owner.next_named("snapshot").await;
    house.store.sites.remove(SITE).await.unwrap();
    house.tell_sites(SITE).await;
    let ended = owner.next_named("ended").await;
    assert_eq!((&ended["key"], &ended["code"]), (&json!(topic(SITE, "now")), &json!("deleted")));
    owner.subscribe(1, &topic(SITE, "now")).await;
    assert_eq!(owner.next().await["refused"]["code"], "not_found");
    let arrived = visitor(1, "/");
    let change = live::Change { key: arrived.key, before: None, after: Some(arrived.into()) };
    house.commit(OTHER_SITE, vec![change]).await;
    assert_eq!(owner.next_named("delta").await["key"], topic(OTHER_SITE, "now"));
    house.close().await;
}

#[tokio::test]
async fn a_site_that_live_forgot_is_watched_again_while_it_exists() {
    use live::Live;
    let house = House::open(Options::default()).await;
    house.put(0..3, "/").await;
    let mut owner = house.connect(&format!("token={OWNER_TOKEN}")).await;
    owner.subscribe(1, &topic(SITE, "now")).await;
    assert_eq!(owner.next_named("snapshot").await["data"]["present"], 3);
    house.live.forget(SITE).await.unwrap();
    assert_eq!(owner.next_named("delta").await["data"]["present"], 0);
    still_told(&house, &mut owner, 9).await;
    house.close().await;
}

#[tokio::test]
async fn rights_are_looked_up_again_without_any_notice() {
    let house = House::open(Options { recheck: Duration::from_millis(50), ..Options::default() }).await;
    let mut viewer = watching(&house, &format!("token={VIEWER_TOKEN}")).await;
    house.store.accounts.revoke(SITE, VIEWER).await.unwrap();
    assert_eq!(viewer.next_named("ended").await["code"], "revoked");
    house.close().await;
}

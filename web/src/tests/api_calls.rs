//! The JSON API: its shapes, its errors, who may call it.

use axum::http::{Method, StatusCode};
use serde_json::json;

use super::{Browser, Page, World};

const API: &str = "/api/watchfire/sites";

async fn post_json(browser: &mut Browser, body: &str) -> Page {
    browser.send(Method::POST, API, &[("content-type", "application/json")], body.to_owned()).await
}

#[tokio::test]
async fn sites_are_listed_added_and_told() {
    let (_world, mut owner) = World::with_owner().await;
    assert_eq!(owner.get(API).await.json(), json!({ "sites": [], "next": null }));
    let made = post_json(&mut owner, r#"{"name": "Shop", "hostnames": ["HTTPS://Shop.example/"]}"#).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let site = made.json();
    let expected = json!({
        "id": site["id"], "name": "Shop", "hostnames": ["shop.example"], "time_zone": "UTC", "present": 0,
        "settings": {"honour_opt_out": false, "first_party_id": false, "ignored_addresses": [], "ignored_paths": [],
                     "keep_days": null},
    });
    assert_eq!(site, expected);
    assert_eq!(owner.get(&format!("{API}/{}", site["id"].as_str().unwrap())).await.json(), expected);
    assert_eq!(owner.get(API).await.json()["sites"], json!([expected]));
}

#[tokio::test]
async fn a_viewer_is_told_of_their_sites_without_settings() {
    let (_world, mut owner) = World::with_owner().await;
    let one = owner.add_site("One").await;
    owner.add_site("Other").await;
    let mut viewer = owner.invites(&one, "viewer", "vic@example.org").await;
    let sites = viewer.get(API).await.json()["sites"].clone();
    assert_eq!(sites.as_array().unwrap().len(), 1);
    assert_eq!((&sites[0]["id"], sites[0].get("settings")), (&json!(one), None));
    assert_eq!(
        post_json(&mut viewer, r#"{"name": "x", "hostnames": ["*"]}"#).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn errors_are_json_with_a_code() {
    let (world, mut owner) = World::with_owner().await;
    let check = |page: Page, status: u16, code: &str| {
        assert_eq!(
            (page.status.as_u16(), &page.json()["error"]["code"]),
            (status, &json!(code)),
            "{}",
            page.text
        );
    };
    check(post_json(&mut owner, "{").await, 400, "malformed");
    check(post_json(&mut owner, r#"{"name": "", "hostnames": ["*"]}"#).await, 400, "field");
    check(post_json(&mut owner, r#"{"name": "x", "hostnames": []}"#).await, 400, "field");
    let large = " ".repeat(crate::fields::BODY_BYTES_MAX + 1);
    check(post_json(&mut owner, &large).await, 413, "body_too_large");
    check(owner.get(&format!("{API}/WF-00000000")).await, 404, "not_found");
    check(owner.get(&format!("{API}/nonsense")).await, 404, "not_found");
    check(owner.get("/api/watchfire/nothing").await, 404, "not_found");
    check(owner.send(Method::DELETE, API, &[], "").await, 405, "method");
    let mut stranger = world.browser();
    check(stranger.get(API).await, 401, "sign_in");
    check(stranger.get(&format!("{API}?token=wft_guess")).await, 401, "sign_in");
    let evil = [("origin", "http://evil.example")];
    check(owner.send(Method::POST, API, &evil, "{}").await, 403, "cross_site");
}

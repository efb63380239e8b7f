//! Goals, segments, funnels and annotations: saved, told, changed, removed; nothing that a report would refuse.

use axum::http::Method;
use model::limits::{SAVED_BYTES_MAX, SAVED_MAX};
use serde_json::{Value, json};

use super::{Browser, Page, World};

async fn send(browser: &mut Browser, path: &str, body: &Value) -> Page {
    browser.send(Method::POST, path, &[("content-type", "application/json")], body.to_string()).await
}

fn path(site: &str) -> String {
    format!("/api/watchfire/sites/{site}/saved")
}

fn goal(name: &str) -> Value {
    json!({"kind": "goal", "name": name, "body": {"filter": {"is": {"by": "event", "values": ["order"]}}}})
}

#[tokio::test]
async fn what_is_saved_is_told_changed_and_removed() {
    let (_world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    let step = |page: &str| json!({"name": page, "filter": {"is": {"by": "page", "values": [page]}}});
    let items = [
        goal("Orders"),
        json!({"kind": "segment", "name": "French", "body": {"filter": {"is": {"by": "country", "values": ["FR"]}}}}),
        json!({"kind": "funnel", "name": "Buying", "body": {"steps": [step("/"), step("/cart")], "window_ms": 86_400_000}}),
        json!({"kind": "annotation", "name": "Release", "body": {"text": "Two."}, "at": 1_772_620_200_000_i64}),
    ];
    let mut made = Vec::new();
    for item in &items {
        let page = send(&mut owner, &path(&site), item).await;
        assert_eq!(page.status, 201, "{}", page.text);
        let told = page.json();
        for (name, value) in item.as_object().unwrap() {
            assert_eq!(&told[name], value);
        }
        made.push(told);
    }
    assert_eq!(owner.get(&path(&site)).await.json(), json!({ "saved": made }));
    let id = made[0]["id"].as_str().unwrap().to_owned();
    let mut changed = goal("All orders");
    changed["body"]["filter"] = json!({"starts": {"by": "event", "values": ["order"]}});
    let page = send(&mut owner, &format!("{}/{id}", path(&site)), &changed).await;
    assert_eq!((page.status.as_u16(), &page.json()["body"]), (200, &changed["body"]));
    let removed = send(&mut owner, &format!("{}/{id}/remove", path(&site)), &json!({})).await;
    assert_eq!(removed.status, 204);
    assert_eq!(send(&mut owner, &format!("{}/{id}/remove", path(&site)), &json!({})).await.status, 404);
    assert_eq!(owner.get(&path(&site)).await.json()["saved"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn what_a_report_would_refuse_is_not_saved() {
    let (_world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    let is = || json!({"is": {"by": "page", "values": ["/"]}});
    let filter = |filter: Value| json!({"kind": "segment", "name": "s", "body": {"filter": filter}});
    let funnel = |steps: usize, window: i64| {
        let steps: Vec<Value> = (0..steps).map(|_| json!({"name": "a", "filter": is()})).collect();
        json!({"kind": "funnel", "name": "f", "body": {"steps": steps, "window_ms": window}})
    };
    let wide = |count: usize| filter(json!({"or": vec![is(); count - 1]}));
    // The body as it is kept has 11 bytes around its text.
    let note = |bytes: usize| json!({"kind": "annotation", "name": "n", "at": 0, "body": {"text": "x".repeat(bytes - 11)}});
    for good in [wide(24), funnel(10, 1), funnel(1, 34_560_000_000), note(SAVED_BYTES_MAX)] {
        let page = send(&mut owner, &path(&site), &good).await;
        assert_eq!(page.status, 201, "{}", page.text);
    }
    for (bad, field) in [
        (wide(25), "filter"),
        (filter(json!({"matches": {"by": "page", "pattern": "("}})), "filter"),
        (filter(json!({"is": {"by": "pgae", "values": []}})), "filter.is.by"),
        (funnel(11, 1), "steps"),
        (funnel(0, 1), "steps"),
        (funnel(1, 34_560_000_001), "window_ms"),
        (note(SAVED_BYTES_MAX + 1), "body"),
        (json!({"kind": "annotation", "name": "n", "body": {"text": "x"}}), "at"),
        (json!({"kind": "goal", "name": " ", "body": {"filter": is()}}), "name"),
        (json!({"kind": "goal", "name": "g", "at": 1, "body": {"filter": is()}}), "at"),
        (json!({"kind": "goals", "name": "g", "body": {"filter": is()}}), "kind"),
    ] {
        let page = send(&mut owner, &path(&site), &bad).await;
        let told = page.json();
        assert_eq!((page.status.as_u16(), &told["field"]), (400, &json!(field)), "{bad} {told}");
    }
}

#[tokio::test]
async fn a_site_has_so_many_of_a_kind_and_no_other_sites() {
    let (_world, mut owner) = World::with_owner().await;
    let (site, other) = (owner.add_site("Shop").await, owner.add_site("Other").await);
    let made = send(&mut owner, &path(&site), &goal("0")).await.json();
    let id = made["id"].as_str().unwrap();
    assert_eq!(send(&mut owner, &format!("{}/{id}", path(&other)), &goal("x")).await.status, 404);
    assert_eq!(send(&mut owner, &format!("{}/{id}/remove", path(&other)), &json!({})).await.status, 404);
    for number in 1..SAVED_MAX {
        assert_eq!(send(&mut owner, &path(&site), &goal(&number.to_string())).await.status, 201);
    }
    let refused = send(&mut owner, &path(&site), &goal("past")).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["error"]["code"]), (409, &json!("limit")));
    let link = owner.post(&format!("/sites/{site}/shares"), &[("name", "wall")]).await;
    let share = link.secret_behind("/share/");
    let mut viewer = owner.invites(&site, "viewer", "vic@example.org").await;
    assert_eq!(viewer.get(&path(&site)).await.status, 200);
    assert_eq!(viewer.get(&format!("{}?share={share}", path(&site))).await.status, 404);
}

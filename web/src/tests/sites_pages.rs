//! Adding, changing and deleting sites; the tag page.

use std::time::Duration;

use axum::http::StatusCode;
use bytes::Bytes;
use model::limits::{HOSTNAMES_MAX, IGNORED_MAX, NAME_BYTES_MAX};
use model::{BatchId, SiteId};
use store::StoreError;
use store::history::TailBatch;

use super::{NOW, World, site_form};

#[tokio::test]
async fn a_new_site_leads_to_its_tag() {
    let (world, mut owner) = World::with_owner().await;
    owner.get("/?x").await.says("/sites/new");
    let mut told = world.listen(live::SITES_TOPIC).await;
    let mut form = site_form("The Shop");
    form[1].1 = "https://Shop.example/tea\n\n*.shop.example\n";
    form.extend([
        ("honour_opt_out", "on"),
        ("ignored_addresses", "203.0.113.0/24"),
        ("ignored_paths", "/admin/*"),
    ]);
    let answer = owner.post("/sites/new", &form).await;
    let id = answer.location().split('/').nth(2).unwrap().to_owned();
    assert_eq!(answer.location(), format!("/sites/{id}/tag"));
    assert_eq!(told.0.try_recv().unwrap(), id);

    let site = world.store.sites.site(id.parse().unwrap()).await.unwrap();
    assert_eq!(site.name, "The Shop");
    assert_eq!(site.hostnames, ["shop.example", "*.shop.example"]);
    assert_eq!(
        (site.time_zone.as_str(), site.honour_opt_out, site.first_party_id),
        ("Europe/Paris", true, false)
    );
    assert_eq!(
        (site.ignored_addresses, site.ignored_paths),
        (vec!["203.0.113.0/24".into()], vec!["/admin/*".into()])
    );

    let tag = owner.get(&format!("/sites/{id}/tag")).await;
    tag.says(&format!(
        "&lt;script defer src=\"http://stats.example:8080/wf.js\" data-site=\"{id}\"&gt;&lt;/script&gt;"
    ));
    tag.says(&format!("/v1/p.gif?site={id}"));
    tag.says("Waiting for the first hit");
    tag.says(&format!("data-site=\"{id}\""));
}

#[tokio::test]
async fn the_tag_page_says_when_hits_arrive() {
    let (world, mut owner) = World::with_owner().await;
    let id = owner.add_site("Shop").await;
    let batch = TailBatch {
        id: BatchId(1),
        site: id.parse().unwrap(),
        received: NOW,
        hits: 1,
        body: Bytes::from_static(b"x"),
    };
    world.store.history.append(vec![batch]).await.unwrap();
    owner.get(&format!("/sites/{id}/tag")).await.says("Hits are arriving");
}

#[tokio::test]
async fn a_double_click_makes_one_site() {
    let (world, mut owner) = World::with_owner().await;
    let mark = owner.get("/sites/new").await.hidden("mark");
    let mut form = site_form("Shop");
    form.push(("mark", &mark));
    let mut again = owner.clone();
    let (first, second) = tokio::join!(owner.post("/sites/new", &form), again.post("/sites/new", &form));
    assert_eq!(first.location(), second.location());
    assert_eq!(world.store.sites.all().await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_wrong_with_a_site_stands_at_the_field_and_nothing_is_lost() {
    let (world, mut owner) = World::with_owner().await;
    let long = "n".repeat(NAME_BYTES_MAX + 1);
    let many: Vec<String> = (0..=HOSTNAMES_MAX).map(|number| format!("h{number}.example")).collect();
    let many = many.join("\n");
    let addresses: Vec<String> = (0..=IGNORED_MAX).map(|number| format!("10.0.{number}.0/24")).collect();
    let addresses = addresses.join("\n");
    let form = [
        ("name", long.as_str()),
        ("hostnames", many.as_str()),
        ("time_zone", "Europe/Atlantis"),
        ("honour_opt_out", "on"),
        ("ignored_addresses", addresses.as_str()),
        ("ignored_paths", "admin"),
    ];
    let page = owner.post("/sites/new", &form).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    for words in [
        "81 bytes, and at most 80 fit",
        "At most 50 lines",
        "Choose a time zone",
        "At most 100 lines",
        "A path begins with /",
        "h50.example",
        "Europe/Atlantis",
        "name=\"honour_opt_out\" type=\"checkbox\" checked",
    ] {
        page.says(words);
    }
    assert_eq!(world.store.sites.all().await.unwrap(), vec![]);
}

#[tokio::test]
async fn settings_are_changed_and_told() {
    let (world, mut owner) = World::with_owner().await;
    let id = owner.add_site("Shop").await;
    let path = format!("/sites/{id}/settings");
    let shown = owner.get(&path).await;
    shown.says("value=\"Shop\"");
    shown.says("value=\"Europe/Paris\"");
    let mut told = world.listen(live::SITES_TOPIC).await;
    let form = [("name", "Tea"), ("hostnames", "*"), ("time_zone", "UTC"), ("first_party_id", "on")];
    assert_eq!(owner.post(&path, &form).await.location(), format!("{path}?done=saved"));
    assert_eq!(told.0.try_recv().unwrap(), id);
    let site = world.store.sites.site(id.parse().unwrap()).await.unwrap();
    assert_eq!((site.name.as_str(), site.first_party_id, site.created), ("Tea", true, NOW));
    let refused = owner.post(&path, &[("name", "Tea"), ("time_zone", "UTC")]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    refused.says("Add at least one hostname");
}

#[tokio::test]
async fn a_site_is_deleted_with_its_name_typed_and_everything_goes() {
    let (world, mut owner) = World::with_owner().await;
    let id = owner.add_site("Tea & Cake").await;
    let site: SiteId = id.parse().unwrap();
    let batch = TailBatch { id: BatchId(1), site, received: NOW, hits: 1, body: Bytes::from_static(b"x") };
    world.store.history.append(vec![batch]).await.unwrap();
    let path = format!("/sites/{id}/delete");
    let refused = owner.post(&path, &[("confirm", "Tea")]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    refused.says("Type the site");
    assert!(world.store.sites.site(site).await.is_ok());

    let (mut sites, mut rights) =
        (world.listen(live::SITES_TOPIC).await, world.listen(live::RIGHTS_TOPIC).await);
    assert_eq!(owner.post(&path, &[("confirm", " Tea & Cake ")]).await.location(), "/?done=deleted");
    assert_eq!(sites.0.try_recv().unwrap(), id);
    assert!(rights.0.try_recv().is_ok());
    assert!(matches!(world.store.sites.site(site).await, Err(StoreError::NotFound(_))));
    assert!(world.store.history.tail_of(site, None, 1).await.unwrap().batches.is_empty());
    assert_eq!(owner.get(&format!("/sites/{id}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(owner.post(&path, &[("confirm", "Tea & Cake")]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_change_is_finished_though_the_browser_went_away() {
    let (mut world, mut owner) = World::with_owner().await;
    let id = owner.add_site("Shop").await;
    let mut rights = world.listen(live::RIGHTS_TOPIC).await;
    let path = format!("/sites/{id}/delete");
    let delete = owner.post(&path, &[("confirm", "Shop")]);
    let gone = tokio::time::timeout(Duration::ZERO, delete).await;
    assert!(gone.is_err(), "the browser leaves before the answer");
    world.stop().await;
    assert!(matches!(world.store.sites.site(id.parse().unwrap()).await, Err(StoreError::NotFound(_))));
    assert!(rights.0.try_recv().is_ok());
}

#[tokio::test]
async fn forms_are_bounded_and_of_one_kind() {
    let (_world, mut owner) = World::with_owner().await;
    let form = |bytes: usize| format!("name={}", "a".repeat(bytes - 5));
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let max = crate::fields::BODY_BYTES_MAX;
    let post = axum::http::Method::POST;
    let fits = owner.send(post.clone(), "/sites/new", &headers, form(max)).await;
    assert_eq!(fits.status, StatusCode::BAD_REQUEST);
    let large = owner.send(post.clone(), "/sites/new", &headers, form(max + 1)).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    large.says("at most 65536 bytes");
    let odd = owner.send(post, "/sites/new", &[("content-type", "text/plain")], form(max)).await;
    assert_eq!(odd.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn the_demo_leads_to_ones_first_site_and_carries_its_tag() {
    let (world, mut owner) = World::with_owner().await;
    assert_eq!(owner.get("/demo").await.location(), "/sites/new");
    let id = owner.add_site("Shop").await;
    assert_eq!(owner.get("/demo").await.location(), format!("/demo/{id}/"));
    let mut visitor = world.browser();
    assert_eq!(visitor.get(&format!("/demo/{id}")).await.location(), format!("/demo/{id}/"));
    for path in ["", "teas", "teas/assam", "cart", "about"] {
        let page = visitor.get(&format!("/demo/{id}/{path}")).await;
        page.says(&format!("<script defer src=\"/wf.js\" data-site=\"{id}\"></script>"));
        assert_eq!(page.header("referrer-policy"), "strict-origin-when-cross-origin");
        let absent = visitor.get(&format!("/demo/WF-00000000/{path}")).await;
        assert_eq!(absent.status, StatusCode::NOT_FOUND, "{path}");
    }
    visitor.get(&format!("/demo/{id}/price-list.txt")).await.says("Assam");
    assert_eq!(visitor.get("/demo/demo.css").await.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(visitor.get(&format!("/demo/{id}/elsewhere")).await.status, StatusCode::NOT_FOUND);
}

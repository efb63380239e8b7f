//! The pixel, and the tag's script.

use std::io::Read;

use model::HitKind;

use super::world::{Answer, Ask, SITE, World};

fn pixel(query: &str) -> Ask {
    Ask::get(&format!("/v1/p.gif?{query}"))
}

/// The picture is always the same; why it was not counted stands in a header.
fn check(answer: &Answer, refused: Option<&str>) {
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, Some("image/gif")));
    assert!(answer.body.starts_with(b"GIF89a") && answer.body.ends_with(b";"));
    assert_eq!(answer.header("cache-control"), Some("no-store, max-age=0"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("watchfire-refused"), refused);
}

#[tokio::test]
async fn the_pixel_is_one_pageview_of_the_page_that_shows_it() {
    let world = World::start().await;
    let by_referer = pixel(&format!("site={SITE}")).with("referer", "https://shop.example/tea?x=1");
    check(&world.ask(by_referer).await, None);
    let stated = format!(
        "site={SITE}&url=https%3A%2F%2Fshop.example%2F%C3%A9&referrer=https://n.example/&title=T%20%C3%A9"
    );
    check(&world.ask(pixel(&stated).with("referer", "https://other.example/")).await, None);
    let arrivals = world.arrivals().await;
    let urls: Vec<_> = arrivals.iter().map(|arrival| &*arrival.hits[0].url).collect();
    assert_eq!(urls, ["https://shop.example/tea?x=1", "https://shop.example/é"]);
    let expected =
        HitKind::Pageview { referrer: "https://n.example/".into(), title: "T é".into(), due_ms: None };
    assert_eq!(arrivals[1].hits[0].kind, expected);
    assert_ne!(arrivals[0].hits[0].id, arrivals[1].hits[0].id);
    assert_eq!(arrivals[0].visitor, arrivals[1].visitor);
    world.end().await;
}

#[tokio::test]
async fn the_pixel_says_why_it_was_not_counted() {
    let world = World::start().await;
    let refused = async |ask: Ask, code: &str| check(&world.ask(ask).await, Some(code));
    let here = "https://shop.example/";
    refused(pixel(""), "unknown_site").await;
    refused(pixel("site=WF-00000009").with("referer", here), "unknown_site").await;
    refused(pixel(&format!("site={SITE}")), "url").await;
    refused(pixel(&format!("site={SITE}")).with("referer", "https://x.example/"), "hostname").await;
    refused(pixel(&format!("site={SITE}&url={here}{}", "u".repeat(2_048))), "too_long").await;
    refused(pixel(&format!("site={SITE}&url={here}&x={}", "x".repeat(8_192))), "too_long").await;
    refused(pixel(&format!("site={SITE}")).with("referer", b"\xff\xfe"), "url").await;
    world.change_site(|site| site.ignored_paths = vec!["/".into()]).await;
    super::world::eventually("the path is ignored", async || {
        world.ask(pixel(&format!("site={SITE}&url={here}"))).await.header("watchfire-refused")
            == Some("ignored")
    })
    .await;
    world.end().await;
}

#[tokio::test]
async fn who_looks_at_the_head_of_the_pixel_shows_no_page() {
    let world = World::start().await;
    let head = Ask { method: "HEAD", ..pixel(&format!("site={SITE}&url=https://shop.example/")) };
    let answer = world.ask(head).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
    assert_eq!(world.arrivals().await, []);
    world.end().await;
}

#[tokio::test]
async fn the_tag_is_served_at_both_addresses_small_and_kept_by_browsers() {
    let world = World::start().await;
    for target in ["/wf.js", "/v1/wf.js"] {
        let plain = world.ask(Ask::get(target)).await;
        assert_eq!(plain.status, 200);
        assert_eq!(plain.header("content-type"), Some("text/javascript; charset=utf-8"));
        assert_eq!(plain.header("cache-control"), Some("public, max-age=3600"));
        assert_eq!(plain.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(plain.header("cross-origin-resource-policy"), Some("cross-origin"));
        assert_eq!(plain.header("access-control-allow-origin"), Some("*"));
        let packed = world.ask(Ask::get(target).with("accept-encoding", "gzip, br")).await;
        assert_eq!(packed.header("content-encoding"), Some("gzip"));
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&packed.body[..]).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain.body);
        let etag = plain.header("etag").expect("an ETag").to_owned();
        let known = world.ask(Ask::get(target).with("if-none-match", &etag)).await;
        assert_eq!((known.status.as_u16(), known.body.len()), (304, 0));
        let head = world.ask(Ask { method: "HEAD", ..Ask::get(target) }).await;
        assert_eq!((head.status.as_u16(), head.body.len(), head.header("etag")), (200, 0, Some(&*etag)));
    }
    world.end().await;
}

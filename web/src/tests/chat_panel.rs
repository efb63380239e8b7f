//! The panel's page, and the module that brings it: who may frame it, what it is told, and that it is gone where the chat is off.

use serde_json::Value;

use super::World;
use crate::assets::URLS;

#[tokio::test]
async fn the_panel_stands_in_frames_of_the_sites_own_pages_alone() {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    let mut stranger = world.browser();
    let path = format!("/chat/{site}");
    assert_eq!(stranger.get(&path).await.status, 404, "the chat is off");
    let greeting = "Hi \"you\" & <b>you</b>";
    let fields =
        [("on", "on"), ("colour", "#b8400e"), ("side", "left"), ("greeting", greeting), ("replies_in", "")];
    owner.post(&format!("/sites/{site}/chat"), &fields).await;

    let page = stranger.get(&path).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let policy = page.header("content-security-policy");
    for rule in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:"]
    {
        assert!(policy.contains(rule), "{rule} in {policy}");
    }
    let (_, ancestors) = policy.split_once("frame-ancestors ").unwrap();
    assert_eq!(ancestors, "'self' http://shop.example:* https://shop.example:*");
    assert_eq!(page.header("cross-origin-opener-policy"), "unsafe-none");
    assert_eq!(page.header("cross-origin-resource-policy"), "cross-origin");
    assert_eq!(page.header("cache-control"), "no-store");
    for asset in [URLS.panel_css, URLS.panel_js] {
        page.says(asset);
    }
    assert!(!page.text.contains("<b>you"), "{}", page.text);
    let settings = stranger.get(&format!("/api/watchfire/chat/{site}")).await;
    assert_eq!(settings.header("access-control-allow-origin"), "*");
    assert_eq!(told(&page.text), settings.json());
    assert_eq!(told(&page.text)["greeting"], greeting);
    assert_eq!(stranger.get("/chat/WF-00000000").await.status, 404);
    assert_eq!(stranger.get("/chat/x").await.status, 404);
}

#[tokio::test]
async fn any_hostname_at_all_is_any_ancestor() {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    owner.post(&format!("/sites/{site}/chat"), &[("on", "on"), ("colour", "#b8400e")]).await;
    let id = site.parse().unwrap();
    let mut anywhere = world.store.sites.site(id).await.unwrap();
    anywhere.hostnames = vec!["*".into(), "*.shop.example".into(), "[::1]".into()];
    world.store.sites.change(anywhere).await.unwrap();
    let policy = world.browser().get(&format!("/chat/{site}")).await.header("content-security-policy");
    assert!(
        policy.ends_with("frame-ancestors 'self' * http://*.shop.example:* https://*.shop.example:*"),
        "{policy}"
    );
}

#[tokio::test]
async fn the_panel_speaks_the_language_that_is_asked_for() {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    owner.post(&format!("/sites/{site}/chat"), &[("on", "on"), ("colour", "#b8400e")]).await;
    for (asked, lang, dir) in [
        ("", "en", "ltr"),
        ("?lang=fr-CH", "fr", "ltr"),
        ("?lang=ZH", "zh", "ltr"),
        ("?lang=ar", "ar", "rtl"),
        ("?lang=arn", "en", "ltr"),
        ("?lang=%22%3E", "en", "ltr"),
    ] {
        let page = world.browser().get(&format!("/chat/{site}{asked}")).await;
        page.says(&format!("<html lang=\"{lang}\" dir=\"{dir}\">"));
    }
}

#[tokio::test]
async fn chat_js_is_for_pages_of_others() {
    let world = World::empty().await;
    let script = world.browser().get("/chat.js?WF-8K2MZQ4T").await;
    assert_eq!(script.status, 200);
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(script.header("access-control-allow-origin"), "*");
    assert_eq!(script.header("cross-origin-resource-policy"), "cross-origin");
    assert_eq!(script.header("cache-control"), "public, max-age=3600");
}

/// What the page's root says to its script.
fn told(html: &str) -> Value {
    let (_, behind) = html.split_once("data-settings=\"").unwrap();
    let (settings, _) = behind.split_once('"').unwrap();
    let plain = [("&#34;", "\""), ("&#60;", "<"), ("&#62;", ">"), ("&#39;", "'"), ("&#38;", "&")];
    let settings = plain.iter().fold(settings.to_owned(), |text, (entity, sign)| text.replace(entity, sign));
    serde_json::from_str(&settings).unwrap()
}

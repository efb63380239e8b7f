//! What stands on every answer, whatever it is; and requests that other sites make.

use axum::http::{Method, StatusCode};

use super::{HOST, Page, World, site_form};
use crate::assets::{FILES, URLS};

#[track_caller]
fn check_headers(page: &Page) {
    let csp = page.header("content-security-policy");
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    ] {
        assert!(csp.contains(rule), "{rule} in {csp}");
    }
    assert!(!csp.contains("unsafe"), "{csp}");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("cross-origin-opener-policy"), "same-origin");
    assert!(!page.header("permissions-policy").is_empty());
    assert!(!page.header("referrer-policy").is_empty());
    assert!(!page.header("cache-control").is_empty());
}

#[tokio::test]
async fn every_answer_is_protected() {
    let (world, mut owner) = World::with_owner().await;
    let site = owner.add_site("Shop").await;
    let mut stranger = world.browser();
    for (path, status) in [
        ("/", 303),
        ("/sign-in", 200),
        ("/nothing/here", 404),
        ("/setup/x", 404),
        ("/robots.txt", 200),
        ("/favicon.svg", 200),
        (URLS.css, 200),
        ("/assets/app-0.css", 404),
        ("/assets/%FF", 400),
        ("/share/%FF", 400),
        ("/sites/new", 303),
        ("/api/watchfire/sites", 401),
    ] {
        let page = stranger.get(path).await;
        assert_eq!(page.status.as_u16(), status, "{path}");
        let is_page = status < 400 || path.starts_with("/api/") || page.text.contains("<h1>");
        assert!(is_page, "{path}: {}", page.text);
        check_headers(&page);
    }
    let pages = ["", "/tag", "/settings", "/people"].map(|page| format!("/sites/{site}{page}"));
    for path in pages.iter().map(String::as_str).chain(["/", "/account", "/account/tokens", "/sites/new"]) {
        let page = owner.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        assert_eq!(page.header("referrer-policy"), "same-origin", "{path}");
        assert!(
            !page.text.contains("<script>") && !page.text.contains(" style="),
            "{path} needs no exception"
        );
        check_headers(&page);
    }
    let wrong_method = stranger.send(Method::DELETE, "/sign-in", &[], "").await;
    assert_eq!(wrong_method.status, StatusCode::METHOD_NOT_ALLOWED);
    wrong_method.says("<h1>Not possible here</h1>");
    check_headers(&wrong_method);
}

#[tokio::test]
async fn what_another_site_sends_changes_nothing() {
    let (world, mut owner) = World::with_owner().await;
    let own = format!("http://{HOST}");
    let refused = [
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site"), ("origin", own.as_str())],
        vec![("origin", "http://evil.example")],
        vec![("origin", "null")],
        vec![("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")],
    ];
    for headers in refused {
        let page = owner.submit("/sites/new", &headers, &site_form("Shop")).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{headers:?}");
        page.says("came from another site");
        check_headers(&page);
    }
    assert_eq!(world.store.sites.all().await.unwrap(), vec![]);
    let good = owner.submit("/sites/new", &[("origin", own.as_str())], &site_form("Shop")).await;
    assert_eq!(good.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn assets_are_kept_for_ever_and_sent_small() {
    let world = World::empty().await;
    let mut browser = world.browser();
    for file in FILES {
        let page = browser.get(file.url).await;
        assert_eq!(page.status, StatusCode::OK, "{}", file.url);
        assert_eq!(page.header("content-type"), file.content_type);
        assert_eq!(page.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(page.text.as_bytes(), file.bytes);
        let known = [("if-none-match", page.header("etag"))];
        let known = known.each_ref().map(|(name, value)| (*name, value.as_str()));
        assert_eq!(browser.send(Method::GET, file.url, &known, "").await.status, StatusCode::NOT_MODIFIED);
        let small = browser.send(Method::GET, file.url, &[("accept-encoding", "gzip")], "").await;
        assert_eq!(small.header("content-encoding") == "gzip", file.gzip.is_some());
    }
    let first = browser.get("/").await;
    first.says(URLS.css);
    first.says(URLS.app_js);
}

#[tokio::test]
async fn robots_are_told_to_stay_away_from_everything() {
    let world = World::empty().await;
    let robots = world.browser().get("/robots.txt").await.text;
    assert_eq!(robots, "User-agent: *\nAllow: /rooms/\nAllow: /assets/\nDisallow: /\n");
}

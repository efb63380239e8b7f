//! Who is let in, and to what: a table over credentials and sites, and the limits.

use model::SiteId;
use realtime::Options;
use serde_json::json;

use crate::house::*;

async fn check_door(house: &House, query: &str, headers: &[(&str, &str)], expected: Result<(), u16>) {
    let mut request = house.request(&format!("/api/watchfire/live{query}"));
    for (name, value) in headers {
        let name: tokio_tungstenite::tungstenite::http::HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let answer = house.try_connect(request).await.map(drop);
    assert_eq!(answer, expected, "{query} {headers:?}");
}

#[tokio::test]
async fn only_a_good_credential_opens_a_socket() {
    let house = House::open(Options::default()).await;
    let origin = format!("http://{}", house.address);
    let cookie = format!("watchfire={VIEWER_COOKIE}");
    check_door(&house, &format!("?token={VIEWER_TOKEN}"), &[], Ok(())).await;
    check_door(&house, "", &[("authorization", &format!("Bearer {VIEWER_TOKEN}"))], Ok(())).await;
    check_door(&house, &format!("?share={SHARE}"), &[], Ok(())).await;
    check_door(&house, &format!("?share={SHARE}"), &[("origin", "https://blog.example")], Ok(())).await;
    check_door(&house, "", &[("cookie", &cookie), ("origin", &origin)], Ok(())).await;
    check_door(&house, "", &[("cookie", &cookie), ("origin", "https://evil.example")], Err(403)).await;
    check_door(&house, "", &[("cookie", &cookie), ("origin", "null")], Err(403)).await;
    check_door(&house, "", &[("cookie", &cookie)], Err(403)).await;
    check_door(&house, "", &[], Err(401)).await;
    check_door(&house, "?token=wrong", &[], Err(401)).await;
    check_door(&house, "?share=wrong", &[], Err(401)).await;
    check_door(&house, "", &[("cookie", "watchfire=wrong"), ("origin", &origin)], Err(401)).await;
    house.close().await;
}

#[tokio::test]
async fn a_foreign_site_and_no_site_are_refused_alike() {
    let house = House::open(Options::default()).await;
    let may = async |query: String, site: SiteId| {
        let mut dashboard = house.connect(&query).await;
        let mut answers = Vec::new();
        for (number, kind) in ["now", "live", "visitors", "hits"].into_iter().enumerate() {
            dashboard.subscribe(number as u16, &topic(site, kind)).await;
            let answer = dashboard.next().await;
            let refused = answer["refused"].clone();
            if refused.is_null() {
                assert_eq!(answer["subscribed"]["key"], topic(site, kind));
                assert_eq!(dashboard.next().await["snapshot"]["key"], topic(site, kind));
            } else {
                assert_eq!((&refused["as"], &refused["code"]), (&json!(number), &json!("not_found")));
            }
            answers.push((refused.is_null(), refused["message"].clone()));
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "all topics of a site alike");
        answers.remove(0)
    };
    let nowhere = SiteId::of(99);
    let no_site = may(format!("token={OWNER_TOKEN}"), nowhere).await;
    assert!(!no_site.0);
    for (query, sites) in [
        (format!("token={OWNER_TOKEN}"), [(SITE, true), (OTHER_SITE, true)]),
        (format!("token={VIEWER_TOKEN}"), [(SITE, true), (OTHER_SITE, false)]),
        (format!("share={SHARE}"), [(SITE, true), (OTHER_SITE, false)]),
    ] {
        for (site, allowed) in sites {
            let answer = may(query.clone(), site).await;
            assert_eq!(answer.0, allowed, "{query} {site}");
            assert!(allowed || answer == no_site, "{query} {site}");
        }
        assert_eq!(may(query, nowhere).await, no_site);
    }
    house.close().await;
}

#[tokio::test]
async fn connections_have_a_largest_number_in_all_and_each() {
    let options = Options {
        connections_max: 3,
        connections_each_max: 2,
        connections_a_share_max: 1,
        ..Options::default()
    };
    let house = House::open(options).await;
    let connect =
        async |query: String| house.try_connect(house.request(&format!("/api/watchfire/live?{query}"))).await;
    let first = connect(format!("token={VIEWER_TOKEN}")).await.unwrap();
    let _second = connect(format!("token={VIEWER_TOKEN}")).await.unwrap();
    assert_eq!(connect(format!("token={VIEWER_TOKEN}")).await.err(), Some(503), "one account's third");
    let _third = connect(format!("share={SHARE}")).await.unwrap();
    assert_eq!(connect(format!("token={OWNER_TOKEN}")).await.err(), Some(503), "the fourth of all");
    drop(first);
    until("a share link's second is refused where an account's passes", || async {
        connect(format!("share={SHARE}")).await.err() == Some(503)
            && connect(format!("token={OWNER_TOKEN}")).await.is_ok()
    })
    .await;
    until("a place that is given back is taken again", || async {
        connect(format!("token={VIEWER_TOKEN}")).await.is_ok()
    })
    .await;
    house.close().await;
}

#[tokio::test]
async fn filtered_views_of_a_site_have_a_largest_number() {
    let house = House::open(Options::default()).await;
    let mut dashboard = house.connect(&format!("token={OWNER_TOKEN}")).await;
    let max = realtime::options::VIEWS_MAX as u16;
    for number in 0..=max {
        let filter = json!({ "page": format!("/{number}") });
        dashboard.send(json!({ "subscribe": topic(SITE, "live"), "filter": filter, "as": number })).await;
        let answer = dashboard.next().await;
        if number < max {
            assert_eq!(answer["subscribed"]["as"], number);
            dashboard.next_named("snapshot").await;
        } else {
            assert_eq!(
                (&answer["refused"]["as"], &answer["refused"]["code"]),
                (&json!(max), &json!("too_many_views"))
            );
        }
    }
    let again = json!({ "subscribe": topic(SITE, "live"), "filter": { "page": "/0" }, "as": 1000 });
    dashboard.send(again).await;
    assert_eq!(dashboard.next().await["subscribed"]["as"], 1000, "a view that is there may be shared");
    dashboard.next_named("snapshot").await;
    dashboard.send(json!({ "unsubscribe": 1 })).await;
    dashboard
        .send(json!({ "subscribe": topic(SITE, "live"), "filter": { "os": "Linux" }, "as": 1001 }))
        .await;
    assert_eq!(dashboard.next().await["subscribed"]["as"], 1001, "a view that nobody watches makes room");
    house.close().await;
}

#[tokio::test]
async fn share_links_leave_views_to_the_people_of_the_site() {
    let house = House::open(Options::default()).await;
    let mut shared = house.connect(&format!("share={SHARE}")).await;
    let max = realtime::options::VIEWS_OF_SHARES_MAX as u16;
    for number in 0..=max {
        let filter = json!({ "page": format!("/{number}") });
        shared.send(json!({ "subscribe": topic(SITE, "live"), "filter": filter, "as": number })).await;
        let answer = shared.next().await;
        if number < max {
            assert_eq!(answer["subscribed"]["as"], number);
            shared.next_named("snapshot").await;
        } else {
            assert_eq!(answer["refused"]["code"], "too_many_views");
        }
    }
    let mut own = house.connect(&format!("token={OWNER_TOKEN}")).await;
    own.send(json!({ "subscribe": topic(SITE, "live"), "filter": { "page": "/own" }, "as": 1 })).await;
    assert_eq!(own.next().await["subscribed"]["as"], 1);
    house.close().await;
}

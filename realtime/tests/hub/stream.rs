//! What a dashboard is told while visitors come and go.

use std::time::{Duration, Instant};

use live::Change;
use realtime::Options;
use serde_json::json;

use crate::house::*;

#[tokio::test]
async fn a_dashboard_is_told_the_picture_and_then_what_changes() {
    let house = House::open(Options::default()).await;
    house.put(0..4, "/").await;
    let mut dashboard = house.connect(&format!("share={SHARE}")).await;
    dashboard.subscribe(7, &topic(SITE, "live")).await;
    let key = topic(SITE, "live");
    assert_eq!(dashboard.next().await, json!({ "subscribed": { "as": 7, "key": key } }));
    let snapshot = dashboard.next_named("snapshot").await;
    assert_eq!((&snapshot["key"], &snapshot["version"]), (&json!(key), &json!(1)));
    let data = &snapshot["data"];
    assert_eq!((&data["present"], &data["active"], &data["bots"]), (&json!(4), &json!(4), &json!(0)));
    assert_eq!(data["rows"]["country"], json!({ "DE": 2, "FR": 2 }));
    assert_eq!(data["keys"]["page"], 1);
    assert_eq!(data["peak"]["count"], 4);
    assert_eq!(data["minutes"][0]["visitors"], 4);

    house.put(4..5, "/tea").await;
    let delta = dashboard.next_named("delta").await;
    assert_eq!((&delta["key"], &delta["version"]), (&json!(key), &json!(2)));
    assert_eq!(delta["data"]["present"], 5);
    assert_eq!(delta["data"]["rows"]["page"], json!({ "/tea": 1 }));
    assert_eq!(delta["data"]["keys"], json!({ "page": 2 }));

    let gone = visitor(4, "/tea");
    house.commit(SITE, vec![Change { key: gone.key, before: None, after: None }]).await;
    let delta = dashboard.next_named("delta").await;
    assert_eq!((&delta["version"], &delta["data"]["present"]), (&json!(3), &json!(4)));
    assert_eq!(delta["data"]["rows"]["page"], json!({ "/tea": null }));
    house.close().await;
}

#[tokio::test]
async fn each_topic_of_a_site_is_told() {
    let house = House::open(Options::default()).await;
    house.put(0..1, "/").await;
    let mut dashboard = house.connect(&format!("token={VIEWER_TOKEN}")).await;
    for (number, kind) in ["now", "visitors", "hits"].into_iter().enumerate() {
        dashboard.subscribe(number as u16, &topic(SITE, kind)).await;
        let snapshot = dashboard.next_named("snapshot").await;
        match kind {
            "now" => assert_eq!(snapshot["data"], json!({ "present": 1 })),
            "visitors" => {
                assert_eq!(snapshot["data"]["total"], 1);
                let shown = &snapshot["data"]["visitors"][0];
                assert_eq!(shown["key"], "0000000000000000-0000000000000000");
                assert_eq!(shown["pages"], json!([{ "path": "/", "active": true, "scroll": 0 }]));
                assert_eq!(shown["trail"][0]["path"], "/");
            }
            _ => assert_eq!(snapshot["data"], json!({ "hits": [] }), "nobody watched before"),
        }
    }
    house.put(1..2, "/tea").await;
    let mut told = Vec::new();
    for _ in 0..3 {
        let delta = dashboard.next_named("delta").await;
        let data = &delta["data"];
        match delta["key"].as_str().unwrap().rsplit('/').next().unwrap() {
            "now" => assert_eq!(data, &json!({ "present": 2 })),
            "visitors" => assert_eq!((&data["total"], &data["set"][0]["country"]), (&json!(2), &json!("DE"))),
            _ => assert_eq!((&data["hits"][0]["path"], &data["skipped"]), (&json!("/tea"), &json!(0))),
        }
        told.push(delta["key"].clone());
    }
    told.sort_by_key(|key| key.to_string());
    told.dedup();
    assert_eq!(told.len(), 3);
    house.close().await;
}

#[tokio::test]
async fn a_quiet_topic_is_told_at_once_and_a_busy_one_five_times_a_second() {
    let house = House::open(Options::default()).await;
    let mut dashboard = house.connect(&format!("token={VIEWER_TOKEN}")).await;
    dashboard.subscribe(1, &topic(SITE, "now")).await;
    dashboard.next_named("snapshot").await;
    tokio::time::sleep(Options::default().delta_spacing).await;
    let start = Instant::now();
    house.put(0..1, "/").await;
    dashboard.next_named("delta").await;
    assert!(start.elapsed() < Options::default().delta_spacing, "the first at once: {:?}", start.elapsed());
    let (start, mut deltas) = (Instant::now(), 0);
    for name in 1..100 {
        house.put(name..name + 1, "/").await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    loop {
        deltas += 1;
        if dashboard.next_named("delta").await["data"]["present"] == 100 {
            break;
        }
    }
    let spacings = start.elapsed().as_secs_f64() / Options::default().delta_spacing.as_secs_f64();
    assert!(f64::from(deltas) <= spacings + 1.0, "{deltas} deltas in {spacings} spacings");
    assert!(deltas > 1);
    house.close().await;
}

#[tokio::test]
async fn pings_are_sent_and_a_client_that_does_not_answer_is_closed() {
    let options = Options { beat: Duration::from_millis(50), ping_beats: 2, ..Options::default() };
    let house = House::open(options).await;
    let mut deaf = house.connect(&format!("token={VIEWER_TOKEN}")).await;
    let mut well = house.connect(&format!("token={VIEWER_TOKEN}")).await;
    // Nobody answers who does not read.
    let closed = tokio::select! {
        code = deaf.closed() => code,
        message = well.next() => panic!("{message} to who asked for nothing"),
    };
    assert_eq!(closed, Some(4408));
    // By now the other one, which answers, has had its pings, too.
    well.subscribe(1, &topic(SITE, "now")).await;
    well.next_named("snapshot").await;
    for name in 0..5 {
        house.put(name..name + 1, "/").await;
        well.next_named("delta").await;
    }
    house.close().await;
}

#[tokio::test]
async fn after_unsubscribe_nothing_comes_any_more() {
    let house = House::open(Options::default()).await;
    let mut dashboard = house.connect(&format!("token={VIEWER_TOKEN}")).await;
    dashboard.subscribe(1, &topic(SITE, "now")).await;
    dashboard.subscribe(2, &topic(SITE, "live")).await;
    dashboard.next_named("snapshot").await;
    dashboard.next_named("snapshot").await;
    house.put(0..1, "/").await;
    dashboard.next_named("delta").await;
    dashboard.next_named("delta").await;
    dashboard.send(json!({ "unsubscribe": 1 })).await;
    // Its answer says that the message before was done.
    dashboard.subscribe(3, "weather").await;
    dashboard.next_named("refused").await;
    for name in 1..4 {
        house.put(name..name + 1, "/").await;
        assert_eq!(dashboard.next_named("delta").await["key"], topic(SITE, "live"));
    }
    house.close().await;
}

#[tokio::test]
async fn the_shutdown_closes_every_socket_in_time() {
    let house = House::open(Options::default()).await;
    let mut dashboards = Vec::new();
    for _ in 0..20 {
        let mut dashboard = house.connect(&format!("share={SHARE}")).await;
        dashboard.subscribe(1, &topic(SITE, "live")).await;
        dashboard.next_named("snapshot").await;
        dashboards.push(dashboard);
    }
    let start = Instant::now();
    house.shutdown.cancel();
    for dashboard in &mut dashboards {
        assert_eq!(dashboard.closed().await, Some(1001));
    }
    house.close().await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

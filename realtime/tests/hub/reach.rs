//! Live that cannot be reached for a while: no dashboard shows numbers that stand still.

use std::sync::atomic::Ordering;

use realtime::Options;

use crate::house::*;

#[tokio::test]
async fn while_live_cannot_be_reached_dashboards_are_let_go_and_none_is_let_in() {
    let house = House::open(Options::default()).await;
    let query = format!("token={OWNER_TOKEN}");
    let mut dashboard = house.connect(&query).await;
    dashboard.subscribe(0, &topic(SITE, "now")).await;
    dashboard.next_named("snapshot").await;
    house.line.is_cut.store(true, Ordering::SeqCst);
    assert_eq!(dashboard.closed().await, Some(1013));
    let asked = || house.try_connect(house.request(&format!("/api/watchfire/live?{query}")));
    assert_eq!(asked().await.err(), Some(503));
    let now = format!("/api/watchfire/live/now?topic={}&{query}", topic(SITE, "now"));
    assert_eq!(house.try_connect(house.request(&now)).await.err(), Some(503));
    house.line.is_cut.store(false, Ordering::SeqCst);
    until("dashboards are let in again", || async { asked().await.is_ok() }).await;
    house.close().await;
}

#[tokio::test]
async fn while_one_site_cannot_be_reached_only_its_dashboards_are_let_go() {
    let house = House::open(Options::default()).await;
    let query = format!("token={OWNER_TOKEN}");
    let [mut ours, mut other] = [house.connect(&query).await, house.connect(&query).await];
    for (dashboard, site) in [(&mut ours, SITE), (&mut other, OTHER_SITE)] {
        dashboard.subscribe(0, &topic(site, "now")).await;
        dashboard.next_named("snapshot").await;
    }
    house.line.is_cut_to_site.store(true, Ordering::SeqCst);
    assert_eq!(ours.closed().await, Some(1013));
    let mut again = house.connect(&query).await;
    again.subscribe(0, &topic(SITE, "now")).await;
    assert_eq!(again.next_named("refused").await["code"], "unavailable");
    other.subscribe(1, &topic(OTHER_SITE, "live")).await;
    other.next_named("snapshot").await;
    house.line.is_cut_to_site.store(false, Ordering::SeqCst);
    until("the site is told of again", || async {
        let mut dashboard = house.connect(&query).await;
        dashboard.send(serde_json::json!({ "subscribe": topic(SITE, "now"), "as": 0 })).await;
        dashboard.next().await.get("subscribed").is_some()
    })
    .await;
    house.close().await;
}

//! The deciding cases of the definitions, one journey each, in their order.

use std::time::Duration;

use model::Millis;
use serde_json::{Value, json};
use world::world::A_MORNING;
use world::{Size, World};

use crate::sizes::on_both_sizes;

on_both_sizes! {
    case_1_a_visit_over_midnight_and_the_salts_change_is_one_visit_of_one_visitor,
    case_1_holds_when_the_server_restarts_at_midnight,
    case_2_a_visit_over_the_hour_is_one_visit,
    case_3_after_31_silent_minutes_a_click_is_a_second_visit,
    case_4_forty_minutes_of_reading_are_one_visit_and_present_all_along,
    case_5_a_closed_tab_is_gone_within_2_seconds,
    case_5_a_dead_network_is_noticed_within_36_seconds_and_not_before_a_second_heartbeat_is_missed,
    case_6_a_hidden_tab_is_present_and_idle_and_its_engaged_time_stands_still,
    case_7_two_tabs_of_one_browser_are_one_visitor_on_two_pages,
    case_8_fifty_people_behind_one_address_with_one_agent_are_fifty_present,
    case_9_a_hit_ten_minutes_late_lands_in_its_own_minute_visit_and_live_chart,
    case_10_a_hit_three_months_late_is_in_history_and_not_in_live,
    case_11_the_same_hit_delivered_five_times_at_once_and_a_month_apart_counts_once,
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
/// 2096-03-07 23:58:00 UTC.
const BEFORE_MIDNIGHT: Millis = Millis(A_MORNING.0 + (13 * 60 + 28) * 60_000);
/// 2096-03-07 10:59:00 UTC.
const BEFORE_THE_HOUR: Millis = Millis(A_MORNING.0 + 29 * 60_000);

fn present(count: u64) -> impl Fn(&Value) -> bool {
    move |shown| shown["present"] == count
}

fn counts(tail: &Value) -> (u64, u64, u64) {
    let human = |what: &str| tail["human"][what].as_u64().expect("a count");
    (human("visitors"), human("visits"), human("pageviews"))
}

async fn case_1_a_visit_over_midnight_and_the_salts_change_is_one_visit_of_one_visitor(size: Size) {
    let world = World::at(size, BEFORE_MIDNIGHT).await;
    let site = world.site().await;
    let mut tag = world.visitor(site, "198.51.100.1");
    tag.show("/").await;
    world.pass(5 * MINUTE).await;
    tag.show("/teas").await;
    assert_eq!(counts(&world.tail(site).await), (1, 1, 2));
    // A day later the same browser is a new daily visitor: the salt did change.
    world.pass(24 * 60 * MINUTE).await;
    tag.show("/").await;
    assert_eq!(counts(&world.tail(site).await), (2, 2, 3));
    world.end().await;
}

async fn case_1_holds_when_the_server_restarts_at_midnight(size: Size) {
    let mut world = World::at(size, BEFORE_MIDNIGHT).await;
    let site = world.site().await;
    world.visitor(site, "198.51.100.1").show("/").await;
    world.pass(5 * MINUTE).await;
    world.restart().await;
    world.visitor(site, "198.51.100.1").show("/teas").await;
    assert_eq!(counts(&world.tail(site).await), (1, 1, 2));
    world.end().await;
}

async fn case_2_a_visit_over_the_hour_is_one_visit(size: Size) {
    let world = World::at(size, BEFORE_THE_HOUR).await;
    let site = world.site().await;
    let mut tag = world.visitor(site, "198.51.100.1");
    tag.show("/").await;
    world.pass(2 * MINUTE).await;
    tag.show("/teas").await;
    assert_eq!(counts(&world.tail(site).await), (1, 1, 2));
    world.end().await;
}

async fn case_3_after_31_silent_minutes_a_click_is_a_second_visit(size: Size) {
    let world = World::start(size).await;
    let site = world.site().await;
    let mut tag = world.visitor(site, "198.51.100.1");
    tag.show("/").await;
    world.pass(30 * MINUTE).await;
    tag.show("/teas").await;
    assert_eq!(counts(&world.tail(site).await), (1, 1, 2));
    world.pass(31 * MINUTE).await;
    tag.show("/").await;
    assert_eq!(counts(&world.tail(site).await), (1, 2, 3));
    world.end().await;
}

async fn case_4_forty_minutes_of_reading_are_one_visit_and_present_all_along(size: Size) {
    let world = World::start(size).await;
    let site = world.site().await;
    let mut dashboard = world.dashboard(site, "now").await;
    let mut tag = world.visitor(site, "198.51.100.1");
    tag.show("/long-read").await;
    dashboard.until("the reader is here", present(1)).await;
    for beat in 1..=160u64 {
        world.pass(15 * SECOND).await;
        tag.beat(beat * 15_000, true, 15_000).await;
        dashboard.listen(Duration::from_millis(5)).await;
        assert_eq!(dashboard.data["present"], 1, "at beat {beat}");
    }
    tag.show("/next").await;
    assert_eq!(counts(&world.tail(site).await), (1, 1, 2));
    dashboard.until("still one", present(1)).await;
    world.end().await;
}

async fn case_5_a_closed_tab_is_gone_within_2_seconds(size: Size) {
    let world = World::start(size).await;
    let site = world.site().await;
    let mut dashboard = world.dashboard(site, "now").await;
    let mut tag = world.visitor(site, "198.51.100.1");
    tag.show("/").await;
    dashboard.until("somebody is here", present(1)).await;
    tag.leave(3_000).await;
    world.pass(2 * SECOND).await;
    dashboard.until("nobody is here", present(0)).await;
    world.end().await;
}

async fn case_5_a_dead_network_is_noticed_within_36_seconds_and_not_before_a_second_heartbeat_is_missed(
    size: Size,
) {
    let world = World::start(size).await;
    let site = world.site().await;
    let mut dashboard = world.dashboard(site, "now").await;
    let mut tag = world.visitor(site, "198.51.100.1");
    tag.show("/").await;
    dashboard.until("somebody is here", present(1)).await;
    world.pass(34 * SECOND).await;
    dashboard.listen(Duration::from_millis(600)).await;
    assert_eq!(dashboard.data["present"], 1, "34 seconds are not two missed heartbeats and 5 seconds");
    world.pass(2 * SECOND).await;
    dashboard.until("nobody is here", present(0)).await;
    world.end().await;
}

async fn case_6_a_hidden_tab_is_present_and_idle_and_its_engaged_time_stands_still(size: Size) {
    let world = World::start(size).await;
    let site = world.site().await;
    let mut live = world.dashboard(site, "live").await;
    let mut visitors = world.dashboard(site, "visitors").await;
    let mut tag = world.visitor(site, "198.51.100.1");
    tag.show("/").await;
    tag.beat(9_000, true, 15_000).await;
    live.until("active", |shown| shown["active"] == 1).await;
    tag.beat(9_000, false, 60_000).await;
    live.until("present and idle", |shown| shown["present"] == 1 && shown["active"] == 0).await;
    for _ in 0..5 {
        world.pass(60 * SECOND).await;
        tag.beat(9_000, false, 60_000).await;
    }
    visitors.until("engaged as before", |shown| shown["visitors"][0]["engaged"] == 9_000).await;
    visitors.until("idle", |shown| shown["visitors"][0]["active"] == false).await;
    live.listen(Duration::from_millis(600)).await;
    assert_eq!(live.data["present"], 1);
    world.end().await;
}

async fn case_7_two_tabs_of_one_browser_are_one_visitor_on_two_pages(size: Size) {
    let world = World::start(size).await;
    let site = world.site().await;
    let mut dashboard = world.dashboard(site, "live").await;
    let mut first = world.visitor(site, "198.51.100.1");
    let mut second = first.beside(world.stranger(), 0);
    first.show("/teas").await;
    second.show("/cart").await;
    dashboard
        .until("one visitor on two pages", |shown| {
            shown["present"] == 1 && shown["rows"]["page"] == json!({ "/teas": 1, "/cart": 1 })
        })
        .await;
    second.leave(0).await;
    world.pass(2 * SECOND).await;
    dashboard.until("one page is left", |shown| shown["rows"]["page"] == json!({ "/teas": 1 })).await;
    assert_eq!(dashboard.data["present"], 1, "the other tab is still open");
    first.leave(0).await;
    world.pass(2 * SECOND).await;
    dashboard.until("the last tab closed", present(0)).await;
    world.end().await;
}

async fn case_8_fifty_people_behind_one_address_with_one_agent_are_fifty_present(size: Size) {
    let world = World::start(size).await;
    let site = world.site().await;
    let mut dashboard = world.dashboard(site, "now").await;
    let one = world.visitor(site, "198.51.100.1");
    let mut people = Vec::new();
    for browser in 1..=50 {
        let mut tag = one.beside(world.stranger(), 1_000 + browser);
        tag.show("/").await;
        people.push(tag);
    }
    dashboard.until("fifty people", present(50)).await;
    for tag in &people[..20] {
        tag.leave(0).await;
    }
    world.pass(2 * SECOND).await;
    dashboard.until("thirty people", present(30)).await;
    world.end().await;
}

async fn case_9_a_hit_ten_minutes_late_lands_in_its_own_minute_visit_and_live_chart(size: Size) {
    let world = World::start(size).await;
    let site = world.site().await;
    let mut tag = world.visitor(site, "198.51.100.1");
    tag.show("/").await;
    let late = tag.pageview_of("/in-the-tunnel", 15_000);
    let happened = tag.now();
    world.pass(10 * MINUTE).await;
    let mut dashboard = world.dashboard(site, "live").await;
    let chart = |shown: &Value| {
        let minutes = shown["minutes"].as_array().cloned().unwrap_or_default();
        let found = minutes.into_iter().find(|minute| minute["minute"] == happened.minute().start().0);
        found.map_or(0, |minute| minute["pageviews"].as_u64().unwrap_or_default())
    };
    dashboard.until("one pageview in that minute", |shown| chart(shown) == 1).await;
    tag.deliver(vec![late]).await;
    dashboard.until("two pageviews in that minute", |shown| chart(shown) == 2).await;
    assert_eq!(dashboard.data["present"], 0, "who was there ten minutes ago is not here now");
    assert_eq!(counts(&world.tail(site).await), (1, 1, 2));
    world.end().await;
}

async fn case_10_a_hit_three_months_late_is_in_history_and_not_in_live(size: Size) {
    let world = World::start(size).await;
    let site = world.site().await;
    let mut dashboard = world.dashboard(site, "live").await;
    let mut tag = world.visitor(site, "198.51.100.1");
    let late = tag.pageview_of("/long-ago", 15_000);
    world.pass(90 * 24 * 60 * MINUTE).await;
    tag.deliver(vec![late]).await;
    tag.show("/today").await;
    dashboard.until("today's page", |shown| shown["rows"]["page"] == json!({ "/today": 1 })).await;
    let minutes = dashboard.data["minutes"].as_array().cloned().unwrap_or_default();
    let shown: u64 = minutes.iter().filter_map(|minute| minute["pageviews"].as_u64()).sum();
    assert_eq!(shown, 1, "{minutes:?}");
    assert_eq!(counts(&world.tail(site).await), (1, 2, 2));
    world.end().await;
}

async fn case_11_the_same_hit_delivered_five_times_at_once_and_a_month_apart_counts_once(size: Size) {
    let world = World::start(size).await;
    let site = world.site().await;
    let mut dashboard = world.dashboard(site, "live").await;
    let mut tag = world.visitor(site, "198.51.100.1");
    let hit = tag.pageview_of("/", 15_000);
    let sends = (0..5).map(|_| tag.send(vec![hit.clone()]));
    for answer in futures_util::future::join_all(sends).await {
        assert_eq!(answer.status, 202);
    }
    dashboard.until("one pageview", |shown| shown["minutes"][0]["pageviews"] == 1).await;
    dashboard.listen(Duration::from_millis(500)).await;
    assert_eq!(
        (&dashboard.data["minutes"][0]["pageviews"], &dashboard.data["present"]),
        (&json!(1), &json!(1))
    );
    world.pass(30 * 24 * 60 * MINUTE).await;
    tag.deliver(vec![hit]).await;
    assert_eq!(counts(&world.tail(site).await), (1, 1, 1));
    world.end().await;
}

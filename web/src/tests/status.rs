//! The status page: nothing where it is off; where it is on, for anybody, and no more than services, days and incidents.

use std::time::Duration;

use serde_json::{Value, json};
use store::uptimes::ServiceDay;

use super::{NOW, World};
use crate::Options;
use crate::status::READ_EVERY;

const DAY_MS: i64 = 86_400_000;

async fn public() -> World {
    World::with(Options { public_status: true, ..Options::default() }).await
}

/// A service, from when to when it is known how it was, and when it was down.
type Seen<'a> = (&'a str, (i64, i64), &'a [(i64, i64)]);

/// As it is kept of today: known and down, from and to in seconds before now.
async fn seen(world: &World, version: u64, services: &[Seen<'_>]) {
    let day = NOW.0 / DAY_MS;
    let of_day = |seconds: i64| NOW.0 - seconds * 1_000 - day * DAY_MS;
    let mut body = serde_json::Map::new();
    for (service, known, down) in services {
        let down: Vec<Value> =
            down.iter().map(|(from, to)| json!([of_day(*from), of_day(*to), "unreachable"])).collect();
        let is_down = down.last().is_some_and(|last| last[1] == of_day(known.1));
        let mut last = json!({ "at": NOW.0 - known.1 * 1_000 });
        if is_down {
            last["failed"] = json!({ "since": NOW.0 - 600_000, "reason": "unreachable", "is_down": true });
        }
        let of = json!({ "known": [[of_day(known.0), of_day(known.1)]], "down": down, "last": last });
        body.insert((*service).to_owned(), of);
    }
    let kept = ServiceDay { day: day as u32, version, body: Value::Object(body).to_string() };
    world.store.uptimes.put_service_days(vec![kept]).await.unwrap();
}

#[tokio::test]
async fn where_it_is_off_it_is_as_any_page_that_is_not_there() {
    let (world, mut operator) = World::with_owner().await;
    let mut stranger = world.browser();
    for person in [&mut stranger, &mut operator] {
        let (off, none) = (person.get("/status").await, person.get("/none").await);
        assert_eq!((off.status, &off.text), (none.status, &none.text));
        let (off, none) =
            (person.get("/api/watchfire/status").await, person.get("/api/watchfire/none").await);
        assert_eq!((off.status, off.text), (none.status, none.text));
    }
}

#[tokio::test]
async fn on_the_first_day_nothing_is_known_and_that_is_said() {
    let world = public().await;
    let mut stranger = world.browser();
    let page = stranger.get("/status").await;
    page.says("Not known at the moment");
    page.says("Nothing is known yet");
    page.says("None in these 90 days.");
    let told: Value = serde_json::from_str(&stranger.get("/api/watchfire/status").await.text).unwrap();
    assert_eq!(
        told,
        json!({ "at": NOW, "now": "unknown", "services": [], "incidents": [], "incidents_more": 0 })
    );
}

#[tokio::test]
async fn services_stand_there_with_their_days_and_incidents_and_nothing_else() {
    let world = public().await;
    let mut stranger = world.browser();
    seen(
        &world,
        0,
        &[
            ("collector", (1_000, 10), &[]),
            ("web", (1_000, 10), &[(900, 801), (600, 10)]),
            ("other", (9, 1), &[]),
        ],
    )
    .await;
    let page = stranger.get("/status").await;
    for words in ["Some of it is down", "Collector", "100 % up", "30.40 % up", "still down", "1 min 39 s"] {
        page.says(words);
    }
    assert_eq!(page.text.matches("status-day is-").count(), 2 * 90 + 3, "two services and the legend");
    assert!(!page.text.contains("unreachable") && !page.text.contains("other"));
    let told: Value = serde_json::from_str(&stranger.get("/api/watchfire/status").await.text).unwrap();
    assert_eq!(told["now"], "down");
    let web = &told["services"][1];
    assert_eq!((&web["known_ms"], &web["down_ms"]), (&json!(990_000), &json!(689_000)));
    assert_eq!(web["days"].as_array().unwrap().len(), 90);
    assert_eq!(web["days"][88]["uptime"], Value::Null);
    let first = json!({
        "service": "web", "from": NOW.0 - 600_000, "to": NOW.0 - 10_000, "is_open": true,
    });
    assert_eq!(told["incidents"][0], first);
}

#[tokio::test]
async fn however_many_ask_the_store_is_asked_now_and_then() {
    let world = public().await;
    let mut stranger = world.browser();
    stranger.get("/status").await.says("Nothing is known yet");
    seen(&world, 0, &[("web", (60, 0), &[])]).await;
    world.clock.advance(READ_EVERY - Duration::from_millis(1));
    stranger.get("/status").await.says("Nothing is known yet");
    world.clock.advance(Duration::from_millis(1));
    stranger.get("/status").await.says("All is well");
}

#[tokio::test]
async fn while_the_store_is_away_it_says_so_and_not_why() {
    let world = public().await;
    world.store.close().await;
    let page = world.browser().get("/status").await;
    assert_eq!(page.status, 503);
    assert!(!page.text.to_lowercase().contains("sqlite") && !page.text.contains("closed"));
}

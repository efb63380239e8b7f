//! Push latency: from the moment a hit is sent until a dashboard is told, under a steady load.

use std::time::{Duration, Instant};

use hyper::Method;
use model::{Clock, SystemClock};
use serde_json::{Value, json};
use world::Person;
use world::tag::FIREFOX;

use crate::load;
use crate::process::{Place, Watchfire};

const HITS_A_SECOND: u64 = 5_000;
const MARKS: usize = 300;
/// No multiple of the hub's spacing, so that marks fall anywhere between two pushes.
const MARK_EVERY: Duration = Duration::from_millis(37);

pub async fn measure() -> anyhow::Result<()> {
    let watchfire = Watchfire::start(&[]).await?;
    print(&latency(&watchfire.place).await?);
    Ok(())
}

/// How long each mark took, least first, and the load it happened under.
pub struct Latency {
    waits: Vec<Duration>,
    hits_a_second: f64,
}

pub async fn latency(place: &Place) -> anyhow::Result<Latency> {
    let (address, site) = (place.door, place.site);
    let mut push = place.dashboard("visitors", json!({ "source": "mark" })).await?;

    let duration = MARK_EVERY * MARKS as u32 + Duration::from_secs(2);
    let background = tokio::spawn(load::run(address, site, 1, duration, HITS_A_SECOND));
    let marks = tokio::spawn(async move {
        let person = Person::new(address);
        let mut sent = Vec::with_capacity(MARKS);
        for mark in 0..MARKS {
            tokio::time::sleep(MARK_EVERY).await;
            let now = SystemClock.now().0;
            let hit = json!({
                "id": format!("{:032x}", fastrand::u128(..)), "kind": "pageview", "at": now, "due": 60_000,
                "url": format!("https://shop.example/mark/{mark}?utm_source=mark"),
            });
            let body =
                json!({ "site": site, "sent": now, "browser": format!("{:016x}", mark + 1), "hits": [hit] });
            sent.push(Instant::now());
            let headers = [("user-agent", FIREFOX)];
            person.send(Method::POST, "/v1/hits", &headers, body.to_string().into()).await;
        }
        sent
    });
    let mut told = vec![None; MARKS];
    let _ = tokio::time::timeout(duration + Duration::from_secs(5), async {
        while told.iter().any(Option::is_none) {
            let Ok(frame) = push.frame().await else { return };
            let now = Instant::now();
            for visitor in frame["delta"]["data"]["set"].as_array().into_iter().flatten() {
                if let Some(mark) = mark_of(visitor) {
                    told[mark].get_or_insert(now);
                }
            }
        }
    })
    .await;
    let sent = marks.await?;
    let seen = background.await?;
    let mut waits: Vec<Duration> =
        sent.iter().zip(&told).filter_map(|(sent, told)| told.map(|told| told - *sent)).collect();
    waits.sort_unstable();
    anyhow::ensure!(!waits.is_empty(), "no mark was told");
    Ok(Latency { waits, hits_a_second: seen.hits as f64 / seen.elapsed.as_secs_f64() })
}

pub fn print(Latency { waits, hits_a_second }: &Latency) {
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("\n## Push latency at {hits_a_second:.0} hits/s, {} of {MARKS} marks told\n", waits.len());
    println!("| p50 ms | p90 ms | p99 ms | max ms |\n|---|---|---|---|");
    println!("| {:.0} | {:.0} | {:.0} | {:.0} |", at(0.5), at(0.9), at(0.99), at(1.0));
}

fn mark_of(visitor: &Value) -> Option<usize> {
    visitor["pages"][0]["path"].as_str()?.strip_prefix("/mark/")?.parse().ok()
}

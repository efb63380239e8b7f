//! Memory of many present visitors.

use std::time::Duration;

use serde_json::json;

use crate::load;
use crate::process::{Place, Watchfire, resident};

pub const VISITORS: u64 = 100_000;
const REQUESTS_AT_ONCE: u64 = 32;

pub async fn measure() -> anyhow::Result<()> {
    let watchfire = Watchfire::start(&[]).await?;
    // The program has its caches and pools before the visitors come: a few pass through first.
    arrive(&watchfire.place, 0..2_000).await?;
    present(&watchfire.place, 2_000).await?;
    let before = resident(watchfire.pid())?;
    arrive(&watchfire.place, 2_000..VISITORS + 2_000).await?;
    present(&watchfire.place, VISITORS + 2_000).await?;
    let after = resident(watchfire.pid())?;
    println!("\n## {VISITORS} present visitors\n");
    println!("| resident before MB | after MB | bytes a visitor |\n|---|---|---|");
    let each = (after.saturating_sub(before)) as f64 / VISITORS as f64;
    println!("| {:.1} | {:.1} | {each:.0} |", before as f64 / 1e6, after as f64 / 1e6);
    Ok(())
}

/// One pageview by each of these visitors.
pub async fn arrive(place: &Place, visitors: std::ops::Range<u64>) -> anyhow::Result<()> {
    let (address, site) = (place.door, place.site);
    let span = visitors.end - visitors.start;
    let tasks = (0..REQUESTS_AT_ONCE).map(|task| {
        let mine = visitors.start + span * task / REQUESTS_AT_ONCE
            ..visitors.start + span * (task + 1) / REQUESTS_AT_ONCE;
        tokio::spawn(load::each_once(address, site, mine))
    });
    for task in futures_util::future::join_all(tasks).await {
        task?;
    }
    Ok(())
}

/// Waits until so many visitors are shown.
pub async fn present(place: &Place, count: u64) -> anyhow::Result<()> {
    for _ in 0..200 {
        let shown = place.dashboard("now", json!({})).await?;
        if shown.data["present"] == count {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("{count} visitors were not present")
}

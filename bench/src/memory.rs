//! Memory of many present visitors.

use std::time::Duration;

use serde_json::json;
use world::Push;

use crate::load;
use crate::process::{Watchfire, resident};

const VISITORS: u64 = 100_000;
const REQUESTS_AT_ONCE: u64 = 32;

pub async fn measure() -> anyhow::Result<()> {
    let watchfire = Watchfire::start(&[]).await?;
    // The program has its caches and pools before the visitors come: a few pass through first.
    arrive(&watchfire, 0..2_000).await?;
    present(&watchfire, 2_000).await?;
    let before = resident(watchfire.pid())?;
    arrive(&watchfire, 2_000..VISITORS + 2_000).await?;
    present(&watchfire, VISITORS + 2_000).await?;
    let after = resident(watchfire.pid())?;
    println!("\n## {VISITORS} present visitors\n");
    println!("| resident before MB | after MB | bytes a visitor |\n|---|---|---|");
    let each = (after.saturating_sub(before)) as f64 / VISITORS as f64;
    println!("| {:.1} | {:.1} | {each:.0} |", before as f64 / 1e6, after as f64 / 1e6);
    Ok(())
}

async fn arrive(watchfire: &Watchfire, visitors: std::ops::Range<u64>) -> anyhow::Result<()> {
    let (address, site) = (watchfire.program.address, watchfire.site);
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

async fn present(watchfire: &Watchfire, count: u64) -> anyhow::Result<()> {
    let headers = watchfire.dashboard_headers();
    for _ in 0..200 {
        let mut push = Push::connect(watchfire.program.address, "", &headers)
            .await
            .map_err(|status| anyhow::anyhow!("refused {status}"))?;
        let topic = format!("site/{}/now", watchfire.site);
        push.subscribe(&topic, json!({})).await.map_err(|code| anyhow::anyhow!(code))?;
        if push.data["present"] == count {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("{count} visitors were not present")
}

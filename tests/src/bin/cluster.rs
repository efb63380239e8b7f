//! A cluster for the browser's tests: real servers, the processes of every service, and a proxy in front.
//!
//! Prints `{"url": …, "set_up": …}` once it is ready. Takes one word a line and answers each with a line: `kill` ends the
//! hubs and who serves the pages as `kill -9` does, `run` starts them again, `tail SITE` prints the recount of the tail. Ends all when its
//! standard input does.

use std::io::Write;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use store::mongodb::MongoStore;
use world::{Cluster, Ground};

/// As issue 3 has it.
const PROCESSORS: usize = 3;
const SHARDS: u16 = 4;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let ground = Ground::start(SHARDS).await;
    let mut cluster = ground.cluster(PROCESSORS).await;
    // The pages are for browsers, which know loopback by this name.
    let url = format!("http://localhost:{}", cluster.proxy().address.port());
    let set_up = format!("{url}{}", cluster.set_up_path().unwrap_or_default());
    say(&json!({ "url": url, "set_up": set_up }))?;
    while let Some(line) = tokio::task::spawn_blocking(|| std::io::stdin().lines().next()).await? {
        let line = line?;
        say(&obey(&line, &ground, &mut cluster).await?)?;
    }
    cluster.terminate().await;
    Ok(())
}

async fn obey(line: &str, ground: &Ground, cluster: &mut Cluster) -> anyhow::Result<Value> {
    match line.split_once(' ').unwrap_or((line, "")) {
        ("kill", _) => {
            cluster.realtimes.iter_mut().chain(&mut cluster.webs).for_each(world::Program::kill_now);
        }
        ("run", _) => {
            for programs in [&mut cluster.realtimes, &mut cluster.webs] {
                for killed in std::mem::take(programs) {
                    programs.push(killed.replaced().await);
                }
            }
        }
        ("tail", site) => {
            let store = MongoStore::open(&ground.mongodb.uri("watchfire")).await?;
            let site = site.parse().ok().context("the id of a site follows")?;
            let totals = watchfire::tail::totals(store.history.as_ref(), site).await;
            store.close().await;
            return Ok(serde_json::to_value(totals?)?);
        }
        (other, _) => bail!("`{other}` is no word of this program"),
    }
    Ok(json!({}))
}

fn say(told: &Value) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{told}")?;
    Ok(out.flush()?)
}

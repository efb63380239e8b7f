//! The lists of a full inbox: folders, labels, searches, the page itself, beside a request that asks for nothing. By HTTP, one after the other.

use std::time::{Duration, Instant};

use anyhow::ensure;

use super::Scale;
use super::filled::Shop;
use crate::process::{Watchfire, cpu};
use crate::rooms::at;

pub async fn measure(watchfire: &Watchfire, shop: &Shop, scale: Scale) -> anyhow::Result<()> {
    println!("\n## An inbox of {} conversations\n", scale.filled);
    println!("| | p50 ms | p99 ms | processor ms a page |\n|---|---|---|---|");
    line(watchfire, shop, scale, "a request that asks for nothing", |_| "/readyz".to_owned()).await?;
    let list = format!("/api/watchfire/sites/{}/conversations", watchfire.place.site);
    for folder in ["open", "mine", "unassigned", "waiting", "closed", "all"] {
        line(watchfire, shop, scale, &format!("folder {folder}"), |_| format!("{list}?folder={folder}"))
            .await?;
    }
    for label in ["late", "rare", "never"] {
        let name = format!("all, labelled {label}");
        line(watchfire, shop, scale, &name, |_| format!("{list}?folder=all&label={label}")).await?;
    }
    let (often, filled) = (["w1", "w2", "w3+w1", "w7"], scale.filled as usize);
    line(watchfire, shop, scale, "search for what many said", |turn| {
        format!("{list}?folder=all&q={}", often[turn % 4])
    })
    .await?;
    line(watchfire, shop, scale, "search for what one said", |turn| {
        format!("{list}?folder=all&q=own{}", turn * 37 % filled)
    })
    .await?;
    line(watchfire, shop, scale, "search for a name", |turn| {
        format!("{list}?folder=all&q=ann+{}", turn * 37 % filled)
    })
    .await?;
    line(watchfire, shop, scale, "search for nothing that is there", |_| {
        format!("{list}?folder=all&q=%25_nowhere")
    })
    .await?;
    let page = format!("/sites/{}/inbox", watchfire.place.site);
    line(watchfire, shop, scale, "the page itself", |_| page.clone()).await
}

/// Agents in turn: nobody is to meet the rate of one.
async fn line(
    watchfire: &Watchfire,
    shop: &Shop,
    scale: Scale,
    name: &str,
    path: impl Fn(usize) -> String,
) -> anyhow::Result<()> {
    let server = watchfire.program.address;
    let person = world::Person::new(server);
    let mut took: Vec<Duration> = Vec::with_capacity(scale.requests);
    let before = cpu(watchfire.pid())?;
    for turn in 0..scale.requests {
        let cookie = shop.cookies[turn % shop.cookies.len()].as_str();
        let began = Instant::now();
        let answer =
            person.send(hyper::Method::GET, &path(turn), &[("cookie", cookie)], Default::default()).await;
        took.push(began.elapsed());
        ensure!(answer.status == 200, "{name}: {}", answer.text());
    }
    let spent = (cpu(watchfire.pid())? - before).as_secs_f64() * 1e3 / scale.requests as f64;
    took.sort_unstable();
    println!("| {name} | {:.1} | {:.1} | {spent:.1} |", at(&took, 0.5), at(&took, 0.99));
    Ok(())
}

//! Receiving hits: raw sockets, bare axum, the collector with its journal, the whole program.

use std::net::SocketAddr;
use std::time::Duration;

use model::SiteId;

use crate::bare::SITE;
use crate::load::{self, Seen};
use crate::process::{Peer, Watchfire, cpu, metric};

const WARM_UP: Duration = Duration::from_secs(1);
const MEASURED: Duration = Duration::from_secs(6);

struct Row {
    name: &'static str,
    cpu_micros: f64,
    a_second: f64,
    seen: Seen,
}

pub async fn measure() -> anyhow::Result<()> {
    for hits_each in [1, 50] {
        let bytes = load::request(SITE, 1, hits_each).len();
        println!(
            "\n## {hits_each} hit(s) a request, {bytes} bytes with head, {} connections\n",
            load::CONNECTIONS
        );
        let mut rows = Vec::new();
        for (name, what) in [
            ("raw sockets", "raw"),
            ("bare axum and serde", "axum"),
            ("collector, 202 when durable", "collector"),
        ] {
            let folder = tempfile::tempdir()?;
            let peer = Peer::start(what, folder.path()).await?;
            rows.push(row(name, peer.address, peer.pid(), SITE, hits_each).await?);
        }
        let watchfire = Watchfire::start(&["--bus-bytes-max", "17179869184"]).await?;
        // Somebody watches: what is received is pushed, too.
        let mut push = watchfire.place.dashboard("live", serde_json::json!({})).await?;
        let watching = tokio::spawn(async move { while push.frame().await.is_ok() {} });
        rows.push(
            row(
                "whole program, watched",
                watchfire.program.address,
                watchfire.pid(),
                watchfire.place.site,
                hits_each,
            )
            .await?,
        );
        let behind = drained(&watchfire).await?;
        watching.abort();
        print(&rows);
        let (whole, limit) = (&rows[3], &rows[1]);
        let before = (WARM_UP + MEASURED).as_secs_f64();
        let sustained = whole.a_second * before / (before + behind.as_secs_f64());
        println!(
            "\nAt the end of {before:.0} s of load the tail was {:.1} s behind: {sustained:.0} hits/s were taken all the way, \
             {:.2} × bare axum.",
            behind.as_secs_f64(),
            sustained / limit.a_second
        );
    }
    Ok(())
}

async fn row(
    name: &'static str,
    address: SocketAddr,
    pid: u32,
    site: SiteId,
    hits_each: usize,
) -> anyhow::Result<Row> {
    load::run(address, site, hits_each, WARM_UP, 0).await;
    let before = cpu(pid)?;
    let seen = load::run(address, site, hits_each, MEASURED, 0).await;
    let spent = cpu(pid)? - before;
    Ok(Row {
        name,
        cpu_micros: spent.as_secs_f64() * 1e6 / seen.hits.max(1) as f64,
        a_second: seen.hits as f64 / seen.elapsed.as_secs_f64(),
        seen,
    })
}

/// The whole program is not done when it answered: how long it takes until the tail has it all.
async fn drained(watchfire: &Watchfire) -> anyhow::Result<Duration> {
    let began = std::time::Instant::now();
    loop {
        let depth = metric(&watchfire.program, "watchfire_bus_depth_messages").await;
        if depth == 0.0 {
            return Ok(began.elapsed());
        }
        anyhow::ensure!(
            began.elapsed() < Duration::from_secs(60),
            "the bus does not drain: {depth} messages"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn print(rows: &[Row]) {
    let limit = &rows[1];
    println!("| server | CPU µs a hit | × bare axum | hits/s | × bare axum | p50 ms | p99 ms | refused |");
    println!("|---|---|---|---|---|---|---|---|");
    for row in rows {
        println!(
            "| {} | {:.2} | {:.2} | {:.0} | {:.2} | {:.2} | {:.2} | {} |",
            row.name,
            row.cpu_micros,
            row.cpu_micros / limit.cpu_micros,
            row.a_second,
            row.a_second / limit.a_second,
            row.seen.p50.as_secs_f64() * 1e3,
            row.seen.p99.as_secs_f64() * 1e3,
            row.seen.refused,
        );
    }
}

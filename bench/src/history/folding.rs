//! Ingest while the tail is folded into segments: how long an acknowledgement takes with the real program, without folds and with
//! one after the other.

use std::time::Duration;

use crate::load::{self, Seen};
use crate::process::{Watchfire, metric};

/// Hits a second, one a request: far from what the program can take, so that waiting is the fold's doing.
const RATE: u64 = 2_000;
const WARM_UP: Duration = Duration::from_secs(5);
const MEASURED: Duration = Duration::from_secs(60);
/// Folds begin this long after the one before ended, where a site else rests fifty times as long as its fold took.
const FOLDING: [&str; 2] = ["--fold-after-ms", "1000"];
const FOLDS: &str = "watchfire_processor_fold_seconds_count";
const FOLDED_S: &str = "watchfire_processor_fold_seconds_sum";
const AIM: f64 = 2.0;

/// What a program with these flags showed; its folds, and how many seconds they took.
async fn load(flags: &[&str]) -> anyhow::Result<(Seen, f64, f64)> {
    let watchfire = Watchfire::start(flags).await?;
    let (address, site) = (watchfire.program.address, watchfire.place.site);
    load::run(address, site, 1, WARM_UP, RATE).await;
    let seen = load::run(address, site, 1, MEASURED, RATE).await;
    Ok((seen, metric(&watchfire.program, FOLDS).await, metric(&watchfire.program, FOLDED_S).await))
}

pub async fn measure() -> anyhow::Result<()> {
    let (without, folds, _) = load(&[]).await?;
    anyhow::ensure!(folds == 0.0, "a fold came too early");
    let (during, folds, folded_s) = load(&FOLDING).await?;
    println!("\n### {RATE} hits a second, while the tail is folded\n");
    println!("| | requests | refused | p50 ms | p99 ms |\n|---|---|---|---|---|");
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let row = |name: &str, seen: &Seen| {
        let (p50, p99) = (ms(seen.p50), ms(seen.p99));
        println!("| {name} | {} | {} | {p50:.2} | {p99:.2} |", seen.requests, seen.refused);
    };
    row("without folds", &without);
    row("with folds", &during);
    println!(
        "\n{folds:.0} folds took {folded_s:.1} of {:.0} s. p99 with / without: **{:.2}** (aim: at most {AIM}).",
        during.elapsed.as_secs_f64(),
        ms(during.p99) / ms(without.p99),
    );
    Ok(())
}

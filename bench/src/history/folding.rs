//! Ingest while the tail is folded into segments: how long an acknowledgement takes with the real program, before the first fold and
//! during folds.

use std::time::{Duration, Instant};

use crate::load::{self, Seen};
use crate::process::{Watchfire, metric};

/// Hits a second, one a request: far from what the program can take, so that waiting is the fold's doing.
const RATE: u64 = 2_000;
const WARM_UP: Duration = Duration::from_secs(5);
const BEFORE: Duration = Duration::from_secs(60);
const DURING: Duration = Duration::from_secs(60);
/// A hit is folded when it is two minutes old; then the program looks every twenty seconds.
const FIRST_FOLD_MAX: Duration = Duration::from_secs(180);
const FOLDS: &str = "watchfire_processor_fold_seconds_count";
const FOLDED_S: &str = "watchfire_processor_fold_seconds_sum";
const AIM: f64 = 2.0;

pub async fn measure() -> anyhow::Result<()> {
    let watchfire = Watchfire::start(&[]).await?;
    let (address, site) = (watchfire.program.address, watchfire.place.site);
    let began = Instant::now();
    load::run(address, site, 1, WARM_UP, RATE).await;
    let before = load::run(address, site, 1, BEFORE, RATE).await;
    anyhow::ensure!(metric(&watchfire.program, FOLDS).await == 0.0, "a fold came too early");
    while metric(&watchfire.program, FOLDS).await == 0.0 {
        anyhow::ensure!(began.elapsed() < FIRST_FOLD_MAX, "no fold came");
        load::run(address, site, 1, Duration::from_secs(1), RATE).await;
    }
    let (folds, folded_s) =
        (metric(&watchfire.program, FOLDS).await, metric(&watchfire.program, FOLDED_S).await);
    let during = load::run(address, site, 1, DURING, RATE).await;
    let folds = metric(&watchfire.program, FOLDS).await - folds;
    let folded_s = metric(&watchfire.program, FOLDED_S).await - folded_s;
    println!("\n### {RATE} hits a second, while the tail is folded\n");
    println!("| | requests | refused | p50 ms | p99 ms |\n|---|---|---|---|---|");
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let row = |name: &str, seen: &Seen| {
        let (p50, p99) = (ms(seen.p50), ms(seen.p99));
        println!("| {name} | {} | {} | {p50:.2} | {p99:.2} |", seen.requests, seen.refused);
    };
    row("before the first fold", &before);
    row("with folds", &during);
    println!(
        "\n{folds:.0} folds took {folded_s:.1} of {:.0} s. p99 with folds / before: **{:.2}** (aim: at most {AIM}).",
        during.elapsed.as_secs_f64(),
        ms(during.p99) / ms(before.p99),
    );
    Ok(())
}

//! History: the engine over millions of pageviews, beside plain loops over arrays and the engines that others stand on.
//! One thread each, the same rows, answers that must be equal.

mod engine;
mod generate;
mod peers;
mod plain;

use std::path::{Path, PathBuf};
use std::time::Instant;

/// Pageviews, where `WATCHFIRE_BENCH_PAGEVIEWS` does not say another number.
const PAGEVIEWS: u64 = 10_000_000;
const WARM_RUNS: usize = 5;
const SEED: u64 = 4;

/// What is asked, in the order of every list.
pub const QUERIES: [&str; 6] = [
    "totals: pageviews, uniques, visits",
    "daily pageviews and uniques",
    "top 10 pages by uniques",
    "top sources where country and device",
    "3-step funnel within 24 h",
    "bounce rate and duration a day",
];

/// Answers as whole numbers, so that they can be held against each other.
pub type Numbers = Vec<i64>;

/// The pages of the funnel, and the filter of the fourth query.
pub const STEPS: [&str; 3] = ["/page/0", "/page/3", "/page/8"];
pub const COUNTRY: &str = "C2";
pub const DEVICE: &str = "mobile";
pub const WINDOW_S: i64 = 24 * 3_600;

pub fn measure() -> anyhow::Result<()> {
    let pageviews = std::env::var("WATCHFIRE_BENCH_PAGEVIEWS").ok().and_then(|count| count.parse().ok());
    let pageviews = pageviews.unwrap_or(PAGEVIEWS);
    let folder = tempfile::tempdir()?;
    let began = Instant::now();
    let made = generate::write(folder.path(), pageviews, SEED)?;
    println!("\n## History: {} pageviews in {} visits over 90 days\n", made.hits, made.visits);
    println!("Made and written in {:.0} s.\n", began.elapsed().as_secs_f64());
    let per_hit = |bytes: u64| bytes as f64 / made.hits as f64;
    let without_ids = made.bytes - 8 * made.hits;
    println!("| bytes a hit on disk | |\n|---|---|");
    println!("| segments | {:.2} |\n| of that, hit ids | 8.00 |", per_hit(made.bytes));
    println!("| the rest: all that is asked about | **{:.2}** |\n", per_hit(without_ids));

    let (limits, expected) = plain::measure(&made.segments)?;
    let cold = engine::cold(&made.segments)?;
    let warm = engine::warm(&made.segments)?;
    for (query, (ours, plain)) in QUERIES.iter().zip(warm.answers.iter().zip(&expected)) {
        anyhow::ensure!(ours == plain, "{query}: {ours:?} and {plain:?}");
    }
    let peers = peers::measure(folder.path(), &expected);
    let peers = peers.unwrap_or_else(|error| {
        println!("Peers are left out: {error:#}\n");
        Vec::new()
    });
    table(&limits, &warm.ms, &cold, &peers);
    println!("\nDecoded columns, texts and visitors: {:.0} MB.", warm.bytes as f64 / 1e6);
    Ok(())
}

fn table(plain: &[f64], warm: &[f64], cold: &[f64], peers: &[peers::Peer]) {
    let best_of = |query: usize, cold: bool, tuned: bool| {
        let times = peers.iter().filter(|peer| tuned || !peer.is_tuned);
        times.map(|peer| if cold { peer.cold[query] } else { peer.warm[query] }).fold(f64::NAN, f64::min)
    };
    let names: Vec<&str> = peers.iter().map(|peer| peer.name.as_str()).collect();
    println!(
        "| ms, one thread | plain loops | Watchfire | × plain | cold | {} | best / ours | tuned / ours | cold best / ours |",
        names.join(" | ")
    );
    println!("|---|---|---|---|---|{}---|---|---|", "---|".repeat(peers.len()));
    for (query, name) in QUERIES.iter().enumerate() {
        let theirs: Vec<String> = peers.iter().map(|peer| format!("{:.0}", peer.warm[query])).collect();
        println!(
            "| {name} | {:.1} | **{:.1}** | {:.1} | {:.0} | {} | {:.1} | {:.1} | {:.1} |",
            plain[query],
            warm[query],
            warm[query] / plain[query],
            cold[query],
            theirs.join(" | "),
            best_of(query, false, false) / warm[query],
            best_of(query, false, true) / warm[query],
            best_of(query, true, true) / cold[query],
        );
    }
}

/// The median of the runs, in milliseconds, and the last answer.
pub fn timed<T>(runs: usize, mut run: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<(f64, T)> {
    let mut times = Vec::with_capacity(runs);
    let mut last = run()?;
    for _ in 0..runs {
        let began = Instant::now();
        last = run()?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok((times[runs / 2], last))
}

pub fn segments_of(folder: &Path) -> PathBuf {
    folder.join("segments")
}

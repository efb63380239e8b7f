//! History: the engine over millions of pageviews, beside plain loops over arrays and the engines that others stand on.
//! One thread each, the same rows, answers that must be equal.

mod dashboard;
mod engine;
mod folding;
mod generate;
mod linear;
mod peers;
mod plain;

use std::path::{Path, PathBuf};
use std::time::Instant;

pub use dashboard::serve as serve_panels;
pub use folding::measure as measure_folding;

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
    println!("| the rest: all that is asked about (aim: at most 8) | **{:.2}** |\n", per_hit(without_ids));

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
    warm_table(&limits, &warm.ms, &peers);
    println!("\nDecoded columns, texts and visitors: {:.0} MB.", warm.bytes as f64 / 1e6);
    cold_table(&cold, &peers);
    linear::measure((made.hits, &warm.ms))?;
    dashboard::measure(&segments_of(folder.path()))
}

/// The best time of the peers; `is_tuned`: of those too that have tables of their own for some queries.
fn best(peers: &[peers::Peer], is_tuned: bool, ms: impl Fn(&peers::Peer) -> f64) -> f64 {
    peers.iter().filter(|peer| is_tuned || !peer.is_tuned).map(ms).fold(f64::NAN, f64::min)
}

fn names(peers: &[peers::Peer]) -> String {
    peers.iter().map(|peer| format!(" {} |", peer.name)).collect()
}

fn warm_table(plain: &[f64], ours: &[f64], peers: &[peers::Peer]) {
    println!("\n### Warm\n\nAims: at most 3 × the plain loop, 10 × the best peer, 4 × the best tuned one.\n");
    println!(
        "| ms, one thread | plain loops | Watchfire | × plain |{} best / ours | tuned / ours |",
        names(peers)
    );
    println!("|---|---|---|---|{}---|---|", "---|".repeat(peers.len()));
    for (query, name) in QUERIES.iter().enumerate() {
        let (plain, ours) = (plain[query], ours[query]);
        let theirs: String = peers.iter().map(|peer| format!(" {:.0} |", peer.warm[query])).collect();
        let ratio = |is_tuned| best(peers, is_tuned, |peer| peer.warm[query]) / ours;
        println!(
            "| {name} | {plain:.1} | **{ours:.1}** | {:.1} |{theirs} {:.1} | {:.1} |",
            ours / plain,
            ratio(false),
            ratio(true)
        );
    }
}

fn cold_table(ours: &[f64], peers: &[peers::Peer]) {
    println!(
        "\n### Cold: nothing decoded, no file in the kernel's cache\n\nAim: at least 1 × the best peer.\n"
    );
    println!("| ms, one thread | Watchfire |{} best / ours | tuned / ours |", names(peers));
    println!("|---|---|{}---|---|", "---|".repeat(peers.len()));
    for (query, name) in QUERIES.iter().enumerate() {
        let ours = ours[query];
        let theirs: String = peers.iter().map(|peer| format!(" {:.0} |", peer.cold[query])).collect();
        let ratio = |is_tuned| best(peers, is_tuned, |peer| peer.cold[query]) / ours;
        println!("| {name} | **{ours:.0}** |{theirs} {:.1} | {:.1} |", ratio(false), ratio(true));
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

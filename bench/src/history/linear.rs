//! Cost by rows: the same questions to a tenth of the hits and, where asked for, to five times as many.

use super::{QUERIES, engine, generate};

const FEWER: u64 = 1_000_000;
const MORE: u64 = 50_000_000;
/// Set to anything: 50 million hits too. They take 0.9 GB of disk and 1.5 GB of memory, and some minutes.
const WANTED: &str = "WATCHFIRE_BENCH_50M";

/// Milliseconds of each question, warm, to so many pageviews.
struct Size {
    hits: u64,
    ms: Vec<f64>,
}

/// `measured`: the pageviews of the main run and what its questions took.
pub fn measure(measured: (u64, &[f64])) -> anyhow::Result<()> {
    let mut sizes = vec![size(FEWER)?, Size { hits: measured.0, ms: measured.1.to_vec() }];
    if std::env::var_os(WANTED).is_some() {
        sizes.push(size(MORE)?);
    }
    println!(
        "\n### Cost by rows\n\nNanoseconds a hit, warm. Linear: the last column is near 1 (aim: at most 1.5; larger sets leave the processor's caches).\n"
    );
    let heads: Vec<String> =
        sizes.iter().map(|size| format!("{:.0} M hits", size.hits as f64 / 1e6)).collect();
    println!("| query | {} | most / fewest |", heads.join(" | "));
    println!("|---|{}---|", "---|".repeat(sizes.len()));
    for (query, name) in QUERIES.iter().enumerate() {
        let each: Vec<f64> = sizes.iter().map(|size| size.ms[query] * 1e6 / size.hits as f64).collect();
        let cells: Vec<String> = each.iter().map(|nanos| format!("{nanos:.2}")).collect();
        println!("| {name} | {} | {:.2} |", cells.join(" | "), each[each.len() - 1] / each[0]);
    }
    if sizes.len() == 2 {
        println!("\n50 M hits too: `{WANTED}=1`.");
    }
    Ok(())
}

/// The folder goes with what was written to it.
fn size(pageviews: u64) -> anyhow::Result<Size> {
    let folder = tempfile::tempdir()?;
    let made = generate::write(folder.path(), pageviews, super::SEED)?;
    Ok(Size { hits: made.hits, ms: engine::warm(&made.segments)?.ms })
}

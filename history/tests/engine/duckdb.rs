//! Segments are readable by any tool: DuckDB, as PyPI has it, counts the same.

use std::path::PathBuf;
use std::process::Command;

use history::query::Query;
use history::report::{Control, Library, answer};
use history::segment::write;

use crate::world::World;

const DUCKDB: &str = "duckdb==2.0.0";

const COUNT: &str = "
import duckdb, sys
rows = duckdb.sql(f'''
    WITH rows AS (SELECT *, filename FROM read_parquet('{sys.argv[1]}/*.parquet', filename=true)),
         visits AS (FROM rows WHERE visitor IS NOT NULL AND NOT is_bot)
    SELECT count(*) FILTER (h.kind = 'pageview'), count(DISTINCT v.visitor), count(DISTINCT (v.filename, v.visit)), sum(h.engaged_ms)
    FROM rows h JOIN visits v ON h.visit = v.visit AND h.filename = v.filename WHERE h.kind IS NOT NULL''').fetchall()
print(*[int(n or 0) for n in rows[0]])
";

/// A Python with DuckDB in it, made once in the cache folder; None, and said so, where PyPI cannot be reached.
fn python() -> Option<PathBuf> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home).unwrap();
    let folder = cache.join("watchfire").join(DUCKDB.replace("==", "-"));
    let python = folder.join("bin/python");
    let has_it = || {
        let output = Command::new(&python).args(["-c", "import duckdb"]).output();
        output.is_ok_and(|output| output.status.success())
    };
    if has_it() {
        return Some(python);
    }
    let run = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    let made = run(Command::new("python3").args(["-m", "venv"]).arg(&folder))
        && run(Command::new(&python).args(["-m", "pip", "install", "--quiet", DUCKDB]));
    if made && has_it() {
        return Some(python);
    }
    eprintln!("NOT TESTED: {DUCKDB} could not be had from PyPI, so no other tool read a segment");
    None
}

#[test]
fn another_tool_reads_the_same_numbers() {
    let Some(python) = python() else { return };
    let world = World::random(&mut fastrand::Rng::with_seed(3));
    let folder = tempfile::tempdir().unwrap();
    let library = Library::new(usize::MAX);
    let mut fold = history::fold::Fold::new(world.zone.clone());
    fold.add_hits(&world.hits);
    let mut parts = Vec::new();
    for folded in fold.finish() {
        let (_, bytes) = write(&folded.table, &folded.day).unwrap();
        std::fs::write(folder.path().join(format!("{}.parquet", folded.day.name)), &bytes).unwrap();
        parts
            .push(std::sync::Arc::new(library.open(std::sync::Arc::new(bytes::Bytes::from(bytes))).unwrap()));
    }
    let output = Command::new(python).args(["-c", COUNT]).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let theirs: Vec<u64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let mut query = Query::totals(i64::MIN / 2, i64::MAX / 2);
    query.metrics.push(history::query::Metric::EngagedTime);
    let ours = answer(&parts, &world.zone, &query, &Control::plain()).unwrap().total;
    assert_eq!(theirs, [ours.pageviews, ours.visitors, ours.visits, ours.engaged_ms]);
    assert!(ours.pageviews > 0);
}

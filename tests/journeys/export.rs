//! A site's history exported with the real program, and its JSON lines imported into another site: the same answers.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use archive::{Archive, Limits};
use history::query::{Bots, Dimension, Metric, Query, Unit};
use history::report::Answer;
use model::SiteId;
use store::Embedded;
use tokio::process::Command;
use world::Program;

use crate::import::{imported, importer, installation};
use crate::replay::data;

fn exporter(folder: &Path, site: SiteId, format: &str, more: &[&str]) -> Command {
    let mut command = Command::new(Program::binary());
    command
        .args(["export", "--site", &site.to_string(), "--format", format, "--data"])
        .arg(folder)
        .args(more);
    command.kill_on_drop(true);
    command
}

/// What reports say of a site, as the archive reads it.
async fn answers(folder: &Path, site: SiteId) -> Vec<Answer> {
    let store = Embedded::open(folder).expect("the store opens");
    let limits = Limits { report_time: Duration::from_secs(300), ..Limits::default() };
    let archive = Archive::new(&store, limits);
    let mut site = store.sites.site(site).await.expect("the site");
    site.time_zone = "Europe/Paris".into();
    let all = Query::totals(0, i64::from(u32::MAX) * 1_000);
    let metrics =
        vec![Metric::Visitors, Metric::Visits, Metric::Pageviews, Metric::BounceRate, Metric::VisitDuration];
    let mut answers = Vec::new();
    for (by, bots) in [
        ("", Bots::With),
        ("", Bots::Without),
        ("page", Bots::With),
        ("source device", Bots::With),
        ("country", Bots::Only),
        ("browser", Bots::Without),
        ("entry-page", Bots::With),
    ] {
        let by = by.split_whitespace().map(|name| name.parse::<Dimension>().expect("a dimension")).collect();
        let query = Query { by, bots, metrics: metrics.clone(), limit: 1_000, ..all.clone() };
        answers.push(archive.answer(&site, query).await.expect("an answer"));
    }
    let days =
        Query { bucket: Some(Unit::Day), metrics, from: 1_383_000_000_000, to: 1_385_000_000_000, ..all };
    answers.push(archive.answer(&site, days).await.expect("an answer"));
    store.close().await;
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_imported_elsewhere_gives_the_same_answers_and_counts_once() {
    let Some(data) = data() else { return };
    let (folder, sites) = installation(3).await;
    let folder = folder.path();
    let log = data.join("logs/site-week-48.log.gz");
    let (succeeded, said) = imported(importer(folder, sites[1], &[log])).await;
    assert!(succeeded, "{said}");
    let before = answers(folder, sites[1]).await;
    assert!(before[0].total.pageviews > 1_000 && before[2].rows.len() > 10);

    let lines = folder.join("hits.jsonl");
    let out = ["--out", lines.to_str().expect("a plain path")];
    let (succeeded, said) = imported(exporter(folder, sites[1], "jsonl", &out)).await;
    assert!(succeeded && said.contains("8 days"), "{said}");
    assert_eq!(answers(folder, sites[1]).await, before, "an export changes no answer");
    for site in [sites[2], sites[2], sites[1]] {
        let (succeeded, said) = imported(importer(folder, site, std::slice::from_ref(&lines))).await;
        assert!(succeeded && said.contains(" 0 unreadable"), "{said}");
        assert_eq!(answers(folder, site).await, before);
    }
    let (succeeded, said) = imported(exporter(folder, sites[1], "jsonl", &out)).await;
    assert!(!succeeded && said.contains("is there already"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn csv_and_parquet_have_the_same_rows_and_a_range_has_its_days() {
    let Some(data) = data() else { return };
    let (folder, sites) = installation(1).await;
    let folder = folder.path();
    let (succeeded, said) =
        imported(importer(folder, sites[0], &[data.join("logs/blog-4-days.log.gz")])).await;
    assert!(succeeded, "{said}");
    let range = ["--from", "2015-05-18", "--to", "2015-05-19"];
    let output = exporter(folder, sites[0], "csv", &range).output().await.expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut days: BTreeMap<String, usize> = BTreeMap::new();
    let mut reader = csv::Reader::from_reader(output.stdout.as_slice());
    assert_eq!(reader.headers().expect("a header").len(), 35);
    for record in reader.records() {
        let record = record.expect("a line of CSV");
        assert!(!record.iter().any(|cell| cell.starts_with(['=', '+', '-', '@'])), "{record:?}");
        *days.entry(record[0].to_owned()).or_default() += 1;
    }
    assert_eq!(days.keys().map(String::as_str).collect::<Vec<_>>(), ["2015-05-18", "2015-05-19"]);

    let to = folder.join("parquet");
    let out = [&range[..], &["--out", to.to_str().expect("a plain path")]].concat();
    let (succeeded, said) = imported(exporter(folder, sites[0], "parquet", &out)).await;
    assert!(succeeded, "{said}");
    for (day, rows) in days {
        let bytes = std::fs::read(to.join(format!("{day}.parquet"))).expect("a file a day");
        let reader = history::segment::Reader::open(Arc::new(bytes::Bytes::from(bytes))).expect("a segment");
        assert_eq!(reader.head().hits as usize, rows, "{day}");
    }
    assert_eq!(std::fs::read_dir(&to).expect("the folder").count(), 2);
}

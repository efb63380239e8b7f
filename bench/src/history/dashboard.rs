//! A dashboard through the real archive and the embedded store, in a process of its own: twelve panels of the last seven days, then
//! of all ninety, and what the process takes of memory.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use archive::{Archive, Limits};
use bytes::Bytes;
use history::query::{Dimension, Metric, Query, Unit};
use history::segment::Reader;
use history::table::{HitText, VisitText};
use model::{Millis, SegmentId, Site, SiteId};
use store::history::{NewFold, NewSegment};

use super::generate::TO;
use super::{Numbers, WARM_RUNS};
use crate::process::resident;

const WEEK_MS: i64 = 7 * 86_400_000;
/// Of the dashboard, and of the embedded server in bytes.
const AIM_MS: f64 = 30.0;
const AIM_BYTES: f64 = 256e6;

#[derive(serde::Serialize, serde::Deserialize)]
struct Seen {
    /// The first time, and the median of those after it.
    first_ms: f64,
    again_ms: f64,
    kept_bytes: usize,
    resident_bytes: u64,
    /// Visitors of the week, and of each list's first row.
    visitors: Numbers,
}

/// `folder`: of the segments.
pub fn measure(folder: &Path) -> anyhow::Result<()> {
    let child = Command::new(std::env::current_exe()?)
        .args(["serve", "panels"])
        .arg(folder)
        .stderr(Stdio::inherit())
        .output()?;
    anyhow::ensure!(child.status.success(), "the dashboard's process ended with {}", child.status);
    let seen: Seen = serde_json::from_slice(&child.stdout)?;
    println!("\n### A dashboard of twelve panels, through archive and embedded store\n");
    println!("| | | aim | aim / ours |\n|---|---|---|---|");
    println!("| seven days, first time, ms | {:.1} | | |", seen.first_ms);
    println!(
        "| seven days, again, ms | **{:.1}** | {AIM_MS} | {:.1} |",
        seen.again_ms,
        AIM_MS / seen.again_ms
    );
    println!("| kept between reports, MB | {:.0} | | |", seen.kept_bytes as f64 / 1e6);
    println!(
        "| resident after all panels over 90 days too, MB | **{:.0}** | {:.0} | {:.1} |",
        seen.resident_bytes as f64 / 1e6,
        AIM_BYTES / 1e6,
        AIM_BYTES / seen.resident_bytes as f64
    );
    println!("\n{} visitors in the week.", seen.visitors[0]);
    Ok(())
}

/// The child's side.
pub async fn serve(folder: &Path) -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let store = store::Embedded::open(data.path())?;
    let site = site();
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    paths.sort();
    let mut shelf = 0;
    for (path, id) in paths.iter().zip(1..) {
        let segments = vec![segment(path, id)?];
        shelf =
            store.history.put_fold(site.id, NewFold { after: shelf, segments, ..NewFold::default() }).await?;
    }
    let archive = Archive::new(&store, Limits::default());
    let dashboard = async |from: i64| -> anyhow::Result<(f64, Numbers)> {
        let began = Instant::now();
        let mut visitors = Vec::new();
        for query in panels(from) {
            let answer = archive.answer(&site, query).await?;
            visitors.push(answer.rows.first().map_or(answer.total, |row| row.sums).visitors as i64);
        }
        Ok((began.elapsed().as_secs_f64() * 1e3, visitors))
    };
    let (first_ms, visitors) = dashboard(TO - WEEK_MS).await?;
    let mut times = Vec::new();
    for _ in 0..WARM_RUNS {
        let (ms, again) = dashboard(TO - WEEK_MS).await?;
        anyhow::ensure!(again == visitors, "{again:?} and {visitors:?}");
        times.push(ms);
    }
    times.sort_by(f64::total_cmp);
    dashboard(super::generate::FROM).await?;
    let resident_bytes = resident(std::process::id())?;
    let kept_bytes = archive.bytes();
    let again_ms = times[times.len() / 2];
    println!(
        "{}",
        serde_json::to_string(&Seen { first_ms, again_ms, kept_bytes, resident_bytes, visitors })?
    );
    Ok(())
}

/// The headline with its chart, and eleven lists; as the page asks, which has the totals once.
fn panels(from: i64) -> Vec<Query> {
    let all = Query::totals(from, TO);
    let metrics = vec![
        Metric::Visitors,
        Metric::Visits,
        Metric::Pageviews,
        Metric::ViewsAVisit,
        Metric::BounceRate,
        Metric::VisitDuration,
    ];
    let mut panels = vec![Query { bucket: Some(Unit::Day), metrics, ..all.clone() }];
    let visit = [
        VisitText::Channel,
        VisitText::Source,
        VisitText::Country,
        VisitText::Region,
        VisitText::Browser,
        VisitText::Os,
        VisitText::Device,
        VisitText::UtmCampaign,
    ];
    let lists = visit.into_iter().map(Dimension::Visit);
    let lists = lists.chain([Dimension::Hit(HitText::Path), Dimension::EntryPage, Dimension::ExitPage]);
    let metrics = vec![Metric::Visitors];
    let all = Query { totals: false, ..all };
    panels.extend(lists.map(|by| Query { by: vec![by], metrics: metrics.clone(), ..all.clone() }));
    panels
}

fn segment(path: &Path, id: u128) -> anyhow::Result<NewSegment> {
    let body = Bytes::from(std::fs::read(path)?);
    let head = Reader::open(std::sync::Arc::new(body.clone()))?.head().clone();
    let (day_start, head) = (Millis(head.day_start), head.to_json().into());
    Ok(NewSegment { id: SegmentId(id), day_start, head, body })
}

fn site() -> Site {
    Site {
        id: SiteId::of(7),
        name: "Bench".into(),
        hostnames: vec!["*".into()],
        time_zone: "UTC".into(),
        honour_opt_out: false,
        first_party_id: false,
        ignored_addresses: Vec::new(),
        ignored_paths: Vec::new(),
        keep_days: None,
        chat: model::ChatSettings::default(),
        created: Millis(0),
    }
}

//! The engine's side: cold (each query opens the segments anew) and warm.

use std::fs::File;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use history::query::{Dimension, Filter, Metric, Query, Unit};
use history::report::{Control, Funnel, Library, Part, Sums, answer, funnel};
use history::segment::{Blob, end_of};
use history::table::{HitText, VisitText};
use history::zone::Zone;

use super::generate::{FROM, TO};
use super::{COUNTRY, DEVICE, Numbers, QUERIES, STEPS, WARM_RUNS, WINDOW_S, timed};

const COLUMNS_BYTES_MAX: usize = 256 << 20;

pub struct Warm {
    pub ms: Vec<f64>,
    pub answers: Vec<Numbers>,
    pub bytes: usize,
}

/// A segment's file.
struct OnDisk(File, u64);

impl Blob for OnDisk {
    fn len(&self) -> u64 {
        self.1
    }

    fn read(&self, start: u64, length: usize) -> std::io::Result<Bytes> {
        let mut bytes = vec![0; length];
        self.0.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }

    fn expect(&self, ranges: &[Range<u64>]) {
        let advice = libc::POSIX_FADV_WILLNEED;
        for Range { start, end } in ranges {
            // SAFETY: the descriptor is open for the call.
            unsafe { libc::posix_fadvise(self.0.as_raw_fd(), *start as i64, (end - start) as i64, advice) };
        }
    }
}

pub fn open(segments: &[PathBuf]) -> anyhow::Result<(Arc<Library>, Vec<Arc<Part>>)> {
    let library = Library::new(COLUMNS_BYTES_MAX);
    let mut files = Vec::new();
    for segment in segments {
        let file = File::open(segment)?;
        let length = file.metadata()?.len();
        let blob = OnDisk(file, length);
        blob.expect(&[end_of(length)]);
        files.push(Arc::new(blob));
    }
    let parts = files.into_iter().map(|blob| Ok(Arc::new(library.open(blob)?)));
    let parts = parts.collect::<anyhow::Result<_>>()?;
    Ok((library, parts))
}

/// Milliseconds of each query where nothing is decoded and the kernel holds none of the files.
pub fn cold(segments: &[PathBuf]) -> anyhow::Result<Vec<f64>> {
    let one = |query| {
        for segment in segments {
            let file = File::open(segment)?;
            file.sync_all()?;
            // SAFETY: the descriptor is open for the call.
            unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
        }
        let began = Instant::now();
        cold_one(segments, query)?;
        Ok(began.elapsed().as_secs_f64() * 1e3)
    };
    (0..QUERIES.len()).map(one).collect()
}

/// One query where nothing is decoded.
pub fn cold_one(segments: &[PathBuf], query: usize) -> anyhow::Result<Numbers> {
    let (_, parts) = open(segments)?;
    ask(&parts, query)
}

pub fn warm(segments: &[PathBuf]) -> anyhow::Result<Warm> {
    let (library, parts) = open(segments)?;
    let mut warm = Warm { ms: Vec::new(), answers: Vec::new(), bytes: 0 };
    for query in 0..QUERIES.len() {
        let (ms, numbers) = timed(WARM_RUNS, || ask(&parts, query))?;
        warm.ms.push(ms);
        warm.answers.push(numbers);
    }
    warm.bytes = library.bytes();
    Ok(warm)
}

fn ask(parts: &[Arc<Part>], query: usize) -> anyhow::Result<Numbers> {
    let all = Query::totals(FROM, TO);
    let visitors = vec![Metric::Visitors];
    let answered = |query: &Query| answer(parts, &Zone::utc(), query, &Control::plain());
    let is = |by: VisitText, value: &str| Filter::Is { by: Dimension::Visit(by), values: vec![value.into()] };
    let days = |sums: &[Sums], numbers: fn(&Sums) -> Vec<u64>| -> Numbers {
        sums.iter().flat_map(numbers).map(|number| number as i64).collect()
    };
    Ok(match query {
        0 => days(&[answered(&all)?.total], |sums| vec![sums.pageviews, sums.visitors, sums.visits]),
        1 => {
            let metrics = vec![Metric::Pageviews, Metric::Visitors];
            let answer = answered(&Query { bucket: Some(Unit::Day), metrics, ..all })?;
            days(&answer.series, |sums| vec![sums.pageviews, sums.visitors])
        }
        2 => {
            let by = vec![Dimension::Hit(HitText::Path)];
            let answer = answered(&Query { by, metrics: visitors, totals: false, ..all })?;
            answer.rows.iter().map(|row| row.sums.visitors as i64).collect()
        }
        3 => {
            let by = vec![Dimension::Visit(VisitText::Source)];
            let filter = Filter::And(vec![is(VisitText::Country, COUNTRY), is(VisitText::Device, DEVICE)]);
            let filter = Some(filter);
            let answer = answered(&Query { by, metrics: visitors, filter, totals: false, ..all })?;
            answer.rows.iter().map(|row| row.sums.visitors as i64).collect()
        }
        4 => {
            let path = |path: &&str| Filter::Is {
                by: Dimension::Hit(HitText::Path),
                values: vec![(*path).to_owned()],
            };
            let steps = STEPS.iter().map(path).collect();
            let asked =
                Funnel { from: FROM, to: TO, steps, window_ms: WINDOW_S * 1_000, bots: Default::default() };
            let reached = funnel(parts, &Zone::utc(), &asked, &Control::plain())?;
            reached.iter().map(|step| step.visitors as i64).collect()
        }
        _ => {
            let metrics = vec![Metric::BounceRate, Metric::VisitDuration];
            let answer = answered(&Query { bucket: Some(Unit::Day), metrics, ..all })?;
            days(&answer.series, |sums| vec![sums.visits, sums.bounces, sums.duration_ms / 1_000])
        }
    })
}

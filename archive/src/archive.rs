//! Answers reports over any site's history, within limits on time, memory and how many at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use hashbrown::HashMap;
use history::query::Query;
use history::report::{self, Answer, Control, Funnel, Part, Reached, ReportError};
use history::zone::Zone;
use model::{Site, SiteId};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::shelf::{Shelf, View};
use crate::{ArchiveError, Limits, Result, Stores};

/// What a question is put to.
pub struct Asked<'a> {
    /// Those with a hit in the range, in order of their days.
    pub parts: &'a [Arc<Part>],
    pub zone: &'a Zone,
    pub control: &'a Control<'a>,
    /// First and last sign of life of the whole history, milliseconds since 1970 UTC; None without any.
    pub range: Option<(i64, i64)>,
}

/// Keeps what reports read, site by site, within `Limits::cache_bytes`.
pub struct Archive {
    stores: Stores,
    limits: Limits,
    shelves: Mutex<HashMap<SiteId, Kept>>,
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
}

struct Kept {
    shelf: Arc<Shelf>,
    used: Instant,
}

impl Archive {
    pub fn new(stores: impl Into<Stores>, limits: Limits) -> Arc<Archive> {
        let (stores, turns) = (stores.into(), Arc::new(Semaphore::new(limits.at_once.max(1))));
        Arc::new(Archive { stores, limits, shelves: Mutex::default(), turns, waiting: AtomicUsize::new(0) })
    }

    /// A query over the site's history up to this moment.
    pub async fn answer(&self, site: &Site, query: Query) -> Result<Answer> {
        self.ask(site, (query.from, query.to), move |asked| {
            report::answer(asked.parts, asked.zone, &query, asked.control)
        })
        .await
    }

    pub async fn funnel(&self, site: &Site, funnel: Funnel) -> Result<Vec<Reached>> {
        self.ask(site, (funnel.from, funnel.to), move |asked| {
            report::funnel(asked.parts, asked.zone, &funnel, asked.control)
        })
        .await
    }

    /// Any question to the parts that a range (milliseconds since 1970 UTC, the end not within) touches. Computed on a
    /// thread of its own; where the future is dropped the report stops.
    pub async fn ask<T: Send + 'static>(
        &self,
        site: &Site,
        range: (i64, i64),
        question: impl FnOnce(&Asked<'_>) -> std::result::Result<T, ReportError> + Send + 'static,
    ) -> Result<T> {
        let turn = self.turn().await?;
        let view = self.shelf(site.id).view(&site.time_zone).await?;
        let cancelled = Cancelled::default();
        let (stop, limits) = (cancelled.0.clone(), self.limits);
        let computing = move || {
            let _turn = turn;
            compute(&view, range, &limits, &stop, question)
        };
        let answer = tokio::task::spawn_blocking(computing).await?;
        self.trim();
        answer
    }

    async fn turn(&self) -> Result<tokio::sync::OwnedSemaphorePermit> {
        let waiting = Waiting::new(&self.waiting);
        if waiting.before >= self.limits.waiting {
            return Err(ArchiveError::Busy { waiting: waiting.before });
        }
        // Nobody closes the turns.
        let turn = self.turns.clone().acquire_owned().await;
        turn.map_err(|_| ArchiveError::Busy { waiting: waiting.before })
    }

    fn shelf(&self, site: SiteId) -> Arc<Shelf> {
        let mut shelves = self.shelves.lock();
        let new = || Shelf::new(site, self.stores.clone(), self.limits.cache_bytes);
        let kept = shelves.entry(site).or_insert_with(|| Kept { shelf: new(), used: Instant::now() });
        kept.used = Instant::now();
        kept.shelf.clone()
    }

    /// Bytes kept between reports.
    pub fn bytes(&self) -> usize {
        self.shelves.lock().values().map(|kept| kept.shelf.library.bytes()).sum()
    }

    /// Lets whole sites go, the longest unused first, until the bound is kept.
    fn trim(&self) {
        let mut shelves = self.shelves.lock();
        loop {
            let bytes: usize = shelves.values().map(|kept| kept.shelf.library.bytes()).sum();
            let oldest = shelves.iter().min_by_key(|(_, kept)| kept.used).map(|(site, _)| *site);
            match oldest {
                Some(site) if bytes > self.limits.cache_bytes => shelves.remove(&site),
                _ => return,
            };
        }
    }
}

fn compute<T>(
    view: &View,
    range: (i64, i64),
    limits: &Limits,
    cancelled: &AtomicBool,
    question: impl FnOnce(&Asked<'_>) -> std::result::Result<T, ReportError>,
) -> Result<T> {
    let until = Instant::now() + limits.report_time;
    let stop = || cancelled.load(Ordering::Relaxed) || Instant::now() >= until;
    let control = Control { stop: &stop, memory_max: limits.report_bytes, threads: limits.threads };
    let parts = view.parts(range.0, range.1)?;
    let asked = Asked { parts: &parts, zone: &view.zone, control: &control, range: view.range() };
    let answer = question(&asked);
    drop(parts);
    view.trim();
    match answer {
        Err(ReportError::Stopped) => Err(ArchiveError::TooLong { max_ms: limits.report_time.as_millis() }),
        answer => Ok(answer?),
    }
}

/// Stops the report when nobody waits for it any more.
#[derive(Default)]
struct Cancelled(Arc<AtomicBool>);

impl Drop for Cancelled {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One that waits, counted.
struct Waiting<'w> {
    count: &'w AtomicUsize,
    before: usize,
}

impl<'w> Waiting<'w> {
    fn new(count: &'w AtomicUsize) -> Waiting<'w> {
        Waiting { before: count.fetch_add(1, Ordering::Relaxed), count }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

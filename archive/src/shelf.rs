//! One site's history as it stands this moment: the segments, and the tail laid over those that it touches.

use std::sync::Arc;

use hashbrown::HashMap;
use history::EnrichedHit;
use history::amend::Correction;
use history::fold::needs;
use history::report::{Library, Part, overlay};
use history::segment::{Head, end_of};
use history::zone::Zone;
use model::{SegmentId, SiteId};
use parking_lot::Mutex;
use store::history::{SegmentEntry, TailCursor};

use crate::blob::{Segments, head};
use crate::correct::in_force;
use crate::limits::{PAGE_BATCHES, UNFOLDED_MAX};
use crate::{ArchiveError, Result, Stores};

/// How often a fold may come in between while the shelf is read.
const ATTEMPTS: usize = 8;

/// Opened segments and the tail of one site, kept from report to report.
pub struct Shelf {
    site: SiteId,
    pub library: Arc<Library>,
    stores: Stores,
    state: tokio::sync::Mutex<State>,
}

#[derive(Default)]
struct State {
    fold: Option<u64>,
    zone: String,
    entries: Arc<[Entry]>,
    /// How far the tail was read.
    last: Option<TailCursor>,
    unfolded: Arc<Vec<EnrichedHit>>,
    /// In force since the last fold at the latest: whoever changes them folds after it.
    corrections: Arc<[Correction]>,
    /// Made of all the above; gone at once where any of it changes, since whoever asks may stop waiting at any await.
    view: Option<Arc<View>>,
}

/// A segment, opened when a report first touches it.
pub struct Entry {
    pub id: SegmentId,
    pub bytes: u64,
    pub head: Head,
    part: Mutex<Option<Arc<Part>>>,
}

/// All parts of a moment; hits of each visit in one of them.
pub struct View {
    library: Arc<Library>,
    segments: Segments,
    entries: Arc<[Entry]>,
    /// Of the entries, those that stand in `fresh`.
    replaced: Vec<bool>,
    /// Segments that the tail touches, and beside them the visits that were folded anew with it.
    fresh: Vec<Arc<Part>>,
    pub zone: Zone,
}

impl Shelf {
    pub fn new(site: SiteId, stores: Stores, cache_bytes: usize) -> Arc<Shelf> {
        Arc::new(Shelf { site, library: Library::new(cache_bytes), stores, state: Default::default() })
    }

    /// The history up to this moment. Reports that ask at once wait for one reading. May be dropped at any await: what was read
    /// until then serves the next.
    pub async fn view(self: &Arc<Shelf>, zone_name: &str) -> Result<Arc<View>> {
        let mut state = self.state.lock().await;
        let state = &mut *state;
        self.read(state).await?;
        if let Some(view) = &state.view
            && state.zone == zone_name
        {
            return Ok(view.clone());
        }
        let zone = Zone::named(zone_name)?;
        let segments = Segments::new(&self.stores.history, self.site);
        let (library, entries, unfolded) =
            (self.library.clone(), state.entries.clone(), state.unfolded.clone());
        let corrections = state.corrections.clone();
        let making = move || View::new(library, segments, entries, &unfolded, &corrections, zone);
        let view = Arc::new(tokio::task::spawn_blocking(making).await??);
        state.zone = zone_name.to_owned();
        state.view = Some(view.clone());
        Ok(view)
    }

    /// Reads the tail on, and the shelf; where a fold came in between, again.
    async fn read(&self, state: &mut State) -> Result<()> {
        for _ in 0..ATTEMPTS {
            if state.fold.is_some() {
                self.read_tail(state).await?;
            }
            // The tail was read before the shelf: where no fold came in between, both are of one moment.
            let shelf = self.stores.history.shelf(self.site).await?;
            if state.fold == Some(shelf.fold) {
                return Ok(());
            }
            let entries = entries(&state.entries, &shelf.segments)?;
            let corrections = in_force(&self.stores, self.site).await?.into();
            let (fold, last) = (Some(shelf.fold), shelf.folded_to);
            *state = State { fold, last, entries, corrections, ..State::default() };
        }
        *state = State::default();
        Err(ArchiveError::Restless(ATTEMPTS))
    }

    async fn read_tail(&self, state: &mut State) -> Result<()> {
        loop {
            let page = self.stores.history.tail_of(self.site, state.last, PAGE_BATCHES).await?;
            let mut hits = Vec::new();
            for batch in &page.batches {
                hits.extend(history::tail::decode(&batch.body)?.hits);
            }
            if !hits.is_empty() {
                state.view = None;
                // A view that is still being made of what was there keeps its own.
                Arc::make_mut(&mut state.unfolded).append(&mut hits);
            }
            let hits = state.unfolded.len();
            if hits > UNFOLDED_MAX {
                *state = State::default();
                return Err(ArchiveError::Behind { hits, max: UNFOLDED_MAX });
            }
            state.last = page.last.or(state.last);
            if page.next.is_none() {
                return Ok(());
            }
        }
    }
}

/// The entries as the store has them now, with the parts of those that were known.
fn entries(known: &[Entry], segments: &[SegmentEntry]) -> Result<Arc<[Entry]>> {
    let mut parts: HashMap<SegmentId, Arc<Part>> =
        known.iter().filter_map(|entry| Some((entry.id, entry.part.lock().clone()?))).collect();
    let entry = |segment: &SegmentEntry| {
        let part = Mutex::new(parts.remove(&segment.id));
        Ok(Entry { id: segment.id, bytes: segment.bytes, head: head(segment)?, part })
    };
    segments.iter().map(entry).collect()
}

impl View {
    fn new(
        library: Arc<Library>,
        segments: Segments,
        entries: Arc<[Entry]>,
        unfolded: &[EnrichedHit],
        corrections: &[Correction],
        zone: Zone,
    ) -> Result<View> {
        let replaced = vec![false; entries.len()];
        let mut view = View { library, segments, entries, replaced, fresh: vec![], zone };
        if unfolded.is_empty() {
            return Ok(view);
        }
        let heads: Vec<Head> = view.entries.iter().map(|entry| entry.head.clone()).collect();
        let mut touched = Vec::new();
        for index in needs(&heads, unfolded) {
            touched.push(view.part(&view.entries[index])?);
            view.replaced[index] = true;
        }
        view.fresh = overlay(&view.library, &touched, &view.zone, unfolded, corrections)?;
        Ok(view)
    }

    /// The parts with a hit in the range, in order of their days; opens what was not. Blocks.
    pub fn parts(&self, from: i64, to: i64) -> Result<Vec<Arc<Part>>> {
        let kept = self.entries.iter().zip(&self.replaced).filter(|(_, replaced)| !**replaced);
        let touching =
            kept.map(|(entry, _)| entry).filter(|entry| entry.head.first < to && entry.head.last >= from);
        let entries: Vec<&Entry> = touching.collect();
        for entry in entries.iter().filter(|entry| entry.part.lock().is_none()) {
            self.segments.blob(entry.id, entry.bytes).expect(&[end_of(entry.bytes)]);
        }
        let mut parts = entries.into_iter().map(|entry| self.part(entry)).collect::<Result<Vec<_>>>()?;
        parts.extend(self.fresh.iter().filter(|part| part.touches(from, to)).cloned());
        parts.sort_by_key(|part| part.head().day_start);
        Ok(parts)
    }

    fn part(&self, entry: &Entry) -> Result<Arc<Part>> {
        let mut part = entry.part.lock();
        if let Some(part) = &*part {
            return Ok(part.clone());
        }
        let opened = Arc::new(self.library.open(self.segments.blob(entry.id, entry.bytes))?);
        *part = Some(opened.clone());
        Ok(opened)
    }

    /// Lets columns go that were unused longest, down to the library's bound.
    pub fn trim(&self) {
        let opened = self.entries.iter().filter_map(|entry| entry.part.lock().clone());
        let parts: Vec<Arc<Part>> = opened.chain(self.fresh.iter().cloned()).collect();
        self.library.trim(&parts);
    }

    /// First and last sign of life of the whole history; None without any.
    pub fn range(&self) -> Option<(i64, i64)> {
        let kept = self.entries.iter().zip(&self.replaced).filter(|(_, replaced)| !**replaced);
        let heads = kept.map(|(entry, _)| &entry.head).chain(self.fresh.iter().map(|part| part.head()));
        let heads = heads.filter(|head| head.visits > 0).map(|head| (head.first, head.last));
        heads.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }
}

//! Verdicts corrected after the fact. What is in force stands with what the site saved; every fold and every report follows it,
//! and here each segment that was written before is made to agree.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashSet;
use history::amend::{Correction, Verdict};
use history::query::Filter;
use history::report::judged::{count, verdicts};
use history::report::{Control, Library, Part};
use history::segment::Reader;
use history::zone::Zone;
use model::{Millis, SavedId, SegmentId, Site, SiteId};
use serde::{Deserialize, Serialize};
use store::StoreError;
use store::history::{NewFold, Shelf};
use store::saved::{SavedItem, SavedKind};

use crate::blob::Segments;
use crate::fold::{fold, segment};
use crate::{ArchiveError, Result, Stores};

/// How often a fold may come in between.
const ATTEMPTS: usize = 16;
/// Segments that one fold rewrites, so that few stand in memory at once.
const SEGMENTS_AT_ONCE: usize = 8;
/// What was begun this long ago and is not done was cut off.
const CUT_OFF_AFTER: Duration = Duration::from_secs(600);

/// How far a correction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CorrectionState {
    /// New hits follow it; some segments may not yet.
    Begun,
    InForce,
    /// New hits no longer follow it; some segments may still.
    TakenBack,
}

/// A correction and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Corrected {
    pub id: SavedId,
    pub name: String,
    /// Who made it, as they were called then.
    pub by: String,
    pub at: Millis,
    pub correction: Correction,
    /// What it named when it was made.
    pub visits: usize,
    pub hits: usize,
    pub state: CorrectionState,
}

/// As it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    by: String,
    from: i64,
    to: i64,
    filter: Filter,
    verdict: Verdict,
    visits: usize,
    hits: usize,
    state: CorrectionState,
}

impl Corrected {
    fn of(item: SavedItem) -> Result<Corrected> {
        let kept: Kept = serde_json::from_str(&item.body).map_err(|_| ArchiveError::Correction(item.id))?;
        let Kept { by, from, to, filter, verdict, visits, hits, state } = kept;
        let correction = Correction { from, to, filter, verdict };
        Ok(Corrected { id: item.id, name: item.name, by, at: item.created, correction, visits, hits, state })
    }

    fn item(&self) -> Result<SavedItem> {
        let Correction { from, to, filter, verdict } = self.correction.clone();
        let (by, visits, hits, state) = (self.by.clone(), self.visits, self.hits, self.state);
        let kept = Kept { by, from, to, filter, verdict, visits, hits, state };
        let body = serde_json::to_string(&kept).map_err(|_| ArchiveError::Correction(self.id))?;
        let (id, name, kind) = (self.id, self.name.clone(), SavedKind::Correction);
        Ok(SavedItem { id, kind, name, body, at: None, created: self.at })
    }
}

/// All of a site's, in the order that they were made.
pub async fn corrections(stores: &Stores, site: SiteId) -> Result<Vec<Corrected>> {
    let saved = stores.saved.all(site).await?.into_iter();
    let corrections = saved.filter(|item| item.kind == SavedKind::Correction).map(Corrected::of);
    let mut corrections = corrections.collect::<Result<Vec<_>>>()?;
    corrections.sort_by_key(|corrected| (corrected.at, corrected.id));
    Ok(corrections)
}

/// What folds and reports follow.
pub(crate) async fn in_force(stores: &Stores, site: SiteId) -> Result<Vec<Correction>> {
    let all = corrections(stores, site).await?.into_iter();
    let left = all.filter(|corrected| corrected.state != CorrectionState::TakenBack);
    Ok(left.map(|corrected| corrected.correction).collect())
}

/// Puts a correction into force: when this returns every segment follows it, and so does every hit that comes. `SAVED_MAX` of a
/// site. Cut off in between, [`settle`] goes on with it.
pub async fn correct(
    stores: &Stores,
    site: &Site,
    (id, name, by): (SavedId, String, String),
    correction: Correction,
    now: Millis,
) -> Result<Corrected> {
    correction.check().map_err(|bad| ArchiveError::Report(bad.into()))?;
    let state = CorrectionState::Begun;
    // Never of the same moment: the order decides.
    let last = corrections(stores, site.id).await?.last().map(|corrected| corrected.at);
    let at = last.map_or(now, |last| now.max(Millis(last.0 + 1)));
    let begun = Corrected { id, name, by, at, correction, visits: 0, hits: 0, state };
    stores.saved.add(site.id, begun.item()?).await?;
    finish(stores, site, begun).await
}

/// Takes a correction back: when this returns everything is as if it had never been.
pub async fn take_back(stores: &Stores, site: &Site, id: SavedId) -> Result<Corrected> {
    let mut all = corrections(stores, site.id).await?.into_iter();
    let known = all.find(|corrected| corrected.id == id).ok_or(StoreError::NotFound("correction"))?;
    let taken = Corrected { state: CorrectionState::TakenBack, ..known };
    stores.saved.change(site.id, taken.item()?).await?;
    finish(stores, site, taken).await
}

/// Goes on with what was cut off.
pub async fn settle(stores: &Stores, site: &Site, now: Millis) -> Result<()> {
    for corrected in corrections(stores, site.id).await? {
        let is_cut_off = match corrected.state {
            CorrectionState::InForce => false,
            CorrectionState::TakenBack => true,
            CorrectionState::Begun => corrected.at.plus(CUT_OFF_AFTER) < now,
        };
        if is_cut_off {
            finish(stores, site, corrected).await?;
        }
    }
    Ok(())
}

async fn finish(stores: &Stores, site: &Site, corrected: Corrected) -> Result<Corrected> {
    judge(stores, site).await?;
    if corrected.state == CorrectionState::TakenBack {
        return match stores.saved.remove(site.id, corrected.id).await {
            Ok(()) | Err(StoreError::NotFound(_)) => Ok(corrected),
            Err(error) => Err(error.into()),
        };
    }
    let (visits, hits) = named(stores, site, &corrected.correction).await?;
    let done = Corrected { visits, hits, state: CorrectionState::InForce, ..corrected };
    stores.saved.change(site.id, done.item()?).await?;
    Ok(done)
}

/// How many visits and hits of what is folded a correction names.
async fn named(stores: &Stores, site: &Site, correction: &Correction) -> Result<(usize, usize)> {
    let shelf = stores.history.shelf(site.id).await?;
    let judging = Judging::new(stores, site, shelf, vec![correction.clone()])?;
    tokio::task::spawn_blocking(move || judging.count()).await?
}

/// Makes every segment follow what is in force. What waits in the tail is folded, and stays in it.
async fn judge(stores: &Stores, site: &Site) -> Result<()> {
    let mut following: HashSet<SegmentId> = HashSet::new();
    let (mut is_first, mut conflicts) = (true, 0);
    while conflicts < ATTEMPTS {
        let done = fold(stores, site, Millis(0), Duration::ZERO).await?;
        if done.is_superseded {
            conflicts += 1;
            continue;
        }
        let shelf = stores.history.shelf(site.id).await?;
        let judging = Judging::new(stores, site, shelf, in_force(stores, site.id).await?)?;
        let known = following.clone();
        let (new, known) = tokio::task::spawn_blocking(move || judging.rewrite(known)).await??;
        if !is_first && new.gone.is_empty() && !done.is_more {
            return Ok(());
        }
        // The first one also where it changes nothing: whoever folds by what was in force before is refused, and views are made anew.
        match stores.history.put_fold(site.id, new).await {
            Ok(_) => (is_first, following) = (false, known),
            Err(StoreError::Conflict(_)) => conflicts += 1,
            Err(error) => return Err(error.into()),
        }
    }
    Err(ArchiveError::Restless(ATTEMPTS))
}

struct Judging {
    segments: Segments,
    shelf: Shelf,
    zone: Zone,
    corrections: Vec<Correction>,
}

impl Judging {
    fn new(stores: &Stores, site: &Site, shelf: Shelf, corrections: Vec<Correction>) -> Result<Judging> {
        let zone = Zone::named(&site.time_zone)?;
        Ok(Judging { segments: Segments::new(&stores.history, site.id), shelf, zone, corrections })
    }

    /// The first segments that do not follow, rewritten; and all that are known to. Blocks.
    fn rewrite(&self, mut following: HashSet<SegmentId>) -> Result<(NewFold, HashSet<SegmentId>)> {
        let mut new = NewFold { after: self.shelf.fold, ..NewFold::default() };
        for entry in self.shelf.segments.iter() {
            if following.contains(&entry.id) {
                continue;
            }
            let part = self.part(entry.id, entry.bytes)?;
            let verdicts = verdicts(&part, &self.corrections, &self.zone, &Control::plain())?;
            let humans = part.head().humans as usize;
            if verdicts.iter().enumerate().all(|(visit, is_bot)| *is_bot == (visit >= humans)) {
                following.insert(entry.id);
                continue;
            }
            let table = Reader::open(self.segments.blob(entry.id, entry.bytes))?.table()?;
            let written = segment(&table.with_verdicts(&verdicts), &part.head().day(), part.head().visitors)?;
            following.insert(written.id);
            new.gone.push(entry.id);
            new.segments.push(written);
            if new.gone.len() == SEGMENTS_AT_ONCE {
                break;
            }
        }
        Ok((new, following))
    }

    /// Blocks.
    fn count(&self) -> Result<(usize, usize)> {
        let (mut visits, mut hits) = (0, 0);
        for entry in self.shelf.segments.iter() {
            let part = self.part(entry.id, entry.bytes)?;
            for correction in &self.corrections {
                let more = count(&part, correction, &self.zone, &Control::plain())?;
                (visits, hits) = (visits + more.0, hits + more.1);
            }
        }
        Ok((visits, hits))
    }

    /// One library a segment: nothing of it is asked twice.
    fn part(&self, id: SegmentId, bytes: u64) -> Result<Arc<Part>> {
        Ok(Arc::new(Library::new(usize::MAX).open(self.segments.blob(id, bytes))?))
    }
}

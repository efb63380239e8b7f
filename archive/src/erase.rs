//! Somebody's data goes: what waits in the tail is folded and leaves it, then every segment that holds some of it is rewritten.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::{HashMap, HashSet};
use history::report::people::{Theirs, visits_of};
use history::report::{Control, Library, Part};
use history::segment::Reader;
use history::table::Visit;
use model::{Millis, Site, VisitorId};
use store::history::{NewFold, Shelf};
use store::{History, StoreError};

use crate::blob::Segments;
use crate::fold::{fold, segment};
use crate::{ArchiveError, Result, Stores};

/// How often a fold may come in between.
const ATTEMPTS: usize = 16;
/// Segments that one fold rewrites, so that few stand in memory at once.
const SEGMENTS_AT_ONCE: usize = 8;

/// Whose data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    Visitor(VisitorId),
    /// Every visit that belongs to who has this identity: see [`history::report::people`].
    Person(String),
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    pub visits: usize,
    pub hits: usize,
}

/// Removes all that a site's history has of somebody and that was received before `now`. When this returns no segment on the shelf and
/// no batch of the tail holds it; the segments that it stood in can be read for `SEGMENT_GRACE` more, by reports under way. Who comes again
/// counts as somebody new. The tail is emptied on the way: were the program to crash, the last thirty minutes of the live page could not be
/// rebuilt. Cut off in between, some may be left; asked again, it goes on.
pub async fn erase(stores: &Stores, site: &Site, whom: &Whom, now: Millis) -> Result<Erased> {
    let mut erased = Erased::default();
    let mut going = Going::new(whom);
    let mut conflicts = 0;
    loop {
        let done = fold(stores, site, now, Duration::ZERO).await?;
        let put =
            if done.is_superseded { None } else { rewrite(&stores.history, site, &mut going, now).await? };
        match put {
            Some(Erased { visits: 0, .. }) if !done.is_more => return Ok(erased),
            Some(more) => {
                erased.visits += more.visits;
                erased.hits += more.hits;
            }
            None => conflicts += 1,
        }
        if conflicts == ATTEMPTS {
            return Err(ArchiveError::Restless(ATTEMPTS));
        }
    }
}

/// The first segments with such visits, rewritten without. None: a fold came in between.
async fn rewrite(
    history: &Arc<dyn History>,
    site: &Site,
    going: &mut Going,
    now: Millis,
) -> Result<Option<Erased>> {
    let shelf = history.shelf(site.id).await?;
    let work = Rewriting { segments: Segments::new(history, site.id), shelf };
    let mut visits = going.clone();
    let rewriting = move || work.rewrite(&mut visits).map(|(new, erased)| (new, erased, visits));
    let (mut new, erased, visits) = tokio::task::spawn_blocking(rewriting).await??;
    *going = visits;
    if erased.visits == 0 {
        return Ok(Some(erased));
    }
    new.old = now;
    match history.put_fold(site.id, new).await {
        Ok(_) => Ok(Some(erased)),
        Err(StoreError::Conflict(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Which visits go.
#[derive(Clone)]
struct Going {
    identity: Option<String>,
    /// Of each visitor first and last sign of life of each visit that goes, and whether it names who goes.
    visits: HashMap<VisitorId, Vec<(i64, i64, bool)>>,
}

impl Going {
    fn new(whom: &Whom) -> Going {
        match whom {
            Whom::Visitor(visitor) => {
                let always = vec![(i64::MIN, i64::MAX, false)];
                Going { identity: None, visits: HashMap::from_iter([(*visitor, always)]) }
            }
            Whom::Person(identity) => Going { identity: Some(identity.clone()), visits: HashMap::new() },
        }
    }

    /// What belongs to the person now goes too; what was found before still does, though what named it may be gone already.
    fn find(&mut self, parts: &[Arc<Part>]) -> Result<()> {
        let Some(identity) = &self.identity else { return Ok(()) };
        for Theirs { visitor, first, last, names } in visits_of(parts, identity, &Control::plain())? {
            let visits = self.visits.entry(visitor).or_default();
            if !visits.contains(&(first, last, names)) {
                visits.push((first, last, names));
            }
        }
        Ok(())
    }

    /// It is one of them, or was at the same time in the same browser.
    fn has(&self, visit: &Visit, last: i64) -> bool {
        let is_it = |&(from, to, _): &(i64, i64, bool)| visit.first <= to && from <= last;
        self.visits.get(&visit.visitor).is_some_and(|visits| visits.iter().any(is_it))
    }

    /// A visit of this day names who goes.
    fn names_on(&self, part: &Part) -> bool {
        let day = part.head().day_start..part.head().day_end;
        self.visits.values().flatten().any(|(first, _, names)| *names && day.contains(first))
    }
}

struct Rewriting {
    segments: Segments,
    shelf: Shelf,
}

impl Rewriting {
    /// Blocks.
    fn rewrite(&self, going: &mut Going) -> Result<(NewFold, Erased)> {
        let mut new = NewFold { after: self.shelf.fold, ..NewFold::default() };
        let mut erased = Erased::default();
        let library = Library::new(0);
        let mut entries = Vec::new();
        for entry in &self.shelf.segments {
            let blob = self.segments.blob(entry.id, entry.bytes);
            entries.push((entry, Arc::new(library.open(blob)?)));
        }
        let parts: Vec<Arc<Part>> = entries.iter().map(|(_, part)| part.clone()).collect();
        going.find(&parts)?;
        // Days that name them last: until then the rest is found again, should this be cut off.
        entries.sort_by_key(|(_, part)| going.names_on(part));
        let visitors: HashSet<VisitorId> = going.visits.keys().copied().collect();
        for (entry, part) in entries {
            let found = part.table_of(&visitors)?;
            let is_gone = |visit: &&Visit| going.has(visit, found.last_of(visit));
            let gone: Vec<&Visit> = found.visits.iter().filter(is_gone).collect();
            // Nothing of this day is asked again.
            library.trim(std::slice::from_ref(&part));
            if gone.is_empty() {
                continue;
            }
            erased.visits += gone.len();
            erased.hits += gone.iter().map(|visit| visit.hits.len()).sum::<usize>();
            let whole = Reader::open(self.segments.blob(entry.id, entry.bytes))?.table()?;
            let rest = whole.select(|visit| !going.has(visit, whole.last_of(visit)));
            new.gone.push(entry.id);
            if !rest.visits.is_empty() {
                new.segments.push(segment(&rest, &part.head().day(), part.head().visitors)?);
            }
            if new.gone.len() == SEGMENTS_AT_ONCE {
                break;
            }
        }
        Ok((new, erased))
    }
}

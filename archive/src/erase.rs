//! One visitor's data goes: what waits in the tail is folded and leaves it, then every segment that holds the visitor is rewritten.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashSet;
use history::report::Library;
use history::segment::Reader;
use model::{Millis, Site, VisitorId};
use store::history::{NewFold, Shelf};
use store::{History, StoreError};

use crate::blob::{Segments, head};
use crate::fold::{fold, segment};
use crate::{ArchiveError, Result};

/// How often a fold may come in between.
const ATTEMPTS: usize = 16;
/// Segments that one fold rewrites, so that few stand in memory at once.
const SEGMENTS_AT_ONCE: usize = 8;

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    pub visits: usize,
    pub hits: usize,
}

/// Removes all that a site's history has of one visitor and that was received before `now`. When this returns no segment on the shelf and
/// no batch of the tail holds it; the segments that it stood in can be read for `SEGMENT_GRACE` more, by reports under way. Who comes again
/// counts as somebody new. The tail is emptied on the way: were the program to crash, the last thirty minutes of the live page could not be
/// rebuilt.
pub async fn erase(
    history: &Arc<dyn History>,
    site: &Site,
    visitor: VisitorId,
    now: Millis,
) -> Result<Erased> {
    let mut erased = Erased::default();
    let mut conflicts = 0;
    loop {
        let done = fold(history, site, now, Duration::ZERO).await?;
        let put = if done.is_superseded { None } else { rewrite(history, site, visitor, now).await? };
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

/// The first segments with the visitor, rewritten without. None: a fold came in between.
async fn rewrite(
    history: &Arc<dyn History>,
    site: &Site,
    visitor: VisitorId,
    now: Millis,
) -> Result<Option<Erased>> {
    let shelf = history.shelf(site.id).await?;
    let work = Rewriting { segments: Segments::new(history, site.id), visitor };
    let (mut new, erased) = tokio::task::spawn_blocking(move || work.rewrite(&shelf)).await??;
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

struct Rewriting {
    segments: Segments,
    visitor: VisitorId,
}

impl Rewriting {
    /// Blocks.
    fn rewrite(&self, shelf: &Shelf) -> Result<(NewFold, Erased)> {
        let mut new = NewFold { after: shelf.fold, ..NewFold::default() };
        let mut erased = Erased::default();
        let visitors: HashSet<VisitorId> = HashSet::from_iter([self.visitor]);
        for entry in &shelf.segments {
            if !head(entry)?.visitors.has(self.visitor) {
                continue;
            }
            let blob = self.segments.blob(entry.id, entry.bytes);
            // One library a segment: nothing of it is asked twice.
            let part = Library::new(usize::MAX).open(blob.clone())?;
            let of_visitor = part.table_of(&visitors)?;
            if of_visitor.visits.is_empty() {
                continue;
            }
            erased.visits += of_visitor.visits.len();
            erased.hits += of_visitor.hits.len();
            let rest = Reader::open(blob)?.table()?.without_visitor(self.visitor);
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

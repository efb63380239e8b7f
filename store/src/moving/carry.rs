//! The move itself: page after page of each kind, and the comparison at its end. One page is read while the one before
//! is written, so that two are in memory.

use model::Clock;

use super::{Content, Key, Kind, Mark, Moving, PAGE_ROWS_MAX, Page, Row};
use crate::Result;

/// How far one kind came in this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub kind: Kind,
    pub rows: u64,
    pub bytes: u64,
}

/// What both ends hold of a kind.
#[derive(Clone, Debug)]
pub struct Compared {
    pub kind: Kind,
    pub source: Content,
    pub target: Content,
}

impl Compared {
    pub fn is_same(&self) -> bool {
        self.source == self.target
    }
}

/// Carries everything from one store to another that `begin` was called on, from where `mark` says that an earlier run
/// got to: the tail from its cursor, all else again, which changes nothing. `tell` is called after each page.
pub async fn carry(
    from: &dyn Moving,
    to: &dyn Moving,
    mark: &Mark,
    clock: &dyn Clock,
    tell: &mut (dyn FnMut(Progress) + Send),
) -> Result<()> {
    for kind in Kind::ALL {
        let mut progress = Progress { kind, rows: 0, bytes: 0 };
        let first = (kind == Kind::Tail).then_some(Key::Number(mark.tail as i64));
        let mut page = from.export(kind, first, clock.now(), PAGE_ROWS_MAX).await?;
        loop {
            let Page { rows, next } = page;
            let mut content = Content::default();
            rows.iter().for_each(|row| content.add(row));
            progress.rows += content.rows;
            progress.bytes += content.bytes;
            let reading = async {
                match next.clone() {
                    Some(after) => from.export(kind, Some(after), clock.now(), PAGE_ROWS_MAX).await.map(Some),
                    None => Ok(None),
                }
            };
            let (read, written) = tokio::join!(reading, write(to, kind, rows, &next));
            written?;
            tell(progress);
            page = match read? {
                Some(page) => page,
                None => break,
            };
        }
    }
    Ok(())
}

async fn write(to: &dyn Moving, kind: Kind, rows: Vec<Row>, next: &Option<Key>) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    to.import(kind, rows).await?;
    match next {
        Some(Key::Number(cursor)) if kind == Kind::Tail => to.reached(*cursor as u64).await,
        _ => Ok(()),
    }
}

/// Reads both ends again, a kind after the other, whole; `tell` is called after each page of either.
pub async fn compare(
    from: &dyn Moving,
    to: &dyn Moving,
    clock: &dyn Clock,
    tell: &mut (dyn FnMut(Progress) + Send),
) -> Result<Vec<Compared>> {
    let mut compared = Vec::new();
    for kind in Kind::ALL {
        // The same moment for both: what has expired by then may be gone from either.
        let now = clock.now();
        let mut read = Progress { kind, rows: 0, bytes: 0 };
        let mut contents = [Content::default(), Content::default()];
        for (content, end) in contents.iter_mut().zip([from, to]) {
            let mut after = None;
            loop {
                let page = end.export(kind, after, now, PAGE_ROWS_MAX).await?;
                let before = (content.rows, content.bytes);
                page.rows.iter().for_each(|row| content.add(row));
                read.rows += content.rows - before.0;
                read.bytes += content.bytes - before.1;
                tell(read);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        let [source, target] = contents;
        compared.push(Compared { kind, source, target });
    }
    Ok(compared)
}

//! The move itself: page after page of each kind, and the comparison at its end. One page is read while the one before
//! is written, so that two are in memory.

use std::time::{Duration, Instant};

use model::Clock;

use super::{Content, Key, Kind, Mark, Moving, PAGE_ROWS_MAX, Page, Row};
use crate::{Result, StoreError};

/// How long a call is asked for again that finds its store unavailable. MongoDB keeps what a killed mover had under way
/// for a minute, and others from writing meanwhile.
const INSIST_MAX: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_secs(1);

/// Asks until the store answers, for a minute and a half at most: for calls that may take effect twice.
pub async fn insist<T, F>(mut call: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let began = Instant::now();
    loop {
        match call().await {
            Err(StoreError::Unavailable(cause)) if began.elapsed() < INSIST_MAX => {
                tracing::warn!(cause = format!("{cause:#}"), "the store is unavailable; trying again");
                tokio::time::sleep(PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

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
/// got to: the tail from its cursor, segments behind the last that is whole, all else again, which changes nothing. `tell` is called after each page.
pub async fn carry(
    from: &dyn Moving,
    to: &dyn Moving,
    mark: &Mark,
    clock: &dyn Clock,
    tell: &mut (dyn FnMut(Progress) + Send),
) -> Result<()> {
    for kind in Kind::ALL {
        let mut progress = Progress { kind, rows: 0, bytes: 0 };
        let first = match kind {
            Kind::Tail => Some(Key::Number(mark.tail as i64)),
            Kind::Segments => insist(|| to.last_segment()).await?,
            _ => None,
        };
        let mut page = read(from, kind, first, clock).await?;
        loop {
            let Page { rows, next } = page;
            let mut content = Content::default();
            rows.iter().for_each(|row| content.add(row));
            progress.rows += content.rows;
            progress.bytes += content.bytes;
            let reading = async {
                match next.clone() {
                    Some(after) => read(from, kind, Some(after), clock).await.map(Some),
                    None => Ok(None),
                }
            };
            let (next_page, written) = tokio::join!(reading, write(to, kind, rows, &next));
            written?;
            tell(progress);
            page = match next_page? {
                Some(page) => page,
                None => break,
            };
        }
    }
    Ok(())
}

async fn read(from: &dyn Moving, kind: Kind, after: Option<Key>, clock: &dyn Clock) -> Result<Page> {
    insist(|| from.export(kind, after.clone(), clock.now(), PAGE_ROWS_MAX)).await
}

async fn write(to: &dyn Moving, kind: Kind, rows: Vec<Row>, next: &Option<Key>) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    insist(|| to.import(kind, rows.clone())).await?;
    match next {
        Some(Key::Number(cursor)) if kind == Kind::Tail => insist(|| to.reached(*cursor as u64)).await,
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
                let page = insist(|| end.export(kind, after.clone(), now, PAGE_ROWS_MAX)).await?;
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

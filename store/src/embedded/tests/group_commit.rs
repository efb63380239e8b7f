//! Writes share a transaction, and no failure of one is another's.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use rusqlite::Connection;

use crate::StoreError::{Conflict, Unavailable};
use crate::embedded::database::Database;
use crate::embedded::folder::Folder;
use crate::{Result, StoreError};

const MIGRATIONS: &[&str] =
    &["CREATE TABLE numbers (number INTEGER PRIMARY KEY CHECK (number < 1000)) STRICT"];

#[tokio::test]
async fn writes_that_wait_share_one_transaction() {
    let (_folder, db) = numbers();
    let commits = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&commits);
    let counted = db.write(move |db| {
        db.commit_hook(Some(move || {
            seen.fetch_add(1, Ordering::SeqCst);
            false
        }));
        Ok(())
    });
    counted.await.unwrap();
    let before = commits.load(Ordering::SeqCst);
    let writes = held_back(&db, (0..100).collect(), add).await;
    assert!(writes.iter().all(|written| written.is_ok()));
    // The one that held the others back, and all that waited.
    assert_eq!(commits.load(Ordering::SeqCst) - before, 2);
    assert_eq!(kept(&db).await, (0..100).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_write_that_fails_undoes_itself_alone() {
    let (_folder, db) = numbers();
    let writes = held_back(&db, (0..10).collect(), |db, number| {
        add(db, number)?;
        if number % 2 == 1 { Err(Conflict("odd")) } else { Ok(()) }
    });
    for (number, written) in writes.await.iter().enumerate() {
        assert_eq!(written.is_ok(), number % 2 == 0, "{number}");
        assert!(number % 2 == 0 || matches!(written, Err(Conflict("odd"))), "{written:?}");
    }
    assert_eq!(kept(&db).await, [0, 2, 4, 6, 8]);
}

#[tokio::test]
async fn a_write_that_panics_is_unavailable_and_undoes_itself_alone() {
    let (_folder, db) = numbers();
    let writes = held_back(&db, (0..4).collect(), |db, number| {
        add(db, number)?;
        assert_ne!(number, 2, "a panic on purpose");
        Ok(())
    });
    let writes = writes.await;
    assert!(matches!(&writes[2], Err(Unavailable(_))), "{writes:?}");
    assert_eq!(kept(&db).await, [0, 1, 3]);
}

#[tokio::test]
async fn constraints_answer_conflict_and_everything_else_unavailable() {
    let (_folder, db) = numbers();
    db.write(|db| add(db, 1)).await.unwrap();
    assert!(matches!(db.write(|db| add(db, 1)).await, Err(Conflict(_))));
    assert!(matches!(db.write(|db| add(db, 1_000)).await, Err(Unavailable(_))));
    assert!(matches!(db.read(|db| add(db, 2)).await, Err(Unavailable(_))));
    assert_eq!(kept(&db).await, [1]);
}

#[tokio::test]
async fn a_read_that_panics_is_unavailable_and_the_next_one_goes_on() {
    let (_folder, db) = numbers();
    for _ in 0..10 {
        let outcome: Result<()> = db.read(|_| panic!("a panic on purpose")).await;
        assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    }
    assert_eq!(kept(&db).await, [0; 0]);
}

fn numbers() -> (tempfile::TempDir, Arc<Database>) {
    let folder = tempfile::tempdir().unwrap();
    let held = Arc::new(Folder::take(folder.path()).unwrap());
    let db = Database::open(&folder.path().join("numbers.db"), MIGRATIONS, |_| Ok(()), held).unwrap();
    (folder, Arc::new(db))
}

fn add(db: &Connection, number: i64) -> Result<()> {
    db.execute("INSERT INTO numbers VALUES (?1)", [number])?;
    Ok(())
}

async fn kept(db: &Database) -> Vec<i64> {
    let read = db.read(|db| {
        let mut select = db.prepare("SELECT number FROM numbers ORDER BY number")?;
        let numbers = select.query_map([], |row| row.get(0))?;
        Ok(numbers.collect::<rusqlite::Result<_>>()?)
    });
    read.await.unwrap()
}

/// Writes all numbers in order while the writer is busy, so that they form one group.
async fn held_back(
    db: &Arc<Database>,
    numbers: Vec<i64>,
    work: fn(&Connection, i64) -> Result<()>,
) -> Vec<Result<()>> {
    let (release, held) = mpsc::channel::<()>();
    let (begun, started) = tokio::sync::oneshot::channel();
    let busy = tokio::spawn({
        let db = Arc::clone(db);
        let hold = move |_: &Connection| {
            begun.send(()).unwrap();
            held.recv().unwrap();
            Ok(())
        };
        async move { db.write(hold).await }
    });
    started.await.unwrap();
    let expected = numbers.len();
    let asked = Arc::new(AtomicUsize::new(0));
    let writes: Vec<_> = numbers
        .into_iter()
        .map(|number| {
            let (db, asked) = (Arc::clone(db), Arc::clone(&asked));
            tokio::spawn(async move {
                asked.fetch_add(1, Ordering::SeqCst);
                db.write(move |db| work(db, number)).await
            })
        })
        .collect();
    // One thread runs all tasks in turn: a task that counted has gone on to wait for its answer.
    while asked.load(Ordering::SeqCst) < expected {
        tokio::task::yield_now().await;
    }
    release.send(()).unwrap();
    busy.await.unwrap().unwrap();
    let mut outcomes = vec![];
    for write in writes {
        outcomes.push(write.await.unwrap());
    }
    outcomes
}

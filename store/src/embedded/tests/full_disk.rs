//! A disk that is full refuses, and takes again once there is room.

use std::sync::Arc;

use super::{batch, numbers};
use crate::StoreError::Unavailable;
use crate::embedded::database::Database;
use crate::embedded::folder::Folder;
use crate::embedded::schema;
use crate::embedded::shelves::Shelves;
use crate::embedded::tail::Tail;
use crate::history::History;

#[tokio::test]
async fn an_append_to_a_full_disk_is_unavailable_and_the_next_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let held = Arc::new(Folder::take(folder.path()).unwrap());
    let path = folder.path().join("tail.db");
    let tail = Database::open(&path, schema::TAIL, |_| Ok(()), held).unwrap();
    let tail = Arc::new(tail);
    let history = Tail::of(Arc::clone(&tail), Arc::new(Shelves::within(folder.path())));
    history.append(vec![batch(1, 1_000)]).await.unwrap();

    pages_max(&tail, 60).await;
    let refused = history.append(vec![batch(2, 1_000), batch(3, 1_000_000)]).await;
    assert!(matches!(&refused, Err(Unavailable(cause)) if cause.to_string().contains("full")), "{refused:?}");
    history.append(vec![batch(4, 1_000)]).await.unwrap();
    assert_eq!(numbers(&history).await, [1, 4]);

    pages_max(&tail, 1_000_000).await;
    history.append(vec![batch(2, 1_000), batch(3, 1_000_000)]).await.unwrap();
    assert_eq!(numbers(&history).await, [1, 4, 2, 3]);
}

/// SQLite's own bound on the file gives the error that a full disk gives.
async fn pages_max(tail: &Database, pages: i64) {
    let set = tail.write(move |db| {
        db.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
        Ok(())
    });
    set.await.unwrap();
}

//! What only this backend promises: crashes, destroyed bytes, schemas, a full disk, one process a folder.

mod conversations;
mod copying;
mod crashes;
mod destruction;
mod folder;
mod full_disk;
mod group_commit;
mod limits;
mod schema;
mod segments;

use std::path::Path;

use bytes::Bytes;
use model::{BatchId, Millis, SiteId};
use tempfile::TempDir;

use crate::history::{History, TailBatch};

pub fn batch(number: u128, bytes: usize) -> TailBatch {
    TailBatch {
        id: BatchId(number),
        site: SiteId::of(1),
        received: Millis(1),
        hits: 1,
        body: Bytes::from(vec![number as u8; bytes]),
    }
}

/// The numbers of all batches in the tail, in order.
pub async fn numbers(history: &dyn History) -> Vec<u128> {
    let page = history.tail_since(Millis(0), None, 100_000).await.unwrap();
    assert_eq!(page.next, None);
    page.batches.iter().map(|batch| batch.id.0).collect()
}

/// The folder's files as a process that dies at this moment leaves them.
pub fn as_killed(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    // Rows before files: those of a row that is there are there.
    for file in ["watchfire.db", "watchfire.db-wal", "tail.db", "tail.db-wal", "chat.db", "chat.db-wal"] {
        // The index of the log is shared memory: the next process makes its own.
        let _missing = std::fs::copy(folder.join(file), copy.path().join(file));
    }
    copy_folder(&folder.join("history"), &copy.path().join("history"));
    copy
}

fn copy_folder(from: &Path, to: &Path) {
    let Ok(entries) = std::fs::read_dir(from) else {
        return;
    };
    std::fs::create_dir(to).unwrap();
    for entry in entries {
        let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            let _swept = std::fs::copy(from, to);
        }
    }
}

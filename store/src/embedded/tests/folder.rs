//! A data folder belongs to one process at a time.

use super::{batch, numbers};
use crate::Embedded;

#[tokio::test]
async fn a_folder_in_use_is_refused_with_a_sentence_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let _store = Embedded::open(folder.path()).unwrap();
    let refusal = Embedded::open(folder.path()).err().unwrap().to_string();
    let path = folder.path().display();
    assert_eq!(
        refusal,
        format!("another process is using the data folder {path}: stop it, or choose another folder")
    );
}

#[tokio::test]
async fn a_closed_store_lets_go_of_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let closed = Embedded::open(folder.path()).unwrap();
    closed.history.append(vec![batch(1, 10)]).await.unwrap();
    closed.close().await;
    let store = Embedded::open(folder.path()).unwrap();
    assert_eq!(numbers(&*store.history).await, [1]);
}

#[tokio::test]
async fn a_dropped_store_lets_go_of_its_folder_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    store.history.append(vec![batch(1, 10)]).await.unwrap();
    drop(store);
    let store = Embedded::open(folder.path()).unwrap();
    assert_eq!(numbers(&*store.history).await, [1]);
}

#[tokio::test]
async fn a_closed_store_leaves_no_log_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    store.history.append(vec![batch(1, 10)]).await.unwrap();
    assert!(folder.path().join("tail.db-wal").exists());
    store.close().await;
    for file in ["tail.db-wal", "watchfire.db-wal"] {
        assert!(!folder.path().join(file).exists(), "{file}");
    }
}

#[test]
fn a_missing_folder_is_made_and_a_file_in_its_place_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("a/b");
    drop(Embedded::open(&folder).unwrap());
    assert!(folder.join("watchfire.db").exists());
    let file = parent.path().join("file");
    std::fs::write(&file, "").unwrap();
    let refusal = Embedded::open(&file).err().unwrap().to_string();
    assert!(refusal.starts_with("cannot make the data folder"), "{refusal}");
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tail.db"), "not a database, but long enough".repeat(100)).unwrap();
    let refusal = format!("{:#}", Embedded::open(folder.path()).err().unwrap());
    assert!(refusal.contains("tail.db") && refusal.contains("not a database"), "{refusal}");
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_on_the_machine_reads_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    store.history.append(vec![batch(1, 10)]).await.unwrap();
    for file in ["tail.db", "tail.db-wal", "tail.db-shm", "watchfire.db"] {
        let mode = std::fs::metadata(folder.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

//! Destroyed bytes cannot be read from any file of the folder.

use std::collections::HashSet;
use std::path::Path;

use model::Millis;

use super::as_killed;
use crate::{Embedded, Store};

#[tokio::test]
async fn a_destroyed_salt_is_in_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    let salts = many_salts(&store).await;
    assert_eq!(standing(folder.path(), &salts).len(), salts.len(), "they were never written");
    for expired in [1, 77, 150, 200] {
        store.salts.destroy_expired(Millis(expired as i64)).await.unwrap();
        let left = salts[expired.min(salts.len())..].iter().copied().collect();
        assert_eq!(standing(folder.path(), &salts), left, "at {expired}");
    }
}

#[tokio::test]
async fn a_destroyed_salt_is_in_no_file_also_where_it_had_reached_the_main_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    let salts = many_salts(&store).await;
    store.close().await;
    let store = Embedded::open(folder.path()).unwrap();
    assert_eq!(standing(folder.path(), &salts).len(), salts.len(), "they were never written");
    store.salts.destroy_expired(Millis(1_000)).await.unwrap();
    assert_eq!(standing(folder.path(), &salts), HashSet::new());
}

#[tokio::test]
async fn a_kill_between_removing_and_emptying_the_log_leaves_nothing_after_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    let salts = many_salts(&store).await;
    let db = rusqlite::Connection::open(folder.path().join("watchfire.db")).unwrap();
    db.pragma_update_and_check(None, "secure_delete", true, |_| Ok(())).unwrap();
    db.execute("DELETE FROM salts", []).unwrap();
    let killed = as_killed(folder.path());
    assert!(!standing(killed.path(), &salts).is_empty(), "the log was empty already");
    let _store = Embedded::open(killed.path()).unwrap();
    assert_eq!(standing(killed.path(), &salts), HashSet::new());
}

#[tokio::test]
async fn a_forgotten_batch_is_in_no_file_once_the_store_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    let mut batch = super::batch(1, 0);
    let trail = *b"the trail of somebody to be forgotten";
    batch.body = trail.repeat(200).into();
    store.history.append(vec![batch.clone(), super::batch(2, 30_000)]).await.unwrap();
    assert_eq!(standing(folder.path(), &[trail]).len(), 1, "it was never written");
    store.history.forget(batch.site).await.unwrap();
    store.close().await;
    assert_eq!(standing(folder.path(), &[trail]), HashSet::new());
}

/// Salt n expires at n. Some are prolonged, which writes them anew.
async fn many_salts(store: &Store) -> Vec<[u8; 32]> {
    let mut salts = vec![];
    for expires in 0..200 {
        let name = format!("Zone/{expires} 2026-11-21");
        store.salts.salt(&name, Millis(expires / 2)).await.unwrap();
        salts.push(store.salts.salt(&name, Millis(expires)).await.unwrap());
    }
    salts
}

/// Those of `secrets` whose bytes stand in any file of the folder.
fn standing<const N: usize>(folder: &Path, secrets: &[[u8; N]]) -> HashSet<[u8; N]> {
    let beginnings: HashSet<&[u8]> = secrets.iter().map(|secret| &secret[..8]).collect();
    let mut found = HashSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let content = std::fs::read(entry.unwrap().path()).unwrap();
        let candidates = content.windows(N).filter(|window| beginnings.contains(&window[..8]));
        found.extend(candidates.filter_map(|window| secrets.iter().find(|secret| *secret == window)));
    }
    found
}

//! Killed at any moment: what was acknowledged is there, and nothing is there by halves.

use std::sync::Arc;

use model::chat::{NewMessage, Who};
use model::{AccountId, Millis, Peak, SiteId};

use super::{as_killed, batch, numbers};
use crate::contract::chat::text;
use crate::contract::conversations::{is_whole, opening};
use crate::embedded::database::Database;
use crate::embedded::folder::Folder;
use crate::{Embedded, Store};

#[tokio::test]
async fn acknowledged_appends_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    for number in 0..50 {
        store.history.append(vec![batch(number, 20_000)]).await.unwrap();
        if number % 10 == 9 {
            let killed = as_killed(folder.path());
            let store = Embedded::open(killed.path()).unwrap();
            assert_eq!(numbers(&*store.history).await, (0..=number).collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn acknowledged_appends_survive_a_kill_after_the_log_was_copied_into_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    for number in 0..60 {
        store.history.append(vec![batch(number, 600_000)]).await.unwrap();
    }
    let written = std::fs::metadata(folder.path().join("tail.db")).unwrap().len();
    assert!(written > 16 << 20, "the log was never copied: {written} bytes");
    let killed = as_killed(folder.path());
    let store = Embedded::open(killed.path()).unwrap();
    let first = store.history.tail_since(Millis(0), None, 1_000).await.unwrap();
    let mut found = first.batches.len();
    let mut after = first.next;
    while after.is_some() {
        let page = store.history.tail_since(Millis(0), after, 1_000).await.unwrap();
        found += page.batches.len();
        after = page.next;
    }
    assert_eq!(found, 60);
}

#[tokio::test]
async fn a_torn_log_gives_whole_appends_in_order_and_none_by_halves() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    for number in 0..20 {
        let pair = vec![batch(2 * number, 5_000), batch(2 * number + 1, 5_000)];
        store.history.append(pair).await.unwrap();
    }
    let log_bytes = std::fs::metadata(folder.path().join("tail.db-wal")).unwrap().len();
    let mut most = 0;
    for part in 0..=20 {
        let killed = as_killed(folder.path());
        let log = std::fs::File::options().write(true).open(killed.path().join("tail.db-wal")).unwrap();
        log.set_len(log_bytes * part / 20 - (part % 3).min(log_bytes * part / 20)).unwrap();
        drop(log);
        let store = Embedded::open(killed.path()).unwrap();
        let found = numbers(&*store.history).await;
        assert_eq!(found, (0..found.len() as u128).collect::<Vec<_>>());
        assert!(found.len().is_multiple_of(2) && found.len() >= most, "{} after {most}", found.len());
        most = found.len();
        store.history.append(vec![batch(1_000, 1)]).await.unwrap();
    }
    assert!(most >= 38, "{most}");
}

/// What a copy of the files cannot show: that a commit waits for the disk, not only for the kernel.
#[tokio::test]
async fn every_commit_is_synced() {
    let folder = tempfile::tempdir().unwrap();
    let held = Arc::new(Folder::take(folder.path()).unwrap());
    let db = Database::open(&folder.path().join("any.db"), &[], |_| Ok(()), held).unwrap();
    let settings = db.write(|db| {
        let text: String = db.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        let level: i64 = db.pragma_query_value(None, "synchronous", |row| row.get(0))?;
        Ok((text, level))
    });
    let full = 2;
    assert_eq!(settings.await.unwrap(), ("wal".into(), full));
}

#[tokio::test]
async fn a_registry_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    let salt = store.salts.salt("name", Millis(10)).await.unwrap();
    let peak = Peak { site: SiteId::of(1), hour: Millis(0), count: 3 };
    store.history.raise_peaks(&[peak]).await.unwrap();
    let killed = as_killed(folder.path());
    let store = Embedded::open(killed.path()).unwrap();
    assert_eq!(store.salts.salt("name", Millis(10)).await.unwrap(), salt);
    assert_eq!(store.history.peaks_since(Millis(0)).await.unwrap(), [peak]);
}

#[tokio::test]
async fn a_site_that_was_being_forgotten_is_gone_once_the_store_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    store.history.append((0..300).map(|number| batch(number, 10)).collect()).await.unwrap();
    store.close().await;
    let db = rusqlite::Connection::open(folder.path().join("tail.db")).unwrap();
    db.execute("INSERT INTO forgotten (site) VALUES (1)", []).unwrap();
    drop(db);
    let store = Embedded::open(folder.path()).unwrap();
    assert_eq!(numbers(&*store.history).await, [0u128; 0]);
}

/// Each is opened by its customer and answered by an agent.
async fn converse(store: &Store, number: u64) {
    let new = opening(number);
    let agent = Who::Account(AccountId::of(1));
    let answer = NewMessage { room: new.room.id, ..text(900, agent, "an answer") };
    store.conversations.open_conversation(new).await.unwrap();
    store.messages.post(answer).await.unwrap();
}

#[tokio::test]
async fn acknowledged_conversations_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    for number in 1..=8 {
        converse(&store, number).await;
        let killed = as_killed(folder.path());
        let store = Embedded::open(killed.path()).unwrap();
        for known in 1..=number {
            assert!(is_whole(&store, known).await, "{known} of {number}");
        }
        assert!(!is_whole(&store, number + 1).await);
    }
}

#[tokio::test]
async fn a_torn_log_gives_whole_conversations_and_none_by_halves() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    for number in 1..=12 {
        converse(&store, number).await;
    }
    let log_bytes = std::fs::metadata(folder.path().join("chat.db-wal")).unwrap().len();
    let (mut counts, parts) = (Vec::new(), 40);
    for part in 0..=parts {
        let killed = as_killed(folder.path());
        let log = std::fs::File::options().write(true).open(killed.path().join("chat.db-wal")).unwrap();
        log.set_len(log_bytes * part / parts).unwrap();
        drop(log);
        let store = Embedded::open(killed.path()).unwrap();
        let mut count = 0;
        for number in 1..=12 {
            if is_whole(&store, number).await {
                assert_eq!(number, count + 1, "one before it is missing");
                count = number;
            }
        }
        counts.push(count);
    }
    assert!(counts.is_sorted() && counts.first() == Some(&0) && counts.last() == Some(&12), "{counts:?}");
}

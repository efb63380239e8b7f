//! Migrations: from nothing, one at a time, never backwards.

use rusqlite::Connection;

use crate::Embedded;
use crate::embedded::schema::{CHAT, REGISTRY, TAIL, migrate};

const FIRST: &str = "CREATE TABLE first (a INTEGER)";
const SECOND: &str = "CREATE TABLE second (b INTEGER); INSERT INTO second SELECT a + 1 FROM first";

#[test]
fn every_schema_builds_from_nothing_and_fits_its_foreign_keys() {
    for migrations in [TAIL, CHAT, REGISTRY] {
        let mut db = Connection::open_in_memory().unwrap();
        migrate(&mut db, migrations).unwrap();
        assert_eq!(version(&db), migrations.len());
        let broken = db.prepare("PRAGMA foreign_key_check").unwrap().exists([]).unwrap();
        assert!(!broken);
        migrate(&mut db, migrations).unwrap();
    }
}

#[test]
fn a_migration_takes_what_is_there_along_and_runs_once() {
    let mut db = Connection::open_in_memory().unwrap();
    migrate(&mut db, &[FIRST]).unwrap();
    db.execute("INSERT INTO first VALUES (41)", []).unwrap();
    migrate(&mut db, &[FIRST, SECOND]).unwrap();
    migrate(&mut db, &[FIRST, SECOND]).unwrap();
    let taken: Vec<i64> = db
        .prepare("SELECT b FROM second")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(taken, [42]);
    assert_eq!(version(&db), 2);
}

#[test]
fn a_migration_that_fails_changes_nothing() {
    let mut db = Connection::open_in_memory().unwrap();
    let broken = "CREATE TABLE half (a INTEGER); CREATE TABLE first (a INTEGER)";
    let error = migrate(&mut db, &[FIRST, broken]).unwrap_err();
    assert!(format!("{error:#}").starts_with("migration 2 failed"), "{error:#}");
    assert_eq!(version(&db), 1);
    assert!(!db.table_exists(None, "half").unwrap());
}

#[test]
fn a_file_of_a_newer_version_is_refused_with_a_sentence_and_left_alone() {
    for (file, known) in [("tail.db", TAIL.len()), ("chat.db", CHAT.len()), ("watchfire.db", REGISTRY.len())]
    {
        let folder = tempfile::tempdir().unwrap();
        drop(Embedded::open(folder.path()).unwrap());
        let path = folder.path().join(file);
        let db = Connection::open(&path).unwrap();
        db.pragma_update(None, "user_version", known + 1).unwrap();
        drop(db);

        let refusal = format!("{:#}", Embedded::open(folder.path()).err().unwrap());
        let expected = format!(
            "cannot open {}: it was written by a newer version of Watchfire (schema {}; this one knows \
             {known}): run that version or a later one",
            path.display(),
            known + 1
        );
        assert_eq!(refusal, expected);
        assert_eq!(version(&Connection::open(&path).unwrap()), known + 1);
    }
}

fn version(db: &Connection) -> usize {
    db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

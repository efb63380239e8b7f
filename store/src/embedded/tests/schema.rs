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

/// What there was before: of migrations up to `had`, with the statements run on it.
fn migrated(migrations: &[&str], had: usize, statements: &str) -> Connection {
    let mut db = Connection::open_in_memory().unwrap();
    db.pragma_update(None, "foreign_keys", true).unwrap();
    migrate(&mut db, &migrations[..had]).unwrap();
    db.execute_batch(statements).unwrap();
    migrate(&mut db, migrations).unwrap();
    assert!(!db.prepare("PRAGMA foreign_key_check").unwrap().exists([]).unwrap());
    db
}

fn rows(db: &Connection, sql: &str) -> Vec<String> {
    let mut select = db.prepare(sql).unwrap();
    let found = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
    found.map(Result::unwrap).collect()
}

#[test]
fn members_and_invitations_of_before_there_were_agents_stay() {
    let db = migrated(
        REGISTRY,
        8,
        "INSERT INTO accounts (id, name, email, email_key, password_phc, operator, created)
         VALUES (1, 'Ann', 'a@x', 'a@x', '', 1, 0), (2, 'Bob', 'b@x', 'b@x', '', 0, 0);
         INSERT INTO sites (id, name, hostnames, time_zone, honour_opt_out, first_party_id, ignored_addresses,
                            ignored_paths, created) VALUES (7, 'shop', '[]', 'UTC', 0, 0, '[]', '[]', 0);
         INSERT INTO members VALUES (7, 1, 3), (7, 2, 1);
         INSERT INTO invitations (id, secret, site, role, invited_by, note, created, expires)
         VALUES (5, x'00', 7, 2, 1, 'for Eve', 0, 9);",
    );
    assert_eq!(rows(&db, "SELECT account || ' ' || role FROM members ORDER BY account"), ["1 3", "2 1"]);
    let invited = "SELECT id || ' ' || role || ' ' || invited_by || ' ' || note FROM invitations";
    assert_eq!(rows(&db, invited), ["5 2 1 for Eve"]);
    assert_eq!(rows(&db, "SELECT chat FROM sites"), ["{}"]);
    db.execute("INSERT INTO invitations VALUES (6, x'01', 7, 4, 1, '', 0, 9)", []).unwrap();
    db.execute("UPDATE members SET role = 4 WHERE account = 2", []).unwrap();
    db.execute("UPDATE members SET role = 5 WHERE account = 2", []).unwrap_err();
    db.execute("DELETE FROM sites", []).unwrap();
    assert_eq!(rows(&db, "SELECT note FROM invitations"), [""; 0]);
    assert_eq!(rows(&db, "SELECT 'a member' FROM members"), [""; 0]);
}

#[test]
fn rooms_of_before_there_were_conversations_are_listed() {
    let room = "INSERT INTO rooms (id, site, last, changes, last_at, value) VALUES (1, NULL, 0, 0, 0, '{}')";
    let db = migrated(CHAT, 6, room);
    assert_eq!(rows(&db, "SELECT 'listed' FROM rooms WHERE inbox = 0"), ["listed"]);
}

#[test]
fn conversations_of_before_there_were_figures_know_when_they_were_begun() {
    let before = r#"INSERT INTO rooms (id, site, last, changes, last_at, value) VALUES (1, 7, 0, 0, 0, '{}');
        INSERT INTO conversations (room, notes, site, folder, last_at, who, labels, value)
        VALUES (1, 2, 7, 0, 9, '', '', '{"opened":5}')"#;
    let db = migrated(CHAT, 9, before);
    assert_eq!(rows(&db, "SELECT CAST(opened AS TEXT) FROM conversations"), ["5"]);
}

fn version(db: &Connection) -> usize {
    db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

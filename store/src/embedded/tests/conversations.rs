//! How lists of conversations are read: along an index, never by looking at each of a site, and in its order.

use model::chat::Folder;
use model::{AccountId, Millis, RoomId, SiteId};
use rusqlite::{Connection, params_from_iter};

use crate::chat::Asked;
use crate::embedded::chat::conversations::query;
use crate::embedded::schema::{CHAT, migrate};

const FOLDERS: [Folder; 9] = [
    Folder::Open,
    Folder::Snoozed,
    Folder::Closed,
    Folder::Held,
    Folder::Spam,
    Folder::Mine,
    Folder::Unassigned,
    Folder::Waiting,
    Folder::All,
];

/// What SQLite says that it does.
fn plan(db: &Connection, asked: &Asked) -> Vec<String> {
    let (sql, values) = query(asked, &[1, 2]);
    let mut explain = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let steps = explain.query_map(params_from_iter(values), |row| row.get("detail")).unwrap();
    steps.map(Result::unwrap).collect()
}

fn pages() -> impl Iterator<Item = Asked> {
    let before = [None, Some((Millis(5), RoomId::of(6)))];
    FOLDERS.into_iter().flat_map(move |folder| {
        before.map(|before| Asked {
            site: SiteId::of(1),
            folder,
            me: AccountId::of(2),
            label: None,
            text: String::new(),
            before,
            limit: 50,
        })
    })
}

#[test]
fn a_folder_is_read_along_an_index_in_its_order() {
    let mut db = Connection::open_in_memory().unwrap();
    migrate(&mut db, CHAT).unwrap();
    for asked in pages() {
        let plan = plan(&db, &asked);
        assert_eq!(plan.len(), 1, "{asked:?}: {plan:?}");
        assert!(
            plan[0].starts_with("SEARCH conversations USING INDEX conversations_"),
            "{asked:?}: {plan:?}"
        );
        assert!(plan[0].contains("(site=?"), "{asked:?}: {plan:?}");
    }
}

#[test]
fn a_label_and_a_text_are_looked_for_in_an_index_alone() {
    let mut db = Connection::open_in_memory().unwrap();
    migrate(&mut db, CHAT).unwrap();
    for asked in pages() {
        let (label, text) = (Some("late".to_owned()), "ann".to_owned());
        for asked in [
            Asked { label: label.clone(), ..asked.clone() },
            Asked { text: text.clone(), ..asked.clone() },
            Asked { label, text, ..asked },
        ] {
            let plan = plan(&db, &asked);
            let reads: Vec<&String> = plan.iter().filter(|step| step.contains(" conversations ")).collect();
            assert_eq!(reads.len(), 2, "{asked:?}: {plan:?}");
            assert_eq!(reads[0], "SEARCH conversations USING INTEGER PRIMARY KEY (rowid=?)");
            let alone = "SEARCH conversations USING COVERING INDEX conversations_folder (site=? AND folder";
            assert!(reads[1].starts_with(alone), "{asked:?}: {plan:?}");
        }
    }
}

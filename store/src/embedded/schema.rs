//! The numbered migrations of each database file; `PRAGMA user_version` says how many it has had.

use anyhow::{Context, bail};
use rusqlite::Connection;

/// Migration n (from 1) is entry n - 1. Append only: what was released is never edited.
pub type Migrations = &'static [&'static str];

pub const TAIL: Migrations = &[
    include_str!("migrations/tail/0001_tail_and_peaks.sql"),
    include_str!("migrations/tail/0002_segments.sql"),
];
pub const REGISTRY: Migrations = &[
    include_str!("migrations/registry/0001_sites_accounts_salts.sql"),
    include_str!("migrations/registry/0002_removed_sites.sql"),
    include_str!("migrations/registry/0003_moving.sql"),
    include_str!("migrations/registry/0004_saved_and_keep_days.sql"),
    include_str!("migrations/registry/0005_share_segments.sql"),
    include_str!("migrations/registry/0006_day_totals.sql"),
    include_str!("migrations/registry/0007_corrections.sql"),
    include_str!("migrations/registry/0008_notices.sql"),
    include_str!("migrations/registry/0009_agents_and_chat.sql"),
    include_str!("migrations/registry/0010_watched_pages.sql"),
    include_str!("migrations/registry/0011_sign_in_marks.sql"),
    include_str!("migrations/registry/0012_service_days.sql"),
];
pub const CHAT: Migrations = &[
    include_str!("migrations/chat/0001_rooms_and_messages.sql"),
    include_str!("migrations/chat/0002_hooks.sql"),
    include_str!("migrations/chat/0003_files.sql"),
    include_str!("migrations/chat/0004_outbox.sql"),
    include_str!("migrations/chat/0005_arrivals.sql"),
    include_str!("migrations/chat/0006_notify.sql"),
    include_str!("migrations/chat/0007_conversations.sql"),
    include_str!("migrations/chat/0008_conversations_by_visitor.sql"),
    include_str!("migrations/chat/0009_rules.sql"),
    include_str!("migrations/chat/0010_figures.sql"),
    include_str!("migrations/chat/0011_alerts.sql"),
];

/// Brings the schema up to date, each migration in a transaction of its own.
pub fn migrate(db: &mut Connection, migrations: &[&str]) -> anyhow::Result<()> {
    let had: usize = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = migrations.len();
    if had > known {
        bail!(
            "it was written by a newer version of Watchfire (schema {had}; this one knows {known}): \
             run that version or a later one"
        );
    }
    for (index, migration) in migrations.iter().enumerate().skip(had) {
        let number = index + 1;
        apply(db, migration, number).with_context(|| format!("migration {number} failed"))?;
    }
    Ok(())
}

fn apply(db: &mut Connection, migration: &str, number: usize) -> rusqlite::Result<()> {
    let transaction = db.transaction()?;
    transaction.execute_batch(migration)?;
    transaction.pragma_update(None, "user_version", number)?;
    transaction.commit()
}

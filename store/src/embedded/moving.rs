//! Moving house, out of and into the two files. Tail, peaks and removed sites go by way of `History`.

pub mod chat;
mod files;
mod segments;

use std::sync::Arc;

use async_trait::async_trait;
use model::{Millis, Peak, SiteId};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Params, Row as Found, params};

use super::chat::files::RoomFiles;
use super::columns::{Column, read_json, to_json};
use super::database::Database;
use super::shelves::Shelves;
use super::{people, sites};
use crate::history::History;
use crate::moving::chat::file_parts;
use crate::moving::history::{import_history, number, pair, tail, triple};
use crate::moving::parts::parts;
use crate::moving::{
    AccountRow, InvitationRow, Key, Kind, Mark, MemberRow, Moving, Page, PageDayRow, PageRow, Row, SaltRow,
    SavedRow, ServiceDayRow, ShareRow, SignInRow, TokenRow, TotalRow,
};
use crate::{Result, StoreError};

pub struct EmbeddedMoving {
    pub tail: Arc<Database>,
    pub chat: Arc<Database>,
    pub registry: Arc<Database>,
    pub shelves: Arc<Shelves>,
    pub files: Arc<RoomFiles>,
    pub history: Arc<dyn History>,
}

const OF_TAIL: [&str; 5] = ["tail", "peaks", "forgotten", "segments", "folds"];
const OF_CHAT: [&str; 22] = [
    "bots",
    "rooms",
    "members",
    "links",
    "guests",
    "bans",
    "messages",
    "revisions",
    "stars",
    "files",
    "hooks",
    "shown_commits",
    "bot_hooks",
    "fanned",
    "jobs",
    "arrivals",
    "conversations",
    "learned",
    "duty",
    "rules",
    "rule_marks",
    "alerts",
];
const OF_REGISTRY: [&str; 12] = [
    "accounts",
    "sites",
    "members",
    "sign_ins",
    "tokens",
    "invitations",
    "shares",
    "saved",
    "day_totals",
    "watched_pages",
    "page_days",
    "salts",
];

#[async_trait]
impl Moving for EmbeddedMoving {
    async fn mark(&self) -> Result<Option<Mark>> {
        self.registry.read(mark).await
    }

    async fn begin(&self, source: &str) -> Result<Mark> {
        self.tail.read(|db| refuse_rows(db, &OF_TAIL)).await?;
        self.chat.read(|db| refuse_rows(db, &OF_CHAT)).await?;
        let source = source.to_owned();
        let begin = move |db: &Connection| {
            refuse_rows(db, &OF_REGISTRY)?;
            db.execute("DELETE FROM set_up", [])?;
            db.execute("DELETE FROM service_days", [])?;
            db.execute("INSERT OR REPLACE INTO moving VALUES (1, ?1, 0, 0)", [&source])?;
            Ok(Mark { source, tail: 0, ended: false })
        };
        self.registry.write(begin).await
    }

    async fn reached(&self, tail: u64) -> Result<()> {
        let reached = move |db: &Connection| {
            db.execute("UPDATE moving SET tail = max(tail, ?1)", [tail as i64])?;
            Ok(())
        };
        self.registry.write(reached).await
    }

    async fn end(&self) -> Result<()> {
        let end = |db: &Connection| {
            db.execute("UPDATE moving SET ended = 1", [])?;
            Ok(())
        };
        self.registry.write(end).await
    }

    async fn last_segment(&self) -> Result<Option<Key>> {
        self.tail.read(segments::last).await
    }

    async fn export(&self, kind: Kind, after: Option<Key>, now: Millis, limit: usize) -> Result<Page> {
        match kind {
            Kind::Tail => tail(self.history.as_ref(), after, limit).await,
            Kind::Segments => parts(self.history.as_ref(), self, after, limit).await,
            Kind::Files => file_parts(self.files.as_ref(), self, after, limit).await,
            Kind::Peaks | Kind::Forgotten | Kind::Folds => {
                let rows = self.tail.read(move |db| of_tail(db, kind, after, limit)).await?;
                Ok(Page::of(rows, limit))
            }
            kind if kind.is_chat() => {
                let limit = kind.page_of(limit);
                let rows = self.chat.read(move |db| chat::export(db, kind, after, limit)).await?;
                Ok(Page::of(rows, limit))
            }
            _ => {
                let limit = kind.page_of(limit);
                let rows = self.registry.read(move |db| of_registry(db, kind, after, now, limit)).await?;
                Ok(Page::of(rows, limit))
            }
        }
    }

    async fn import(&self, kind: Kind, rows: Vec<Row>) -> Result<()> {
        match kind {
            Kind::Tail | Kind::Peaks | Kind::Forgotten => import_history(self.history.as_ref(), rows).await,
            Kind::Segments => segments::import(self, rows).await,
            Kind::Files => files::import(self, rows).await,
            Kind::Folds => self.tail.write(move |db| segments::import_folds(db, &rows)).await,
            kind if kind.is_chat() => {
                self.chat.write(move |db| rows.iter().try_for_each(|row| chat::import(db, row))).await
            }
            _ => self.registry.write(move |db| rows.iter().try_for_each(|row| import(db, row))).await,
        }
    }
}

pub fn mark(db: &Connection) -> Result<Option<Mark>> {
    let read = |row: &Found<'_>| {
        Ok(Mark { source: row.get(0)?, tail: row.get::<_, i64>(1)? as u64, ended: row.get(2)? })
    };
    Ok(db.query_row("SELECT source, tail, ended FROM moving", [], read).optional()?)
}

fn refuse_rows(db: &Connection, tables: &[&str]) -> Result<()> {
    for table in tables {
        if db.prepare(&format!("SELECT 1 FROM {table}"))?.exists([])? {
            return Err(StoreError::Conflict("the target of a move must be empty, and it holds something"));
        }
    }
    Ok(())
}

fn list(
    db: &Connection,
    sql: &str,
    of: impl Params,
    read: impl Fn(&Found<'_>) -> rusqlite::Result<Row>,
) -> Result<Vec<Row>> {
    let mut select = db.prepare_cached(sql)?;
    let rows = select.query_map(of, |row| read(row))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn of_tail(db: &Connection, kind: Kind, after: Option<Key>, limit: usize) -> Result<Vec<Row>> {
    if kind == Kind::Folds {
        return segments::folds(db, number(&after).unwrap_or(i64::MIN), limit);
    }
    if kind == Kind::Forgotten {
        let sql = "SELECT site FROM forgotten WHERE site > ?1 ORDER BY site LIMIT ?2";
        let after = number(&after).unwrap_or(i64::MIN);
        return list(db, sql, params![after, limit], |row| Ok(Row::Forgotten(row.get(0)?)));
    }
    let sql =
        "SELECT site, hour, count FROM peaks WHERE (hour, site) > (?1, ?2) ORDER BY hour, site LIMIT ?3";
    let (hour, site) = pair(&after);
    list(db, sql, params![hour, site, limit], |row| {
        Ok(Row::Peak(Peak { site: SiteId::read(row, 0)?, hour: Millis(row.get(1)?), count: row.get(2)? }))
    })
}

fn of_registry(
    db: &Connection,
    kind: Kind,
    after: Option<Key>,
    now: Millis,
    limit: usize,
) -> Result<Vec<Row>> {
    let id = number(&after).unwrap_or(i64::MIN);
    match kind {
        Kind::Accounts => list(
            db,
            "SELECT id, name, email, password_phc, operator, created, digest FROM accounts
             WHERE id > ?1 ORDER BY id LIMIT ?2",
            params![id, limit],
            |row| {
                Ok(Row::Account(AccountRow {
                    id: row.get(0)?,
                    name: row.get(1)?,
                    email: row.get(2)?,
                    password_phc: row.get(3)?,
                    operator: row.get(4)?,
                    created: row.get(5)?,
                    digest: row.get(6)?,
                }))
            },
        ),
        Kind::SetUp => list(db, "SELECT secret FROM set_up", [], |row| Ok(Row::SetUp(row.get(0)?))),
        Kind::Sites => {
            let sql = format!("SELECT {} FROM sites WHERE id > ?1 ORDER BY id LIMIT ?2", sites::COLUMNS);
            list(db, &sql, params![id, limit], |row| Ok(Row::Site(sites::read(row)?)))
        }
        Kind::Members => {
            let (site, account) = pair(&after);
            let sql = "SELECT site, account, role FROM members WHERE (site, account) > (?1, ?2)
                       ORDER BY site, account LIMIT ?3";
            list(db, sql, params![site, account, limit], |row| {
                Ok(Row::Member(MemberRow { site: row.get(0)?, account: row.get(1)?, role: row.get(2)? }))
            })
        }
        Kind::SignIns => {
            let secret = match &after {
                Some(Key::Bytes(secret)) => &secret[..],
                _ => &[],
            };
            let sql = "SELECT secret, account, created, expires, agent, browser, marks FROM sign_ins
                       WHERE secret > ?1 AND expires > ?2 ORDER BY secret LIMIT ?3";
            list(db, sql, params![secret, now.0, limit], |row| {
                Ok(Row::SignIn(SignInRow {
                    secret: row.get(0)?,
                    account: row.get(1)?,
                    created: row.get(2)?,
                    expires: row.get(3)?,
                    agent: row.get(4)?,
                    browser: if row.get_ref(5)? == ValueRef::Null { None } else { Some(read_json(row, 5)?) },
                    marks: row.get(6)?,
                }))
            })
        }
        Kind::Totals => {
            let (site, slot) = pair(&after);
            let sql = "SELECT site, slot, body FROM day_totals WHERE (site, slot) > (?1, ?2)
                       ORDER BY site, slot LIMIT ?3";
            list(db, sql, params![site, slot, limit], |row| {
                Ok(Row::Total(TotalRow { site: row.get(0)?, slot: row.get(1)?, body: row.get(2)? }))
            })
        }
        Kind::Pages => list(
            db,
            "SELECT id, site, url, created FROM watched_pages WHERE id > ?1 ORDER BY id LIMIT ?2",
            params![id, limit],
            |row| {
                let (id, site, url, created) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
                Ok(Row::Page(PageRow { id, site, url, created }))
            },
        ),
        Kind::PageDays => {
            let (site, page, day) = triple(&after);
            let sql = "SELECT site, page, day, version, body FROM page_days
                       WHERE (site, page, day) > (?1, ?2, ?3) ORDER BY site, page, day LIMIT ?4";
            list(db, sql, params![site, page, day, limit], |row| {
                Ok(Row::PageDay(PageDayRow {
                    site: row.get(0)?,
                    page: row.get(1)?,
                    day: row.get(2)?,
                    version: row.get(3)?,
                    body: row.get(4)?,
                }))
            })
        }
        Kind::ServiceDays => list(
            db,
            "SELECT day, version, body FROM service_days WHERE day > ?1 ORDER BY day LIMIT ?2",
            params![id, limit],
            |row| {
                let (day, version, body) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok(Row::ServiceDay(ServiceDayRow { day, version, body }))
            },
        ),
        Kind::Tokens => list(
            db,
            "SELECT id, secret, account, name, site, scopes, created FROM tokens
             WHERE id > ?1 ORDER BY id LIMIT ?2",
            params![id, limit],
            |row| {
                Ok(Row::Token(TokenRow {
                    id: row.get(0)?,
                    secret: row.get(1)?,
                    account: row.get(2)?,
                    name: row.get(3)?,
                    site: row.get(4)?,
                    scopes: read_json(row, 5)?,
                    created: row.get(6)?,
                }))
            },
        ),
        Kind::Invitations => list(
            db,
            "SELECT id, secret, site, role, invited_by, note, created, expires FROM invitations
             WHERE id > ?1 AND expires > ?2 ORDER BY id LIMIT ?3",
            params![id, now.0, limit],
            |row| {
                Ok(Row::Invitation(InvitationRow {
                    id: row.get(0)?,
                    secret: row.get(1)?,
                    site: row.get(2)?,
                    role: row.get(3)?,
                    by: row.get(4)?,
                    note: row.get(5)?,
                    created: row.get(6)?,
                    expires: row.get(7)?,
                }))
            },
        ),
        Kind::Shares => list(
            db,
            "SELECT id, secret, site, name, created, segment FROM shares WHERE id > ?1 ORDER BY id LIMIT ?2",
            params![id, limit],
            |row| {
                Ok(Row::Share(ShareRow {
                    id: row.get(0)?,
                    secret: row.get(1)?,
                    site: row.get(2)?,
                    name: row.get(3)?,
                    created: row.get(4)?,
                    segment: row.get(5)?,
                }))
            },
        ),
        Kind::Saved => list(
            db,
            "SELECT id, site, kind, name, body, at, created FROM saved WHERE id > ?1 ORDER BY id LIMIT ?2",
            params![id, limit],
            |row| {
                Ok(Row::Saved(SavedRow {
                    id: row.get(0)?,
                    site: row.get(1)?,
                    kind: row.get(2)?,
                    name: row.get(3)?,
                    body: row.get(4)?,
                    at: row.get(5)?,
                    created: row.get(6)?,
                }))
            },
        ),
        Kind::Salts => {
            let name = match &after {
                Some(Key::Text(name)) => name,
                _ => "",
            };
            let sql = "SELECT name, salt, expires FROM salts
                       WHERE name > ?1 AND expires > ?2 ORDER BY name LIMIT ?3";
            list(db, sql, params![name, now.0, limit], |row| {
                Ok(Row::Salt(SaltRow { name: row.get(0)?, salt: row.get(1)?, expires: row.get(2)? }))
            })
        }
        _ => Ok(Vec::new()),
    }
}

/// A row whose key is there changes nothing; one that breaks another promise is an error.
fn import(db: &Connection, row: &Row) -> Result<()> {
    match row {
        Row::Account(row) => db
            .prepare_cached(
                "INSERT INTO accounts (id, name, email, email_key, password_phc, operator, created, digest)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO NOTHING",
            )?
            .execute(params![
                row.id,
                row.name,
                row.email,
                people::email_key(&row.email),
                row.password_phc,
                row.operator,
                row.created,
                row.digest
            ])?,
        Row::SetUp(secret) => {
            db.execute("INSERT OR REPLACE INTO set_up (one, secret) VALUES (1, ?1)", [secret])?
        }
        Row::Site(site) => sites::insert(db, site)?,
        Row::Member(row) => db
            .prepare_cached(
                "INSERT INTO members (site, account, role) VALUES (?1, ?2, ?3)
             ON CONFLICT (site, account) DO NOTHING",
            )?
            .execute([row.site, row.account, row.role])?,
        Row::SignIn(row) => db
            .prepare_cached(
                "INSERT INTO sign_ins (secret, account, created, expires, agent, browser, marks)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (secret) DO NOTHING",
            )?
            .execute(params![
                row.secret,
                row.account,
                row.created,
                row.expires,
                row.agent,
                row.browser.as_ref().map(to_json),
                row.marks
            ])?,
        Row::Token(row) => db
            .prepare_cached(
                "INSERT INTO tokens (id, secret, account, name, site, scopes, created)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO NOTHING",
            )?
            .execute(params![
                row.id,
                row.secret,
                row.account,
                row.name,
                row.site,
                to_json(&row.scopes),
                row.created
            ])?,
        Row::Invitation(row) => db
            .prepare_cached(
                "INSERT INTO invitations (id, secret, site, role, invited_by, note, created, expires)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO NOTHING",
            )?
            .execute(params![
                row.id,
                row.secret,
                row.site,
                row.role,
                row.by,
                row.note,
                row.created,
                row.expires
            ])?,
        Row::Share(row) => db
            .prepare_cached(
                "INSERT INTO shares (id, secret, site, name, created, segment) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (id) DO NOTHING",
            )?
            .execute(params![row.id, row.secret, row.site, row.name, row.created, row.segment])?,
        Row::Saved(row) => db
            .prepare_cached(
                "INSERT INTO saved (id, site, kind, name, body, at, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (id) DO NOTHING",
            )?
            .execute(params![row.id, row.site, row.kind, row.name, row.body, row.at, row.created])?,
        Row::Total(row) => db
            .prepare_cached(
                "INSERT INTO day_totals (site, slot, body) VALUES (?1, ?2, ?3)
             ON CONFLICT (site, slot) DO NOTHING",
            )?
            .execute(params![row.site, row.slot, row.body])?,
        Row::Page(row) => db
            .prepare_cached(
                "INSERT INTO watched_pages (id, site, url, created) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO NOTHING",
            )?
            .execute(params![row.id, row.site, row.url, row.created])?,
        Row::PageDay(row) => db
            .prepare_cached(
                "INSERT INTO page_days (site, page, day, version, body) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (site, page, day) DO NOTHING",
            )?
            .execute(params![row.site, row.page, row.day, row.version, row.body])?,
        Row::ServiceDay(row) => db
            .prepare_cached(
                "INSERT INTO service_days (day, version, body) VALUES (?1, ?2, ?3) ON CONFLICT (day) DO NOTHING",
            )?
            .execute(params![row.day, row.version, row.body])?,
        Row::Salt(row) => db
            .prepare_cached(
                "INSERT INTO salts (name, salt, expires) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO NOTHING",
            )?
            .execute(params![row.name, row.salt, row.expires])?,
        _ => 0,
    };
    Ok(())
}

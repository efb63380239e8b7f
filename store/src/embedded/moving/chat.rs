//! Rooms and messages, out of and into `chat.db`.

use model::RoomId;
use model::chat::Message;
use rusqlite::{Connection, OptionalExtension, params};

use super::list;
use crate::Result;
use crate::embedded::chat::{
    self, bot_hooks, bytes32, conversations, hooks, json, messages, outbox, people, read_member, read_room,
    rooms, value,
};
use crate::embedded::columns::Column;
use crate::moving::history::{mark, number, pair, triple};
use crate::moving::{
    AlertsRow, ArrivalRow, BotRow, DutyRow, FannedRow, GuestRow, HookRow, Key, Kind, LearnedRow, LinkRow,
    RoomRow, Row, RuleMarkRow, RulesRow, ShownRow, StarRow,
};

pub fn export(db: &Connection, kind: Kind, after: Option<Key>, limit: usize) -> Result<Vec<Row>> {
    let id = number(&after).unwrap_or(i64::MIN);
    let (one, two) = pair(&after);
    match kind {
        Kind::Bots => list(
            db,
            "SELECT value, secret FROM bots WHERE id > ?1 ORDER BY id LIMIT ?2",
            params![id, limit],
            |row| Ok(Row::Bot(BotRow { bot: value(row)?, secret: bytes32(row, 1)? })),
        ),
        Kind::Rooms => {
            let sql = format!("SELECT {}, direct FROM rooms WHERE id > ?1 ORDER BY id LIMIT ?2", chat::ROOM);
            list(db, &sql, params![id, limit], |row| {
                Ok(Row::Room(RoomRow { room: read_room(row)?, direct: row.get(4)? }))
            })
        }
        Kind::RoomMembers => {
            let sql = rooms::members_sql("(room, who) > (?1, ?2) ORDER BY room, who LIMIT ?3");
            list(db, &sql, params![one, two, limit], |row| Ok(Row::RoomMember(read_member(row)?)))
        }
        Kind::GuestLinks => list(
            db,
            "SELECT value, secret FROM links WHERE room > ?1 ORDER BY room LIMIT ?2",
            params![id, limit],
            |row| Ok(Row::GuestLink(LinkRow { link: value(row)?, secret: bytes32(row, 1)? })),
        ),
        Kind::Guests => list(
            db,
            "SELECT value, secret FROM guests WHERE id > ?1 ORDER BY id LIMIT ?2",
            params![id, limit],
            |row| Ok(Row::Guest(GuestRow { guest: value(row)?, secret: row.get(1)? })),
        ),
        Kind::Bans => {
            let (room, mark) = mark(&after);
            let sql = "SELECT room, mark, who, by, until FROM bans WHERE (room, mark) > (?1, ?2)
                       ORDER BY room, mark LIMIT ?3";
            list(db, sql, params![room, mark, limit], |row| Ok(Row::Ban(people::read_ban(row)?)))
        }
        Kind::Messages => {
            let sql =
                "SELECT value FROM messages WHERE (room, number) > (?1, ?2) ORDER BY room, number LIMIT ?3";
            list(db, sql, params![one, two, limit], |row| Ok(Row::Message(Box::new(value(row)?))))
        }
        Kind::Revisions => {
            let sql =
                "SELECT value FROM revisions WHERE (room, change) > (?1, ?2) ORDER BY room, change LIMIT ?3";
            list(db, sql, params![one, two, limit], |row| Ok(Row::Revision(Box::new(value(row)?))))
        }
        Kind::Stars => {
            let (who, room, number) = triple(&after);
            let sql = "SELECT who, room, number FROM stars WHERE (who, room, number) > (?1, ?2, ?3)
                       ORDER BY who, room, number LIMIT ?4";
            list(db, sql, params![who, room, number, limit], |row| {
                Ok(Row::Star(StarRow { who: row.get(0)?, room: row.get(1)?, number: row.get(2)? }))
            })
        }
        Kind::Conversations => list(
            db,
            "SELECT value FROM conversations WHERE room > ?1 ORDER BY room LIMIT ?2",
            params![id, limit],
            |row| Ok(Row::Conversation(Box::new(value(row)?))),
        ),
        Kind::Learned => list(
            db,
            "SELECT site, version, bytes FROM learned WHERE site > ?1 ORDER BY site LIMIT ?2",
            params![id, limit],
            |row| {
                Ok(Row::Learned(LearnedRow { site: row.get(0)?, version: row.get(1)?, bytes: row.get(2)? }))
            },
        ),
        Kind::Duty => list(
            db,
            "SELECT value, site FROM duty WHERE site > ?1 ORDER BY site LIMIT ?2",
            params![id, limit],
            |row| Ok(Row::Duty(DutyRow { site: row.get(1)?, duty: value(row)? })),
        ),
        Kind::Rules => list(
            db,
            "SELECT value, site FROM rules WHERE site > ?1 ORDER BY site LIMIT ?2",
            params![id, limit],
            |row| Ok(Row::Rules(RulesRow { site: row.get(1)?, book: value(row)? })),
        ),
        Kind::RuleMarks => {
            let (site, mark) = mark(&after);
            let sql = "SELECT site, mark, until FROM rule_marks WHERE (site, mark) > (?1, ?2)
                       ORDER BY site, mark LIMIT ?3";
            list(db, sql, params![site, mark, limit], |row| {
                Ok(Row::RuleMark(RuleMarkRow {
                    site: row.get(0)?,
                    mark: bytes32(row, 1)?,
                    until: row.get(2)?,
                }))
            })
        }
        Kind::Alerts => list(
            db,
            "SELECT value, site FROM alerts WHERE site > ?1 ORDER BY site LIMIT ?2",
            params![id, limit],
            |row| Ok(Row::Alerts(AlertsRow { site: row.get(1)?, book: value(row)? })),
        ),
        Kind::Hooks => list(
            db,
            "SELECT value, address FROM hooks WHERE id > ?1 ORDER BY id LIMIT ?2",
            params![id, limit],
            |row| Ok(Row::Hook(HookRow { hook: value(row)?, address: bytes32(row, 1)? })),
        ),
        Kind::Shown => {
            let (room, mark) = mark(&after);
            let sql = "SELECT room, mark, number FROM shown_commits WHERE (room, mark) > (?1, ?2)
                       ORDER BY room, mark LIMIT ?3";
            list(db, sql, params![room, mark, limit], |row| {
                Ok(Row::Shown(ShownRow { room: row.get(0)?, mark: bytes32(row, 1)?, number: row.get(2)? }))
            })
        }
        Kind::BotHooks => list(
            db,
            "SELECT value FROM bot_hooks WHERE bot > ?1 ORDER BY bot LIMIT ?2",
            params![id, limit],
            |row| Ok(Row::BotHook(value(row)?)),
        ),
        Kind::Fanned => list(
            db,
            "SELECT room, number FROM fanned WHERE room > ?1 ORDER BY room LIMIT ?2",
            params![id, limit],
            |row| Ok(Row::Fanned(FannedRow { room: row.get(0)?, number: row.get(1)? })),
        ),
        Kind::Jobs => {
            let behind = match after {
                Some(Key::Id(id)) => id.to_be_bytes().to_vec(),
                _ => Vec::new(),
            };
            let sql = format!("SELECT {} FROM jobs WHERE id > ?1 ORDER BY id LIMIT ?2", outbox::JOB);
            list(db, &sql, params![behind, limit], |row| Ok(Row::Job(outbox::read(row)?)))
        }
        Kind::Arrivals => {
            let (room, mark) = mark(&after);
            let sql = "SELECT value, room, mark, place FROM arrivals WHERE (room, mark) > (?1, ?2)
                       ORDER BY room, mark LIMIT ?3";
            list(db, sql, params![room, mark, limit], |row| {
                let (room, mark, place) = (row.get(1)?, bytes32(row, 2)?, row.get(3)?);
                Ok(Row::Arrival(ArrivalRow { room, mark, place, arrival: value(row)? }))
            })
        }
        _ => Ok(Vec::new()),
    }
}

/// A row whose key is there changes nothing.
pub fn import(db: &Connection, row: &Row) -> Result<()> {
    match row {
        Row::Bot(BotRow { bot, secret }) => {
            db.prepare_cached(
                "INSERT INTO bots (id, secret, value) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING",
            )?
            .execute(params![bot.id.column(), secret, json(bot)])?;
        }
        Row::Room(row) => {
            rooms::insert(db, &row.room, row.direct.as_deref())?;
        }
        Row::RoomMember(member) => people::insert(db, member)?,
        Row::GuestLink(LinkRow { link, secret }) => {
            db.prepare_cached(
                "INSERT INTO links (room, secret, value) VALUES (?1, ?2, ?3) ON CONFLICT (room) DO NOTHING",
            )?
            .execute(params![link.room.column(), secret, json(link)])?;
        }
        Row::Guest(row) => {
            people::insert_guest(db, &row.guest, row.secret)?;
        }
        Row::Ban(ban) => people::insert_ban(db, ban)?,
        Row::Message(message) => import_message(db, message)?,
        Row::Revision(revision) => messages::insert_revision(db, revision)?,
        Row::Star(row) => {
            db.prepare_cached(
                "INSERT INTO stars (who, room, number) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )?
            .execute([row.who, row.room, row.number])?;
        }
        Row::Conversation(row) => conversations::insert(db, row)?,
        Row::Duty(DutyRow { site, duty }) => {
            db.prepare_cached(
                "INSERT INTO duty (site, value) VALUES (?1, ?2) ON CONFLICT (site) DO NOTHING",
            )?
            .execute(params![site, json(duty)])?;
        }
        Row::Rules(RulesRow { site, book }) => {
            db.prepare_cached(
                "INSERT INTO rules (site, value) VALUES (?1, ?2) ON CONFLICT (site) DO NOTHING",
            )?
            .execute(params![site, json(book)])?;
        }
        Row::RuleMark(RuleMarkRow { site, mark, until }) => {
            db.prepare_cached(
                "INSERT INTO rule_marks (site, mark, until) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )?
            .execute(params![site, mark, until])?;
        }
        Row::Alerts(AlertsRow { site, book }) => {
            db.prepare_cached(
                "INSERT INTO alerts (site, value) VALUES (?1, ?2) ON CONFLICT (site) DO NOTHING",
            )?
            .execute(params![site, json(book)])?;
        }
        Row::Learned(LearnedRow { site, version, bytes }) => {
            db.prepare_cached(
                "INSERT INTO learned (site, version, bytes) VALUES (?1, ?2, ?3) ON CONFLICT (site) DO NOTHING",
            )?
            .execute(params![site, version, bytes])?;
        }
        Row::Hook(HookRow { hook, address }) => {
            db.prepare_cached(
                "INSERT INTO hooks (id, room, address, value) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO NOTHING",
            )?
            .execute(params![hook.id.column(), hook.room.column(), address, json(hook)])?;
        }
        Row::Shown(ShownRow { room, mark, number }) => {
            db.prepare_cached(
                "INSERT INTO shown_commits (room, mark, number) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )?
            .execute(params![room, mark, number])?;
        }
        Row::BotHook(hook) => bot_hooks::insert(db, hook)?,
        Row::Fanned(row) => outbox::put_fanned(db, row.room, row.number)?,
        Row::Job(job) => outbox::insert(db, job)?,
        Row::Arrival(ArrivalRow { room, mark, place, arrival }) => {
            hooks::insert_arrival(db, *room, mark, *place, arrival)?;
        }
        _ => {}
    }
    Ok(())
}

fn import_message(db: &Connection, message: &Message) -> Result<()> {
    let known = |room: RoomId, number: u64| -> rusqlite::Result<bool> {
        let mut select = db.prepare_cached("SELECT 1 FROM messages WHERE room = ?1 AND number = ?2")?;
        let found = select.query_row([room.column(), number as i64], |_| Ok(())).optional()?;
        Ok(found.is_some())
    };
    if known(message.room, message.number)? { Ok(()) } else { messages::insert(db, message) }
}

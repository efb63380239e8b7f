//! Messages read: by place, by change, by words. A page of any room is found by an index, however long the room is.

use model::RoomId;
use model::chat::{Message, Revision, Who};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Params, Row, params, params_from_iter};

use super::value;
use crate::Result;
use crate::chat::messages::{first_place, page_of};
use crate::chat::{Place, Search, words};
use crate::embedded::columns::Column;

fn list(db: &Connection, sql: &str, of: impl Params) -> Result<Vec<Message>> {
    let mut select = db.prepare_cached(sql)?;
    let found = select.query_map(of, value)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

pub fn page(db: &Connection, room: RoomId, at: Place, limit: usize) -> Result<Vec<Message>> {
    let (id, limit) = (room.column(), page_of(limit) as i64);
    let backwards = |before: i64| {
        let sql = "SELECT value FROM messages WHERE room = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3";
        let mut page = list(db, sql, [id, before, limit])?;
        page.reverse();
        Ok(page)
    };
    match at {
        Place::End => backwards(i64::MAX),
        Place::Before(number) => backwards(number.min(i64::MAX as u64) as i64),
        Place::After(number) => list(
            db,
            "SELECT value FROM messages WHERE room = ?1 AND number > ?2 ORDER BY number LIMIT ?3",
            [id, number.min(i64::MAX as u64) as i64, limit],
        ),
        Place::Between(from, to) => list(
            db,
            "SELECT value FROM messages WHERE room = ?1 AND place >= ?2 AND place < ?3 ORDER BY place LIMIT ?4",
            [id, first_place(from), first_place(to), limit],
        ),
    }
}

pub fn touched(db: &Connection, room: RoomId, after: u64, limit: usize) -> Result<Vec<Message>> {
    let sql = "SELECT value FROM messages WHERE room = ?1 AND changed > ?2 ORDER BY changed LIMIT ?3";
    list(db, sql, [room.column(), after.min(i64::MAX as u64) as i64, page_of(limit) as i64])
}

pub fn thread(db: &Connection, room: RoomId, number: u64, after: u64, limit: usize) -> Result<Vec<Message>> {
    let sql =
        "SELECT value FROM messages WHERE room = ?1 AND thread = ?2 AND number > ?3 ORDER BY number LIMIT ?4";
    let after = after.min(i64::MAX as u64) as i64;
    list(db, sql, [room.column(), number as i64, after, page_of(limit) as i64])
}

pub fn decisions(db: &Connection, room: RoomId, before: Option<u64>, limit: usize) -> Result<Vec<Message>> {
    let sql = "SELECT value FROM messages WHERE room = ?1 AND decided = 1 AND number < ?2
               ORDER BY number DESC LIMIT ?3";
    let before = before.map_or(i64::MAX, |number| number.min(i64::MAX as u64) as i64);
    list(db, sql, [room.column(), before, page_of(limit) as i64])
}

pub fn history(db: &Connection, room: RoomId, number: u64) -> Result<Vec<Revision>> {
    let mut select =
        db.prepare_cached("SELECT value FROM revisions WHERE room = ?1 AND number = ?2 ORDER BY change")?;
    let found = select.query_map([room.column(), number as i64], value)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

pub fn stars(db: &Connection, who: Who, rooms: &[RoomId]) -> Result<Vec<(RoomId, u64)>> {
    let mut select =
        db.prepare_cached("SELECT room, number FROM stars WHERE who = ?1 ORDER BY room, number")?;
    let found =
        select.query_map([who.number()], |row| Ok((RoomId::read(row, 0)?, super::unsigned(row, 1)?)))?;
    let mut stars = found.collect::<rusqlite::Result<Vec<_>>>()?;
    stars.retain(|(room, _)| rooms.contains(room));
    Ok(stars)
}

pub fn search(db: &Connection, search: &Search, asked: &[String]) -> Result<Vec<Message>> {
    searched(db, search, asked, "value", value)
}

/// A column of the messages that are found. Newest first is by place, so that the index is read from its end only until the page is full.
pub fn searched<T, C: Default + FromIterator<T>>(
    db: &Connection,
    search: &Search,
    asked: &[String],
    column: &str,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<C> {
    if search.rooms.is_empty() && search.inbox.is_none() {
        return Ok(C::default());
    }
    let from = search.from.map_or(0, first_place);
    let mut before = search.to.map_or(i64::MAX, first_place);
    if let Some((room, number)) = search.before {
        let mut select = db.prepare_cached("SELECT place FROM messages WHERE room = ?1 AND number = ?2")?;
        let place = select.query_row(params![room.column(), number as i64], |row| row.get(0)).optional()?;
        before = before.min(place.unwrap_or(0));
    }
    let mut select = db.prepare_cached(&format!(
        "SELECT m.{column} FROM words w CROSS JOIN messages m ON m.place = w.rowid
         WHERE words MATCH ?1 AND w.rowid >= ?2 AND w.rowid < ?3 ORDER BY w.rowid DESC LIMIT ?4"
    ))?;
    let of: [Value; 4] =
        [query(search, asked).into(), from.into(), before.into(), (page_of(search.limit) as i64).into()];
    let found = select.query_map(params_from_iter(of), |row| read(row))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// In the language of FTS5; every word is quoted.
fn query(search: &Search, asked: &[String]) -> String {
    let quoted = |word: String| format!("\"{word}\"");
    let rooms: Vec<String> = match search.inbox {
        Some(site) => vec![quoted(words::in_inbox(site))],
        None => search.rooms.iter().map(|room| quoted(words::in_room(*room))).collect(),
    };
    let mut all: Vec<String> = asked.iter().cloned().map(quoted).collect();
    all.extend(search.author.map(words::by).map(quoted));
    all.extend(search.kind.map(words::of_kind).map(quoted));
    all.push(format!("({})", rooms.join(" OR ")));
    all.join(" AND ")
}

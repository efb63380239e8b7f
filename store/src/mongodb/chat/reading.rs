//! Messages read: by place, by change, by words. A page of any room is found by an index, however long the room is.

use model::RoomId;
use model::chat::{Message, Revision, Who};
use mongodb::bson::{Document, doc};
use serde::Deserialize;

use super::messages::one;
use super::{MESSAGES, REVISIONS, STARS, Valued, parse};
use crate::chat::messages::{first_place, page_of};
use crate::chat::{Place, Search, words};
use crate::mongodb::columns::Column;
use crate::mongodb::step::Step;
use crate::{Result, StoreError};

async fn list(step: &mut Step, filter: Document, sort: Document, limit: usize) -> Result<Vec<Message>> {
    let found = step.some(MESSAGES, filter, sort, page_of(limit)).await?;
    let value =
        |row: &Document| parse(row.get_str("value").map_err(|error| StoreError::Unavailable(error.into()))?);
    found.iter().map(value).collect()
}

fn number(number: u64) -> i64 {
    number.min(i64::MAX as u64) as i64
}

pub async fn page(step: &mut Step, room: RoomId, at: Place, limit: usize) -> Result<Vec<Message>> {
    let id = room.column();
    let forwards = doc! { "room": 1, "number": 1 };
    let before = match at {
        Place::After(behind) => {
            let behind = doc! { "room": id, "number": { "$gt": number(behind) } };
            return list(step, behind, forwards, limit).await;
        }
        Place::Between(from, to) => {
            let between = doc! { "room": id, "at": { "$gte": from.0, "$lt": to.0 } };
            return list(step, between, doc! { "room": 1, "at": 1, "number": 1 }, limit).await;
        }
        Place::End => i64::MAX,
        Place::Before(before) => number(before),
    };
    let before = doc! { "room": id, "number": { "$lt": before } };
    let mut page = list(step, before, doc! { "room": -1, "number": -1 }, limit).await?;
    page.reverse();
    Ok(page)
}

pub async fn touched(step: &mut Step, room: RoomId, after: u64, limit: usize) -> Result<Vec<Message>> {
    let behind = doc! { "room": room.column(), "changed": { "$gt": number(after) } };
    list(step, behind, doc! { "room": 1, "changed": 1 }, limit).await
}

pub async fn thread(
    step: &mut Step,
    room: RoomId,
    of: u64,
    after: u64,
    limit: usize,
) -> Result<Vec<Message>> {
    let answers = doc! { "room": room.column(), "thread": number(of), "number": { "$gt": number(after) } };
    list(step, answers, doc! { "room": 1, "thread": 1, "number": 1 }, limit).await
}

pub async fn decisions(
    step: &mut Step,
    room: RoomId,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<Message>> {
    let before = before.map_or(i64::MAX, number);
    let decided = doc! { "room": room.column(), "decided": true, "number": { "$lt": before } };
    list(step, decided, doc! { "room": -1, "decided": -1, "number": -1 }, limit).await
}

pub async fn history(step: &mut Step, room: RoomId, number: u64) -> Result<Vec<Revision>> {
    let found: Vec<Valued> = step.all(REVISIONS, one(room, number), doc! { "change": 1 }).await?;
    Valued::all(found)
}

pub async fn stars(step: &mut Step, who: Who, rooms: &[RoomId]) -> Result<Vec<(RoomId, u64)>> {
    #[derive(Deserialize)]
    struct Row {
        room: i64,
        number: i64,
    }
    let rooms: Vec<i64> = rooms.iter().map(|room| room.column()).collect();
    let theirs = doc! { "who": who.number(), "room": { "$in": rooms } };
    let found: Vec<Row> = step.all(STARS, theirs, doc! { "who": 1, "room": 1, "number": 1 }).await?;
    Ok(found.into_iter().map(|row| (RoomId::of(row.room as u64), row.number as u64)).collect())
}

pub async fn search(step: &mut Step, search: &Search, mut asked: Vec<String>) -> Result<Vec<Message>> {
    if search.rooms.is_empty() && search.inbox.is_none() {
        return Ok(Vec::new());
    }
    asked.extend(search.author.map(words::by));
    asked.extend(search.kind.map(words::of_kind));
    if asked.is_empty() {
        asked.push(words::any());
    }
    let from = search.from.map_or(i64::MIN, first_place);
    let mut before = search.to.map_or(i64::MAX, first_place);
    if let Some((room, number)) = search.before {
        before = before.min(place(step, room, number).await?);
    }
    let mut found = doc! { "words": { "$all": asked }, "place": { "$gte": from, "$lt": before } };
    match search.inbox {
        Some(site) => found.insert("inbox", site.column()),
        None => {
            let rooms: Vec<i64> = search.rooms.iter().map(|room| room.column()).collect();
            found.insert("room", doc! { "$in": rooms })
        }
    };
    list(step, found, doc! { "place": -1 }, search.limit).await
}

async fn place(step: &mut Step, room: RoomId, number: u64) -> Result<i64> {
    #[derive(Deserialize)]
    struct Row {
        place: i64,
    }
    let found: Option<Row> = step.one(MESSAGES, one(room, number)).await?;
    Ok(found.map_or(i64::MIN, |row| row.place))
}

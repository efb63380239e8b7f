//! Messages read: pages, days, threads, decisions, search. Nobody is answered from a room that they may not read.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::chat::rights::{Facts, RoomAction, may};
use model::chat::{Member, Message, Revision, Room, Who};
use model::rights::Principal;
use model::{Millis, RoomId, limits};
use store::chat::{Place, Search};

use crate::{Chat, Refused, Result, who};

/// Unread messages of a room that are read to be counted.
pub const UNREAD_COUNTED_MAX: u64 = 100;

/// Messages, and the room as it was just before they were read.
pub struct Page {
    pub room: Room,
    pub messages: Vec<Message>,
}

/// What is searched for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    pub text: String,
    /// Empty: all rooms that one is in.
    pub rooms: Vec<RoomId>,
    pub author: Option<Who>,
    pub kind: Option<i64>,
    /// From that day on, to that one, both included; in the first room's zone.
    pub from: Option<Date>,
    pub to: Option<Date>,
    pub before: Option<(RoomId, u64)>,
    pub limit: usize,
}

impl Chat {
    pub async fn page(&self, by: &Principal, room: RoomId, at: Place, limit: usize) -> Result<Page> {
        let seen = self.seen(by, room, RoomAction::Read).await?;
        let messages = self.store.messages.page(room, at, limit).await?;
        Ok(Page { room: seen.room, messages })
    }

    /// How much others said that a member did not read. Of more than `UNREAD_COUNTED_MAX` one's own are among it.
    pub async fn unread(&self, room: &Room, member: &Member) -> Result<u64> {
        let behind = room.last.saturating_sub(member.read);
        if behind == 0 || behind > UNREAD_COUNTED_MAX {
            return Ok(behind);
        }
        let place = Place::After(member.read);
        let messages = self.store.messages.page(room.id, place, UNREAD_COUNTED_MAX as usize).await?;
        let of_others = messages.iter().filter(|message| message.author != member.who).count();
        Ok((of_others as u64).min(behind))
    }

    pub async fn message(&self, by: &Principal, room: RoomId, number: u64) -> Result<Message> {
        self.seen(by, room, RoomAction::Read).await?;
        Ok(self.store.messages.message(room, number).await?)
    }

    /// What was touched behind a change. Who asks on from the last one's `changed` until none comes, and then listens from the room's
    /// `changes` on, has missed nothing.
    pub async fn catch_up(&self, by: &Principal, room: RoomId, after: u64, limit: usize) -> Result<Page> {
        let seen = self.seen(by, room, RoomAction::Read).await?;
        let messages = self.store.messages.touched(room, after, limit).await?;
        Ok(Page { room: seen.room, messages })
    }

    /// A day of the room's transcript, in its zone, from behind a message; and behind which one the rest of it is. What a lock
    /// hides is not in it.
    pub async fn day(
        &self,
        by: &Principal,
        room: RoomId,
        day: Date,
        after: u64,
    ) -> Result<(Page, Option<u64>)> {
        let seen = self.seen(by, room, RoomAction::Read).await?;
        let (from, to) = day_of(&seen.room.zone, day)?;
        let max = limits::MESSAGES_A_PAGE_MAX;
        let mut messages = match after {
            0 => self.store.messages.page(room, Place::Between(from, to), max).await?,
            _ => self.store.messages.page(room, Place::After(after), max).await?,
        };
        let last = messages.last().filter(|last| messages.len() == max && last.at < to);
        let more = last.map(|last| last.number);
        messages.retain(|message| message.at >= from && message.at < to && !message.unrecorded);
        Ok((Page { room: seen.room, messages }, more))
    }

    pub async fn thread(
        &self,
        by: &Principal,
        room: RoomId,
        number: u64,
        after: u64,
    ) -> Result<Vec<Message>> {
        self.seen(by, room, RoomAction::Read).await?;
        Ok(self.store.messages.thread(room, number, after, limits::MESSAGES_A_PAGE_MAX).await?)
    }

    pub async fn decisions(&self, by: &Principal, room: RoomId, before: Option<u64>) -> Result<Vec<Message>> {
        self.seen(by, room, RoomAction::Read).await?;
        Ok(self.store.messages.decisions(room, before, limits::MESSAGES_A_PAGE_MAX).await?)
    }

    /// What a message was before. For who takes part: a public room shows its messages as they are.
    pub async fn history(&self, by: &Principal, room: RoomId, number: u64) -> Result<Vec<Revision>> {
        self.seen(by, room, RoomAction::SeePeople).await?;
        self.seen(by, room, RoomAction::Read).await?;
        Ok(self.store.messages.history(room, number).await?)
    }

    /// One's stars, in rooms that one is in.
    pub async fn stars(&self, by: &Principal) -> Result<Vec<(RoomId, u64)>> {
        let me = who(by)?;
        let rooms = self.my_rooms(by).await?;
        let ids = rooms.into_iter().map(|(room, _)| room.id).collect();
        Ok(self.store.messages.stars(me, ids).await?)
    }

    /// Newest first. A room that is named and not to be read is NotFound, as is one that is not there.
    pub async fn search(&self, by: &Principal, query: Query) -> Result<Vec<Message>> {
        let rooms = self.searched(by, &query.rooms).await?;
        let zone = rooms.first().map_or("UTC", |room| room.zone.as_str());
        let from = query.from.map(|day| day_of(zone, day)).transpose()?.map(|(from, _)| from);
        let to = query.to.map(|day| day_of(zone, day)).transpose()?.map(|(_, to)| to);
        let search = Search {
            rooms: rooms.iter().map(|room| room.id).collect(),
            inbox: None,
            text: query.text,
            author: query.author,
            kind: query.kind,
            from,
            to,
            before: query.before,
            limit: query.limit,
        };
        Ok(self.store.messages.search(search).await?)
    }

    async fn searched(&self, by: &Principal, named: &[RoomId]) -> Result<Vec<Room>> {
        if named.len() > limits::SEARCH_ROOMS_MAX {
            return Err(Refused::Limit { what: "rooms of a search", max: limits::SEARCH_ROOMS_MAX });
        }
        let mut rooms = Vec::with_capacity(named.len());
        for room in named {
            rooms.push(self.seen(by, *room, RoomAction::Read).await?.room);
        }
        if !named.is_empty() {
            return Ok(rooms);
        }
        for (room, _) in self.store.rooms.rooms_of(who(by)?).await? {
            let standing = self.access.standing(by, &room).await?;
            if may(standing, Facts::of(&room), RoomAction::Read) {
                rooms.push(room);
            }
        }
        Ok(rooms)
    }
}

/// From its first moment to that of the next day, however long it is there.
fn day_of(zone: &str, day: Date) -> Result<(Millis, Millis)> {
    const NO_DAY: Refused = Refused::Invalid("there is no such day");
    let zone = TimeZone::get(zone).map_err(|_| Refused::Invalid("there is no such time zone"))?;
    let begin = |day: Date| -> Result<Millis> {
        let begin = day.to_zoned(zone.clone()).map_err(|_| NO_DAY)?;
        Ok(Millis(begin.timestamp().as_millisecond()))
    };
    Ok((begin(day)?, begin(day.tomorrow().map_err(|_| NO_DAY)?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_as_long_as_it_is_there() {
        let hours =
            |zone, day: Date| day_of(zone, day).map(|(from, to)| (to.0 - from.0) / 3_600_000).unwrap();
        assert_eq!(hours("Europe/Paris", Date::constant(2026, 3, 29)), 23);
        assert_eq!(hours("Europe/Paris", Date::constant(2026, 10, 25)), 25);
        assert_eq!(hours("UTC", Date::constant(2026, 3, 29)), 24);
        assert!(day_of("Mars/Base", Date::constant(2026, 1, 1)).is_err());
        assert!(day_of("UTC", Date::MAX).is_err());
    }
}

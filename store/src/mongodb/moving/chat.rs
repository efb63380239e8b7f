//! Rooms and messages, out of and into their collections.

use std::collections::{BTreeSet, HashMap};

use mongodb::bson::{Bson, Document, deserialize_from_document, doc};

use super::super::chat::hooks::ArrivalDocument;
use super::super::chat::outbox::{self, JobDocument};
use super::super::chat::people::{BanDocument, ban_fields, ban_key, guest_document};
use super::super::chat::{
    ALERTS, ARRIVALS, BANS, BOT_HOOKS, BOTS, CONVERSATIONS, DUTY, FANNED, FILES, GUESTS, HOOKS, JOBS,
    LEARNED, LINKS, MEMBERS, MESSAGES, MemberDocument, REVISIONS, ROOMS, RULE_MARKS, RULES, RoomDocument,
    SHOWN, STARS, conversations, json, messages, parse, rules,
};
use super::super::columns::{Column, binary};
use super::super::step::Step;
use super::rows::bytes32;
use model::JobId;

use crate::Result;
use crate::moving::history::{mark, number, pair, triple};
use crate::moving::{
    AlertsRow, ArrivalRow, BotRow, DutyRow, FannedRow, GuestRow, HookRow, Key, Kind, LearnedRow, LinkRow,
    RoomRow, Row, RuleMarkRow, RulesRow, ShownRow, StarRow,
};

/// Collection, filter and sort of what stands behind a key.
pub fn behind(kind: Kind, after: &Option<Key>) -> (&'static str, Document, Document) {
    let by_id = doc! { "_id": 1 };
    let behind_id = || number(after).map_or(doc! {}, |id| doc! { "_id": { "$gt": id } });
    match kind {
        Kind::Bots => (BOTS, behind_id(), by_id),
        Kind::Rooms => (ROOMS, behind_id(), by_id),
        Kind::GuestLinks => (LINKS, behind_id(), by_id),
        Kind::Guests => (GUESTS, behind_id(), by_id),
        Kind::Conversations => (CONVERSATIONS, behind_id(), by_id),
        Kind::Learned => (LEARNED, behind_id(), by_id),
        Kind::Duty => (DUTY, behind_id(), by_id),
        Kind::Rules => (RULES, behind_id(), by_id),
        Kind::Alerts => (ALERTS, behind_id(), by_id),
        Kind::RuleMarks => {
            let (site, mark) = mark(after);
            let behind = ranked("site", site, "mark", binary(&mark).into(), after);
            (RULE_MARKS, behind, doc! { "site": 1, "mark": 1 })
        }
        Kind::Hooks => (HOOKS, behind_id(), by_id),
        Kind::BotHooks => (BOT_HOOKS, behind_id(), by_id),
        Kind::Fanned => (FANNED, behind_id(), by_id),
        Kind::Jobs => {
            let behind = match after {
                Some(Key::Id(id)) => doc! { "_id": { "$gt": outbox::id(JobId(*id)) } },
                _ => doc! {},
            };
            (JOBS, behind, by_id)
        }
        Kind::RoomMembers => (MEMBERS, of_pair("room", "who", after), doc! { "room": 1, "who": 1 }),
        Kind::Messages => (MESSAGES, of_pair("room", "number", after), doc! { "room": 1, "number": 1 }),
        Kind::Revisions => (REVISIONS, of_pair("room", "change", after), doc! { "room": 1, "change": 1 }),
        Kind::Bans => {
            let (room, mark) = mark(after);
            (BANS, ranked("room", room, "mark", binary(&mark).into(), after), doc! { "room": 1, "mark": 1 })
        }
        Kind::Shown => {
            let (room, mark) = mark(after);
            (SHOWN, ranked("room", room, "mark", binary(&mark).into(), after), doc! { "room": 1, "mark": 1 })
        }
        Kind::Arrivals => {
            let (room, mark) = mark(after);
            let behind = ranked("room", room, "mark", binary(&mark).into(), after);
            (ARRIVALS, behind, doc! { "room": 1, "mark": 1 })
        }
        _ => (STARS, of_stars(after), doc! { "who": 1, "room": 1, "number": 1 }),
    }
}

fn of_pair(one: &str, two: &str, after: &Option<Key>) -> Document {
    let (first, second) = pair(after);
    ranked(one, first, two, second.into(), after)
}

fn ranked(one: &str, first: i64, two: &str, second: Bson, after: &Option<Key>) -> Document {
    if after.is_none() {
        return doc! {};
    }
    doc! { "$or": [{ one: first, two: { "$gt": second } }, { one: { "$gt": first } }] }
}

fn of_stars(after: &Option<Key>) -> Document {
    if after.is_none() {
        return doc! {};
    }
    let (who, room, number) = triple(after);
    doc! { "$or": [
        { "who": who, "room": room, "number": { "$gt": number } },
        { "who": who, "room": { "$gt": room } },
        { "who": { "$gt": who } },
    ] }
}

pub fn read(kind: Kind, row: &Document) -> anyhow::Result<Row> {
    let value = || row.get_str("value");
    Ok(match kind {
        Kind::Bots => Row::Bot(BotRow { bot: parse(value()?)?, secret: bytes32(row, "secret")? }),
        Kind::Rooms => {
            let document: RoomDocument = deserialize_from_document(row.clone())?;
            Row::Room(RoomRow { room: document.room()?, direct: document.direct })
        }
        Kind::RoomMembers => {
            let document: MemberDocument = deserialize_from_document(row.clone())?;
            Row::RoomMember(document.member()?)
        }
        Kind::GuestLinks => {
            Row::GuestLink(LinkRow { link: parse(value()?)?, secret: bytes32(row, "secret")? })
        }
        Kind::Guests => {
            let secret = row.contains_key("secret").then(|| bytes32(row, "secret")).transpose()?;
            Row::Guest(GuestRow { guest: parse(value()?)?, secret })
        }
        Kind::Bans => {
            let document: BanDocument = deserialize_from_document(row.clone())?;
            Row::Ban(document.ban()?)
        }
        Kind::Messages => Row::Message(Box::new(parse(value()?)?)),
        Kind::Revisions => Row::Revision(Box::new(parse(value()?)?)),
        Kind::Conversations => Row::Conversation(Box::new(parse(value()?)?)),
        Kind::Duty => Row::Duty(DutyRow { site: row.get_i64("_id")?, duty: parse(value()?)? }),
        Kind::Rules => Row::Rules(RulesRow { site: row.get_i64("_id")?, book: parse(value()?)? }),
        Kind::Alerts => Row::Alerts(AlertsRow { site: row.get_i64("_id")?, book: parse(value()?)? }),
        Kind::RuleMarks => Row::RuleMark(RuleMarkRow {
            site: row.get_i64("site")?,
            mark: bytes32(row, "mark")?,
            until: row.get_i64("until")?,
        }),
        Kind::Learned => Row::Learned(LearnedRow {
            site: row.get_i64("_id")?,
            version: row.get_i64("version")?,
            bytes: row.get_binary_generic("bytes")?.clone(),
        }),
        Kind::Hooks => Row::Hook(HookRow { hook: parse(value()?)?, address: bytes32(row, "address")? }),
        Kind::Shown => Row::Shown(ShownRow {
            room: row.get_i64("room")?,
            mark: bytes32(row, "mark")?,
            number: row.get_i64("number")?,
        }),
        Kind::BotHooks => Row::BotHook(parse(value()?)?),
        Kind::Fanned => Row::Fanned(FannedRow { room: row.get_i64("_id")?, number: row.get_i64("number")? }),
        Kind::Jobs => {
            let document: JobDocument = deserialize_from_document(row.clone())?;
            Row::Job(document.job()?)
        }
        Kind::Arrivals => Row::Arrival(ArrivalRow {
            room: row.get_i64("room")?,
            mark: bytes32(row, "mark")?,
            place: row.get_i64("place")?,
            arrival: parse(value()?)?,
        }),
        _ => Row::Star(StarRow {
            who: row.get_i64("who")?,
            room: row.get_i64("room")?,
            number: row.get_i64("number")?,
        }),
    })
}

/// Of rooms that rows are messages of: the sites that those are conversations of.
pub async fn inboxes(step: &mut Step, rows: &[Row]) -> Result<HashMap<i64, i64>> {
    let of_message = |row: &Row| match row {
        Row::Message(message) => Some(message.room.column()),
        _ => None,
    };
    let rooms: BTreeSet<i64> = rows.iter().filter_map(of_message).collect();
    if rooms.is_empty() {
        return Ok(HashMap::new());
    }
    let rooms = doc! { "_id": { "$in": rooms.into_iter().collect::<Vec<_>>() }, "inbox": true };
    let found: Vec<RoomDocument> = step.all(ROOMS, rooms, doc! {}).await?;
    Ok(found.into_iter().filter_map(|room| Some((room._id, room.site?))).collect())
}

/// Collection, key and fields of a row. None: not of chat.
pub fn written(row: &Row, inboxes: &HashMap<i64, i64>) -> Option<(&'static str, Document, Document)> {
    Some(match row {
        Row::Bot(BotRow { bot, secret }) => {
            (BOTS, doc! { "_id": bot.id.column() }, doc! { "secret": binary(secret), "value": json(bot) })
        }
        Row::Room(RoomRow { room, direct }) => (
            ROOMS,
            doc! { "_id": room.id.column() },
            fields(&RoomDocument::of(room, direct.clone()), &["_id"]),
        ),
        Row::RoomMember(member) => {
            let key = doc! { "room": member.room.column(), "who": member.who.number() };
            (MEMBERS, key, fields(&MemberDocument::of(member), &["room", "who"]))
        }
        Row::GuestLink(LinkRow { link, secret }) => {
            let fields = doc! { "secret": binary(secret), "value": json(link) };
            (LINKS, doc! { "_id": link.room.column() }, fields)
        }
        Row::Guest(GuestRow { guest, secret }) => {
            (GUESTS, doc! { "_id": guest.id.column() }, guest_document(guest, *secret))
        }
        Row::Ban(ban) => (BANS, ban_key(ban), ban_fields(ban)),
        Row::Message(message) => {
            let key = messages::one(message.room, message.number);
            let inbox = inboxes.get(&message.room.column()).copied();
            (MESSAGES, key, without(messages::document(message, inbox), &["room", "number"]))
        }
        Row::Revision(revision) => {
            let key = doc! { "room": revision.room.column(), "change": revision.change as i64 };
            (REVISIONS, key, without(messages::revision_document(revision), &["room", "change"]))
        }
        Row::Star(row) => (STARS, doc! { "who": row.who, "room": row.room, "number": row.number }, doc! {}),
        Row::Conversation(row) => {
            (CONVERSATIONS, doc! { "_id": row.room.column() }, conversations::fields(row))
        }
        Row::Duty(DutyRow { site, duty }) => (DUTY, doc! { "_id": site }, doc! { "value": json(duty) }),
        Row::Rules(RulesRow { site, book }) => (RULES, doc! { "_id": site }, doc! { "value": json(book) }),
        Row::Alerts(AlertsRow { site, book }) => (ALERTS, doc! { "_id": site }, doc! { "value": json(book) }),
        Row::RuleMark(RuleMarkRow { site, mark, until }) => {
            (RULE_MARKS, rules::one(*site, mark), doc! { "until": until })
        }
        Row::Learned(LearnedRow { site, version, bytes }) => {
            (LEARNED, doc! { "_id": site }, doc! { "version": version, "bytes": binary(bytes) })
        }
        Row::Hook(HookRow { hook, address }) => {
            let fields = doc! { "room": hook.room.column(), "address": binary(address), "value": json(hook) };
            (HOOKS, doc! { "_id": hook.id.column() }, fields)
        }
        Row::Shown(ShownRow { room, mark, number }) => {
            (SHOWN, doc! { "room": room, "mark": binary(mark) }, doc! { "number": number })
        }
        Row::BotHook(hook) => (BOT_HOOKS, doc! { "_id": hook.bot.column() }, doc! { "value": json(hook) }),
        Row::Fanned(FannedRow { room, number }) => (FANNED, doc! { "_id": room }, doc! { "number": number }),
        Row::Job(job) => (JOBS, doc! { "_id": outbox::id(job.id) }, fields(&JobDocument::of(job), &["_id"])),
        Row::Arrival(ArrivalRow { room, mark, place, arrival }) => {
            let document = ArrivalDocument::of(*room, mark, *place, arrival);
            let key = doc! { "room": room, "mark": binary(mark) };
            (ARRIVALS, key, fields(&document, &["room", "mark"]))
        }
        _ => return None,
    })
}

fn fields(row: &impl serde::Serialize, key: &[&str]) -> Document {
    without(mongodb::bson::serialize_to_document(row).expect("a row of plain values encodes"), key)
}

fn without(mut document: Document, key: &[&str]) -> Document {
    key.iter().for_each(|field| drop(document.remove(field)));
    document
}

/// For who refuses a target that holds anything.
pub const ALL: [&str; 21] = [
    FILES,
    BOTS,
    ROOMS,
    MEMBERS,
    LINKS,
    GUESTS,
    BANS,
    MESSAGES,
    REVISIONS,
    STARS,
    HOOKS,
    SHOWN,
    BOT_HOOKS,
    FANNED,
    JOBS,
    ARRIVALS,
    CONVERSATIONS,
    LEARNED,
    DUTY,
    RULES,
    RULE_MARKS,
];

pub fn read_all(kind: Kind, found: &[Document]) -> Result<Vec<Row>> {
    found.iter().map(|row| read(kind, row).map_err(crate::StoreError::Unavailable)).collect()
}

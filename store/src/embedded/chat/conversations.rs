//! Conversations, a row each beside those of its rooms.

use std::collections::BTreeSet;

use async_trait::async_trait;
use model::chat::{
    Conversation, ConversationState, Folder, Member, Message, NewMessage, Notify, Room, RoomRole, Who,
};
use model::{AccountId, Millis, RoomId, SiteId, VisitorKey, limits};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::{Chat, json, messages, people, put_ends, reading, rooms, rules, value};
use crate::accounts::SecretHash;
use crate::chat::change;
use crate::chat::conversations::{
    self, Asked, ConversationChange, Conversations, Counts, Figured, Lesson, NO_CONVERSATION,
    NewConversation, customer_text, page_of,
};
use crate::chat::duty::{Duty, Turn};
use crate::chat::retelling::{self, Telling};
use crate::chat::rules::Answered;
use crate::chat::{Place, Posted, Search, words};
use crate::embedded::columns::Column;
use crate::{Result, StoreError};

/// Messages that a search looks at for conversations.
const FOUND_MAX: usize = limits::MESSAGES_A_PAGE_MAX;
/// Between labels.
const LABEL: char = '\u{1f}';

#[async_trait]
impl Conversations for Chat {
    async fn open_conversation(&self, new: NewConversation) -> Result<(Conversation, bool)> {
        conversations::refuse_oversized(&new.conversation)?;
        change::refuse_oversized(new.first.kind, &new.first.body, &new.first.mentions)?;
        self.0.write(move |db| open(db, new)).await
    }

    async fn conversation(&self, room: RoomId) -> Result<Conversation> {
        self.0.read(move |db| conversation(db, room)).await
    }

    async fn change_conversation(
        &self,
        room: RoomId,
        change: ConversationChange,
        at: Millis,
    ) -> Result<Conversation> {
        self.0.write(move |db| change_one(db, room, change, at)).await
    }

    async fn conversations(&self, asked: Asked) -> Result<Vec<Conversation>> {
        let asked_words = words::asked(&asked.text);
        crate::chat::rooms::bounded(asked_words.len(), "words of a search", limits::SEARCH_WORDS_MAX)?;
        self.0.read(move |db| list(db, &asked, &asked_words)).await
    }

    async fn count_conversations(&self, site: SiteId, me: AccountId) -> Result<Counts> {
        self.0.read(move |db| count(db, site, me)).await
    }

    async fn with_visitor(&self, site: SiteId, visitor: VisitorKey) -> Result<Vec<Conversation>> {
        self.0.read(move |db| with_visitor(db, site, visitor)).await
    }

    async fn earlier(&self, room: RoomId) -> Result<Vec<Conversation>> {
        self.0.read(move |db| earlier(db, room)).await
    }

    async fn figured(&self, site: SiteId, from: Millis, to: Millis) -> Result<Vec<Figured>> {
        self.0.read(move |db| figured(db, site, from, to)).await
    }

    async fn wake(&self, now: Millis) -> Result<Vec<RoomId>> {
        self.0.write(move |db| wake(db, now)).await
    }

    async fn on_duty(&self, site: SiteId, agent: AccountId, at: Millis) -> Result<()> {
        self.0.write(move |db| on_duty(db, site, agent, at)).await
    }

    async fn give_turn(&self, room: RoomId, turn: Turn, at: Millis) -> Result<Conversation> {
        self.0.write(move |db| give_turn(db, room, &turn, at)).await
    }

    async fn retell(&self, room: RoomId, telling: Telling) -> Result<(Conversation, Option<Posted>)> {
        self.0.write(move |db| retell(db, room, &telling)).await
    }

    async fn learned(&self, site: SiteId) -> Result<(u64, Vec<u8>)> {
        self.0.read(move |db| learned(db, site)).await
    }

    async fn learn(
        &self,
        site: SiteId,
        version: u64,
        bytes: Vec<u8>,
        lesson: Option<Lesson>,
    ) -> Result<bool> {
        conversations::refuse_large(&bytes)?;
        self.0.write(move |db| learn(db, site, version, &bytes, lesson)).await
    }
}

fn duty(db: &Connection, site: SiteId) -> Result<Duty> {
    let mut select = db.prepare_cached("SELECT value FROM duty WHERE site = ?1")?;
    Ok(select.query_row([site.column()], value).optional()?.unwrap_or_default())
}

fn put_duty(db: &Connection, site: SiteId, duty: &Duty) -> Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO duty (site, value) VALUES (?1, ?2)")?
        .execute(params![site.column(), json(duty)])?;
    Ok(())
}

fn on_duty(db: &Connection, site: SiteId, agent: AccountId, at: Millis) -> Result<()> {
    let mut duty = duty(db, site)?;
    if duty.saw(agent, at) { put_duty(db, site, &duty) } else { Ok(()) }
}

fn give_turn(db: &Connection, room: RoomId, turn: &Turn, at: Millis) -> Result<Conversation> {
    let mut given = conversation(db, room)?;
    if !conversations::is_to_give(&given) {
        return Ok(given);
    }
    let mut duty = duty(db, given.site)?;
    let Some(agent) = duty.next(turn) else {
        return Ok(given);
    };
    let note = conversations::given(&mut given, agent, turn, at);
    put_duty(db, given.site, &duty)?;
    put(db, &given)?;
    messages::post(db, &note)?;
    Ok(given)
}

fn retell(db: &Connection, room: RoomId, telling: &Telling) -> Result<(Conversation, Option<Posted>)> {
    let before = conversation(db, room)?;
    let Some(asked) = retelling::allowed(&before, telling)? else {
        return Ok((before, None));
    };
    let mut public = super::room(db, asked.room)?;
    retelling::refuse_not_public(&public, people::is_member(db, public.id, Who::Account(asked.by))?)?;
    let said = reading::page(db, before.room, Place::After(0), limits::RETOLD_MESSAGES_MAX)?;
    let thread = retelling::told(&before, &asked, &said, &mut public, telling);
    if people::insert_guest(db, &retelling::guest(&asked, telling), None)? == 0 {
        return Err(StoreError::Conflict("a guest with that id is there already"));
    }
    for message in &thread {
        messages::insert(db, message)?;
    }
    put_ends(db, &public)?;
    let first = thread.into_iter().next().expect("a thread begins with its title");
    let given = retelling::given(&before, asked, first.number);
    put(db, &given)?;
    Ok((given, Some(Posted { message: first, fresh: true, room: public })))
}

fn learned(db: &Connection, site: SiteId) -> Result<(u64, Vec<u8>)> {
    let mut select = db.prepare_cached("SELECT version, bytes FROM learned WHERE site = ?1")?;
    let found = select.query_row([site.column()], |row| Ok((super::unsigned(row, 0)?, row.get(1)?)));
    Ok(found.optional()?.unwrap_or_default())
}

fn learn(db: &Connection, site: SiteId, version: u64, bytes: &[u8], lesson: Option<Lesson>) -> Result<bool> {
    if learned(db, site)?.0 != version {
        return Ok(false);
    }
    if let Some(lesson) = lesson {
        let Some(taught) = conversations::taught(&conversation(db, lesson.room)?, lesson) else {
            return Ok(false);
        };
        put(db, &taught)?;
    }
    db.prepare_cached("INSERT OR REPLACE INTO learned (site, version, bytes) VALUES (?1, ?2, ?3)")?
        .execute(params![site.column(), version as i64 + 1, bytes])?;
    Ok(true)
}

fn open(db: &Connection, new: NewConversation) -> Result<(Conversation, bool)> {
    if let Some(known) = known(db, new.secret)? {
        return Ok((known, false));
    }
    let before = match new.conversation.visitor {
        Some(visitor) => with_visitor(db, new.conversation.site, visitor)?,
        None => Vec::new(),
    };
    match new.secret {
        Some(secret) => {
            if let Some(call) = conversations::call_in(before) {
                return Ok((answer(db, &call, secret, new)?, true));
            }
        }
        None => {
            if let Some(one) = conversations::going_on(before) {
                return Ok((one, false));
            }
        }
    }
    let NewConversation { mut conversation, mut room, notes, guest, secret, first, turn, answered } = new;
    let site = conversation.site;
    let count: usize = db
        .prepare_cached("SELECT COUNT(*) FROM conversations WHERE site = ?1")?
        .query_row([site.column()], |row| row.get(0))?;
    conversations::refuse_full(count)?;
    if rooms::insert(db, &room, None)? == 0 || rooms::insert(db, &notes, None)? == 0 {
        return Err(StoreError::Conflict("a room with that id is there already"));
    }
    if people::insert_guest(db, &guest, secret.map(|secret| secret.0))? == 0 {
        return Err(StoreError::Conflict("a guest with that id is there already"));
    }
    let (who, joined) = (Who::Guest(guest.id), guest.created);
    let (role, notify) = (RoomRole::Member, Notify::default());
    let read = u64::from(answered.is_some());
    people::insert(db, &Member { room: room.id, who, role, joined, read, notify })?;
    conversation.version = 0;
    insert(db, &conversation)?;
    if let Some(Answered { rule, words }) = answered {
        messages::tell(db, &mut room, Some(words))?;
        rules::answered(db, site, rule)?;
    }
    messages::post(db, &first)?;
    match turn {
        Some(turn) => Ok((give_turn(db, room.id, &turn, first.at)?, true)),
        None => Ok((self::conversation(db, room.id)?, true)),
    }
}

/// The call is of that secret from now on.
fn answer(
    db: &Connection,
    call: &Conversation,
    secret: SecretHash,
    new: NewConversation,
) -> Result<Conversation> {
    let (answered, guest, first) = conversations::answered(call, new);
    if people::let_in(db, &guest, secret)? == 0 {
        return Err(StoreError::Conflict("the customer is known by another secret"));
    }
    put(db, &answered)?;
    messages::post(db, &first)?;
    conversation(db, call.room)
}

fn with_visitor(db: &Connection, site: SiteId, visitor: VisitorKey) -> Result<Vec<Conversation>> {
    let mut select = db.prepare_cached(
        "SELECT value FROM conversations WHERE site = ?1 AND visitor = ?2 ORDER BY last_at DESC, room DESC LIMIT ?3",
    )?;
    let found = select.query_map(params![site.column(), visitor.to_string(), limits::EARLIER_MAX], value)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// The conversation of the guest who has that secret.
fn known(db: &Connection, secret: Option<SecretHash>) -> Result<Option<Conversation>> {
    let Some(secret) = secret else {
        return Ok(None);
    };
    let mut select = db.prepare_cached(
        "SELECT c.value FROM guests g JOIN conversations c ON c.room = g.room WHERE g.secret = ?1",
    )?;
    Ok(select.query_row([secret.0], value).optional()?)
}

/// Nothing where it is there.
pub fn insert(db: &Connection, conversation: &Conversation) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO conversations (room, notes, site, folder, last_at, assignee, waiting, due, customer, who, labels, value, visitor, opened)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) ON CONFLICT (room) DO NOTHING",
    )?
    .execute(params_from_iter(row(conversation)))?;
    Ok(())
}

fn put(db: &Connection, conversation: &Conversation) -> Result<()> {
    db.prepare_cached(
        "UPDATE conversations SET notes = ?2, site = ?3, folder = ?4, last_at = ?5, assignee = ?6, waiting = ?7, due = ?8,
                customer = ?9, who = ?10, labels = ?11, value = ?12, visitor = ?13, opened = ?14 WHERE room = ?1",
    )?
    .execute(params_from_iter(row(conversation)))?;
    Ok(())
}

fn row(conversation: &Conversation) -> [Value; 14] {
    let or_null = |number: Option<i64>| number.map_or(Value::Null, Value::Integer);
    let due = match conversation.state {
        ConversationState::Snoozed(until) => Some(until.0),
        _ => None,
    };
    [
        conversation.room.column().into(),
        conversation.notes.column().into(),
        conversation.site.column().into(),
        conversation.folder().number().into(),
        conversation.last_at.0.into(),
        or_null(conversation.assignee.map(Column::column)),
        or_null(conversation.waiting_since.map(|since| since.0)),
        or_null(due),
        conversation.customer.mark().map_or(Value::Null, Value::Text),
        customer_text(conversation).into(),
        labelled(&conversation.labels).into(),
        json(conversation).into(),
        conversation.visitor.map_or(Value::Null, |visitor| Value::Text(visitor.to_string())),
        conversation.opened.0.into(),
    ]
}

/// JSON has no such character.
fn labelled(labels: &[String]) -> String {
    let each: String = labels.iter().map(|label| format!("{}{LABEL}", json(label))).collect();
    if each.is_empty() { each } else { format!("{LABEL}{each}") }
}

pub fn conversation(db: &Connection, room: RoomId) -> Result<Conversation> {
    db.prepare_cached("SELECT value FROM conversations WHERE room = ?1 OR notes = ?1")?
        .query_row([room.column()], value)
        .optional()?
        .ok_or(NO_CONVERSATION)
}

/// Its two rooms; of a room that is no conversation's, that one.
pub fn with_rooms(db: &Connection, room: RoomId) -> Result<Vec<RoomId>> {
    match conversation(db, room) {
        Ok(found) => Ok(vec![found.room, found.notes]),
        Err(StoreError::NotFound(_)) => Ok(vec![room]),
        Err(error) => Err(error),
    }
}

/// A message was posted in one of its rooms.
pub fn said(db: &Connection, room: &Room, new: &NewMessage) -> Result<()> {
    change_by(db, room.id, |found| conversations::said(found, new, room.last, room.last_at))
}

/// A message of one of its rooms was edited or removed.
pub fn edited(db: &Connection, message: &Message) -> Result<()> {
    change_by(db, message.room, |found| conversations::edited(found, message))
}

fn change_by(db: &Connection, room: RoomId, change: impl FnOnce(&mut Conversation)) -> Result<()> {
    let mut conversation = conversation(db, room)?;
    let before = conversation.version;
    change(&mut conversation);
    if conversation.version != before { put(db, &conversation) } else { Ok(()) }
}

fn change_one(db: &Connection, room: RoomId, change: ConversationChange, at: Millis) -> Result<Conversation> {
    let before = conversation(db, room)?;
    let Some(next) = conversations::change(&before, change, at)? else {
        return Ok(before);
    };
    if next.is_revoked && !before.is_revoked {
        people::shut_out(db, next.guest)?;
    }
    put(db, &next)?;
    Ok(next)
}

/// How a folder is listed: what it is limited to beside the site, what it is in order of, and the index that has it so.
fn of_folder(asked: &Asked) -> (&'static str, &'static str, &'static str, Vec<Value>) {
    let me = vec![asked.me.column().into()];
    match asked.folder {
        Folder::All => ("folder < 3", "last_at", "conversations_last", vec![]),
        Folder::Mine => ("folder = 0 AND assignee = ?", "last_at", "conversations_assignee", me),
        Folder::Unassigned => {
            ("folder = 0 AND assignee IS NULL", "last_at", "conversations_assignee", vec![])
        }
        Folder::Waiting => ("folder = 0 AND waiting IS NOT NULL", "waiting", "conversations_waiting", vec![]),
        folder => ("folder = ?", "last_at", "conversations_folder", vec![folder.number().into()]),
    }
}

fn list(db: &Connection, asked: &Asked, asked_words: &[String]) -> Result<Vec<Conversation>> {
    let said = said_in(db, asked, asked_words)?;
    let (sql, values) = query(asked, &said);
    let mut select = db.prepare_cached(&sql)?;
    let found = select.query_map(params_from_iter(values), value)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// What asks for a page; `said`: the rooms in which the text was said. A folder is read along its index, which has its order; where a label or a
/// text is looked for, along one that has both, and only what is found is read as a whole.
pub fn query(asked: &Asked, said: &[i64]) -> (String, Vec<Value>) {
    let (filter, by, index, mut values) = of_folder(asked);
    let (way, behind) = if by == "waiting" { ("ASC", ">") } else { ("DESC", "<") };
    let order = format!("ORDER BY {by} {way}, room {way}");
    let mut within = format!("site = ? AND {filter}");
    values.insert(0, asked.site.column().into());
    if let Some((at, room)) = asked.before {
        within += &format!(" AND ({by}, room) {behind} (?, ?)");
        values.extend([at.0.into(), room.column().into()]);
    }
    if let Some(label) = &asked.label {
        within += " AND instr(labels, ?) > 0";
        values.push(labelled(std::slice::from_ref(label)).into());
    }
    let text = asked.text.trim().to_lowercase();
    if !text.is_empty() {
        within += " AND (instr(who, ?) > 0 OR room IN (SELECT value FROM json_each(?)))";
        values.extend([text.clone().into(), json(&said).into()]);
    }
    values.push((page_of(asked.limit) as i64).into());
    let found = |what: &str, index: &str| {
        format!("SELECT {what} FROM conversations INDEXED BY {index} WHERE {within} {order} LIMIT ?")
    };
    if asked.label.is_none() && text.is_empty() {
        return (found("value", index), values);
    }
    let found = found("room", "conversations_folder");
    (format!("SELECT value FROM conversations WHERE room IN ({found}) {order}"), values)
}

/// The site's conversations in which, or of which in notes, those words were said last.
fn said_in(db: &Connection, asked: &Asked, asked_words: &[String]) -> Result<Vec<i64>> {
    if asked_words.is_empty() {
        return Ok(Vec::new());
    }
    let search = Search { inbox: Some(asked.site), limit: FOUND_MAX, ..Search::default() };
    let rooms: BTreeSet<i64> = reading::searched(db, &search, asked_words, "room", |row| row.get(0))?;
    let mut select = db.prepare_cached(
        "SELECT room FROM conversations WHERE room IN (SELECT value FROM json_each(?1))
         UNION SELECT room FROM conversations WHERE notes IN (SELECT value FROM json_each(?1))",
    )?;
    let found = select.query_map([json(&rooms)], |row| row.get(0))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn count(db: &Connection, site: SiteId, me: AccountId) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut select =
        db.prepare_cached("SELECT folder, COUNT(*) FROM conversations INDEXED BY conversations_assignee WHERE site = ?1 GROUP BY folder")?;
    let found =
        select.query_map([site.column()], |row| Ok((row.get::<_, i64>(0)?, super::unsigned(row, 1)?)))?;
    for found in found {
        let (folder, number) = found?;
        match folder {
            0 => counts.open = number,
            1 => counts.snoozed = number,
            2 => counts.closed = number,
            3 => counts.held = number,
            _ => counts.spam = number,
        }
    }
    let one = |filter: &str, me: Option<i64>| -> Result<u64> {
        let sql = format!("SELECT COUNT(*) FROM conversations WHERE site = ? AND folder = 0 AND {filter}");
        let values = std::iter::once(site.column()).chain(me);
        Ok(db.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| super::unsigned(row, 0))?)
    };
    counts.mine = one("assignee = ?", Some(me.column()))?;
    counts.unassigned = one("assignee IS NULL", None)?;
    counts.waiting = one("waiting IS NOT NULL", None)?;
    Ok(counts)
}

fn earlier(db: &Connection, room: RoomId) -> Result<Vec<Conversation>> {
    let of = conversation(db, room)?;
    let Some(mark) = of.customer.mark() else {
        return Ok(Vec::new());
    };
    let mut select = db.prepare_cached(
        "SELECT value FROM conversations WHERE site = ?1 AND customer = ?2 AND room <> ?3
         ORDER BY last_at DESC, room DESC LIMIT ?4",
    )?;
    let found =
        select.query_map(params![of.site.column(), mark, of.room.column(), limits::EARLIER_MAX], value)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn figured(db: &Connection, site: SiteId, from: Millis, to: Millis) -> Result<Vec<Figured>> {
    let mut select = db.prepare_cached(
        "SELECT value FROM conversations INDEXED BY conversations_opened
         WHERE site = ?1 AND opened >= ?2 AND opened < ?3 ORDER BY opened LIMIT ?4",
    )?;
    let most = limits::FIGURES_CONVERSATIONS_MAX + 1;
    let found = select.query_map(params![site.column(), from.0, to.0, most], value::<Conversation>)?;
    let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
    conversations::refuse_figures(found.len())?;
    Ok(found.into_iter().filter(|one| !one.is_call).map(Figured::of).collect())
}

fn wake(db: &Connection, now: Millis) -> Result<Vec<RoomId>> {
    let mut select = db.prepare_cached(
        "SELECT room FROM conversations WHERE due IS NOT NULL AND due <= ?1 ORDER BY due LIMIT ?2",
    )?;
    let due = select
        .query_map(params![now.0, limits::CONVERSATIONS_A_PAGE_MAX], |row| RoomId::read(row, 0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for room in &due {
        change_one(db, *room, ConversationChange::Reopen, now)?;
    }
    Ok(due)
}

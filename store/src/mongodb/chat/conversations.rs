//! Conversations, a document each beside those of its rooms. Who changes one takes the turn of the room that the customer hears.

use async_trait::async_trait;
use model::chat::{
    Conversation, ConversationState, Folder, Member, Message, NewMessage, Notify, Room, RoomRole, Who,
};
use model::{AccountId, Millis, RoomId, SiteId, VisitorKey, limits};
use mongodb::bson::{Binary, Bson, Document, doc};
use serde::Deserialize;

use super::{
    CONVERSATIONS, Chat, DUTY, GUESTS, LEARNED, MESSAGES, ROOMS, RoomDocument, Valued, json, messages, parse,
    people, put_ends, reading, rules, take,
};
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
use crate::mongodb::columns::{Column, binary, secret as secret_column};
use crate::mongodb::forgotten::FORGOTTEN;
use crate::mongodb::gate::{CALL_TIME_MAX, within};
use crate::mongodb::schema::V;
use crate::mongodb::sites::SITES;
use crate::mongodb::step::Step;
use crate::mongodb::transaction::{read, write};
use crate::{Result, StoreError};

/// Messages that a search looks at for conversations.
const FOUND_MAX: usize = limits::MESSAGES_A_PAGE_MAX;
const DATED_AT_ONCE: usize = 500;

#[async_trait]
impl Conversations for Chat {
    async fn open_conversation(&self, new: NewConversation) -> Result<(Conversation, bool)> {
        conversations::refuse_oversized(&new.conversation)?;
        change::refuse_oversized(new.first.kind, &new.first.body, &new.first.mentions)?;
        let secret = new.secret;
        let opened = within(CALL_TIME_MAX, async {
            let _turn = self.lane_of(new.conversation.site.value()).lock().await;
            // On the heap: its many steps are else part of whoever opens one.
            write!(self, |step| Box::pin(open(step, &new)))
        })
        .await;
        match opened {
            // Another process opened one for the same secret at the same moment.
            Err(StoreError::Conflict(why)) => match read!(self, |step| known(step, secret))? {
                Some(known) => Ok((known, false)),
                None => Err(StoreError::Conflict(why)),
            },
            opened => opened,
        }
    }

    async fn conversation(&self, room: RoomId) -> Result<Conversation> {
        read!(self, |step| conversation(step, room))
    }

    async fn change_conversation(
        &self,
        room: RoomId,
        change: ConversationChange,
        at: Millis,
    ) -> Result<Conversation> {
        let room = self.conversation(room).await?.room;
        within(CALL_TIME_MAX, async {
            let _turn = self.lane(room).lock().await;
            write!(self, |step| change_one(step, room, &change, at))
        })
        .await
    }

    async fn conversations(&self, asked: Asked) -> Result<Vec<Conversation>> {
        let asked_words = words::asked(&asked.text);
        crate::chat::rooms::bounded(asked_words.len(), "words of a search", limits::SEARCH_WORDS_MAX)?;
        read!(self, |step| list(step, &asked, asked_words))
    }

    async fn count_conversations(&self, site: SiteId, me: AccountId) -> Result<Counts> {
        read!(self, |step| count(step, site, me))
    }

    async fn with_visitor(&self, site: SiteId, visitor: VisitorKey) -> Result<Vec<Conversation>> {
        read!(self, |step| with_visitor(step, site, visitor))
    }

    async fn earlier(&self, room: RoomId) -> Result<Vec<Conversation>> {
        read!(self, |step| earlier(step, room))
    }

    async fn figured(&self, site: SiteId, from: Millis, to: Millis) -> Result<Vec<Figured>> {
        read!(self, |step| figured(step, site, from, to))
    }

    async fn wake(&self, now: Millis) -> Result<Vec<RoomId>> {
        let mut woken = Vec::new();
        for room in read!(self, |step| due(step, now))? {
            let _turn = self.lane(room).lock().await;
            if write!(self, |step| wake_one(step, room, now))? {
                woken.push(room);
            }
        }
        Ok(woken)
    }

    async fn on_duty(&self, site: SiteId, agent: AccountId, at: Millis) -> Result<()> {
        let _turn = self.lane_of(site.value()).lock().await;
        write!(self, |step| on_duty(step, site, agent, at))
    }

    async fn give_turn(&self, room: RoomId, turn: Turn, at: Millis) -> Result<Conversation> {
        let before = self.conversation(room).await?;
        within(CALL_TIME_MAX, async {
            let _turn = self.lane_of(before.site.value()).lock().await;
            write!(self, |step| give_turn_alone(step, &before, &turn, at))
        })
        .await
    }

    async fn retell(&self, room: RoomId, telling: Telling) -> Result<(Conversation, Option<Posted>)> {
        let before = self.conversation(room).await?;
        within(CALL_TIME_MAX, async {
            let _turn = self.lane(before.room).lock().await;
            // On the heap: it has many steps.
            write!(self, |step| Box::pin(retell(step, before.room, &telling)))
        })
        .await
    }

    async fn learned(&self, site: SiteId) -> Result<(u64, Vec<u8>)> {
        read!(self, |step| learned(step, site))
    }

    async fn learn(
        &self,
        site: SiteId,
        version: u64,
        bytes: Vec<u8>,
        lesson: Option<Lesson>,
    ) -> Result<bool> {
        conversations::refuse_large(&bytes)?;
        match write!(self, |step| learn(step, site, version, &bytes, lesson)) {
            // Another process learned first.
            Err(StoreError::Conflict(_)) => Ok(false),
            learned => learned,
        }
    }
}

async fn duty(step: &mut Step, site: SiteId) -> Result<Duty> {
    let found: Option<Valued> = step.one(DUTY, doc! { "_id": site.column() }).await?;
    found.map_or(Ok(Duty::default()), Valued::read)
}

async fn put_duty(step: &mut Step, site: SiteId, duty: &Duty) -> Result<()> {
    let value = doc! { "$set": { "value": json(duty) }, "$setOnInsert": { "v": V } };
    step.put(DUTY, doc! { "_id": site.column() }, value).await.map(drop)
}

/// By who has the site's turn.
async fn on_duty(step: &mut Step, site: SiteId, agent: AccountId, at: Millis) -> Result<()> {
    take_site(step, site).await?;
    let mut duty = duty(step, site).await?;
    if duty.saw(agent, at) { put_duty(step, site, &duty).await } else { Ok(()) }
}

async fn give_turn_alone(
    step: &mut Step,
    before: &Conversation,
    turn: &Turn,
    at: Millis,
) -> Result<Conversation> {
    take_site(step, before.site).await?;
    take(step, before.room).await?;
    give_turn(step, before.room, turn, at).await
}

/// By who has the turns of the site and of the room.
async fn give_turn(step: &mut Step, room: RoomId, turn: &Turn, at: Millis) -> Result<Conversation> {
    let mut given = conversation(step, room).await?;
    if !conversations::is_to_give(&given) {
        return Ok(given);
    }
    let mut duty = duty(step, given.site).await?;
    let Some(agent) = duty.next(turn) else {
        return Ok(given);
    };
    let note = conversations::given(&mut given, agent, turn, at);
    put_duty(step, given.site, &duty).await?;
    put(step, &given).await?;
    messages::post(step, &note).await?;
    Ok(given)
}

/// Who changes what is one row of a site comes before or after others.
pub async fn take_site(step: &mut Step, site: SiteId) -> Result<()> {
    let site = site.column();
    if !step.take_turn(SITES, doc! { "_id": site }).await?
        && step.exists(FORGOTTEN, doc! { "_id": site }).await?
    {
        return Err(StoreError::NotFound("site"));
    }
    Ok(())
}

/// Takes the turns of both rooms: what is said in either meanwhile comes before or after.
async fn retell(step: &mut Step, room: RoomId, telling: &Telling) -> Result<(Conversation, Option<Posted>)> {
    take(step, room).await?;
    let before = conversation(step, room).await?;
    let Some(asked) = retelling::allowed(&before, telling)? else {
        return Ok((before, None));
    };
    let mut public = take(step, asked.room).await?;
    let is_member = people::is_member(step, public.id, Who::Account(asked.by)).await?;
    retelling::refuse_not_public(&public, is_member)?;
    let said = reading::page(step, before.room, Place::After(0), limits::RETOLD_MESSAGES_MAX).await?;
    let thread = retelling::told(&before, &asked, &said, &mut public, telling);
    people::insert_guest(step, &retelling::guest(&asked, telling), None).await?;
    let rows: Vec<Document> = thread.iter().map(|message| messages::document(message, None)).collect();
    step.insert_all(MESSAGES, &rows).await?;
    put_ends(step, &public).await?;
    let first = thread.into_iter().next().expect("a thread begins with its title");
    let given = retelling::given(&before, asked, first.number);
    put(step, &given).await?;
    Ok((given, Some(Posted { message: first, fresh: true, room: public })))
}

async fn learned(step: &mut Step, site: SiteId) -> Result<(u64, Vec<u8>)> {
    #[derive(Deserialize)]
    struct Row {
        version: i64,
        bytes: Binary,
    }
    let found: Option<Row> = step.one(LEARNED, doc! { "_id": site.column() }).await?;
    Ok(found.map(|row| (row.version as u64, row.bytes.bytes)).unwrap_or_default())
}

async fn learn(
    step: &mut Step,
    site: SiteId,
    version: u64,
    bytes: &[u8],
    lesson: Option<Lesson>,
) -> Result<bool> {
    if learned(step, site).await?.0 != version {
        return Ok(false);
    }
    if let Some(lesson) = lesson {
        let before = conversation(step, lesson.room).await?;
        take(step, before.room).await?;
        let Some(taught) = conversations::taught(&before, lesson) else {
            return Ok(false);
        };
        put(step, &taught).await?;
    }
    let next = doc! { "$set": { "version": version as i64 + 1, "bytes": binary(bytes) }, "$setOnInsert": { "v": V } };
    step.put(LEARNED, doc! { "_id": site.column() }, next).await?;
    Ok(true)
}

/// Takes the site's turn: who counts its conversations or removes it comes before or after.
pub async fn open(step: &mut Step, new: &NewConversation) -> Result<(Conversation, bool)> {
    let NewConversation { conversation, room, notes, guest, secret, first, turn, answered } = new;
    take_site(step, conversation.site).await?;
    let site = conversation.site.column();
    if let Some(known) = known(step, *secret).await? {
        return Ok((known, false));
    }
    let before = match conversation.visitor {
        Some(visitor) => with_visitor(step, conversation.site, visitor).await?,
        None => Vec::new(),
    };
    match secret {
        Some(secret) => {
            if let Some(call) = conversations::call_in(before) {
                return Ok((answer(step, &call, *secret, new.clone()).await?, true));
            }
        }
        None => {
            if let Some(one) = conversations::going_on(before) {
                return Ok((one, false));
            }
        }
    }
    conversations::refuse_full(step.count(CONVERSATIONS, doc! { "site": site }).await?)?;
    let ids = doc! { "$in": [room.id.column(), notes.id.column()] };
    if step.exists(ROOMS, doc! { "_id": ids }).await? {
        return Err(StoreError::Conflict("a room with that id is there already"));
    }
    step.insert_all(ROOMS, &[RoomDocument::of(room, None), RoomDocument::of(notes, None)]).await?;
    people::insert_guest(step, guest, *secret).await?;
    let (who, joined) = (Who::Guest(guest.id), guest.created);
    let (role, notify) = (RoomRole::Member, Notify::default());
    let read = u64::from(answered.is_some());
    people::insert(step, &Member { room: room.id, who, role, joined, read, notify }).await?;
    let mut row = fields(&Conversation { version: 0, ..conversation.clone() });
    row.insert("_id", room.id.column());
    step.insert(CONVERSATIONS, &row).await?;
    if let Some(Answered { rule, words }) = answered {
        // On the heap: it is rare, and else part of each opening.
        Box::pin(messages::tell(step, &mut room.clone(), Some(words))).await?;
        Box::pin(rules::answered(step, conversation.site, *rule)).await?;
    }
    messages::post(step, first).await?;
    match turn {
        Some(turn) => Ok((give_turn(step, room.id, turn, first.at).await?, true)),
        None => Ok((self::conversation(step, room.id).await?, true)),
    }
}

/// The call is of that secret from now on.
async fn answer(
    step: &mut Step,
    call: &Conversation,
    secret: SecretHash,
    new: NewConversation,
) -> Result<Conversation> {
    take(step, call.room).await?;
    // As it is behind what happened in its room meanwhile.
    let call = conversation(step, call.room).await?;
    let (answered, guest, first) = conversations::answered(&call, new);
    if !people::let_in(step, &guest, secret).await? {
        return Err(StoreError::Conflict("the customer is known by another secret"));
    }
    put(step, &answered).await?;
    messages::post(step, &first).await?;
    conversation(step, call.room).await
}

async fn with_visitor(step: &mut Step, site: SiteId, visitor: VisitorKey) -> Result<Vec<Conversation>> {
    let theirs = doc! { "site": site.column(), "visitor": visitor.to_string() };
    let last_first = doc! { "last_at": -1, "_id": -1 };
    values(&step.some(CONVERSATIONS, theirs, last_first, limits::EARLIER_MAX).await?)
}

/// The conversation of the guest who has that secret.
async fn known(step: &mut Step, secret: Option<SecretHash>) -> Result<Option<Conversation>> {
    let Some(secret) = secret else {
        return Ok(None);
    };
    #[derive(Deserialize)]
    struct Row {
        room: i64,
    }
    let guest: Option<Row> = step.one(GUESTS, doc! { "secret": secret_column(secret) }).await?;
    let Some(Row { room }) = guest else {
        return Ok(None);
    };
    let found: Option<Valued> = step.one(CONVERSATIONS, doc! { "_id": room }).await?;
    found.map(Valued::read).transpose()
}

/// But its key.
pub fn fields(conversation: &Conversation) -> Document {
    let due = match conversation.state {
        ConversationState::Snoozed(until) => Some(until.0),
        _ => None,
    };
    doc! {
        "v": V,
        "notes": conversation.notes.column(),
        "site": conversation.site.column(),
        "folder": conversation.folder().number(),
        "last_at": conversation.last_at.0,
        "assignee": conversation.assignee.map(Column::column),
        "waiting": conversation.waiting_since.map(|since| since.0),
        "due": due,
        "customer": conversation.customer.mark(),
        "who": customer_text(conversation),
        "labels": &conversation.labels,
        "visitor": conversation.visitor.map(|visitor| visitor.to_string()),
        "opened": conversation.opened.0,
        "value": json(conversation),
    }
}

async fn put(step: &mut Step, conversation: &Conversation) -> Result<()> {
    let one = doc! { "_id": conversation.room.column() };
    step.change(CONVERSATIONS, one, doc! { "$set": fields(conversation) }).await.map(drop)
}

async fn conversation(step: &mut Step, room: RoomId) -> Result<Conversation> {
    let either = doc! { "$or": [{ "_id": room.column() }, { "notes": room.column() }] };
    let found: Option<Valued> = step.one(CONVERSATIONS, either).await?;
    found.ok_or(NO_CONVERSATION)?.read()
}

/// Its two rooms; of a room that is no conversation's, that one.
pub async fn with_rooms(step: &mut Step, room: RoomId) -> Result<Vec<RoomId>> {
    match conversation(step, room).await {
        Ok(found) => Ok(vec![found.room, found.notes]),
        Err(StoreError::NotFound(_)) => Ok(vec![room]),
        Err(error) => Err(error),
    }
}

/// A message was posted in one of its rooms, by who has that room's turn: what is said in the room of notes changes nothing.
pub async fn said(step: &mut Step, room: &Room, new: &NewMessage) -> Result<()> {
    change_by(step, room.id, |found| conversations::said(found, new, room.last, room.last_at)).await
}

/// A message of one of its rooms was edited or removed, by who has that room's turn: the same.
pub async fn edited(step: &mut Step, message: &Message) -> Result<()> {
    change_by(step, message.room, |found| conversations::edited(found, message)).await
}

async fn change_by(step: &mut Step, room: RoomId, change: impl FnOnce(&mut Conversation)) -> Result<()> {
    let mut conversation = conversation(step, room).await?;
    let before = conversation.version;
    change(&mut conversation);
    if conversation.version != before { put(step, &conversation).await } else { Ok(()) }
}

async fn change_one(
    step: &mut Step,
    room: RoomId,
    change: &ConversationChange,
    at: Millis,
) -> Result<Conversation> {
    take(step, room).await?;
    let before = conversation(step, room).await?;
    let Some(next) = conversations::change(&before, change.clone(), at)? else {
        return Ok(before);
    };
    if next.is_revoked && !before.is_revoked {
        people::shut_out(step, next.guest).await?;
    }
    put(step, &next).await?;
    Ok(next)
}

/// What lists of a folder are limited to, beside the site, and by what they are in order.
fn within_folder(asked: &Asked) -> (Document, &'static str) {
    let open = Folder::Open.number();
    match asked.folder {
        Folder::All => (doc! { "folder": { "$lt": Folder::Held.number() } }, "last_at"),
        Folder::Mine => (doc! { "folder": open, "assignee": asked.me.column() }, "last_at"),
        Folder::Unassigned => (doc! { "folder": open, "assignee": Bson::Null }, "last_at"),
        Folder::Waiting => (doc! { "folder": open, "waiting": { "$gte": i64::MIN } }, "waiting"),
        folder => (doc! { "folder": folder.number() }, "last_at"),
    }
}

async fn list(step: &mut Step, asked: &Asked, asked_words: Vec<String>) -> Result<Vec<Conversation>> {
    let (mut filter, by) = within_folder(asked);
    filter.insert("site", asked.site.column());
    let (way, behind) = if by == "waiting" { (1, "$gt") } else { (-1, "$lt") };
    let mut all = Vec::new();
    if let Some((at, room)) = asked.before {
        all.push(doc! { "$or": [{ by: { behind: at.0 } }, { by: at.0, "_id": { behind: room.column() } }] });
    }
    if let Some(label) = &asked.label {
        filter.insert("labels", label);
    }
    let text = asked.text.trim().to_lowercase();
    if !text.is_empty() {
        let rooms = said_in(step, asked, asked_words).await?;
        all.push(doc! { "$or": [
            { "$expr": { "$gte": [{ "$indexOfBytes": ["$who", { "$literal": text }] }, 0] } },
            { "_id": { "$in": &rooms } },
            { "notes": { "$in": &rooms } },
        ] });
    }
    if !all.is_empty() {
        filter.insert("$and", all);
    }
    let found = step.some(CONVERSATIONS, filter, doc! { by: way, "_id": way }, page_of(asked.limit)).await?;
    values(&found)
}

fn values(found: &[Document]) -> Result<Vec<Conversation>> {
    let value =
        |row: &Document| parse(row.get_str("value").map_err(|error| StoreError::Unavailable(error.into()))?);
    found.iter().map(value).collect()
}

/// Rooms of the site's conversations in which those words were said last.
async fn said_in(step: &mut Step, asked: &Asked, asked_words: Vec<String>) -> Result<Vec<i64>> {
    if asked_words.is_empty() {
        return Ok(Vec::new());
    }
    let search = Search { inbox: Some(asked.site), limit: FOUND_MAX, ..Search::default() };
    let found = reading::search(step, &search, asked_words).await?;
    let mut rooms: Vec<i64> = found.iter().map(|message| message.room.column()).collect();
    rooms.sort_unstable();
    rooms.dedup();
    Ok(rooms)
}

async fn count(step: &mut Step, site: SiteId, me: AccountId) -> Result<Counts> {
    let mut numbers = [0; 8];
    let folders = [
        Folder::Open,
        Folder::Mine,
        Folder::Unassigned,
        Folder::Waiting,
        Folder::Snoozed,
        Folder::Closed,
        Folder::Held,
        Folder::Spam,
    ];
    for (number, folder) in numbers.iter_mut().zip(folders) {
        let (label, text) = (None, String::new());
        let (mut filter, _) = within_folder(&Asked { site, folder, me, label, text, before: None, limit: 0 });
        filter.insert("site", site.column());
        *number = step.count(CONVERSATIONS, filter).await? as u64;
    }
    let [open, mine, unassigned, waiting, snoozed, closed, held, spam] = numbers;
    Ok(Counts { open, mine, unassigned, waiting, snoozed, closed, held, spam })
}

async fn earlier(step: &mut Step, room: RoomId) -> Result<Vec<Conversation>> {
    let of = conversation(step, room).await?;
    let Some(mark) = of.customer.mark() else {
        return Ok(Vec::new());
    };
    let same = doc! { "site": of.site.column(), "customer": mark, "_id": { "$ne": of.room.column() } };
    let last_first = doc! { "last_at": -1, "_id": -1 };
    values(&step.some(CONVERSATIONS, same, last_first, limits::EARLIER_MAX).await?)
}

async fn figured(step: &mut Step, site: SiteId, from: Millis, to: Millis) -> Result<Vec<Figured>> {
    let begun = doc! { "site": site.column(), "opened": { "$gte": from.0, "$lt": to.0 } };
    let most = limits::FIGURES_CONVERSATIONS_MAX + 1;
    let found = step.some(CONVERSATIONS, begun, doc! { "opened": 1 }, most).await?;
    conversations::refuse_figures(found.len())?;
    Ok(values(&found)?.into_iter().filter(|one| !one.is_call).map(Figured::of).collect())
}

/// Those of before are told apart by when they were begun, too.
pub async fn date_all(step: &mut Step) -> Result<()> {
    loop {
        let undated = doc! { "opened": { "$exists": false } };
        let found = step.some(CONVERSATIONS, undated, doc! { "_id": 1 }, DATED_AT_ONCE).await?;
        if found.is_empty() {
            return Ok(());
        }
        for one in values(&found)? {
            let opened = doc! { "$set": { "opened": one.opened.0 } };
            step.change(CONVERSATIONS, doc! { "_id": one.room.column() }, opened).await?;
        }
    }
}

async fn due(step: &mut Step, now: Millis) -> Result<Vec<RoomId>> {
    let due = doc! { "due": { "$lte": now.0 } };
    let found = step.some(CONVERSATIONS, due, doc! { "due": 1 }, limits::CONVERSATIONS_A_PAGE_MAX).await?;
    Ok(values(&found)?.iter().map(|conversation| conversation.room).collect())
}

/// False where something happened to it meanwhile.
async fn wake_one(step: &mut Step, room: RoomId, now: Millis) -> Result<bool> {
    match take(step, room).await {
        Err(StoreError::NotFound(_)) => return Ok(false),
        taken => taken.map(drop)?,
    }
    let before = conversation(step, room).await?;
    let is_due = matches!(before.state, ConversationState::Snoozed(until) if until <= now);
    if is_due {
        change_one(step, room, &ConversationChange::Reopen, now).await?;
    }
    Ok(is_due)
}

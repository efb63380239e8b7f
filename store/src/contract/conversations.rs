//! Promises of `Conversations`.

use model::chat::{
    Change, Conversation, ConversationState, Customer, File, FileType, Folder, Guest, Message, NewFile,
    NewMessage, Note, Rating, Replies, Room, RoomKind, Side, Verdict, Who,
};
use model::{
    AccountId, BotId, BrowserId, FileId, GuestId, MessageId, Millis, RoomId, SiteId, UploadId, VisitorId,
    VisitorKey, limits,
};
use tokio::task::JoinSet;

use super::chat::{ANN, BOB, at, note, room, text};
use super::fixtures::{LATER, NOW, secret};
use super::{World, assert_refused, on_every_backend};
use crate::Store;
use crate::StoreError::{Conflict, Limit, NotFound};
use crate::chat::conversations::order_of;
use crate::chat::duty::Turn;
use crate::chat::{Asked, ConversationChange, Counts, NewConversation, Place};
use crate::moving::{Kind, RoomRow, Row};

on_every_backend! {
    a_conversation_is_opened_with_its_rooms_its_customer_and_what_they_said,
    a_secret_that_opened_one_names_it_from_then_on,
    those_that_are_opened_at_once_with_one_secret_are_one,
    what_is_taken_already_opens_nothing,
    an_opening_is_bounded,
    a_conversation_is_found_by_either_of_its_rooms,
    a_customer_who_speaks_opens_it_again_and_waits,
    who_answers_first_takes_it_and_says_that_it_is_no_spam,
    what_agents_say_among_themselves_changes_nothing,
    lists_show_how_the_last_message_begins,
    each_change_is_what_it_says_and_nothing_else,
    a_change_without_a_difference_is_none,
    changes_are_bounded,
    changes_at_once_come_one_after_the_other,
    agents_speak_without_being_members_and_nobody_else_does,
    rooms_of_conversations_are_in_no_list,
    rooms_of_conversations_count_for_no_maximum,
    a_conversation_goes_with_either_room,
    a_removed_site_takes_its_conversations_along,
    those_of_a_removed_site_are_gone_at_the_next_opening,
    who_is_revoked_is_let_in_no_more,
}

pub const SITE: SiteId = SiteId::of(1);
pub const ME: AccountId = AccountId::of(1);
pub const OTHER: AccountId = AccountId::of(2);

/// Number 3 is of the rooms 1006 and 1007, guest 1003, and secret 1003.
pub fn opening(number: u64) -> NewConversation {
    let (id, notes) = (RoomId::of(1_000 + 2 * number), RoomId::of(1_001 + 2 * number));
    let of = |id: RoomId, kind| Room { id, kind, site: Some(SITE), name: String::new(), ..room(0) };
    let guest = Guest {
        id: GuestId::of(1_000 + number),
        room: id,
        name: format!("customer {number}"),
        created: at(number),
        marks: vec![[number as u8; 32]],
        was: None,
        is_revoked: false,
    };
    let conversation = Conversation {
        room: id,
        notes,
        site: SITE,
        guest: guest.id,
        customer: Customer { name: guest.name.clone(), ..Customer::default() },
        visitor: None,
        page: "https://shop.example/cart".into(),
        title: "Cart".into(),
        state: ConversationState::Open,
        verdict: Verdict::Ham,
        was_held: false,
        blocked: false,
        assignee: None,
        labels: Vec::new(),
        opened: at(number),
        last: 0,
        last_at: at(number),
        last_by: Side::Customer,
        preview: String::new(),
        waiting_since: None,
        first_answer_at: None,
        closed_at: None,
        rating: None,
        learned: None,
        is_known: false,
        mailed: 0,
        replies: Replies::default(),
        is_call: false,
        is_revoked: false,
        fix: None,
        retelling: None,
        version: 0,
    };
    let first = NewMessage {
        room: id,
        at: at(number),
        ..text(u128::from(number), Who::Guest(guest.id), &format!("question {number}"))
    };
    NewConversation {
        room: of(id, RoomKind::Conversation),
        notes: of(notes, RoomKind::Notes),
        secret: Some(secret(1_000 + number)),
        conversation,
        guest,
        first,
        turn: None,
        answered: None,
    }
}

pub fn of_visitor(visitor: u64, mut new: NewConversation) -> NewConversation {
    new.conversation.visitor = Some(key(visitor));
    new
}

pub fn key(visitor: u64) -> VisitorKey {
    VisitorKey { visitor: VisitorId(visitor), browser: BrowserId(7) }
}

/// What Bob writes to a visitor first.
pub fn call(number: u64, visitor: u64) -> NewConversation {
    let mut new = of_visitor(visitor, opening(number));
    new.conversation.customer = Customer::default();
    (new.conversation.page, new.conversation.title) = (String::new(), String::new());
    new.conversation.is_call = true;
    (new.guest.name, new.guest.marks) = (String::new(), Vec::new());
    (new.secret, new.first.author) = (None, BOB);
    new
}

pub fn of_site(site: SiteId, mut new: NewConversation) -> NewConversation {
    (new.conversation.site, new.room.site, new.notes.site) = (site, Some(site), Some(site));
    new
}

pub fn of_customer(customer: Customer, mut new: NewConversation) -> NewConversation {
    new.conversation.customer = customer;
    new
}

pub fn mail(email: &str) -> Customer {
    Customer { email: email.into(), ..Customer::default() }
}

pub fn proven(identity: &str) -> Customer {
    Customer { identity: identity.into(), proven: true, ..Customer::default() }
}

/// Of these agents, of whom those who were in the inbox at `NOW` or later are there; said by that message.
pub fn turn(note: u128, agents: &[u64]) -> Turn {
    let agents = agents.iter().map(|id| AccountId::of(*id)).collect();
    Turn { agents, there_since: NOW, note: MessageId(10_000 + note) }
}

pub fn asked(folder: Folder) -> Asked {
    Asked { site: SITE, folder, me: ME, label: None, text: String::new(), before: None, limit: 50 }
}

pub fn rooms(found: &[Conversation]) -> Vec<u64> {
    found.iter().map(|one| (one.room.value() - 1_000) / 2).collect()
}

impl World {
    pub async fn opened(&self, number: u64) -> Conversation {
        self.opened_as(opening(number)).await
    }

    pub async fn opened_as(&self, new: NewConversation) -> Conversation {
        let (opened, fresh) = self.store.conversations.open_conversation(new).await.unwrap();
        assert!(fresh);
        opened
    }

    /// For tests of a move: three that are open, put off and closed, with what agents say of them.
    pub async fn conversed(&self) {
        for number in 1..=3 {
            let opened = self.opened(number).await;
            self.posted(opened.notes, 20, BOB, &format!("a note on {number}")).await;
            let labels = (0..number).map(|label| format!("label {label}")).collect();
            self.became(opened.room, ConversationChange::Labels(labels)).await;
        }
        let room = |number| opening(number).room.id;
        self.became(room(2), ConversationChange::Snooze(LATER)).await;
        self.became(room(2), ConversationChange::Customer(proven("u-17"))).await;
        self.posted(room(3), 30, ANN, "an answer").await;
        self.became(room(3), ConversationChange::Close(ANN)).await;
        self.opened_as(of_site(SiteId::of(2), call(4, 4))).await;
        self.store.conversations.on_duty(SITE, ME, NOW).await.unwrap();
        let given = self.store.conversations.give_turn(room(1), turn(8, &[1, 2]), LATER).await.unwrap();
        assert_eq!(given.assignee, Some(ME));
        self.became(room(1), ConversationChange::Assign(None)).await;
        self.ruled().await;
        self.watched().await;
        for site in 1..=40 {
            assert!(
                self.store
                    .conversations
                    .learn(SiteId::of(site), 0, vec![site as u8; 99], None)
                    .await
                    .unwrap()
            );
        }
    }

    /// Of those that came along everything works on.
    pub async fn converses_on(store: &Store) {
        let conversations = &store.conversations;
        let list = async |asked| rooms(&conversations.conversations(asked).await.unwrap());
        assert_eq!(list(asked(Folder::All)).await, [3, 2, 1]);
        for (text, expected) in [("a note on", vec![3, 2, 1]), ("answer", vec![3]), ("u-17", vec![2])] {
            let found = list(Asked { text: text.into(), ..asked(Folder::All) }).await;
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(list(Asked { label: Some("label 1".into()), ..asked(Folder::All) }).await, [3, 2]);
        let expected =
            Counts { open: 1, unassigned: 1, waiting: 1, snoozed: 1, closed: 1, ..Counts::default() };
        assert_eq!(conversations.count_conversations(SITE, ME).await.unwrap(), expected);
        assert_eq!(conversations.learned(SITE).await.unwrap(), (1, vec![1; 99]));
        assert!(conversations.learn(SITE, 1, vec![2], None).await.unwrap());
        World::rules_on(store).await;
        World::alerts_on(store).await;
        assert_eq!(conversations.wake(LATER).await.unwrap(), [opening(2).room.id]);
        let given = conversations.give_turn(opening(1).room.id, turn(9, &[1, 2]), LATER).await.unwrap();
        assert_eq!(given.assignee, Some(ME), "who was there is there still");
        let by = ConversationChange::Assign(None);
        conversations.change_conversation(given.room, by, LATER).await.unwrap();
        let answer = of_site(SiteId::of(2), of_visitor(4, opening(5)));
        let (answered, _) = conversations.open_conversation(answer).await.unwrap();
        assert_eq!((answered.room, answered.last), (opening(4).room.id, 2), "a call waits for its answer");
        let again = conversations.open_conversation(opening(1)).await.unwrap();
        assert!(!again.1, "its secret is known");
        let said =
            NewMessage { room: opening(3).room.id, ..text(40, Who::Guest(opening(3).guest.id), "and now?") };
        store.messages.post(said).await.unwrap();
        assert_eq!(list(asked(Folder::Waiting)).await, [1, 2, 3]);
        assert!(store.rooms.rooms(Some(SITE)).await.unwrap().iter().all(|room| !room.kind.is_of_inbox()));
    }

    pub async fn conversation(&self, room: RoomId) -> Conversation {
        self.store.conversations.conversation(room).await.unwrap()
    }

    pub async fn posted(&self, room: RoomId, number: u128, author: Who, body: &str) -> Message {
        self.store.messages.post(NewMessage { room, ..text(number, author, body) }).await.unwrap().message
    }

    pub async fn became(&self, room: RoomId, change: ConversationChange) -> Conversation {
        self.store.conversations.change_conversation(room, change, LATER).await.unwrap()
    }

    pub async fn listed(&self, folder: Folder) -> Vec<u64> {
        self.list(asked(folder)).await
    }

    pub async fn list(&self, asked: Asked) -> Vec<u64> {
        rooms(&self.store.conversations.conversations(asked).await.unwrap())
    }

    /// All of a folder, page by page.
    pub async fn pages(&self, mut asked: Asked) -> Vec<u64> {
        let mut all = Vec::new();
        loop {
            let page = self.store.conversations.conversations(asked.clone()).await.unwrap();
            assert!(page.len() <= asked.limit);
            all.extend(rooms(&page));
            let Some(last) = page.last() else {
                return all;
            };
            asked.before = Some((order_of(asked.folder, last), last.room));
        }
    }

    /// Nothing of what an opening would have made.
    pub async fn has_nothing_of(&self, new: &NewConversation) {
        let store = &self.store;
        for room in [new.room.id, new.notes.id] {
            assert_refused!(store.rooms.room(room), NotFound("room"));
            assert_refused!(store.conversations.conversation(room), NotFound("conversation"));
        }
        assert_refused!(store.rooms.admitted(new.secret.unwrap()), NotFound(_));
        assert_eq!(store.rooms.guests(vec![new.guest.id]).await.unwrap(), []);
    }
}

async fn a_conversation_is_opened_with_its_rooms_its_customer_and_what_they_said(world: World) {
    let new = opening(3);
    let opened = world.opened_as(new.clone()).await;
    let expected = Conversation {
        last: 1,
        last_at: at(3),
        preview: "question 3".into(),
        waiting_since: Some(at(3)),
        version: 1,
        ..new.conversation.clone()
    };
    assert_eq!(opened, expected);
    let world = world.reopened().await;
    assert_eq!(world.conversation(new.room.id).await, expected);
    let rooms = &world.store.rooms;
    let talked = Room { last: 1, changes: 1, last_at: at(3), ..new.room.clone() };
    assert_eq!(rooms.room(new.room.id).await.unwrap(), talked);
    assert_eq!(rooms.room(new.notes.id).await.unwrap(), new.notes);
    assert_eq!(rooms.admitted(new.secret.unwrap()).await.unwrap(), new.guest);
    let members = rooms.members(new.room.id).await.unwrap();
    let who: Vec<_> = members.iter().map(|member| (member.who, member.joined, member.read)).collect();
    assert_eq!(who, [(Who::Guest(new.guest.id), new.guest.created, 0)]);
    assert_eq!(rooms.members(new.notes.id).await.unwrap(), []);
    let said = world.store.messages.page(new.room.id, Place::End, 9).await.unwrap();
    assert_eq!(said.len(), 1);
    let first = (said[0].number, said[0].id, said[0].author, said[0].body.as_str());
    assert_eq!(first, (1, new.first.id, Who::Guest(new.guest.id), "question 3"));
    assert_eq!(world.store.messages.page(new.notes.id, Place::End, 9).await.unwrap(), []);
}

async fn a_secret_that_opened_one_names_it_from_then_on(world: World) {
    let first = opening(1);
    let opened = world.opened_as(first.clone()).await;
    let again = world.store.conversations.open_conversation(first.clone()).await.unwrap();
    assert_eq!(again, (opened.clone(), false));
    world.posted(opened.room, 7, ANN, "an answer").await;
    let closed = world.became(opened.room, ConversationChange::Close(ANN)).await;
    let other = NewConversation { secret: first.secret, ..opening(2) };
    let again = world.store.conversations.open_conversation(other).await.unwrap();
    assert_eq!(again, (closed, false), "as it is now");
    let (rooms, second) = (&world.store.rooms, opening(2));
    assert_refused!(rooms.room(second.room.id), NotFound("room"));
    assert_refused!(rooms.room(second.notes.id), NotFound("room"));
    assert_eq!(rooms.guests(vec![second.guest.id]).await.unwrap(), []);
    assert_eq!(world.store.messages.page(opened.room, Place::End, 9).await.unwrap().len(), 2);
}

async fn those_that_are_opened_at_once_with_one_secret_are_one(world: World) {
    let mut opening_at_once = JoinSet::new();
    for number in 1..=8 {
        let conversations = world.store.conversations.clone();
        let new = NewConversation { secret: Some(secret(1_001)), ..opening(number) };
        opening_at_once.spawn(async move { conversations.open_conversation(new).await.unwrap() });
    }
    let opened = opening_at_once.join_all().await;
    assert_eq!(opened.iter().filter(|(_, fresh)| *fresh).count(), 1);
    assert!(opened.iter().all(|(each, _)| *each == opened[0].0), "{opened:?}");
    assert_eq!(world.listed(Folder::All).await, rooms(&[opened[0].0.clone()]));
    for number in 1..=8 {
        let is_there = world.store.rooms.room(opening(number).notes.id).await.is_ok();
        assert_eq!(is_there, opening(number).room.id == opened[0].0.room, "{number}");
    }
}

async fn what_is_taken_already_opens_nothing(world: World) {
    world.talking().await;
    let (rooms, conversations) = (&world.store.rooms, &world.store.conversations);
    rooms.link(super::chat::link(), secret(1)).await.unwrap();
    rooms.admit(super::chat::guest(1), secret(2), None).await.unwrap();
    let new = opening(1);
    let mut of_room = new.clone();
    of_room.room.id = super::chat::ROOM;
    let mut of_notes = new.clone();
    of_notes.notes.id = super::chat::ROOM;
    let mut of_guest = new.clone();
    of_guest.guest.id = GuestId::of(1);
    let of_secret = NewConversation { secret: Some(secret(2)), ..new.clone() };
    for taken in [of_room, of_notes, of_guest, of_secret] {
        assert_refused!(conversations.open_conversation(taken), Conflict(_));
    }
    world.has_nothing_of(&new).await;
    assert_eq!(conversations.count_conversations(SITE, ME).await.unwrap(), Counts::default());
    world.opened_as(new).await;
}

async fn an_opening_is_bounded(world: World) {
    type Sized = fn(&mut NewConversation, String);
    let sized: [(usize, Sized); 6] = [
        (limits::NAME_BYTES_MAX, |new, text| new.conversation.customer.name = text),
        (limits::NAME_BYTES_MAX, |new, text| new.conversation.customer.identity = text),
        (limits::EMAIL_BYTES_MAX, |new, text| new.conversation.customer.email = text),
        (limits::URL_BYTES_MAX, |new, text| new.conversation.page = text),
        (limits::TITLE_BYTES_MAX, |new, text| new.conversation.title = text),
        (limits::MESSAGE_BYTES_MAX, |new, text| new.first.body = text),
    ];
    for (number, (max, put)) in (1..).zip(sized) {
        let mut new = opening(number);
        put(&mut new, "m".repeat(max + 1));
        let refused = world.store.conversations.open_conversation(new.clone()).await.unwrap_err();
        assert!(matches!(refused, Limit { max: said, .. } if said == max), "{number}: {refused}");
        world.has_nothing_of(&new).await;
        put(&mut new, "m".repeat(max));
        world.opened_as(new).await;
    }
}

async fn a_conversation_is_found_by_either_of_its_rooms(world: World) {
    let (one, two) = (world.opened(1).await, world.opened(2).await);
    assert_eq!(world.conversation(one.notes).await, one);
    assert_eq!(world.conversation(two.room).await, two);
    world.talking().await;
    let conversations = &world.store.conversations;
    for unknown in [super::chat::ROOM, RoomId::of(9)] {
        assert_refused!(conversations.conversation(unknown), NotFound("conversation"));
        assert_refused!(conversations.earlier(unknown), NotFound("conversation"));
        let change = ConversationChange::Reopen;
        assert_refused!(conversations.change_conversation(unknown, change, LATER), NotFound("conversation"));
    }
}

async fn a_customer_who_speaks_opens_it_again_and_waits(world: World) {
    let opened = world.opened(1).await;
    let customer = Who::Guest(opened.guest);
    world.posted(opened.room, 20, customer, "hello?").await;
    let still = world.conversation(opened.room).await;
    assert_eq!((still.waiting_since, still.last_at), (Some(at(1)), at(20)), "since the first of them");
    world.posted(opened.room, 30, ANN, "hello!").await;
    for change in [ConversationChange::Close(ANN), ConversationChange::Snooze(LATER)] {
        world.became(opened.room, ConversationChange::Reopen).await;
        let before = world.became(opened.room, change).await;
        assert_eq!(before.waiting_since, None);
        let number = 40 + u128::from(before.version);
        let said = world.posted(opened.room, number, customer, "one more thing").await;
        let again = world.conversation(opened.room).await;
        let expected = Conversation {
            state: ConversationState::Open,
            waiting_since: Some(said.at),
            last: said.number,
            last_at: said.at,
            last_by: Side::Customer,
            preview: "one more thing".into(),
            version: before.version + 1,
            ..before
        };
        assert_eq!(again, expected);
        world.posted(opened.room, number + 100, ANN, "yes?").await;
    }
}

async fn who_answers_first_takes_it_and_says_that_it_is_no_spam(world: World) {
    let mut new = opening(1);
    new.conversation.verdict = Verdict::Held;
    let opened = world.opened_as(new).await;
    assert_eq!(world.listed(Folder::Held).await, [1]);
    let said = world.posted(opened.room, 20, ANN, "what do you mean?").await;
    let expected = Conversation {
        verdict: Verdict::Ham,
        is_known: true,
        assignee: Some(ME),
        waiting_since: None,
        first_answer_at: Some(said.at),
        last: 2,
        last_at: said.at,
        last_by: Side::Agent,
        preview: said.body,
        version: 2,
        ..opened.clone()
    };
    assert_eq!(world.conversation(opened.room).await, expected);
    world.posted(opened.room, 30, BOB, "she is in a meeting").await;
    let second = world.conversation(opened.room).await;
    assert_eq!((second.assignee, second.first_answer_at), (Some(ME), Some(said.at)), "the first of them");
    world.became(opened.room, ConversationChange::Verdict(Verdict::Spam)).await;
    world.posted(opened.room, 40, BOB, "go away").await;
    assert_eq!(world.conversation(opened.room).await.verdict, Verdict::Spam, "who said so stays right");
}

async fn what_agents_say_among_themselves_changes_nothing(world: World) {
    let opened = world.opened(1).await;
    let said = world.posted(opened.notes, 20, ANN, "do we ship there?").await;
    assert_eq!((said.room, said.number), (opened.notes, 1));
    let edit = Change::Edit { body: "do we ship to Malta?".into(), mentions: vec![] };
    world.store.messages.change(opened.notes, 1, ANN, LATER, edit).await.unwrap();
    let told = NewMessage { room: opened.room, ..note(21, ANN, Note::Entered) };
    world.store.messages.post(told).await.unwrap();
    assert_eq!(world.conversation(opened.room).await, opened, "nor what the room itself tells");
    world.posted(opened.room, 22, ANN, "we do").await;
    assert_eq!(world.conversation(opened.room).await.last, 3);
}

async fn lists_show_how_the_last_message_begins(world: World) {
    let opened = world.opened(1).await;
    let customer = Who::Guest(opened.guest);
    let shown = async || world.conversation(opened.room).await.preview;
    world.posted(opened.room, 20, customer, "  two\n\n\tlines \u{a0}of  it ").await;
    assert_eq!(shown().await, "two lines of it");
    let long = "é".repeat(limits::PREVIEW_BYTES_MAX / 2);
    world.posted(opened.room, 21, customer, &long).await;
    assert_eq!(shown().await, long, "as long as may be");
    let said = world.posted(opened.room, 22, customer, &format!("m{long}")).await;
    assert_eq!(shown().await, format!("m{}", &long[2..]), "whole letters alone");
    let messages = &world.store.messages;
    let edit = |body: &str| Change::Edit { body: body.into(), mentions: vec![] };
    messages.change(opened.room, 2, customer, LATER, edit("another")).await.unwrap();
    let before = world.conversation(opened.room).await;
    assert_eq!(before.preview, format!("m{}", &long[2..]), "an earlier one is not shown");
    messages.change(opened.room, said.number, customer, LATER, edit("a better word")).await.unwrap();
    let edited = world.conversation(opened.room).await;
    let expected =
        Conversation { preview: "a better word".into(), version: before.version + 1, ..before.clone() };
    assert_eq!(edited, expected);
    messages
        .change(opened.room, said.number, ANN, LATER, Change::React { emoji: "👍".into() })
        .await
        .unwrap();
    assert_eq!(world.conversation(opened.room).await, expected);
    messages.change(opened.room, said.number, customer, LATER, Change::Remove).await.unwrap();
    let removed = Conversation { preview: String::new(), version: before.version + 2, ..before };
    assert_eq!(world.conversation(opened.room).await, removed, "what is removed is nowhere");
}

async fn each_change_is_what_it_says_and_nothing_else(world: World) {
    let mut expected = world.opened(1).await;
    let visitor = VisitorKey { visitor: VisitorId(7), browser: BrowserId(8) };
    let rating = Rating { score: 4, words: "quick".into() };
    let seen =
        |visitor, page: &str| ConversationChange::Seen { visitor, page: page.into(), title: "Till".into() };
    type Becomes<'a> = Box<dyn Fn(&mut Conversation) + 'a>;
    let changes: Vec<(ConversationChange, Becomes<'_>)> = vec![
        (ConversationChange::Assign(Some(OTHER)), Box::new(|one| one.assignee = Some(OTHER))),
        (ConversationChange::Assign(None), Box::new(|one| one.assignee = None)),
        (ConversationChange::Snooze(LATER), Box::new(|one| one.state = ConversationState::Snoozed(LATER))),
        (ConversationChange::Snooze(NOW), Box::new(|one| one.state = ConversationState::Snoozed(NOW))),
        (
            ConversationChange::Close(BOB),
            Box::new(|one| {
                one.state = ConversationState::Closed(BOB);
                (one.closed_at, one.waiting_since) = (Some(LATER), None);
            }),
        ),
        (ConversationChange::Rate(rating.clone()), Box::new(|one| one.rating = Some(rating.clone()))),
        (ConversationChange::Reopen, Box::new(|one| one.state = ConversationState::Open)),
        (
            ConversationChange::Labels(vec!["tax".into(), "late".into(), "tax".into()]),
            Box::new(|one| one.labels = vec!["late".into(), "tax".into()]),
        ),
        (ConversationChange::Labels(vec!["new".into()]), Box::new(|one| one.labels = vec!["new".into()])),
        (ConversationChange::Verdict(Verdict::Spam), Box::new(|one| one.verdict = Verdict::Spam)),
        (ConversationChange::Mailed(7), Box::new(|one| one.mailed = 7)),
        (
            ConversationChange::Replied("a@mail.example".into()),
            Box::new(|one| {
                let hour = Millis(LATER.0 - LATER.0 % 3_600_000);
                one.replies =
                    Replies { hour, in_hour: 1, last: "a@mail.example".into(), ..Replies::default() };
            }),
        ),
        (
            ConversationChange::RevokeReplies,
            Box::new(|one| (one.replies.revoked, one.replies.links) = (1, 1)),
        ),
        (ConversationChange::Block(true), Box::new(|one| one.blocked = true)),
        (ConversationChange::Block(false), Box::new(|one| one.blocked = false)),
        (
            ConversationChange::Customer(mail("ann@example.org")),
            Box::new(|one| one.customer.email = "ann@example.org".into()),
        ),
        (
            seen(Some(visitor), "https://shop.example/till"),
            Box::new(|one| {
                one.visitor = Some(visitor);
                (one.page, one.title) = ("https://shop.example/till".into(), "Till".into());
            }),
        ),
    ];
    for (number, (change, becomes)) in changes.into_iter().enumerate() {
        becomes(&mut expected);
        expected.version += 1;
        // Whichever of its rooms the change names.
        let of = if number % 2 == 0 { expected.room } else { expected.notes };
        assert_eq!(world.became(of, change.clone()).await, expected, "{change:?}");
        assert_eq!(world.conversation(expected.room).await, expected, "{change:?}");
    }
    let (kept, page) = (seen(None, ""), expected.clone());
    assert_eq!(
        world.became(expected.room, kept).await,
        page,
        "who says nothing of a page is where they were"
    );
    let world = world.reopened().await;
    assert_eq!(world.conversation(expected.room).await, expected);
}

async fn a_change_without_a_difference_is_none(world: World) {
    let opened = world.opened(1).await;
    for change in [
        ConversationChange::Assign(None),
        ConversationChange::Reopen,
        ConversationChange::Labels(vec![]),
        ConversationChange::Block(false),
        ConversationChange::Mailed(0),
        ConversationChange::Replied(String::new()),
        ConversationChange::Customer(Customer::default()),
        ConversationChange::Seen { visitor: None, page: opened.page.clone(), title: opened.title.clone() },
    ] {
        assert_eq!(world.became(opened.room, change.clone()).await, opened, "{change:?}");
    }
    let conversations = &world.store.conversations;
    let rated = ConversationChange::Rate(Rating { score: 1, words: String::new() });
    assert_refused!(conversations.change_conversation(opened.room, rated, LATER), Conflict(_));
    let closed = world.became(opened.room, ConversationChange::Close(ANN)).await;
    let again = ConversationChange::Close(BOB);
    let later = Millis(LATER.0 + 1);
    let same = conversations.change_conversation(opened.room, again, later).await.unwrap();
    assert_eq!(same, closed, "who closed it first did");
    let put_off = ConversationChange::Snooze(later);
    assert_refused!(conversations.change_conversation(opened.room, put_off, LATER), Conflict(_));
    assert_eq!(world.conversation(opened.room).await, closed);
}

async fn changes_are_bounded(world: World) {
    let opened = world.opened(1).await;
    world.became(opened.room, ConversationChange::Close(ANN)).await;
    type Sized = fn(usize) -> ConversationChange;
    let sized: [(usize, Sized); 9] = [
        (limits::MESSAGE_ID_BYTES_MAX, |bytes| ConversationChange::Replied("m".repeat(bytes))),
        (limits::LABELS_MAX, |count| {
            ConversationChange::Labels((0..count).map(|label| format!("label {label}")).collect())
        }),
        (limits::NAME_BYTES_MAX, |bytes| ConversationChange::Labels(vec!["m".repeat(bytes)])),
        (limits::NAME_BYTES_MAX, |bytes| {
            ConversationChange::Customer(Customer { name: "m".repeat(bytes), ..Customer::default() })
        }),
        (limits::EMAIL_BYTES_MAX, |bytes| ConversationChange::Customer(mail(&"m".repeat(bytes)))),
        (limits::NAME_BYTES_MAX, |bytes| ConversationChange::Customer(proven(&"m".repeat(bytes)))),
        (limits::URL_BYTES_MAX, |bytes| ConversationChange::Seen {
            visitor: None,
            page: "m".repeat(bytes),
            title: String::new(),
        }),
        (limits::RATING_BYTES_MAX, |bytes| {
            ConversationChange::Rate(Rating { score: 5, words: "m".repeat(bytes) })
        }),
        (limits::SCORE_MAX.into(), |score| {
            ConversationChange::Rate(Rating { score: score as u8, words: String::new() })
        }),
    ];
    for (number, (max, change)) in sized.into_iter().enumerate() {
        let before = world.conversation(opened.room).await;
        let over = world
            .store
            .conversations
            .change_conversation(opened.room, change(max + 1), LATER)
            .await
            .unwrap_err();
        assert!(matches!(over, Limit { max: said, .. } if said == max), "{number}: {over}");
        assert_eq!(world.conversation(opened.room).await, before, "{number}");
        assert_eq!(world.became(opened.room, change(max)).await.version, before.version + 1, "{number}");
    }
    let title =
        |bytes: usize| ConversationChange::Seen { visitor: None, page: "/".into(), title: "m".repeat(bytes) };
    world.became(opened.room, title(limits::TITLE_BYTES_MAX)).await;
    assert_refused!(
        world.store.conversations.change_conversation(opened.room, title(limits::TITLE_BYTES_MAX + 1), LATER),
        Limit { max: limits::TITLE_BYTES_MAX, .. }
    );
}

async fn changes_at_once_come_one_after_the_other(world: World) {
    let opened = world.opened(1).await;
    let mut changing = JoinSet::new();
    for number in 0..12_u64 {
        let (store, room, notes) = (world.store.clone(), opened.room, opened.notes);
        changing.spawn(async move {
            let said = NewMessage { room, ..text(100 + u128::from(number), ANN, &format!("m{number}")) };
            store.messages.post(said).await.unwrap();
        });
        let store = world.store.clone();
        changing.spawn(async move {
            let labels = ConversationChange::Labels(vec![format!("label {number}")]);
            store.conversations.change_conversation(notes, labels, LATER).await.unwrap();
        });
    }
    changing.join_all().await;
    let after = world.conversation(opened.room).await;
    assert_eq!((after.last, after.version), (13, 25), "none of them is lost");
    let last = world.store.messages.message(opened.room, 13).await.unwrap();
    assert_eq!((after.preview, after.last_at), (last.body, last.at));
}

async fn agents_speak_without_being_members_and_nobody_else_does(world: World) {
    let (one, two) = (world.opened(1).await, world.opened(2).await);
    for room in [one.room, one.notes] {
        world.posted(room, 20, BOB, "without being in it").await;
        for stranger in [Who::Guest(two.guest), Who::Guest(GuestId::of(9)), Who::Bot(BotId::of(1))] {
            let said = NewMessage { room, ..text(21, stranger, "let me in") };
            assert_refused!(world.store.messages.post(said), NotFound("member of the room"));
        }
    }
    let in_notes = NewMessage { room: one.notes, ..text(22, Who::Guest(one.guest), "what do they say?") };
    assert_refused!(world.store.messages.post(in_notes), NotFound("member of the room"));
    assert_eq!(world.store.rooms.members(one.room).await.unwrap().len(), 1, "and is in none of them");
    world.talking().await;
    let outside = text(23, Who::Account(AccountId::of(9)), "nor in any other");
    assert_refused!(world.store.messages.post(outside), NotFound("member of the room"));

    let files = &world.store.files;
    let file = |who, number| NewFile {
        room: one.room,
        id: FileId(number),
        who,
        upload: UploadId(number),
        bytes: 3,
        at: NOW,
    };
    assert_refused!(files.expect(file(Who::Guest(two.guest), 1)), NotFound("member of the room"));
    for (number, who) in [(2, BOB), (3, Who::Guest(one.guest))] {
        files.expect(file(who, number)).await.unwrap();
        files.part(one.room, FileId(number), 0, "abc".into()).await.unwrap();
        let (id, file_type, picture) = (FileId(number), FileType::Other, None);
        files.arrived(one.room, File { id, name: "f".into(), file_type, bytes: 3, picture }).await.unwrap();
        let sent = NewMessage { room: one.room, files: vec![id], ..text(30 + number, who, "") };
        assert_eq!(world.store.messages.post(sent).await.unwrap().message.files.len(), 1);
    }
}

async fn rooms_of_conversations_are_in_no_list(world: World) {
    let opened = world.opened(1).await;
    let listed = Room { site: Some(SITE), ..room(5) };
    world.store.rooms.open(listed.clone(), vec![]).await.unwrap();
    world.posted(opened.room, 20, ANN, "an answer").await;
    let store = &world.store;
    assert_eq!(store.rooms.rooms(Some(SITE)).await.unwrap(), std::slice::from_ref(&listed));
    assert_eq!(store.rooms.rooms(None).await.unwrap(), []);
    assert_eq!(store.rooms.rooms_of(ANN).await.unwrap(), []);
    let theirs = store.rooms.rooms_of(Who::Guest(opened.guest)).await.unwrap();
    assert_eq!(theirs.iter().map(|(room, _)| room.id).collect::<Vec<_>>(), [opened.room]);
    assert_eq!(
        store.carrying.every_room(None).await.unwrap(),
        [listed],
        "and no archive of all rooms has them"
    );
}

async fn rooms_of_conversations_count_for_no_maximum(world: World) {
    world.opened(1).await;
    let (house, _place) = world.into_source().await;
    let row = |number| Row::Room(RoomRow { room: room(number), direct: None });
    let rows: Vec<Row> = (10_001..10_000 + limits::ROOMS_MAX as u64).map(row).collect();
    for page in rows.chunks(500) {
        house.moving.import(Kind::Rooms, page.to_vec()).await.unwrap();
    }
    let (rooms, carrying) = (&house.store.rooms, &house.store.carrying);
    rooms.open(room(1), vec![]).await.unwrap();
    assert_refused!(rooms.open(room(2), vec![]), Limit { max: limits::ROOMS_MAX, .. });
    assert_refused!(carrying.begin(room(2), None, NOW), Limit { max: limits::ROOMS_MAX, .. });
    house.store.conversations.open_conversation(opening(2)).await.unwrap();
    rooms.demolish(room(1).id).await.unwrap();
    rooms.open(room(2), vec![]).await.unwrap();
}

async fn a_conversation_goes_with_either_room(world: World) {
    for (number, by_notes) in [(1, false), (2, true)] {
        let opened = world.opened(number).await;
        world.posted(opened.notes, 20, ANN, "who is this?").await;
        let by = if by_notes { opened.notes } else { opened.room };
        world.store.rooms.demolish(by).await.unwrap();
        world.has_nothing_of(&opening(number)).await;
        assert_refused!(world.store.rooms.demolish(opened.room), NotFound("room"));
        let said = NewMessage { room: opened.notes, ..text(21, ANN, "hello?") };
        assert_refused!(world.store.messages.post(said), NotFound("room"));
    }
    assert_eq!(world.store.conversations.count_conversations(SITE, ME).await.unwrap(), Counts::default());
    for text in ["", "question", "who is this"] {
        assert_eq!(world.list(Asked { text: text.into(), ..asked(Folder::All) }).await, [0_u64; 0]);
    }
    let again = world.opened(1).await;
    assert_eq!(again.version, 1, "the same secret opens another");
}

async fn a_removed_site_takes_its_conversations_along(world: World) {
    let kept = two_sites(&world).await;
    let site = SITE;
    world.store.sites.remove(site).await.unwrap();
    world.store.rooms.forget_rooms(site).await.unwrap();
    only_those_of_the_other_site_are_there(&world, &kept).await;
    let world = world.reopened().await;
    only_those_of_the_other_site_are_there(&world, &kept).await;
}

async fn those_of_a_removed_site_are_gone_at_the_next_opening(world: World) {
    let kept = two_sites(&world).await;
    world.store.sites.remove(SITE).await.unwrap();
    // As where a process is killed before it forgets the rooms.
    let world = world.reopened().await;
    only_those_of_the_other_site_are_there(&world, &kept).await;
}

/// Thirty of the first, of which one is long, and one of the second, which it tells.
async fn two_sites(world: &World) -> Conversation {
    let (operator, site) = world.founded().await;
    let other = super::fixtures::site(2);
    let other = model::Site { hostnames: vec![], first_party_id: false, ..other };
    world.store.sites.add(other.clone(), operator.id).await.unwrap();
    for number in 1..=30 {
        let opened = world.opened_as(of_site(site.id, opening(number))).await;
        world.posted(opened.notes, 20, ANN, "a note").await;
    }
    for number in 100..160 {
        world.posted(opening(7).room.id, number, ANN, "and another word").await;
    }
    world.opened_as(of_site(other.id, opening(40))).await
}

async fn only_those_of_the_other_site_are_there(world: &World, kept: &Conversation) {
    for number in 1..=30 {
        let gone = opening(number);
        world.has_nothing_of(&gone).await;
        for room in [gone.room.id, gone.notes.id] {
            assert_eq!(world.store.messages.page(room, Place::End, 9).await.unwrap(), []);
        }
    }
    assert_eq!(world.conversation(kept.room).await, *kept);
    assert_eq!(world.store.messages.page(kept.room, Place::End, 9).await.unwrap().len(), 1);
    let of_other = Asked { site: kept.site, ..asked(Folder::All) };
    assert_eq!(world.list(of_other).await, [40]);
}

/// Whether one is there, which then is there as a whole: with as many messages as were said, and what it says of the last.
pub async fn is_whole(store: &Store, number: u64) -> bool {
    let new = opening(number);
    let Ok(found) = store.conversations.conversation(new.room.id).await else {
        for room in [new.room.id, new.notes.id] {
            assert_refused!(store.rooms.room(room), NotFound("room"));
        }
        assert_refused!(store.rooms.admitted(new.secret.unwrap()), NotFound(_));
        assert_eq!(store.rooms.guests(vec![new.guest.id]).await.unwrap(), []);
        assert_eq!(store.rooms.members(new.room.id).await.unwrap(), []);
        assert_eq!(store.messages.page(new.room.id, Place::End, 9).await.unwrap(), []);
        return false;
    };
    let said = store.messages.page(new.room.id, Place::End, 99).await.unwrap();
    let last = said.last().expect("what the customer said first");
    assert_eq!((found.last, found.last_at, &found.preview), (last.number, last.at, &last.body));
    assert_eq!(found.version, said.len() as u64, "{found:?}");
    assert_eq!(store.rooms.room(new.room.id).await.unwrap().last, found.last);
    assert_eq!(store.rooms.room(new.notes.id).await.unwrap(), new.notes);
    assert_eq!(store.rooms.admitted(new.secret.unwrap()).await.unwrap(), new.guest);
    assert_eq!(store.rooms.members(new.room.id).await.unwrap().len(), 1);
    true
}

async fn who_is_revoked_is_let_in_no_more(world: World) {
    let (one, other) = (world.opened(1).await, world.opened(2).await);
    let rooms = &world.store.rooms;
    let revoked = world.became(one.room, ConversationChange::Revoke).await;
    assert_eq!(revoked, Conversation { is_revoked: true, version: one.version + 1, ..one.clone() });
    assert_refused!(rooms.admitted(opening(1).secret.unwrap()), NotFound("guest"));
    let guest = rooms.guests(vec![one.guest]).await.unwrap();
    assert_eq!(guest, [Guest { is_revoked: true, ..opening(1).guest }], "known by name in what they said");
    assert_eq!(rooms.admitted(opening(2).secret.unwrap()).await.unwrap(), opening(2).guest);
    assert_eq!(world.became(one.room, ConversationChange::Revoke).await, revoked);
    let anew = NewConversation { secret: opening(1).secret, ..opening(3) };
    assert_ne!(world.opened_as(anew).await.room, one.room, "the secret begins anew");
    assert_ne!(one.room, other.room);
    let called = world.opened_as(call(4, 9)).await;
    world.became(called.room, ConversationChange::Revoke).await;
    let answer = world.opened_as(of_visitor(9, opening(5))).await;
    assert_ne!(answer.room, called.room, "nobody answers a call that is revoked");
    world.became(answer.room, ConversationChange::Revoke).await;
    assert!(world.opened_as(call(6, 9)).await.is_call, "nor is it gone on in what the visitor cannot read");
}

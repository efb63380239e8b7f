//! Promises of `Conversations` about those that are told again in a public room.

use std::time::Duration;

use model::chat::{
    Change, Consent, Conversation, Guest, Message, MessageKind, NewMessage, Retelling, Room, RoomRole,
    Verdict, Who,
};
use model::{GuestId, MessageId, Millis, RoomId, limits};
use tokio::task::JoinSet;

use super::chat::{ANN, BOB, ROOM, at, member, room, text};
use super::conversations::{ME, OTHER, call, opening};
use super::fixtures::{LATER, NOW};
use super::{World, assert_refused, on_every_backend};
use crate::Result;
use crate::StoreError::{Conflict, Limit};
use crate::chat::{ConversationChange, Place, RoomChange, Telling};

on_every_backend! {
    what_was_said_becomes_a_thread_of_the_public_room,
    what_is_not_said_by_somebody_is_not_told,
    it_is_told_once_however_often_it_is_allowed,
    of_several_at_once_one_tells_it,
    only_what_is_asked_just_now_is_allowed,
    a_question_lasts_so_long,
    nothing_is_told_where_not_everybody_reads,
    who_asked_has_to_be_in_the_room,
    no_call_no_spam_and_nobody_who_is_revoked_is_asked,
    asking_is_bounded,
    a_long_conversation_is_not_told,
    what_failed_leaves_nothing_behind,
}

/// The conversation's room, by `opening`.
const TALK: RoomId = RoomId::of(1_002);

fn telling(asked: Millis) -> Telling {
    Telling { asked, guest: GuestId::of(77), name: String::new(), first: MessageId(700), at: LATER }
}

/// Room 1 is public, Ann is its host and Bob in it; a customer asked and Ann answered.
async fn talked(world: &World) {
    world
        .store
        .rooms
        .open(
            Room { public: true, ..room(1) },
            vec![member(ROOM, ANN, RoomRole::Host), member(ROOM, BOB, RoomRole::Member)],
        )
        .await
        .unwrap();
    world.store.conversations.open_conversation(opening(1)).await.unwrap();
    say(world, 2, ANN, "Under *Cards*.").await;
}

async fn say(world: &World, number: u128, author: Who, body: &str) -> Message {
    let new = NewMessage { room: TALK, ..text(number, author, body) };
    world.store.messages.post(new).await.unwrap().message
}

async fn change(world: &World, change: ConversationChange, at: Millis) -> Result<Conversation> {
    world.store.conversations.change_conversation(TALK, change, at).await
}

fn question() -> ConversationChange {
    ConversationChange::AskToRetell { room: ROOM, title: "How do I change my card?".into(), by: ME }
}

/// When the customer was asked.
async fn asked(world: &World) -> Millis {
    change(world, question(), NOW).await.unwrap().retelling.unwrap().asked
}

async fn what_was_said_becomes_a_thread_of_the_public_room(world: World) {
    talked(&world).await;
    let before = world.said(1, BOB, "before").await;
    let asked_at = asked(&world).await;
    let one = world.store.conversations.conversation(TALK).await.unwrap();
    let title = "How do I change my card?";
    let asked =
        Retelling { room: ROOM, title: title.into(), by: ME, asked: asked_at, answer: Consent::Asked };
    assert_eq!(one.retelling, Some(asked.clone()));
    assert_eq!(one.asks_to_retell(LATER), Some(&asked));
    let yes = Telling { name: "Carla".into(), ..telling(asked_at) };
    let (given, first) = world.store.conversations.retell(one.notes, yes).await.unwrap();
    let first = first.unwrap();
    assert_eq!(given.retelling, Some(Retelling { answer: Consent::Given(2), ..asked }));
    assert_eq!((given.version, given.last), (one.version + 1, one.last));
    let world = world.reopened().await;
    assert_eq!(world.store.conversations.conversation(TALK).await.unwrap(), given);
    let all = world.whole().await;
    let guest = Who::Guest(GuestId::of(77));
    let said: Vec<(Who, &str, Option<u64>, Option<RoomId>)> =
        all.iter().map(|one| (one.author, one.body.as_str(), one.thread, one.retold)).collect();
    assert_eq!(
        said,
        [
            (BOB, "before", None, None),
            (ANN, title, None, Some(TALK)),
            (guest, "question 1", Some(2), Some(TALK)),
            (ANN, "Under *Cards*.", Some(2), Some(TALK)),
        ]
    );
    assert_eq!((all[1].replies, &all[1]), (2, &first.message));
    let changes: Vec<u64> = all.iter().map(|message| message.changed - before.changed).collect();
    assert_eq!(changes, [0, 1, 2, 3]);
    assert!(all[1..].iter().all(|message| message.at == LATER && message.mentions.is_empty()));
    let public = world.store.rooms.room(ROOM).await.unwrap();
    assert_eq!((public.last, public.changes), (4, before.changed + 3));
    assert_eq!(public, first.room);
    let guests: Vec<Guest> = world.store.rooms.guests(vec![GuestId::of(77)]).await.unwrap();
    assert_eq!((guests[0].name.as_str(), guests[0].room, guests[0].created), ("Carla", ROOM, LATER));
    assert_eq!(world.store.rooms.member(ROOM, guest).await.unwrap(), None, "they are not let in by it");
    let found = world
        .store
        .messages
        .search(crate::chat::Search {
            rooms: vec![ROOM],
            text: "cards".into(),
            limit: 9,
            ..Default::default()
        })
        .await
        .unwrap();
    assert_eq!(found.iter().map(|one| one.number).collect::<Vec<_>>(), [4], "others find it");
    let answered = NewMessage { thread: Some(2), at: LATER, ..text(9, BOB, "Thanks") };
    assert_eq!(
        world.store.messages.post(answered).await.unwrap().message.number,
        5,
        "it is a thread as any other"
    );
}

async fn what_is_not_said_by_somebody_is_not_told(world: World) {
    talked(&world).await;
    let wrong = say(&world, 3, ANN, "wrong").await;
    world.store.messages.change(TALK, wrong.number, ANN, NOW, Change::Remove).await.unwrap();
    let edited = say(&world, 4, ANN, "Befor").await;
    let edit = Change::Edit { body: "After".into(), mentions: vec![] };
    world.store.messages.change(TALK, edited.number, ANN, NOW, edit).await.unwrap();
    let note = NewMessage { room: RoomId::of(1_003), ..text(5, ANN, "a private note") };
    world.store.messages.post(note).await.unwrap();
    let sound = NewMessage { room: TALK, kind: MessageKind::Sound, ..text(6, ANN, "bell") };
    world.store.messages.post(sound).await.unwrap();
    say(&world, 7, ANN, " \n").await;
    let paste =
        NewMessage { room: TALK, kind: MessageKind::Paste, mentions: vec![BOB], ..text(8, ANN, "let a;") };
    world.store.messages.post(paste).await.unwrap();
    let asked = asked(&world).await;
    world.store.conversations.retell(TALK, telling(asked)).await.unwrap();
    let told: Vec<(MessageKind, String, usize)> =
        world.whole().await.into_iter().skip(1).map(|one| (one.kind, one.body, one.mentions.len())).collect();
    let text = |body: &str| (MessageKind::Text, body.to_owned(), 0);
    assert_eq!(
        told,
        [text("question 1"), text("Under *Cards*."), text("After"), (MessageKind::Paste, "let a;".into(), 0)]
    );
}

async fn it_is_told_once_however_often_it_is_allowed(world: World) {
    talked(&world).await;
    let asked = asked(&world).await;
    let (given, first) = world.store.conversations.retell(TALK, telling(asked)).await.unwrap();
    assert!(first.is_some());
    // As who never heard of the answer sends it again.
    let again = Telling { guest: GuestId::of(78), first: MessageId(900), ..telling(asked) };
    assert_eq!(world.store.conversations.retell(TALK, again).await.unwrap(), (given.clone(), None));
    assert_eq!(world.whole().await.len(), 3);
    assert_refused!(change(&world, question(), LATER), Conflict(_));
    assert_refused!(change(&world, ConversationChange::WithdrawRetelling, LATER), Conflict(_));
    assert_refused!(change(&world, ConversationChange::RefuseRetelling(asked), LATER), Conflict(_));
    assert_eq!(world.store.conversations.conversation(TALK).await.unwrap(), given);
}

async fn of_several_at_once_one_tells_it(world: World) {
    talked(&world).await;
    let asked = asked(&world).await;
    let mut all = JoinSet::new();
    for number in 0..4_u64 {
        let conversations = std::sync::Arc::clone(&world.store.conversations);
        let first = MessageId(u128::from(number + 1) * 1_000);
        let yes = Telling { guest: GuestId::of(80 + number), first, ..telling(asked) };
        all.spawn(async move { conversations.retell(TALK, yes).await.unwrap().1.is_some() });
    }
    let told = all.join_all().await;
    assert_eq!(told.into_iter().filter(|told| *told).count(), 1);
    assert_eq!(world.whole().await.len(), 3);
}

async fn only_what_is_asked_just_now_is_allowed(world: World) {
    talked(&world).await;
    let retell = |asked| world.store.conversations.retell(TALK, telling(asked));
    assert_refused!(retell(NOW), Conflict(_));
    let first = asked(&world).await;
    let second = asked(&world).await;
    assert!(second > first, "in the same moment it is another question");
    assert_refused!(retell(first), Conflict(_));
    assert_refused!(change(&world, ConversationChange::RefuseRetelling(first), NOW), Conflict(_));
    let refused = change(&world, ConversationChange::RefuseRetelling(second), NOW).await.unwrap();
    assert_eq!(refused.retelling.as_ref().unwrap().answer, Consent::Refused);
    let again = change(&world, ConversationChange::RefuseRetelling(second), NOW).await.unwrap();
    assert_eq!(again, refused, "said again, it is what it was");
    assert_refused!(retell(second), Conflict(_));
    let third = asked(&world).await;
    change(&world, ConversationChange::WithdrawRetelling, NOW).await.unwrap();
    assert_refused!(retell(third), Conflict(_));
    let fourth = asked(&world).await;
    change(&world, ConversationChange::Verdict(Verdict::Spam), NOW).await.unwrap();
    assert_refused!(retell(fourth), Conflict(_));
    change(&world, ConversationChange::Verdict(Verdict::Ham), NOW).await.unwrap();
    change(&world, ConversationChange::Close(ANN), NOW).await.unwrap();
    retell(fourth).await.unwrap();
}

async fn a_question_lasts_so_long(world: World) {
    talked(&world).await;
    let asked = asked(&world).await;
    let ends = asked.plus(limits::RETELLING_ASKED_MAX);
    let late = Telling { at: ends, ..telling(asked) };
    assert_refused!(world.store.conversations.retell(TALK, late.clone()), Conflict(_));
    let last = Telling { at: ends.minus(Duration::from_millis(1)), ..late };
    world.store.conversations.retell(TALK, last).await.unwrap();
}

async fn nothing_is_told_where_not_everybody_reads(world: World) {
    talked(&world).await;
    let asked = asked(&world).await;
    let rooms = &world.store.rooms;
    for (change, back) in
        [(RoomChange::Public(false), RoomChange::Public(true)), (RoomChange::Lock, RoomChange::Unlock)]
    {
        rooms.change(ROOM, change, None).await.unwrap();
        assert_refused!(world.store.conversations.retell(TALK, telling(asked)), Conflict(_));
        rooms.change(ROOM, back, None).await.unwrap();
    }
    world.store.conversations.retell(TALK, telling(asked)).await.unwrap();
}

async fn who_asked_has_to_be_in_the_room(world: World) {
    talked(&world).await;
    let by_bob = ConversationChange::AskToRetell { room: ROOM, title: "Cards".into(), by: OTHER };
    let asked = change(&world, by_bob, NOW).await.unwrap().retelling.unwrap().asked;
    world.store.rooms.leave(ROOM, BOB, None).await.unwrap();
    assert_refused!(world.store.conversations.retell(TALK, telling(asked)), Conflict(_));
    world.store.rooms.enter(member(ROOM, BOB, RoomRole::Member), vec![], None).await.unwrap();
    let (_, first) = world.store.conversations.retell(TALK, telling(asked)).await.unwrap();
    assert_eq!(first.unwrap().message.author, BOB);
}

async fn no_call_no_spam_and_nobody_who_is_revoked_is_asked(world: World) {
    talked(&world).await;
    for (closing, opening) in [
        (ConversationChange::Verdict(Verdict::Spam), ConversationChange::Verdict(Verdict::Ham)),
        (ConversationChange::Block(true), ConversationChange::Block(false)),
    ] {
        change(&world, closing, NOW).await.unwrap();
        assert_refused!(change(&world, question(), NOW), Conflict(_));
        change(&world, opening, NOW).await.unwrap();
    }
    change(&world, question(), NOW).await.unwrap();
    change(&world, ConversationChange::Revoke, NOW).await.unwrap();
    assert_refused!(change(&world, question(), NOW), Conflict(_));
    let (called, _) = world.store.conversations.open_conversation(call(5, 9)).await.unwrap();
    assert_refused!(world.store.conversations.change_conversation(called.room, question(), NOW), Conflict(_));
}

async fn asking_is_bounded(world: World) {
    talked(&world).await;
    let titled =
        |bytes: usize| ConversationChange::AskToRetell { room: ROOM, title: "x".repeat(bytes), by: ME };
    let max = limits::RETOLD_TITLE_BYTES_MAX;
    assert_refused!(change(&world, titled(max + 1), NOW), Limit { max: limits::RETOLD_TITLE_BYTES_MAX, .. });
    let asked = change(&world, titled(max), NOW).await.unwrap().retelling.unwrap().asked;
    let named = |bytes: usize| Telling { name: "x".repeat(bytes), ..telling(asked) };
    let over = named(limits::NAME_BYTES_MAX + 1);
    assert_refused!(world.store.conversations.retell(TALK, over), Limit { max: limits::NAME_BYTES_MAX, .. });
    world.store.conversations.retell(TALK, named(limits::NAME_BYTES_MAX)).await.unwrap();
}

async fn a_long_conversation_is_not_told(world: World) {
    talked(&world).await;
    for number in 3..=limits::RETOLD_MESSAGES_MAX as u128 {
        say(&world, number, ANN, "more").await;
    }
    let asked = asked(&world).await;
    let over = limits::RETOLD_MESSAGES_MAX as u128 + 1;
    let last = say(&world, over, ANN, "too much").await;
    assert_refused!(change(&world, question(), NOW), Limit { max: limits::RETOLD_MESSAGES_MAX, .. });
    let refused = world.store.conversations.retell(TALK, telling(asked));
    assert_refused!(refused, Limit { max: limits::RETOLD_MESSAGES_MAX, .. });
    assert_eq!(last.number, over as u64);
    assert_eq!(world.whole().await, []);
}

async fn what_failed_leaves_nothing_behind(world: World) {
    talked(&world).await;
    let asked = asked(&world).await;
    // Behind the title, whose id is free, stands one that is taken: the whole is none.
    world.said(702, BOB, "mine").await;
    let before = (world.whole().await, world.store.rooms.room(ROOM).await.unwrap());
    assert!(world.store.conversations.retell(TALK, telling(asked)).await.is_err());
    assert_eq!((world.whole().await, world.store.rooms.room(ROOM).await.unwrap()), before);
    assert_eq!(world.store.rooms.guests(vec![GuestId::of(77)]).await.unwrap(), []);
    let one = world.store.conversations.conversation(TALK).await.unwrap();
    assert_eq!(one.retelling.unwrap().answer, Consent::Asked);
    let yes = Telling { first: MessageId(800), at: at(800), ..telling(asked) };
    world.store.conversations.retell(TALK, yes).await.unwrap();
    let page = world.store.messages.page(ROOM, Place::End, 9).await.unwrap();
    assert_eq!(page.len(), 4);
}

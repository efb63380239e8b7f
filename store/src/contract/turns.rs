//! Promises of `Conversations` about those that are given to agents in turn.

use model::chat::{Conversation, MessageKind, Note, Verdict};
use model::{AccountId, Millis, RoomId, SiteId};
use tokio::task::JoinSet;

use super::chat::{ANN, BOB};
use super::conversations::{OTHER, SITE, of_site, opening, turn};
use super::fixtures::{LATER, NOW};
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::NotFound;
use crate::chat::{ConversationChange, NewConversation, Place};

on_every_backend! {
    agents_have_conversations_in_turn,
    those_that_are_opened_at_once_are_given_each_in_turn,
    what_is_held_or_taken_is_nobodys_turn,
    a_turn_is_of_those_who_are_there,
}

fn in_turn(agents: &[u64], number: u64) -> NewConversation {
    NewConversation { turn: Some(turn(u128::from(number), agents)), ..opening(number) }
}

fn assignee(conversation: &Conversation) -> u64 {
    conversation.assignee.map_or(0, |agent| agent.value())
}

async fn agents_have_conversations_in_turn(world: World) {
    let mut given = Vec::new();
    for number in 1..=4 {
        let opened = world.opened_as(in_turn(&[2, 1], number)).await;
        assert_eq!(opened, world.conversation(opened.room).await);
        given.push(assignee(&opened));
    }
    assert_eq!(given, [1, 2, 1, 2]);
    let notes = world.store.messages.page(opening(2).notes.id, Place::End, 9).await.unwrap();
    let notes: Vec<_> = notes.iter().map(|note| (note.author, note.kind, note.body.as_str())).collect();
    assert_eq!(notes, [(BOB, MessageKind::Note(Note::Turn), "")], "their team is told who has it");
    let said = world.store.messages.page(opening(2).room.id, Place::End, 9).await.unwrap();
    assert_eq!(said.len(), 1, "the customer is not");
    let again = world.store.conversations.open_conversation(in_turn(&[1, 2], 2)).await.unwrap();
    assert_eq!((assignee(&again.0), again.1), (2, false), "sent again it is no other turn");
    let world = world.reopened().await;
    assert_eq!(assignee(&world.opened_as(in_turn(&[1, 2], 5)).await), 1);
    assert_eq!(assignee(&world.opened_as(in_turn(&[], 6)).await), 0, "there is nobody");
    let elsewhere = of_site(SiteId::of(2), in_turn(&[1, 2], 7));
    assert_eq!(assignee(&world.opened_as(elsewhere).await), 1, "each site has turns of its own");
}

async fn those_that_are_opened_at_once_are_given_each_in_turn(world: World) {
    let mut opening_at_once = JoinSet::new();
    for number in 1..=9 {
        let conversations = world.store.conversations.clone();
        let new = in_turn(&[1, 2, 3], number);
        opening_at_once.spawn(async move { conversations.open_conversation(new).await.unwrap().0 });
    }
    let mut given: Vec<u64> = opening_at_once.join_all().await.iter().map(assignee).collect();
    given.sort_unstable();
    assert_eq!(given, [1, 1, 1, 2, 2, 2, 3, 3, 3]);
}

async fn what_is_held_or_taken_is_nobodys_turn(world: World) {
    let mut held = in_turn(&[1, 2], 1);
    held.conversation.verdict = Verdict::Held;
    let held = world.opened_as(held).await;
    assert_eq!(held.assignee, None);
    let give = async |room, note| {
        world.store.conversations.give_turn(room, turn(note, &[1, 2]), LATER).await.unwrap()
    };
    assert_eq!(give(held.room, 20).await, held, "nobody looked at it yet");
    world.became(held.room, ConversationChange::Verdict(Verdict::Ham)).await;
    assert_eq!(assignee(&give(held.room, 21).await), 1);
    let taken = world.became(held.room, ConversationChange::Assign(Some(OTHER))).await;
    assert_eq!(give(held.room, 22).await, taken);
    let closed = world.opened(2).await;
    let closed = world.became(closed.room, ConversationChange::Close(ANN)).await;
    assert_eq!(give(closed.room, 23).await, closed);
    assert_eq!(assignee(&world.opened_as(in_turn(&[1, 2], 3)).await), 2, "none of these was a turn");
    assert_refused!(
        world.store.conversations.give_turn(RoomId::of(7), turn(24, &[1]), LATER),
        NotFound("conversation")
    );
}

async fn a_turn_is_of_those_who_are_there(world: World) {
    let conversations = &world.store.conversations;
    conversations.on_duty(SITE, AccountId::of(2), NOW).await.unwrap();
    conversations.on_duty(SITE, AccountId::of(3), Millis(NOW.0 - 1)).await.unwrap();
    conversations.on_duty(SiteId::of(2), AccountId::of(1), NOW).await.unwrap();
    for number in 1..=2 {
        assert_eq!(assignee(&world.opened_as(in_turn(&[1, 2, 3], number)).await), 2);
    }
    conversations.on_duty(SITE, AccountId::of(3), NOW).await.unwrap();
    conversations.on_duty(SITE, AccountId::of(3), Millis(NOW.0 - 9)).await.unwrap();
    assert_eq!(assignee(&world.opened_as(in_turn(&[1, 2, 3], 3)).await), 3, "seen is never lowered");
    assert_eq!(assignee(&world.opened_as(in_turn(&[1, 4], 4)).await), 1, "nobody of them is there");
}

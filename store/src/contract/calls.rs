//! Promises of `Conversations` about those that an agent begins.

use model::chat::{Conversation, Folder, Guest, Side, Verdict, Who};
use model::{SiteId, limits};
use tokio::task::JoinSet;

use super::chat::{BOB, at};
use super::conversations::{OTHER, SITE, call, key, of_site, of_visitor, opening, rooms};
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::NotFound;
use crate::chat::{ConversationChange, Place};

on_every_backend! {
    an_agent_who_writes_first_opens_a_call,
    whoever_answers_a_call_goes_on_in_it,
    a_visitor_with_a_conversation_is_called_in_it,
    those_that_are_called_at_once_are_one,
    a_call_that_is_answered_at_once_is_of_one_secret,
    those_with_a_visitor_are_listed,
}

async fn an_agent_who_writes_first_opens_a_call(world: World) {
    let new = call(3, 9);
    let opened = world.opened_as(new.clone()).await;
    let expected = Conversation {
        last: 1,
        last_at: at(3),
        last_by: Side::Agent,
        preview: "question 3".into(),
        assignee: Some(OTHER),
        is_known: true,
        version: 1,
        ..new.conversation.clone()
    };
    assert_eq!(opened, expected, "nobody waits, and nothing is answered");
    let world = world.reopened().await;
    assert_eq!(world.conversation(new.room.id).await, expected);
    assert_eq!(world.store.rooms.guests(vec![new.guest.id]).await.unwrap(), std::slice::from_ref(&new.guest));
    world.posted(new.room.id, 7, BOB, "and this").await;
    let now = world.conversation(new.room.id).await;
    assert_eq!((now.is_call, now.first_answer_at, now.preview.as_str()), (true, None, "and this"));
}

async fn whoever_answers_a_call_goes_on_in_it(world: World) {
    let called = world.opened_as(call(1, 9)).await;
    let other = world.opened_as(of_visitor(8, opening(2))).await;
    assert_ne!(other.room, called.room, "another visitor");
    let mut answer = of_visitor(9, opening(3));
    answer.conversation.verdict = Verdict::Held;
    let (answered, fresh) = world.store.conversations.open_conversation(answer.clone()).await.unwrap();
    assert!(fresh);
    let expected = Conversation {
        is_call: false,
        opened: at(3),
        customer: answer.conversation.customer.clone(),
        page: answer.conversation.page.clone(),
        title: answer.conversation.title.clone(),
        last: 2,
        last_at: at(3),
        last_by: Side::Customer,
        preview: "question 3".into(),
        waiting_since: Some(at(3)),
        version: called.version + 2,
        ..called.clone()
    };
    assert_eq!(answered, expected, "who was written to first is not held");
    let world = world.reopened().await;
    assert_eq!(world.conversation(called.room).await, expected);
    let known = world.store.rooms.admitted(answer.secret.unwrap()).await.unwrap();
    assert_eq!(known, Guest { id: called.guest, room: called.room, ..answer.guest.clone() });
    let said = world.store.messages.page(called.room, Place::End, 9).await.unwrap();
    let said: Vec<_> = said.iter().map(|message| (message.author, message.body.as_str())).collect();
    assert_eq!(said, [(BOB, "question 1"), (Who::Guest(called.guest), "question 3")]);
    assert_refused!(world.store.rooms.room(answer.room.id), NotFound("room"));
    assert_refused!(world.store.rooms.room(answer.notes.id), NotFound("room"));
    let again = world.store.conversations.open_conversation(answer).await.unwrap();
    assert_eq!(again, (expected, false), "its secret is known");
    let stranger = world.opened_as(of_visitor(9, opening(4))).await;
    assert_ne!(stranger.room, called.room, "it was answered already");
    world.posted(called.room, 7, BOB, "so it is").await;
    assert!(world.conversation(called.room).await.first_answer_at.is_some());
}

async fn a_visitor_with_a_conversation_is_called_in_it(world: World) {
    let opened = world.opened_as(of_visitor(9, opening(1))).await;
    let called = world.store.conversations.open_conversation(call(2, 9)).await.unwrap();
    assert_eq!(called, (opened.clone(), false), "as it is, and nothing is said");
    assert_refused!(world.store.rooms.room(call(2, 9).room.id), NotFound("room"));
    let elsewhere = world.opened_as(of_site(SiteId::of(2), call(3, 9))).await;
    assert_ne!(elsewhere.room, opened.room);
    world.became(opened.room, ConversationChange::Verdict(Verdict::Spam)).await;
    let anew = world.opened_as(call(4, 9)).await;
    assert!(anew.is_call, "nobody goes on in spam");
}

async fn those_that_are_called_at_once_are_one(world: World) {
    let mut calling = JoinSet::new();
    for number in 1..=8 {
        let conversations = world.store.conversations.clone();
        calling.spawn(async move { conversations.open_conversation(call(number, 9)).await.unwrap() });
    }
    let called = calling.join_all().await;
    assert_eq!(called.iter().filter(|(_, fresh)| *fresh).count(), 1);
    assert!(called.iter().all(|(each, _)| *each == called[0].0), "{called:?}");
    assert_eq!(world.listed(Folder::All).await, rooms(&[called[0].0.clone()]));
}

async fn a_call_that_is_answered_at_once_is_of_one_secret(world: World) {
    let called = world.opened_as(call(1, 9)).await;
    let mut answering = JoinSet::new();
    for number in 2..=6 {
        let conversations = world.store.conversations.clone();
        let answer = of_visitor(9, opening(number));
        answering.spawn(async move { conversations.open_conversation(answer).await.unwrap() });
    }
    let answered = answering.join_all().await;
    assert!(answered.iter().all(|(_, fresh)| *fresh), "each said something");
    assert_eq!(answered.iter().filter(|(each, _)| each.room == called.room).count(), 1, "{answered:?}");
    assert_eq!(world.store.messages.page(called.room, Place::End, 9).await.unwrap().len(), 2);
}

async fn those_with_a_visitor_are_listed(world: World) {
    let with = async |visitor| -> Vec<u64> {
        rooms(&world.store.conversations.with_visitor(SITE, key(visitor)).await.unwrap())
    };
    assert!(with(9).await.is_empty());
    world.opened_as(of_visitor(9, opening(1))).await;
    world.opened_as(of_visitor(8, opening(2))).await;
    world.opened_as(of_site(SiteId::of(2), of_visitor(9, opening(3)))).await;
    world.opened_as(of_visitor(9, opening(4))).await;
    assert_eq!((with(9).await, with(8).await), (vec![4, 1], vec![2]));
    let seen = ConversationChange::Seen { visitor: Some(key(9)), page: String::new(), title: String::new() };
    world.became(opening(2).room.id, seen).await;
    assert_eq!((with(9).await, with(8).await), (vec![4, 2, 1], vec![]));
    for number in 10..10 + limits::EARLIER_MAX as u64 {
        world.opened_as(of_visitor(9, opening(number))).await;
    }
    assert_eq!(with(9).await.len(), limits::EARLIER_MAX);
    assert_eq!(with(9).await[0], 9 + limits::EARLIER_MAX as u64);
}

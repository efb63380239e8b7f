//! Promises of `Conversations` about the filter of spam: what it learned, and who is held.

use model::chat::{Conversation, NewMessage, Verdict, Who};
use model::{RoomId, SiteId, limits};
use tokio::task::JoinSet;

use super::chat::text;
use super::conversations::{ME, SITE, opening};
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::{Limit, NotFound};
use crate::chat::{ConversationChange, Lesson};

on_every_backend! {
    what_a_filter_learned_is_replaced_by_whoever_read_it_last,
    what_is_learned_of_a_conversation_is_kept_with_it_in_the_same_moment,
    a_conversation_is_held_as_long_as_nobody_knows_better,
}

async fn what_a_filter_learned_is_replaced_by_whoever_read_it_last(world: World) {
    let conversations = &world.store.conversations;
    assert_eq!(conversations.learned(SITE).await.unwrap(), (0, vec![]));
    assert!(!conversations.learn(SITE, 1, vec![1], None).await.unwrap(), "there is no first version");
    assert_eq!(learn_at_once(&world, 0).await, 1);
    assert!(!conversations.learn(SITE, 0, vec![2], None).await.unwrap(), "somebody was first");
    assert!(conversations.learn(SITE, 1, vec![3; limits::LEARNED_BYTES_MAX], None).await.unwrap());
    let large = vec![4; limits::LEARNED_BYTES_MAX + 1];
    assert_refused!(conversations.learn(SITE, 2, large, None), Limit { max: limits::LEARNED_BYTES_MAX, .. });
    assert_eq!(conversations.learned(SITE).await.unwrap(), (2, vec![3; limits::LEARNED_BYTES_MAX]));
    assert_eq!(conversations.learned(SiteId::of(2)).await.unwrap(), (0, vec![]));
    assert_eq!(learn_at_once(&world, 2).await, 1);
    world.store.rooms.forget_rooms(SITE).await.unwrap();
    let world = world.reopened().await;
    assert_eq!(world.store.conversations.learned(SITE).await.unwrap(), (0, vec![]));
}

/// How many of those that read that version were first.
async fn learn_at_once(world: &World, version: u64) -> usize {
    let mut learning = JoinSet::new();
    for number in 0..4 {
        let conversations = world.store.conversations.clone();
        learning.spawn(async move { conversations.learn(SITE, version, vec![number], None).await.unwrap() });
    }
    learning.join_all().await.into_iter().filter(|first| *first).count()
}

async fn what_is_learned_of_a_conversation_is_kept_with_it_in_the_same_moment(world: World) {
    let one = world.opened(1).await;
    let conversations = &world.store.conversations;
    let as_ham = Lesson { room: one.room, before: None, now: Verdict::Ham };
    assert!(!conversations.learn(SITE, 1, vec![1], Some(as_ham)).await.unwrap(), "there is no first version");
    assert_eq!(world.conversation(one.room).await, one, "neither of the two");
    let mut learning = JoinSet::new();
    for number in 0..4 {
        let conversations = conversations.clone();
        learning
            .spawn(async move { conversations.learn(SITE, 0, vec![number], Some(as_ham)).await.unwrap() });
    }
    assert_eq!(learning.join_all().await.into_iter().filter(|first| *first).count(), 1, "once");
    let taught = Conversation { learned: Some(Verdict::Ham), version: one.version + 1, ..one.clone() };
    assert_eq!(world.conversation(one.room).await, taught);
    assert!(!conversations.learn(SITE, 1, vec![9], Some(as_ham)).await.unwrap(), "it was learned before");
    let corrected = Lesson { before: Some(Verdict::Ham), now: Verdict::Spam, ..as_ham };
    assert!(conversations.learn(SITE, 1, vec![9], Some(corrected)).await.unwrap());
    assert_eq!(world.conversation(one.room).await.learned, Some(Verdict::Spam));
    assert_eq!(conversations.learned(SITE).await.unwrap(), (2, vec![9]));
    let nobodys = Lesson { room: RoomId::of(999_999), ..as_ham };
    assert_refused!(conversations.learn(SITE, 2, vec![7], Some(nobodys)), NotFound("conversation"));
    assert_eq!(conversations.learned(SITE).await.unwrap(), (2, vec![9]));
}

async fn a_conversation_is_held_as_long_as_nobody_knows_better(world: World) {
    let (one, other, third) = (world.opened(1).await, world.opened(2).await, world.opened(3).await);
    let held = world.became(one.room, ConversationChange::Hold).await;
    let expected =
        Conversation { verdict: Verdict::Held, was_held: true, version: one.version + 1, ..one.clone() };
    assert_eq!(held, expected);
    assert_eq!(world.became(one.room, ConversationChange::Hold).await, held, "it is held already");
    assert_eq!(world.store.conversations.count_conversations(SITE, ME).await.unwrap().held, 1);
    let ham = world.became(one.room, ConversationChange::Verdict(Verdict::Ham)).await;
    assert_eq!((ham.verdict, ham.is_known), (Verdict::Ham, true));
    assert_eq!(
        world.became(one.room, ConversationChange::Verdict(Verdict::Ham)).await,
        ham,
        "it is said already"
    );
    assert_eq!(world.became(one.room, ConversationChange::Hold).await, ham, "somebody said what it is");
    let answer = NewMessage { room: other.room, ..text(50, Who::Account(ME), "In the cart.") };
    world.store.messages.post(answer).await.unwrap();
    let answered = world.conversation(other.room).await;
    assert!(answered.is_known);
    assert_eq!(world.became(other.room, ConversationChange::Hold).await, answered, "an agent answered");
    let spam = world.became(third.room, ConversationChange::Verdict(Verdict::Spam)).await;
    assert_eq!(world.became(third.room, ConversationChange::Hold).await, spam);
    let note = NewMessage { room: opening(4).notes.id, ..text(60, Who::Account(ME), "odd") };
    let fourth = world.opened(4).await;
    world.store.messages.post(note).await.unwrap();
    let held = world.became(fourth.room, ConversationChange::Hold).await;
    assert_eq!((held.verdict, held.is_known), (Verdict::Held, false), "a note is no answer");
    let call =
        world.store.messages.post(NewMessage { room: fourth.room, ..text(61, Who::Account(ME), "Hi") }).await;
    assert!(call.unwrap().fresh);
    let known = world.conversation(fourth.room).await;
    assert_eq!((known.verdict, known.is_known), (Verdict::Ham, true), "whoever is answered is no spam");
}

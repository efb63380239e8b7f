//! Promises of `Conversations` about what figures are made of.

use model::chat::{ConversationState, NewMessage, Rating, Verdict, Who};
use model::{Millis, RoomId, SiteId};

use super::chat::{ANN, at, text};
use super::conversations::{OTHER, SITE, call, of_site, of_visitor, opening};
use super::{World, on_every_backend};
use crate::chat::{ConversationChange, Figured};

on_every_backend! {
    those_begun_in_a_range_are_figured_in_their_order,
    figures_are_of_conversations_as_they_are_now,
    a_call_is_begun_when_it_is_answered,
    figures_outlive_their_process,
}

fn figured(number: u64) -> Figured {
    Figured {
        opened: at(number),
        assignee: None,
        first_answer_at: None,
        closed_at: None,
        score: None,
        verdict: Verdict::Ham,
        blocked: false,
        was_held: false,
    }
}

impl World {
    async fn figured(&self, from: Millis, to: Millis) -> Vec<Figured> {
        self.store.conversations.figured(SITE, from, to).await.unwrap()
    }

    async fn all_figured(&self) -> Vec<Figured> {
        self.figured(Millis(i64::MIN), Millis(i64::MAX)).await
    }

    async fn said_at(&self, room: RoomId, id: u128, author: Who, moment: u64) {
        let said = NewMessage { room, at: at(moment), ..text(id, author, "words") };
        self.store.messages.post(said).await.unwrap();
    }
}

async fn those_begun_in_a_range_are_figured_in_their_order(world: World) {
    assert_eq!(world.all_figured().await, []);
    for number in [3, 1, 2] {
        world.opened(number).await;
    }
    world.opened_as(of_site(SiteId::of(2), opening(4))).await;
    let all: Vec<Figured> = (1..=3).map(figured).collect();
    assert_eq!(world.all_figured().await, all);
    assert_eq!(world.figured(at(1), at(3)).await, all[..2], "from one moment on and before another");
    assert_eq!(world.figured(at(2), at(2)).await, []);
}

async fn figures_are_of_conversations_as_they_are_now(world: World) {
    let opened = world.opened(1).await;
    let one = async || world.all_figured().await.pop().unwrap();
    world.said_at(opened.notes, 20, ANN, 2).await;
    assert_eq!(one().await, figured(1), "a note is no answer");
    world.said_at(opened.room, 21, Who::Guest(opened.guest), 3).await;
    assert_eq!(one().await, figured(1), "nor is what the customer says");
    world.said_at(opened.room, 22, Who::Account(OTHER), 4).await;
    let answered = Figured { first_answer_at: Some(at(4)), assignee: Some(OTHER), ..figured(1) };
    assert_eq!((one().await, one().await.answered_in()), (answered.clone(), Some(at(4).0 - at(1).0)));
    world.said_at(opened.room, 23, ANN, 5).await;
    assert_eq!(one().await, answered, "the first one counts");
    let closed = world.became(opened.room, ConversationChange::Close(ANN)).await;
    let is_closed = Figured { closed_at: closed.closed_at, ..answered.clone() };
    assert_eq!(one().await, is_closed);
    let rating = Rating { score: 4, words: String::new() };
    world.became(opened.room, ConversationChange::Rate(rating)).await;
    world.became(opened.room, ConversationChange::Reopen).await;
    let rated = Figured { score: Some(4), ..answered };
    assert_eq!(one().await, rated, "what is opened again is not closed");
    assert_eq!(world.conversation(opened.room).await.state, ConversationState::Open);
    world.became(opened.room, ConversationChange::Verdict(Verdict::Held)).await;
    assert!(one().await.was_held && !one().await.is_served());
    world.became(opened.room, ConversationChange::Verdict(Verdict::Spam)).await;
    assert_eq!(one().await, Figured { verdict: Verdict::Spam, ..rated.clone() });
    world.became(opened.room, ConversationChange::Verdict(Verdict::Ham)).await;
    world.became(opened.room, ConversationChange::Block(true)).await;
    assert!(!one().await.is_served(), "nor is one whose customer is blocked");
}

async fn a_call_is_begun_when_it_is_answered(world: World) {
    world.opened_as(call(1, 9)).await;
    assert_eq!(world.all_figured().await, [], "nobody asked anything");
    let answered = world.opened_as(of_visitor(9, opening(5))).await;
    let figured = Figured { assignee: Some(OTHER), ..figured(5) };
    assert_eq!(world.all_figured().await, std::slice::from_ref(&figured), "and the call is no answer");
    world.said_at(answered.room, 20, ANN, 8).await;
    assert_eq!(world.all_figured().await, [Figured { first_answer_at: Some(at(8)), ..figured }]);
}

async fn figures_outlive_their_process(world: World) {
    let mut held = opening(1);
    (held.conversation.verdict, held.conversation.was_held) = (Verdict::Held, true);
    let held = world.opened_as(held).await;
    world.became(held.room, ConversationChange::Verdict(Verdict::Ham)).await;
    let expected = [Figured { was_held: true, ..figured(1) }];
    assert_eq!(world.all_figured().await, expected, "whatever was said of it later");
    let world = world.reopened().await;
    assert_eq!(world.all_figured().await, expected);
    world.store.rooms.forget_rooms(SITE).await.unwrap();
    assert_eq!(world.all_figured().await, []);
}

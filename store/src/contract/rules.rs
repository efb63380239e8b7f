//! Promises of `Rules`, and of conversations that begin with what one said.

use model::chat::{Conversation, NewMessage, Occasion, Past, Rule, Side, Who};
use model::{BotId, Millis, RuleId, SiteId, VisitorId, limits};
use tokio::task::JoinSet;

use super::chat::text;
use super::conversations::{SITE, call, of_visitor, opening};
use super::fixtures::{LATER, NOW};
use super::{World, assert_refused, on_every_backend};
use crate::Store;
use crate::StoreError::{Limit, NotFound};
use crate::chat::{Answered, NewConversation, Place, Saying, rule_mark};

on_every_backend! {
    rules_are_read_back_in_the_order_in_which_they_were_made,
    a_site_has_rules_up_to_the_maximum,
    a_rule_that_is_changed_keeps_its_counts,
    a_rule_is_said_once_to_each_visitor,
    what_is_said_to_many_at_once_is_counted_exactly,
    a_visitor_by_an_earlier_name_is_the_same,
    a_mark_whose_time_is_over_counts_no_more,
    who_answers_a_rule_has_its_words_before_theirs,
    who_answers_a_call_hears_no_rule,
    rules_go_with_their_site,
}

fn rule(number: u64) -> Rule {
    let when = Occasion { seconds: Some(number as u32), past: Some(Past::New), ..Occasion::default() };
    let (name, words) = (format!("rule {number}"), format!("words {number}"));
    Rule { id: RuleId::of(number), name, on: true, words, agent: None, when, shown: 0, answered: 0 }
}

/// That rule, to visitors of those numbers, one person.
fn saying(number: u64, visitors: &[u64]) -> Saying {
    let rule = RuleId::of(number);
    let marks = visitors.iter().map(|visitor| rule_mark(rule, VisitorId(*visitor))).collect();
    Saying { rule, marks, at: NOW, until: LATER }
}

fn answer(to: u64, number: u64) -> NewConversation {
    let new = opening(number);
    let words = NewMessage {
        room: new.room.id,
        at: new.first.at,
        ..text(500 + u128::from(number), Who::Bot(BotId::of(SITE.value())), "words of the rule")
    };
    NewConversation { answered: Some(Answered { rule: RuleId::of(to), words }), ..new }
}

impl World {
    /// For tests of a move.
    pub async fn ruled(&self) {
        let rules = &self.store.rules;
        for number in 1..=3 {
            rules.put_rule(SITE, rule(number)).await.unwrap();
        }
        rules.put_rule(SiteId::of(2), rule(4)).await.unwrap();
        for visitor in 1..=9 {
            assert!(rules.say_rule(SITE, saying(1 + visitor % 2, &[visitor])).await.unwrap());
        }
    }

    /// Of those that came along everything works on.
    pub async fn rules_on(store: &Store) {
        assert_eq!(counts(store).await, [(1, 4, 0), (2, 5, 0), (3, 0, 0)]);
        assert!(!store.rules.say_rule(SITE, saying(2, &[1])).await.unwrap(), "it was said");
    }
}

async fn counts(store: &Store) -> Vec<(u64, u64, u64)> {
    let rules = store.rules.rules(SITE).await.unwrap();
    rules.iter().map(|rule| (rule.id.value(), rule.shown, rule.answered)).collect()
}

async fn rules_are_read_back_in_the_order_in_which_they_were_made(world: World) {
    let rules = &world.store.rules;
    assert_eq!(rules.rules(SITE).await.unwrap(), []);
    for number in [3, 1, 2] {
        rules.put_rule(SITE, rule(number)).await.unwrap();
    }
    rules.remove_rule(SITE, RuleId::of(1)).await.unwrap();
    assert_refused!(rules.remove_rule(SITE, RuleId::of(1)), NotFound("rule"));
    assert_refused!(rules.remove_rule(SiteId::of(2), RuleId::of(2)), NotFound("rule"));
    let world = world.reopened().await;
    assert_eq!(world.store.rules.rules(SITE).await.unwrap(), [rule(3), rule(2)]);
    assert_eq!(world.store.rules.rules(SiteId::of(2)).await.unwrap(), []);
}

async fn a_site_has_rules_up_to_the_maximum(world: World) {
    let rules = &world.store.rules;
    for number in 1..=limits::RULES_MAX as u64 {
        rules.put_rule(SITE, rule(number)).await.unwrap();
    }
    let beyond = rule(limits::RULES_MAX as u64 + 1);
    assert_refused!(rules.put_rule(SITE, beyond.clone()), Limit { max: limits::RULES_MAX, .. });
    rules.put_rule(SITE, rule(1)).await.unwrap();
    rules.put_rule(SiteId::of(2), beyond).await.unwrap();
    assert_eq!(rules.rules(SITE).await.unwrap().len(), limits::RULES_MAX);
    let wordy = Rule { words: "w".repeat(limits::RULE_WORDS_BYTES_MAX + 1), ..rule(1) };
    assert_refused!(rules.put_rule(SITE, wordy), Limit { max: limits::RULE_WORDS_BYTES_MAX, .. });
}

async fn a_rule_that_is_changed_keeps_its_counts(world: World) {
    let rules = &world.store.rules;
    rules.put_rule(SITE, Rule { shown: 7, answered: 7, ..rule(1) }).await.unwrap();
    assert_eq!(counts(&world.store).await, [(1, 0, 0)], "what a caller counts is nothing");
    assert!(rules.say_rule(SITE, saying(1, &[1])).await.unwrap());
    let changed = Rule { on: false, words: "others".into(), ..rule(1) };
    rules.put_rule(SITE, changed.clone()).await.unwrap();
    assert_eq!(rules.rules(SITE).await.unwrap(), [Rule { shown: 1, ..changed }]);
    assert!(!rules.say_rule(SITE, saying(1, &[1])).await.unwrap(), "the same rule");
}

async fn a_rule_is_said_once_to_each_visitor(world: World) {
    let rules = &world.store.rules;
    for number in 1..=2 {
        rules.put_rule(SITE, rule(number)).await.unwrap();
        rules.put_rule(SiteId::of(2), rule(number)).await.unwrap();
    }
    assert!(rules.say_rule(SITE, saying(1, &[1])).await.unwrap());
    let world = world.reopened().await;
    let rules = &world.store.rules;
    assert!(!rules.say_rule(SITE, saying(1, &[1])).await.unwrap());
    for (site, number, visitor) in [(SITE, 1, 2), (SITE, 2, 1), (SiteId::of(2), 1, 1)] {
        assert!(rules.say_rule(site, saying(number, &[visitor])).await.unwrap(), "{site} {number} {visitor}");
    }
    assert!(!rules.say_rule(SITE, saying(3, &[1])).await.unwrap(), "there is no such rule");
    assert_eq!(counts(&world.store).await, [(1, 2, 0), (2, 1, 0)]);
    let marks = [saying(1, &[1, 2, 3]).marks, saying(2, &[2]).marks].concat();
    let mut noted = rules.rule_marks(SITE, marks.clone(), NOW).await.unwrap();
    let mut expected = marks[..2].to_vec();
    noted.sort();
    expected.sort();
    assert_eq!(noted, expected);
}

async fn what_is_said_to_many_at_once_is_counted_exactly(world: World) {
    world.store.rules.put_rule(SITE, rule(1)).await.unwrap();
    let mut saying_at_once = JoinSet::new();
    for number in 0..24 {
        let rules = world.store.rules.clone();
        saying_at_once.spawn(async move { rules.say_rule(SITE, saying(1, &[number % 8])).await.unwrap() });
    }
    let said = saying_at_once.join_all().await;
    assert_eq!(said.iter().filter(|said| **said).count(), 8);
    assert_eq!(counts(&world.store).await, [(1, 8, 0)]);
}

async fn a_visitor_by_an_earlier_name_is_the_same(world: World) {
    let rules = &world.store.rules;
    rules.put_rule(SITE, rule(1)).await.unwrap();
    assert!(rules.say_rule(SITE, saying(1, &[1])).await.unwrap());
    assert!(!rules.say_rule(SITE, saying(1, &[2, 1])).await.unwrap());
    assert!(rules.say_rule(SITE, saying(1, &[3, 2])).await.unwrap(), "nothing was said to 2");
    assert!(!rules.say_rule(SITE, saying(1, &[])).await.unwrap());
}

async fn a_mark_whose_time_is_over_counts_no_more(world: World) {
    let rules = &world.store.rules;
    rules.put_rule(SITE, rule(1)).await.unwrap();
    assert!(rules.say_rule(SITE, saying(1, &[1])).await.unwrap());
    let again = |at| Saying { at, until: Millis(LATER.0 + 9), ..saying(1, &[1]) };
    assert!(!rules.say_rule(SITE, again(Millis(LATER.0 - 1))).await.unwrap());
    assert_eq!(rules.rule_marks(SITE, saying(1, &[1]).marks, LATER).await.unwrap(), [[0; 32]; 0]);
    assert!(rules.say_rule(SITE, again(LATER)).await.unwrap());
    assert!(!rules.say_rule(SITE, again(LATER)).await.unwrap());
}

async fn who_answers_a_rule_has_its_words_before_theirs(world: World) {
    world.store.rules.put_rule(SITE, rule(1)).await.unwrap();
    let new = answer(1, 3);
    let opened = world.opened_as(new.clone()).await;
    let plain = world.opened(4).await;
    let expected = Conversation {
        last: 2,
        last_by: Side::Customer,
        preview: "question 3".into(),
        waiting_since: Some(new.first.at),
        last_at: new.first.at,
        version: plain.version,
        ..new.conversation.clone()
    };
    assert_eq!(opened, expected, "nobody answered, and it is nobody's");
    let said = world.store.messages.page(opened.room, Place::End, 9).await.unwrap();
    let said: Vec<_> = said.iter().map(|message| (message.author, message.body.as_str())).collect();
    let site = Who::Bot(BotId::of(SITE.value()));
    assert_eq!(said, [(site, "words of the rule"), (Who::Guest(opened.guest), "question 3")]);
    let me = world.store.rooms.member(opened.room, Who::Guest(opened.guest)).await.unwrap().unwrap();
    assert_eq!(me.read, 1, "who answers it has read it");
    let again = world.store.conversations.open_conversation(new).await.unwrap();
    assert!(!again.1);
    world.opened_as(answer(9, 5)).await;
    assert_eq!(counts(&world.store).await, [(1, 0, 1)], "once; and of a rule that went nothing is counted");
}

async fn who_answers_a_call_hears_no_rule(world: World) {
    world.store.rules.put_rule(SITE, rule(1)).await.unwrap();
    let called = world.opened_as(call(1, 9)).await;
    let answered = world.opened_as(of_visitor(9, answer(1, 2))).await;
    assert_eq!((answered.room, answered.last), (called.room, 2));
    assert_eq!(counts(&world.store).await, [(1, 0, 0)]);
}

async fn rules_go_with_their_site(world: World) {
    let (_, first) = world.founded().await;
    let rules = &world.store.rules;
    rules.put_rule(first.id, rule(1)).await.unwrap();
    assert!(rules.say_rule(first.id, saying(1, &[1])).await.unwrap());
    world.store.sites.remove(first.id).await.unwrap();
    world.store.history.forget(first.id).await.unwrap();
    world.store.rooms.forget_rooms(first.id).await.unwrap();
    assert_eq!(rules.rules(first.id).await.unwrap(), []);
    assert_eq!(rules.rule_marks(first.id, saying(1, &[1]).marks, NOW).await.unwrap(), [[0; 32]; 0]);
}

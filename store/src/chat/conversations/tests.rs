//! What becomes of a conversation, as tables.

use model::chat::Note;
use model::{BotId, GuestId, MessageId};

use super::*;

const ROOM: RoomId = RoomId::of(1);
const NOTES: RoomId = RoomId::of(2);
const ANN: AccountId = AccountId::of(1);
const BOB: AccountId = AccountId::of(2);
const CUSTOMER: Who = Who::Guest(GuestId::of(9));
const BEFORE: Millis = Millis(100);
const NOW: Millis = Millis(200);

fn waiting() -> Conversation {
    Conversation {
        room: ROOM,
        notes: NOTES,
        site: SiteId::of(1),
        guest: GuestId::of(9),
        customer: Customer::default(),
        visitor: None,
        page: "/cart".into(),
        title: "Cart".into(),
        state: ConversationState::Open,
        verdict: Verdict::Ham,
        was_held: false,
        blocked: false,
        assignee: None,
        labels: Vec::new(),
        opened: BEFORE,
        last: 1,
        last_at: BEFORE,
        last_by: Side::Customer,
        preview: "question".into(),
        waiting_since: Some(BEFORE),
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
        version: 1,
    }
}

fn answered() -> Conversation {
    Conversation {
        assignee: Some(ANN),
        last_by: Side::Agent,
        waiting_since: None,
        first_answer_at: Some(BEFORE),
        ..waiting()
    }
}

fn closed() -> Conversation {
    let state = ConversationState::Closed(Who::Account(ANN));
    Conversation { state, closed_at: Some(BEFORE), ..answered() }
}

fn text(author: Who) -> NewMessage {
    NewMessage {
        room: ROOM,
        id: MessageId(7),
        author,
        kind: MessageKind::Text,
        body: "words".into(),
        thread: None,
        mentions: Vec::new(),
        files: Vec::new(),
        at: NOW,
    }
}

/// `becomes` says what is different, beside the message itself.
fn check_said(before: Conversation, author: Who, becomes: impl FnOnce(&mut Conversation)) {
    let mut expected = Conversation {
        last: 2,
        last_at: NOW,
        preview: "words".into(),
        version: before.version + 1,
        ..before.clone()
    };
    becomes(&mut expected);
    let mut after = before;
    said(&mut after, &text(author), 2, NOW);
    assert_eq!(after, expected);
}

#[test]
fn what_a_customer_says() {
    let by_customer = |one: &mut Conversation| one.last_by = Side::Customer;
    let waits = |one: &mut Conversation| {
        (one.last_by, one.waiting_since) = (Side::Customer, Some(NOW));
        one.state = ConversationState::Open;
    };
    check_said(waiting(), CUSTOMER, by_customer);
    check_said(answered(), CUSTOMER, waits);
    check_said(closed(), CUSTOMER, waits);
    let snoozed = Conversation { state: ConversationState::Snoozed(NOW), ..answered() };
    check_said(snoozed, CUSTOMER, waits);
    for verdict in [Verdict::Held, Verdict::Spam] {
        check_said(Conversation { verdict, ..waiting() }, CUSTOMER, by_customer);
    }
    check_said(Conversation { blocked: true, ..waiting() }, CUSTOMER, by_customer);
}

#[test]
fn what_an_agent_says() {
    let agent = Who::Account(BOB);
    let answers = |one: &mut Conversation| {
        (one.last_by, one.waiting_since) = (Side::Agent, None);
        one.first_answer_at = one.first_answer_at.or(Some(NOW));
    };
    let knows = |one: &mut Conversation| {
        answers(one);
        one.is_known = true;
    };
    let takes = |one: &mut Conversation| {
        knows(one);
        one.assignee = Some(BOB);
    };
    check_said(waiting(), agent, takes);
    check_said(Conversation { verdict: Verdict::Held, ..waiting() }, agent, |one| {
        takes(one);
        one.verdict = Verdict::Ham;
    });
    check_said(Conversation { verdict: Verdict::Spam, ..waiting() }, agent, takes);
    // Who has it, when it was answered first, and that it is closed or put off stay as they are.
    check_said(answered(), agent, knows);
    check_said(closed(), agent, knows);
    check_said(Conversation { state: ConversationState::Snoozed(NOW), ..waiting() }, agent, takes);
    let bot = Who::Bot(BotId::of(1));
    check_said(Conversation { verdict: Verdict::Held, ..waiting() }, bot, answers);
}

#[test]
fn what_is_no_part_of_the_talk() {
    let told = NewMessage { kind: MessageKind::Note(Note::Entered), ..text(CUSTOMER) };
    let noted = NewMessage { room: NOTES, ..text(Who::Account(ANN)) };
    for new in [told, noted] {
        let mut after = closed();
        said(&mut after, &new, 2, NOW);
        assert_eq!(after, closed(), "{new:?}");
    }
}

#[test]
fn what_is_edited() {
    let message = |room, number, body: &str| {
        let new = NewMessage { room, body: body.into(), ..text(CUSTOMER) };
        crate::chat::change::posted(&new, number, 2, NOW, false, Vec::new())
    };
    for (message, preview) in [
        (message(ROOM, 1, "another\nquestion"), "another question"),
        (message(ROOM, 1, ""), ""),
        (message(ROOM, 1, "question"), "question"),
        (message(ROOM, 2, "a later one"), "question"),
        (message(NOTES, 1, "a note"), "question"),
    ] {
        let mut after = waiting();
        edited(&mut after, &message);
        let version = if preview == "question" { 1 } else { 2 };
        assert_eq!(after, Conversation { preview: preview.into(), version, ..waiting() }, "{message:?}");
    }
}

fn check_change(before: Conversation, asked: ConversationChange, becomes: impl FnOnce(&mut Conversation)) {
    let mut expected = before.clone();
    becomes(&mut expected);
    let expected = (expected != before).then(|| Conversation { version: before.version + 1, ..expected });
    assert_eq!(change(&before, asked.clone(), NOW).unwrap(), expected, "{asked:?}");
}

fn same(_: &mut Conversation) {}

#[test]
fn each_change() {
    use ConversationChange::*;
    check_change(waiting(), Assign(Some(BOB)), |one| one.assignee = Some(BOB));
    check_change(answered(), Assign(None), |one| one.assignee = None);
    check_change(answered(), Assign(Some(ANN)), same);
    let by = Who::Account(BOB);
    check_change(waiting(), Close(by), |one| {
        one.state = ConversationState::Closed(by);
        (one.closed_at, one.waiting_since) = (Some(NOW), None);
    });
    check_change(closed(), Close(by), same);
    check_change(closed(), Reopen, |one| one.state = ConversationState::Open);
    check_change(waiting(), Reopen, same);
    check_change(waiting(), Snooze(NOW), |one| one.state = ConversationState::Snoozed(NOW));
    let snoozed = Conversation { state: ConversationState::Snoozed(NOW), ..waiting() };
    check_change(snoozed.clone(), Snooze(BEFORE), |one| one.state = ConversationState::Snoozed(BEFORE));
    check_change(snoozed.clone(), Snooze(NOW), same);
    check_change(snoozed, Reopen, |one| one.state = ConversationState::Open);
    assert!(matches!(change(&closed(), Snooze(NOW), NOW), Err(StoreError::Conflict(_))));
    let labels = |labels: &[&str]| labels.iter().map(|label| label.to_string()).collect::<Vec<_>>();
    let tagged = Conversation { labels: labels(&["a", "b"]), ..waiting() };
    check_change(waiting(), Labels(labels(&["b", "a", "b"])), |one| one.labels = labels(&["a", "b"]));
    check_change(tagged.clone(), Labels(labels(&["b", "a"])), same);
    check_change(tagged, Labels(vec![]), |one| one.labels.clear());
    check_change(waiting(), Verdict(model::chat::Verdict::Spam), |one| {
        one.verdict = model::chat::Verdict::Spam;
    });
    check_change(waiting(), Verdict(model::chat::Verdict::Ham), |one| one.is_known = true);
    check_change(waiting(), Block(true), |one| one.blocked = true);
    check_change(waiting(), Hold, |one| (one.verdict, one.was_held) = (model::chat::Verdict::Held, true));
    check_change(Conversation { is_known: true, ..waiting() }, Hold, same);
    check_change(Conversation { first_answer_at: Some(Millis(1)), ..waiting() }, Hold, same);
    check_change(waiting(), Mailed(3), |one| one.mailed = 3);
    check_change(Conversation { mailed: 3, ..waiting() }, Mailed(2), same);
    let replies = |revoked, in_hour, last: &str| Replies {
        revoked,
        links: 0,
        hour: Millis(0),
        in_hour,
        last: last.into(),
    };
    check_change(waiting(), Replied("a@x".into()), |one| one.replies = replies(0, 1, "a@x"));
    let replied = Conversation { replies: replies(2, 1, "a@x"), ..waiting() };
    check_change(replied.clone(), Replied("a@x".into()), same);
    check_change(replied.clone(), Replied("b@x".into()), |one| one.replies = replies(2, 2, "b@x"));
    check_change(replied, RevokeReplies, |one| (one.replies.revoked, one.replies.links) = (3, 1));
    let mailed = |email: &str| super::Customer { email: email.into(), ..super::Customer::default() };
    let of_ann = Conversation { customer: mailed("ann@x"), ..waiting() };
    check_change(waiting(), Customer(mailed("ann@x")), |one| one.customer = mailed("ann@x"));
    check_change(of_ann.clone(), Customer(mailed("Ann@x")), |one| one.customer = mailed("Ann@x"));
    check_change(of_ann, Customer(mailed("bob@x")), |one| {
        one.customer = mailed("bob@x");
        one.replies.revoked = 1;
    });
    check_change(waiting(), Block(false), same);
    let seen = |page: &str, title: &str| Seen { visitor: None, page: page.into(), title: title.into() };
    check_change(waiting(), seen("/till", ""), |one| (one.page, one.title) = ("/till".into(), String::new()));
    check_change(waiting(), seen("", "nowhere"), same);
    let rated = |score| Rate(Rating { score, words: "ok".into() });
    let rating = Rating { score: 3, words: "ok".into() };
    check_change(closed(), rated(3), |one| one.rating = Some(rating.clone()));
    let again = Conversation { state: ConversationState::Open, ..closed() };
    check_change(again, rated(3), |one| one.rating = Some(rating.clone()));
    assert!(matches!(change(&waiting(), rated(3), NOW), Err(StoreError::Conflict(_))));
    assert!(matches!(change(&closed(), rated(6), NOW), Err(StoreError::Limit { max: 5, .. })));
}

/// Name, e-mail address, identity, and whether that is proven.
fn customer((name, email, identity, proven): (&str, &str, &str, bool)) -> Customer {
    Customer { name: name.into(), email: email.into(), identity: identity.into(), proven }
}

#[test]
fn what_is_known_of_a_customer() {
    for (before, said, expected) in [
        // Who says nothing takes nothing away, and what is said last counts.
        (("", "", "", false), ("", "", "", false), ("", "", "", false)),
        (("Ann", "a@x", "1", false), ("", "", "", false), ("Ann", "a@x", "1", false)),
        (("Ann", "a@x", "1", false), ("Bob", "b@x", "2", false), ("Bob", "b@x", "2", false)),
        (("Ann", "", "", false), ("", "a@x", "", false), ("Ann", "a@x", "", false)),
        // What is proven stands; a claim fills in what it left open, and proves nothing.
        (("Ann", "a@x", "1", true), ("Eve", "e@x", "2", false), ("Ann", "a@x", "1", true)),
        (("", "", "1", true), ("Ann", "a@x", "2", false), ("Ann", "a@x", "1", true)),
        (("Ann", "", "1", true), ("", "", "", false), ("Ann", "", "1", true)),
        // A proof is of the identity that came with it.
        (("Eve", "e@x", "2", false), ("Ann", "", "1", true), ("Ann", "e@x", "1", true)),
        (("Ann", "a@x", "1", true), ("Bob", "b@x", "2", true), ("Bob", "b@x", "2", true)),
    ] {
        assert_eq!(known(&customer(before), customer(said)), customer(expected), "{before:?} {said:?}");
    }
}

#[test]
fn so_much_is_mailed_to_a_conversation_in_an_hour() {
    let at = |number: u32, now: i64, one: &Conversation| {
        change(one, ConversationChange::Replied(format!("{number}@x")), Millis(now))
    };
    let mut one = waiting();
    for number in 0..limits::REPLIES_AN_HOUR_MAX {
        one = at(number, 200, &one).unwrap().unwrap();
    }
    let refused = at(99, HOUR_MS - 1, &one).unwrap_err();
    assert!(matches!(refused, StoreError::Limit { max: 30, .. }), "{refused}");
    let next = at(99, HOUR_MS, &one).unwrap().unwrap();
    assert_eq!((next.replies.hour, next.replies.in_hour), (Millis(HOUR_MS), 1));
}

#[test]
fn a_site_has_so_many_at_most() {
    refuse_full(limits::CONVERSATIONS_MAX - 1).unwrap();
    let refused = refuse_full(limits::CONVERSATIONS_MAX).unwrap_err();
    assert!(matches!(refused, StoreError::Limit { max: limits::CONVERSATIONS_MAX, .. }), "{refused}");
}

#[test]
fn so_many_are_figured_at_once_and_no_more() {
    use model::limits::FIGURES_CONVERSATIONS_MAX;
    assert!(super::refuse_figures(FIGURES_CONVERSATIONS_MAX).is_ok());
    let refused = super::refuse_figures(FIGURES_CONVERSATIONS_MAX + 1);
    assert!(matches!(refused, Err(crate::StoreError::Limit { max: FIGURES_CONVERSATIONS_MAX, .. })));
}

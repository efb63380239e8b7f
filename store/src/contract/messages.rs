//! Promises of `Messages` about posting and changing.

use model::chat::{Change, MessageKind, NewMessage, Note, Reaction, Revised, RoomRole, TELLER, Who};
use model::{AccountId, Millis, RoomId, limits};

use super::chat::{ANN, BOB, EVE, ROOM, at, member, note, room, text};
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::{Conflict, Limit, NotFound};
use crate::chat::{Place, Posted, RoomChange};

on_every_backend! {
    a_message_is_read_back_as_it_was_posted,
    messages_are_numbered_without_a_gap_by_whoever_posts,
    a_message_sent_again_is_posted_once,
    an_id_that_somebody_else_has_is_a_conflict,
    time_never_runs_backwards_in_a_room,
    who_is_no_member_posts_nothing,
    bodies_and_mentions_are_bounded,
    an_answer_is_counted_at_what_it_answers,
    an_edit_keeps_what_was_there_before,
    a_text_is_edited_by_its_author_alone,
    a_message_has_so_many_revisions_at_most,
    a_decision_is_kept_with_who_and_when_and_taken_back,
    reactions_are_each_persons_once,
    reactions_are_bounded,
    a_removed_message_keeps_its_place_and_nothing_else,
    what_is_posted_in_a_locked_room_goes_with_the_lock,
    what_was_recorded_stays_as_it_is_while_the_room_is_locked,
    a_locked_room_holds_so_many_at_most,
    a_star_is_ones_own,
    one_person_has_so_many_stars_at_most,
}

async fn a_message_is_read_back_as_it_was_posted(world: World) {
    world.talking().await;
    let new =
        NewMessage { mentions: vec![BOB], kind: MessageKind::Paste, ..text(7, ANN, "“<b>\u{0}\u{202E}") };
    let Posted { message, fresh, room } = world.store.messages.post(new.clone()).await.unwrap();
    assert!(fresh);
    assert_eq!((room.last, room.changes, room.last_at), (1, 1, new.at));
    assert_eq!((message.number, message.changed, message.id, message.author), (1, 1, new.id, ANN));
    assert_eq!((message.at, message.kind, &message.body), (new.at, new.kind, &new.body));
    assert_eq!((&message.mentions, message.thread, message.unrecorded), (&new.mentions, None, false));
    let world = world.reopened().await;
    let messages = &world.store.messages;
    assert_eq!(messages.message(ROOM, 1).await.unwrap(), message);
    assert_eq!(messages.message_by_id(ROOM, new.id).await.unwrap(), message);
    assert_refused!(messages.message(ROOM, 2), NotFound("message"));
    assert_refused!(messages.message(RoomId::of(2), 1), NotFound("message"));
    assert_refused!(messages.message_by_id(RoomId::of(2), new.id), NotFound("message"));
}

async fn messages_are_numbered_without_a_gap_by_whoever_posts(world: World) {
    world.talking().await;
    let mut posting = tokio::task::JoinSet::new();
    for number in 1..=60 {
        let messages = world.store.messages.clone();
        let author = if number % 2 == 0 { ANN } else { BOB };
        posting.spawn(async move { messages.post(text(number, author, "m")).await.unwrap().message });
    }
    let mut posted = posting.join_all().await;
    posted.sort_by_key(|message| message.number);
    let numbers: Vec<u64> = posted.iter().map(|message| message.number).collect();
    assert_eq!(numbers, (1..=60).collect::<Vec<_>>());
    assert_eq!(world.whole().await, posted, "and everybody reads the same");
    let room = world.store.rooms.room(ROOM).await.unwrap();
    assert_eq!((room.last, room.changes, room.last_at), (60, 60, posted[59].at));
}

async fn a_message_sent_again_is_posted_once(world: World) {
    world.talking().await;
    let messages = &world.store.messages;
    let mut posting = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let messages = messages.clone();
        posting.spawn(async move { messages.post(text(7, ANN, "once")).await.unwrap() });
    }
    let posted = posting.join_all().await;
    assert_eq!(posted.iter().filter(|posted| posted.fresh).count(), 1);
    assert!(posted.iter().all(|each| each.message == posted[0].message));
    messages
        .change(ROOM, 1, ANN, at(9), Change::Edit { body: "edited".into(), mentions: vec![] })
        .await
        .unwrap();
    let again = messages.post(text(7, ANN, "once")).await.unwrap();
    assert_eq!((again.fresh, again.message.body.as_str()), (false, "edited"), "as it is now");
    assert_eq!(world.whole().await.len(), 1);
}

async fn an_id_that_somebody_else_has_is_a_conflict(world: World) {
    world.talking().await;
    world.said(7, ANN, "mine").await;
    assert_refused!(world.store.messages.post(text(7, BOB, "mine")), Conflict(_));
    let two = RoomId::of(2);
    let bob = super::chat::member(two, BOB, model::chat::RoomRole::Host);
    world.store.rooms.open(room(2), vec![bob]).await.unwrap();
    let elsewhere = NewMessage { room: two, ..text(7, BOB, "mine") };
    assert_eq!(world.store.messages.post(elsewhere).await.unwrap().message.number, 1);
}

async fn time_never_runs_backwards_in_a_room(world: World) {
    world.talking().await;
    world.said(9, ANN, "later").await;
    assert_eq!(world.said(3, BOB, "an earlier clock").await.at, at(9));
    assert_eq!(world.said(10, BOB, "on").await.at, at(10));
}

async fn who_is_no_member_posts_nothing(world: World) {
    world.talking().await;
    assert_refused!(world.store.messages.post(text(1, EVE, "let me in")), NotFound(_));
    let nowhere = NewMessage { room: RoomId::of(9), ..text(1, ANN, "hello?") };
    assert_refused!(world.store.messages.post(nowhere), NotFound("room"));
    assert_eq!(world.whole().await, []);
}

async fn bodies_and_mentions_are_bounded(world: World) {
    world.talking().await;
    let messages = &world.store.messages;
    let sized = |number, kind, bytes| NewMessage { kind, ..text(number, ANN, &"m".repeat(bytes)) };
    for (number, kind, max) in
        [(1, MessageKind::Text, limits::MESSAGE_BYTES_MAX), (2, MessageKind::Paste, limits::PASTE_BYTES_MAX)]
    {
        messages.post(sized(number, kind, max)).await.unwrap();
        let refused = messages.post(sized(number + 10, kind, max + 1)).await.unwrap_err();
        assert!(matches!(refused, Limit { max: said, .. } if said == max), "{refused}");
        let longer = Change::Edit { body: "m".repeat(max + 1), mentions: vec![] };
        assert_refused!(messages.change(ROOM, number as u64, ANN, at(9), longer), Limit { .. });
    }
    let people = |count| (0..count as u64).map(|number| Who::Account(AccountId::of(number))).collect();
    let mentioning = |number, count| NewMessage { mentions: people(count), ..text(number, ANN, "m") };
    messages.post(mentioning(3, limits::MENTIONS_MAX)).await.unwrap();
    assert_refused!(
        messages.post(mentioning(4, limits::MENTIONS_MAX + 1)),
        Limit { max: limits::MENTIONS_MAX, .. }
    );
}

async fn an_answer_is_counted_at_what_it_answers(world: World) {
    world.talking().await;
    world.said(1, ANN, "question").await;
    let messages = &world.store.messages;
    let answer = |number, of| NewMessage { thread: Some(of), ..text(number, BOB, "answer") };
    let answered = messages.post(answer(2, 1)).await.unwrap().message;
    messages.post(answer(2, 1)).await.unwrap();
    messages.post(answer(3, 1)).await.unwrap();
    assert_eq!((answered.number, answered.thread), (2, Some(1)));
    let question = messages.message(ROOM, 1).await.unwrap();
    assert_eq!((question.replies, question.changed), (2, 4));
    let numbers = |page: Vec<model::chat::Message>| page.iter().map(|m| m.number).collect::<Vec<_>>();
    assert_eq!(numbers(messages.thread(ROOM, 1, 0, 9).await.unwrap()), [2, 3]);
    assert_eq!(numbers(messages.thread(ROOM, 1, 2, 9).await.unwrap()), [3]);
    assert_eq!(numbers(messages.thread(ROOM, 1, 0, 1).await.unwrap()), [2]);
    assert_refused!(messages.post(answer(4, 2)), NotFound(_));
    assert_refused!(messages.post(answer(4, 99)), NotFound(_));
    messages.change(ROOM, 1, ANN, at(5), Change::Remove).await.unwrap();
    assert_refused!(messages.post(answer(4, 1)), NotFound(_));
    assert_eq!(world.whole().await.len(), 3);
}

async fn an_edit_keeps_what_was_there_before(world: World) {
    world.talking().await;
    world.said(1, ANN, "one").await;
    let messages = &world.store.messages;
    let edit = |body: &str| Change::Edit { body: body.into(), mentions: vec![BOB] };
    let edited = messages.change(ROOM, 1, ANN, at(5), edit("two")).await.unwrap();
    assert_eq!((edited.body.as_str(), edited.edited, edited.changed), ("two", Some(at(5)), 2));
    assert_eq!((edited.number, edited.at, &edited.mentions), (1, at(1), &vec![BOB]));
    assert_eq!(messages.change(ROOM, 1, ANN, at(6), edit("two")).await.unwrap(), edited, "no difference");
    messages.change(ROOM, 1, ANN, at(7), edit("three")).await.unwrap();
    let history = messages.history(ROOM, 1).await.unwrap();
    let steps: Vec<_> =
        history.iter().map(|step| (step.change, step.at, step.by, step.what.clone())).collect();
    assert_eq!(
        steps,
        [(2, at(5), ANN, Revised::Edited("one".into())), (3, at(7), ANN, Revised::Edited("two".into()))]
    );
    assert_eq!(world.store.rooms.room(ROOM).await.unwrap().changes, 3);
    assert_refused!(messages.change(ROOM, 2, ANN, at(8), edit("x")), NotFound(_));
}

async fn a_text_is_edited_by_its_author_alone(world: World) {
    world.talking().await;
    world.said(1, ANN, "mine").await;
    world.store.rooms.change(ROOM, RoomChange::Lock, Some(note(2, ANN, Note::Locked))).await.unwrap();
    let edit = || Change::Edit { body: "theirs".into(), mentions: vec![] };
    let messages = &world.store.messages;
    assert_refused!(messages.change(ROOM, 1, BOB, at(5), edit()), Conflict(_));
    assert_refused!(messages.change(ROOM, 2, ANN, at(5), edit()), Conflict(_));
    assert_refused!(messages.change(ROOM, 2, ANN, at(5), Change::Decide), Conflict(_));
    assert_eq!(messages.message(ROOM, 1).await.unwrap().body, "mine");
}

async fn a_message_has_so_many_revisions_at_most(world: World) {
    world.talking().await;
    world.said(1, ANN, "0").await;
    let messages = &world.store.messages;
    let edit = |number: usize| Change::Edit { body: number.to_string(), mentions: vec![] };
    for number in 1..=limits::REVISIONS_MAX {
        messages.change(ROOM, 1, ANN, at(5), edit(number)).await.unwrap();
    }
    let one_more = messages.change(ROOM, 1, ANN, at(5), edit(limits::REVISIONS_MAX + 1));
    assert_refused!(one_more, Limit { max: limits::REVISIONS_MAX, .. });
    assert_eq!(messages.history(ROOM, 1).await.unwrap().len(), limits::REVISIONS_MAX);
    messages.change(ROOM, 1, ANN, at(6), Change::Remove).await.unwrap();
}

async fn a_decision_is_kept_with_who_and_when_and_taken_back(world: World) {
    world.talking().await;
    for number in 1..=3 {
        world.said(number, ANN, "m").await;
    }
    let messages = &world.store.messages;
    for number in [1, 3] {
        let decided = messages.change(ROOM, number, BOB, at(5), Change::Decide).await.unwrap();
        let decision = decided.decided.expect("it is decided");
        assert_eq!((decision.by, decision.at), (BOB, at(5)));
    }
    let numbers = |page: Vec<model::chat::Message>| page.iter().map(|m| m.number).collect::<Vec<_>>();
    assert_eq!(numbers(messages.decisions(ROOM, None, 9).await.unwrap()), [3, 1]);
    assert_eq!(numbers(messages.decisions(ROOM, Some(3), 9).await.unwrap()), [1]);
    messages.change(ROOM, 3, ANN, at(6), Change::Decide).await.unwrap();
    messages.change(ROOM, 3, ANN, at(7), Change::Undecide).await.unwrap();
    messages.change(ROOM, 3, ANN, at(8), Change::Undecide).await.unwrap();
    assert_eq!(numbers(messages.decisions(ROOM, None, 9).await.unwrap()), [1]);
    let history = messages.history(ROOM, 3).await.unwrap();
    let steps: Vec<_> = history.into_iter().map(|step| (step.by, step.at, step.what)).collect();
    assert_eq!(steps, [(BOB, at(5), Revised::Decided), (ANN, at(7), Revised::Undecided)]);
}

async fn reactions_are_each_persons_once(world: World) {
    world.talking().await;
    world.said(1, ANN, "m").await;
    let messages = &world.store.messages;
    let react = |emoji: &str| Change::React { emoji: emoji.into() };
    messages.change(ROOM, 1, BOB, at(2), react("👍")).await.unwrap();
    messages.change(ROOM, 1, BOB, at(2), react("👍")).await.unwrap();
    messages.change(ROOM, 1, ANN, at(2), react("👍")).await.unwrap();
    let reacted = messages.change(ROOM, 1, ANN, at(2), react("🎉")).await.unwrap();
    let of = |emoji: &str, who: &[Who]| Reaction { emoji: emoji.into(), who: who.to_vec() };
    assert_eq!(reacted.reactions, [of("👍", &[BOB, ANN]), of("🎉", &[ANN])]);
    assert_eq!(reacted.changed, 4, "a reaction that is there makes no difference");
    // A keyboard says whether it means the picture, or does not.
    messages.change(ROOM, 1, BOB, at(2), react("❤\u{FE0F}")).await.unwrap();
    let both = messages.change(ROOM, 1, ANN, at(2), react("❤")).await.unwrap();
    assert_eq!(both.reactions[2], of("❤\u{FE0F}", &[BOB, ANN]));
    let one = messages.change(ROOM, 1, BOB, at(2), Change::Unreact { emoji: "❤".into() }).await.unwrap();
    assert_eq!(one.reactions[2], of("❤\u{FE0F}", &[ANN]));
    messages.change(ROOM, 1, ANN, at(2), Change::Unreact { emoji: "❤".into() }).await.unwrap();
    messages.change(ROOM, 1, ANN, at(3), Change::Unreact { emoji: "🎉".into() }).await.unwrap();
    let left = messages.change(ROOM, 1, EVE, at(3), Change::Unreact { emoji: "👍".into() }).await.unwrap();
    assert_eq!((left.reactions, left.revisions), (vec![of("👍", &[BOB, ANN])], 0));
}

async fn reactions_are_bounded(world: World) {
    world.talking().await;
    world.said(1, ANN, "m").await;
    world.said(2, ANN, "m").await;
    let messages = &world.store.messages;
    let react =
        |number, who, emoji: String| messages.change(ROOM, number, who, at(3), Change::React { emoji });
    for number in 0..limits::EMOJI_A_MESSAGE_MAX {
        react(1, ANN, number.to_string()).await.unwrap();
    }
    assert_refused!(react(1, ANN, "one more".into()), Limit { max: limits::EMOJI_A_MESSAGE_MAX, .. });
    react(1, BOB, "0".into()).await.unwrap();
    for number in 0..limits::REACTIONS_A_MESSAGE_MAX as u64 {
        react(2, Who::Account(AccountId::of(number)), "👍".into()).await.unwrap();
    }
    let one_more = Who::Account(AccountId::of(9_999));
    assert_refused!(react(2, one_more, "👍".into()), Limit { max: limits::REACTIONS_A_MESSAGE_MAX, .. });
    react(1, ANN, "x".repeat(limits::EMOJI_BYTES_MAX)).await.unwrap_err();
    messages.change(ROOM, 1, ANN, at(4), Change::Unreact { emoji: "1".into() }).await.unwrap();
    react(1, ANN, "x".repeat(limits::EMOJI_BYTES_MAX)).await.unwrap();
    assert_refused!(
        react(1, ANN, "x".repeat(limits::EMOJI_BYTES_MAX + 1)),
        Limit { max: limits::EMOJI_BYTES_MAX, .. }
    );
}

async fn a_removed_message_keeps_its_place_and_nothing_else(world: World) {
    world.talking().await;
    for number in 1..=3 {
        world.said(number, ANN, "secret").await;
    }
    let messages = &world.store.messages;
    messages
        .change(ROOM, 2, ANN, at(4), Change::Edit { body: "more secret".into(), mentions: vec![EVE] })
        .await
        .unwrap();
    messages.change(ROOM, 2, BOB, at(4), Change::React { emoji: "👍".into() }).await.unwrap();
    messages.change(ROOM, 2, BOB, at(4), Change::Decide).await.unwrap();
    messages.star(BOB, ROOM, 2, true).await.unwrap();
    let removed = messages.change(ROOM, 2, BOB, at(5), Change::Remove).await.unwrap();
    let removal = removed.removed.expect("it is removed");
    assert_eq!((removal.by, removal.at, removed.number), (BOB, at(5), 2));
    assert_eq!((removed.body.as_str(), removed.mentions.len(), removed.reactions.len()), ("", 0, 0));
    assert_eq!((removed.decided, removed.edited, removed.revisions), (None, None, 0));
    assert_eq!(messages.history(ROOM, 2).await.unwrap(), []);
    assert_eq!(messages.stars(BOB, vec![ROOM]).await.unwrap(), []);
    assert_eq!(messages.decisions(ROOM, None, 9).await.unwrap(), []);
    assert_eq!(messages.change(ROOM, 2, ANN, at(6), Change::Remove).await.unwrap(), removed);
    for change in [Change::Decide, Change::Undecide, Change::React { emoji: "👍".into() }] {
        assert_refused!(messages.change(ROOM, 2, ANN, at(6), change), NotFound(_));
    }
    assert_refused!(messages.star(ANN, ROOM, 2, true), NotFound(_));
    let numbers: Vec<u64> = world.whole().await.iter().map(|message| message.number).collect();
    assert_eq!(numbers, [1, 2, 3]);
}

async fn what_is_posted_in_a_locked_room_goes_with_the_lock(world: World) {
    world.talking().await;
    world.said(1, ANN, "before").await;
    let rooms = &world.store.rooms;
    rooms.change(ROOM, RoomChange::Lock, Some(note(2, ANN, Note::Locked))).await.unwrap();
    let between = world.said(3, BOB, "between us").await;
    assert!(between.unrecorded);
    assert_eq!(world.store.messages.page(ROOM, Place::End, 1).await.unwrap(), std::slice::from_ref(&between));
    let unlocked = rooms.change(ROOM, RoomChange::Unlock, Some(note(4, ANN, Note::Unlocked))).await.unwrap();
    let gone = world.store.messages.message(ROOM, 3).await.unwrap();
    assert_eq!((gone.body.as_str(), gone.removed.map(|removal| removal.by)), ("", Some(ANN)));
    assert!(gone.changed > between.changed && unlocked.changes > gone.changed, "and is told to be");
    let bodies: Vec<(String, bool)> =
        world.whole().await.into_iter().map(|message| (message.body, message.unrecorded)).collect();
    let expected = [("before", false), ("", false), ("", true), ("", false)];
    assert_eq!(bodies, expected.map(|(body, unrecorded)| (body.to_owned(), unrecorded)));
    assert!(!world.said(5, BOB, "after").await.unrecorded);
}

async fn what_was_recorded_stays_as_it_is_while_the_room_is_locked(world: World) {
    world.talking().await;
    world.said(1, ANN, "before").await;
    let teller = Who::Bot(TELLER);
    world.store.rooms.enter(member(ROOM, teller, RoomRole::Member), vec![], None).await.unwrap();
    world.store.rooms.change(ROOM, RoomChange::Lock, None).await.unwrap();
    world.said(2, ANN, "between us").await;
    let messages = &world.store.messages;
    let change = |number, change| messages.change(ROOM, number, ANN, at(9), change);
    let edit = || Change::Edit { body: "after all".into(), mentions: vec![] };
    for refused in
        [edit(), Change::Decide, Change::Undecide, Change::Close { note: "done".into() }, Change::Reopen]
    {
        assert_refused!(change(1, refused), Conflict("the room is locked"));
    }
    assert_eq!(change(2, edit()).await.unwrap().body, "after all");
    let closed =
        messages.change(ROOM, 1, teller, at(9), Change::Close { note: "Fixed".into() }).await.unwrap();
    assert_eq!(closed.closed.map(|closed| closed.note).as_deref(), Some("Fixed"), "a repository goes on");
    assert!(!world.said(3, teller, "pushed").await.unrecorded, "nobody tells it again");
    assert_eq!(change(1, Change::React { emoji: "🎉".into() }).await.unwrap().reactions.len(), 1);
    assert!(change(1, Change::Remove).await.unwrap().removed.is_some(), "what should not be there may go");
    world.store.rooms.change(ROOM, RoomChange::Unlock, None).await.unwrap();
    world.said(4, ANN, "open").await;
    assert_eq!(change(4, edit()).await.unwrap().body, "after all");
    assert_eq!(messages.message(ROOM, 3).await.unwrap().body, "pushed");
}

async fn a_locked_room_holds_so_many_at_most(world: World) {
    world.talking().await;
    let rooms = &world.store.rooms;
    rooms.change(ROOM, RoomChange::Lock, None).await.unwrap();
    let max = limits::UNRECORDED_MAX;
    for number in 1..=max as u128 {
        world.said(number, ANN, "m").await;
    }
    let one_more = || world.store.messages.post(text(max as u128 + 1, ANN, "m"));
    assert_refused!(one_more(), Limit { max: limits::UNRECORDED_MAX, .. });
    rooms.change(ROOM, RoomChange::Unlock, None).await.unwrap();
    assert_eq!(one_more().await.unwrap().message.number, max as u64 + 1);
}

async fn a_star_is_ones_own(world: World) {
    world.talking().await;
    for number in 1..=3 {
        world.said(number, ANN, "m").await;
    }
    let messages = &world.store.messages;
    for number in [3, 1, 3] {
        messages.star(BOB, ROOM, number, true).await.unwrap();
    }
    messages.star(ANN, ROOM, 2, true).await.unwrap();
    messages.star(BOB, ROOM, 2, false).await.unwrap();
    assert_eq!(messages.stars(BOB, vec![ROOM]).await.unwrap(), [(ROOM, 1), (ROOM, 3)]);
    assert_eq!(
        messages.stars(BOB, vec![RoomId::of(2)]).await.unwrap(),
        [],
        "only in rooms that are asked for"
    );
    messages.star(BOB, ROOM, 1, false).await.unwrap();
    assert_eq!(messages.stars(BOB, vec![ROOM]).await.unwrap(), [(ROOM, 3)]);
    assert_eq!(messages.stars(ANN, vec![ROOM]).await.unwrap(), [(ROOM, 2)]);
    assert_refused!(messages.star(BOB, ROOM, 9, true), NotFound(_));
    let before = messages.message(ROOM, 3).await.unwrap();
    assert_eq!(before.changed, 3, "nobody else is told of a star");
    assert_eq!(before.at, Millis(at(3).0));
}

async fn one_person_has_so_many_stars_at_most(world: World) {
    world.talking().await;
    let messages = &world.store.messages;
    let max = limits::STARS_MAX as u64;
    for number in 1..=max + 1 {
        world.said(u128::from(number), ANN, "m").await;
        if number <= max {
            messages.star(BOB, ROOM, number, true).await.unwrap();
        }
    }
    assert_refused!(messages.star(BOB, ROOM, max + 1, true), Limit { max: limits::STARS_MAX, .. });
    messages.star(BOB, ROOM, 1, true).await.unwrap();
    messages.star(BOB, ROOM, 1, false).await.unwrap();
    messages.star(BOB, ROOM, max + 1, true).await.unwrap();
}

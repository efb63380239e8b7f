//! Promises of `Messages` about conversations that are fixed, closed and reopened.

use model::MessageId;
use model::chat::{Change, Closed, Fix, Message, MessageKind, NamedCommit, NewMessage, Revised, Who};
use model::limits;

use super::chat::{ANN, BOB, ROOM, text};
use super::fixtures::{LATER, NOW};
use super::{World, assert_refused, on_every_backend};
use crate::Result;
use crate::StoreError::{Conflict, Limit, NotFound};

on_every_backend! {
    a_conversation_is_closed_with_a_note_and_reopened,
    a_closing_note_has_so_many_bytes,
    a_fix_is_the_last_commit_that_says_so,
    only_what_begins_a_conversation_is_closed,
    what_is_removed_is_not_closed,
}

async fn conversation(world: &World) -> u64 {
    world.talking().await;
    world.store.messages.post(text(1, ANN, "The till is slow")).await.unwrap().message.number
}

async fn change(world: &World, number: u64, by: Who, change: Change) -> Result<Message> {
    world.store.messages.change(ROOM, number, by, LATER, change).await
}

fn close(note: &str) -> Change {
    Change::Close { note: note.into() }
}

fn fix(id: &str) -> Fix {
    let commit = NamedCommit { id: id.into(), subject: "Faster".into(), author: "Ann".into(), link: None };
    Fix { repository: "acme/shop".into(), commit, release: None, answer: String::new() }
}

async fn a_conversation_is_closed_with_a_note_and_reopened(world: World) {
    let number = conversation(&world).await;
    let before = world.store.messages.message(ROOM, number).await.unwrap();
    let closed = change(&world, number, BOB, close("Done.")).await.unwrap();
    assert_eq!(closed.closed, Some(Closed { by: BOB, at: LATER, note: "Done.".into() }));
    assert!(closed.changed > before.changed);
    let again = change(&world, number, ANN, close("Done.")).await.unwrap();
    assert_eq!(again, closed, "said again, it makes no difference");
    let better = change(&world, number, ANN, close("Out tonight.")).await.unwrap();
    assert_eq!(better.closed, Some(Closed { by: BOB, at: LATER, note: "Out tonight.".into() }));
    let world = world.reopened().await;
    assert_eq!(world.store.messages.message(ROOM, number).await.unwrap(), better);
    let open = change(&world, number, ANN, Change::Reopen).await.unwrap();
    assert_eq!((open.closed, open.revisions), (None, 3));
    assert_eq!(change(&world, number, ANN, Change::Reopen).await.unwrap().revisions, 3);
    let history = world.store.messages.history(ROOM, number).await.unwrap();
    let steps: Vec<(Who, Revised)> = history.into_iter().map(|step| (step.by, step.what)).collect();
    let said = |note: &str| Revised::Closed(note.into());
    assert_eq!(steps, [(BOB, said("Done.")), (ANN, said("Out tonight.")), (ANN, Revised::Reopened)]);
}

async fn a_closing_note_has_so_many_bytes(world: World) {
    let number = conversation(&world).await;
    let most = "x".repeat(limits::CLOSING_NOTE_BYTES_MAX);
    let more = change(&world, number, BOB, close(&format!("{most}x"))).await;
    assert!(matches!(more, Err(Limit { max: limits::CLOSING_NOTE_BYTES_MAX, .. })));
    change(&world, number, BOB, close(&most)).await.unwrap();
}

async fn a_fix_is_the_last_commit_that_says_so(world: World) {
    let number = conversation(&world).await;
    let release = |commit: &str| Change::Release { commit: commit.into(), tag: "v1".into() };
    assert_eq!(change(&world, number, BOB, release("a")).await.unwrap().fix, None);
    let fixed = change(&world, number, BOB, Change::Fix(fix("a"))).await.unwrap();
    assert_eq!((fixed.fix, fixed.closed), (Some(fix("a")), None));
    assert_eq!(change(&world, number, BOB, release("b")).await.unwrap().fix, Some(fix("a")));
    let released = change(&world, number, BOB, release("a")).await.unwrap();
    let in_release = Fix { release: Some("v1".into()), ..fix("a") };
    assert_eq!(released.fix, Some(in_release.clone()));
    let again = change(&world, number, BOB, Change::Fix(fix("a"))).await.unwrap();
    assert_eq!((again.fix, again.changed), (Some(in_release), released.changed));
    assert_eq!(change(&world, number, BOB, Change::Fix(fix("b"))).await.unwrap().fix, Some(fix("b")));
    let open = change(&world, number, ANN, Change::Reopen).await.unwrap();
    assert_eq!((open.fix, open.revisions), (None, 0), "what did not fix it is no fix");
}

async fn only_what_begins_a_conversation_is_closed(world: World) {
    let number = conversation(&world).await;
    let answer = NewMessage { thread: Some(number), ..text(2, BOB, "Where?") };
    let answer = world.store.messages.post(answer).await.unwrap().message.number;
    assert_refused!(change(&world, answer, BOB, close("")), Conflict(_));
    assert_refused!(change(&world, answer, BOB, Change::Fix(fix("a"))), Conflict(_));
    let sound = NewMessage { id: MessageId(3), kind: MessageKind::Sound, at: NOW, ..text(3, ANN, "bell") };
    let sound = world.store.messages.post(sound).await.unwrap().message.number;
    assert_refused!(change(&world, sound, BOB, close("")), Conflict(_));
    assert_refused!(change(&world, 99, BOB, close("")), NotFound("message"));
}

async fn what_is_removed_is_not_closed(world: World) {
    let number = conversation(&world).await;
    change(&world, number, BOB, Change::Fix(fix("a"))).await.unwrap();
    change(&world, number, BOB, close("Done.")).await.unwrap();
    let removed = change(&world, number, ANN, Change::Remove).await.unwrap();
    assert_eq!((removed.fix, removed.closed), (None, None));
    assert_refused!(change(&world, number, BOB, close("")), NotFound("message"));
    assert_refused!(change(&world, number, BOB, Change::Reopen), NotFound("message"));
}

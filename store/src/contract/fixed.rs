//! Promises of `Conversations` about commits that fix what a customer asked, and about who tells of them.

use model::chat::{Fix, NamedCommit, Side, TELLER, Who};
use model::limits;

use super::chat::{ANN, text};
use super::fixtures::LATER;
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::{Limit, NotFound};
use crate::chat::ConversationChange;

on_every_backend! {
    a_conversation_knows_the_last_commit_that_fixes_it_and_its_release,
    who_tells_of_commits_speaks_in_conversations_alone,
}

fn fix(id: &str) -> Fix {
    let commit = NamedCommit { id: id.into(), subject: "Faster".into(), author: "Ann".into(), link: None };
    Fix { repository: "acme/shop".into(), commit, release: None, answer: "Reload the page.".into() }
}

async fn a_conversation_knows_the_last_commit_that_fixes_it_and_its_release(world: World) {
    let room = world.opened(1).await.room;
    let release = |id: &str, tag: &str| ConversationChange::Release { commit: id.into(), tag: tag.into() };
    assert_eq!(world.became(room, release("a1", "v0")).await.fix, None, "nothing fixes it yet");
    let fixed = world.became(room, ConversationChange::Fix(fix("a1"))).await;
    assert_eq!(fixed.fix, Some(fix("a1")));
    let released = world.became(room, release("a1", "v1")).await;
    let expected = Fix { release: Some("v1".into()), ..fix("a1") };
    assert_eq!((released.fix.clone(), released.version), (Some(expected), fixed.version + 1));
    for again in [ConversationChange::Fix(fix("a1")), release("a1", "v1"), release("other", "v9")] {
        assert_eq!(world.became(room, again.clone()).await, released, "{again:?}");
    }
    assert_eq!(world.became(room, ConversationChange::Fix(fix("b2"))).await.fix, Some(fix("b2")));
    let world = world.reopened().await;
    assert_eq!(world.conversation(room).await.fix, Some(fix("b2")));
    assert_eq!(world.became(room, ConversationChange::Reopen).await.fix, Some(fix("b2")), "it is open");
    world.became(room, ConversationChange::Close(ANN)).await;
    assert_eq!(world.became(room, ConversationChange::Reopen).await.fix, None, "it did not fix it");
    let of = |bytes: usize| ConversationChange::Fix(Fix { answer: "a".repeat(bytes), ..fix("c3") });
    let max = limits::CLOSING_NOTE_BYTES_MAX;
    let longer = world.store.conversations.change_conversation(room, of(max + 1), LATER);
    assert_refused!(longer, Limit { .. });
    assert!(world.became(room, of(max)).await.fix.is_some());
}

async fn who_tells_of_commits_speaks_in_conversations_alone(world: World) {
    let one = world.opened(1).await;
    let teller = Who::Bot(TELLER);
    for room in [one.room, one.notes] {
        world.posted(room, 20, teller, "it is fixed").await;
    }
    let told = world.conversation(one.room).await;
    assert_eq!((told.preview.as_str(), told.last_by, told.waiting_since), ("it is fixed", Side::Agent, None));
    assert_eq!(told.assignee, None, "and looks after none");
    world.talking().await;
    assert_refused!(
        world.store.messages.post(text(21, teller, "nor in any other")),
        NotFound("member of the room")
    );
}

//! Who listens hears every change once and in order, by its number, or reads what is missing.

use std::time::Duration;

use chat::announce::{Announced, Doing, people_topic, person_topic, room_topic};
use live::RIGHTS_TOPIC;
use model::RoomId;
use model::chat::Change;
use serde_json::Value;
use store::chat::RoomChange;

use crate::world::{World, admin, ann, text, who};

/// What is announced next: behind which change, up to which, and what they touched.
async fn heard(subscription: &mut live::Subscription) -> (u64, u64, Value) {
    let bytes = tokio::time::timeout(Duration::from_secs(10), subscription.0.recv()).await.unwrap().unwrap();
    let Announced::Changed { after, change, data, .. } = serde_json::from_slice(&bytes).unwrap();
    assert!(after < change);
    (after, change, serde_json::from_str(data.get()).unwrap())
}

async fn listening(world: &World, room: RoomId) -> live::Subscription {
    world.live.subscribe(&room_topic(room)).await.unwrap()
}

#[tokio::test]
async fn every_change_is_announced_by_its_number() {
    let world = World::new().await;
    let room = world.with_ann().await;
    let mut told = listening(&world, room).await;
    let before = world.store.rooms.room(room).await.unwrap().changes;
    let post = text("<b>tea</b>");
    let said = world.chat.post(&ann(), room, post.clone()).await.unwrap();
    let message = heard(&mut told).await;
    assert!(said.fresh && !world.chat.post(&ann(), room, post).await.unwrap().fresh);
    let number = said.message.number;
    world.chat.change(&ann(), room, number, Change::React { emoji: "👍".into() }).await.unwrap();
    world.chat.change(&ann(), room, number, Change::React { emoji: "👍".into() }).await.unwrap();
    world.chat.change_room(&admin(), room, RoomChange::Topic("green".into())).await.unwrap();
    let answer = chat::Post { thread: Some(number), ..text("yes") };
    world.chat.post(&admin(), room, answer).await.unwrap();
    let (reaction, topic, answer) = (heard(&mut told).await, heard(&mut told).await, heard(&mut told).await);
    let changes = [message.1, reaction.1, topic.1, answer.1];
    assert_eq!(changes, [before + 1, before + 2, before + 4, before + 6], "what came of nothing is not told");
    let message = &message.2["messages"][0];
    assert_eq!(message["html"], "<p>&lt;b&gt;tea&lt;/b&gt;</p>");
    assert_eq!((&message["name"], &message["author"]), (&"Person 3".into(), &who(3).to_string().into()));
    assert_eq!(topic.2["room"]["topic"], "green");
    let touched = answer.2["messages"].as_array().unwrap();
    assert_eq!(touched.len(), 2, "the answer, and what it answers");
    assert_eq!(touched[0]["replies"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_the_same_moment_are_announced_together_and_each_once() {
    const SAID: usize = 500;
    let world = World::new().await;
    let room = world.with_ann().await;
    let mut told = listening(&world, room).await;
    let before = world.store.rooms.room(room).await.unwrap();
    let by = admin();
    let posts = (0..SAID).map(|_| world.says(&by, room, "tea"));
    futures_util::future::join_all(posts).await;
    let (mut announcements, mut numbers) = (0, Vec::new());
    while numbers.len() < SAID {
        let (after, change, data) = heard(&mut told).await;
        let some = data["messages"].as_array().unwrap();
        assert!(
            some.iter().map(|one| one["changed"].as_u64().unwrap()).eq(after + 1..=change),
            "without a gap"
        );
        numbers.extend(some.iter().map(|one| one["number"].as_u64().unwrap()));
        announcements += 1;
    }
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(before.last + 1..=before.last + SAID as u64));
    assert!(announcements < SAID / 2, "{announcements}");
}

#[tokio::test]
async fn who_was_away_reads_what_it_missed() {
    let world = World::new().await;
    let room = world.with_ann().await;
    for number in 0..450 {
        world.says(&ann(), room, &format!("message {number}")).await;
    }
    let (mut known, mut read) = (0, 0);
    loop {
        let page = world.chat.catch_up(&ann(), room, known, 1_000).await.unwrap();
        let Some(last) = page.messages.last() else {
            assert_eq!(page.room.changes, known);
            break;
        };
        known = last.changed;
        read += page.messages.len();
    }
    assert_eq!(read, 451, "and the note of entering");
}

#[tokio::test]
async fn what_is_ones_own_is_told_to_ones_own_devices() {
    let world = World::new().await;
    let room = world.with_ann().await;
    let mut of_room = listening(&world, room).await;
    let number = world.says(&admin(), room, "tea").await.number;
    heard(&mut of_room).await;
    let mut of_ann = world.live.subscribe(&person_topic(who(3))).await.unwrap();
    let mut of_admin = world.live.subscribe(&person_topic(who(2))).await.unwrap();
    assert_eq!(world.chat.read_to(&ann(), room, number + 5).await.unwrap(), number);
    world.chat.star(&ann(), room, number, true).await.unwrap();
    let read: Value = serde_json::from_slice(&of_ann.0.try_recv().unwrap()).unwrap();
    assert_eq!(read, serde_json::json!({ "read": { "room": room, "number": number } }));
    let star: Value = serde_json::from_slice(&of_ann.0.try_recv().unwrap()).unwrap();
    assert_eq!(star["star"]["starred"], true);
    assert!(of_admin.0.try_recv().is_err() && of_room.0.try_recv().is_err(), "nobody else is");
    assert_eq!(world.chat.stars(&ann()).await.unwrap(), [(room, number)]);
}

#[tokio::test]
async fn typing_is_told_to_who_sees_the_people() {
    let world = World::new().await;
    let room = world.with_ann().await;
    let mut of_room = listening(&world, room).await;
    let mut of_people = world.live.subscribe(&people_topic(room)).await.unwrap();
    world.chat.is_doing(&ann(), room, |who| Doing::Typing { who, text: None }).await.unwrap();
    let doing: Doing = serde_json::from_slice(&of_people.0.try_recv().unwrap()).unwrap();
    assert_eq!(doing, Doing::Typing { who: who(3), text: None });
    assert!(of_room.0.try_recv().is_err());
}

#[tokio::test]
async fn whoever_holds_rights_is_told_that_they_may_be_others() {
    let world = World::new().await;
    let room = world.with_ann().await;
    let mut rights = world.live.subscribe(RIGHTS_TOPIC).await.unwrap();
    let mut told = async |what: &str| {
        assert!(rights.0.try_recv().is_ok(), "{what}");
        while rights.0.try_recv().is_ok() {}
    };
    let chat = &world.chat;
    chat.kick(&admin(), room, who(3)).await.unwrap();
    told("kick").await;
    chat.change_room(&admin(), room, RoomChange::Lock).await.unwrap();
    told("lock").await;
    chat.change_room(&admin(), room, RoomChange::Unlock).await.unwrap();
    told("unlock").await;
    chat.bring(&admin(), room, who(3)).await.unwrap();
    chat.ban(&admin(), room, who(3), std::time::Duration::from_secs(9)).await.unwrap();
    told("ban").await;
    chat.demolish(&admin(), room).await.unwrap();
    told("demolish").await;
}

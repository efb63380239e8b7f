//! What is said, changed, found.

use chat::{Post, Query, Refused};
use model::chat::{Change, MessageKind, Note, RoomKind};
use model::{Millis, limits};
use store::chat::{Place, RoomChange};

use crate::world::{NOW, World, admin, ann, assert_refused, bob, text, who};

#[tokio::test]
async fn only_people_of_the_room_are_mentioned() {
    let world = World::new().await;
    let room = world.with_ann().await;
    let said = world.says(&admin(), room, &format!("@{} and @{}", who(3), who(4))).await;
    assert_eq!(said.mentions, [who(3)]);
    world.chat.enter(&bob(), room).await.unwrap();
    let edit = Change::Edit { body: format!("@{}", who(4)), mentions: vec![who(2)] };
    let edited = world.chat.change(&admin(), room, said.number, edit).await.unwrap();
    assert_eq!(edited.mentions, [who(4)], "as the text says, not the sender");
}

#[tokio::test]
async fn nothing_empty_is_said_and_notes_are_the_rooms() {
    let world = World::new().await;
    let room = world.with_ann().await;
    let of = |kind, body: &str| Post { kind, ..text(body) };
    let chat = &world.chat;
    assert_refused!(chat.post(&ann(), room, of(MessageKind::Text, " \n")), Refused::Invalid(_));
    assert_refused!(chat.post(&ann(), room, of(MessageKind::Sound, "scream")), Refused::Invalid(_));
    assert_refused!(chat.post(&ann(), room, of(MessageKind::Note(Note::Left), "")), Refused::Forbidden);
    chat.post(&ann(), room, of(MessageKind::Sound, "tada")).await.unwrap();
    let max = limits::MESSAGE_BYTES_MAX;
    world.says(&ann(), room, &"m".repeat(max)).await;
    assert_refused!(chat.post(&ann(), room, text(&"m".repeat(max + 1))), Refused::Limit { .. });
}

#[tokio::test]
async fn who_may_change_what() {
    let world = World::new().await;
    let room = world.with_ann().await;
    world.chat.enter(&bob(), room).await.unwrap();
    let said = world.says(&ann(), room, "tea").await.number;
    let edit = || Change::Edit { body: "coffee".into(), mentions: vec![] };
    let chat = &world.chat;
    for by in [admin(), bob()] {
        assert_refused!(chat.change(&by, room, said, edit()), Refused::Forbidden);
    }
    assert_refused!(chat.change(&bob(), room, said, Change::Remove), Refused::Forbidden);
    assert_refused!(
        chat.change(&ann(), room, said, Change::React { emoji: "<b>".into() }),
        Refused::Invalid(_)
    );
    chat.change(&ann(), room, said, edit()).await.unwrap();
    chat.change(&bob(), room, said, Change::React { emoji: "👍".into() }).await.unwrap();
    chat.change(&bob(), room, said, Change::Decide).await.unwrap();
    assert_eq!(chat.decisions(&ann(), room, None).await.unwrap().len(), 1);
    assert_eq!(chat.history(&bob(), room, said).await.unwrap().len(), 2);
    chat.change(&admin(), room, said, Change::Remove).await.unwrap();
    let note = chat.page(&ann(), room, Place::After(0), 1).await.unwrap().messages[0].number;
    assert_refused!(chat.change(&ann(), room, note, Change::Remove), Refused::Forbidden);
}

#[tokio::test]
async fn what_happens_to_a_room_is_noted_in_it() {
    let world = World::new().await;
    let room = world.with_ann().await;
    let chat = &world.chat;
    for change in [
        RoomChange::Topic("green".into()),
        RoomChange::Topic("green".into()),
        RoomChange::Name("Coffee".into()),
        RoomChange::Lock,
        RoomChange::Lock,
        RoomChange::Unlock,
        RoomChange::MembersMax(9),
    ] {
        chat.change_room(&admin(), room, change).await.unwrap();
    }
    assert_refused!(
        chat.change_room(&admin(), room, RoomChange::Zone("Mars/Base".into())),
        Refused::Invalid(_)
    );
    chat.kick(&admin(), room, who(3)).await.unwrap();
    chat.leave(&admin(), room).await.unwrap();
    let told = chat.page(&bob(), room, Place::After(0), 99).await.unwrap().messages;
    let told: Vec<_> = told.into_iter().map(|message| (message.kind, message.body)).collect();
    let note = |note, body: &str| (MessageKind::Note(note), body.to_owned());
    let expected = [
        note(Note::Entered, ""),
        note(Note::Topic, "green"),
        note(Note::Name, "Coffee"),
        note(Note::Locked, ""),
        note(Note::Unlocked, ""),
        note(Note::Kicked, &who(3).to_string()),
        note(Note::Left, ""),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_day_begins_and_ends_where_the_room_is() {
    let world = World::new().await;
    let room = world.room(RoomKind::Open).await.id;
    let hour = std::time::Duration::from_secs(3_600);
    // From noon on, every four hours: 12, 16, 20, midnight, 4.
    for number in 0..5 {
        world.says(&admin(), room, &format!("message {number}")).await;
        world.clock.advance(4 * hour);
    }
    let by = admin();
    let day = |day| world.chat.day(&by, room, jiff::civil::Date::constant(2026, 11, day), 0);
    let bodies = |(page, _): (chat::Page, Option<u64>)| {
        page.messages.into_iter().map(|message| message.body).collect::<Vec<_>>()
    };
    assert_eq!(bodies(day(21).await.unwrap()), ["message 0", "message 1", "message 2"]);
    assert_eq!(bodies(day(22).await.unwrap()), ["message 3", "message 4"]);
    assert_eq!(bodies(day(20).await.unwrap()), [""; 0]);
    let rest = world.chat.day(&admin(), room, jiff::civil::Date::constant(2026, 11, 21), 2).await.unwrap();
    assert_eq!(bodies(rest), ["message 2"]);
    assert_eq!(
        world.chat.page(&admin(), room, Place::End, 1).await.unwrap().messages[0].at,
        Millis(NOW.0 + 16 * 3_600_000)
    );
}

#[tokio::test]
async fn a_search_without_rooms_is_of_those_one_is_in() {
    let world = World::new().await;
    let room = world.with_ann().await;
    let other = world.room(RoomKind::Open).await.id;
    world.says(&admin(), room, "green tea").await;
    world.says(&admin(), other, "black tea").await;
    let tea = Query { text: "tea".into(), limit: 9, ..Query::default() };
    assert_eq!(world.chat.search(&ann(), tea.clone()).await.unwrap().len(), 1);
    assert_eq!(world.chat.search(&admin(), tea.clone()).await.unwrap().len(), 2);
    let named = Query { rooms: vec![room, other], ..tea };
    assert_eq!(world.chat.search(&ann(), named).await.unwrap().len(), 2, "she may read the open one");
}

#[tokio::test]
async fn who_left_searches_no_closed_room() {
    let world = World::new().await;
    let room = world.room(RoomKind::Closed).await.id;
    world.chat.bring(&admin(), room, who(3)).await.unwrap();
    world.says(&admin(), room, "tea").await;
    let all = Query { text: "tea".into(), limit: 9, ..Query::default() };
    let named = Query { rooms: vec![room], ..all.clone() };
    for query in [all.clone(), named.clone()] {
        assert_eq!(world.chat.search(&ann(), query).await.unwrap().len(), 1);
    }
    world.chat.kick(&admin(), room, who(3)).await.unwrap();
    assert_eq!(world.chat.search(&ann(), all).await.unwrap(), []);
    assert_refused!(world.chat.search(&ann(), named), Refused::NotFound);
}

//! Promises of `Carrying`.

use bytes::Bytes;
use model::chat::{Conversation, Message, Room, RoomKind, RoomRole, Who};
use model::{GuestId, RoomId, UploadId, limits};

use super::chat::{ANN, BOB, ROOM, at, guest, member, room, text};
use super::conversations::opening;
use super::files::{content, file};
use super::fixtures::{LATER, NOW};
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::{Conflict, Limit, NotFound};
use crate::chat::{Place, Search};
use crate::moving::{FilePart, FileRow, GuestRow, Row};

on_every_backend! {
    a_room_that_comes_is_nobodys_until_it_is_whole,
    a_room_that_came_is_read_found_and_told_to_nobody,
    what_came_half_goes_and_the_room_comes_again,
    nothing_comes_in_the_place_of_a_room_that_is_there,
    a_direct_room_that_never_comes_bars_nobody_from_opening_theirs,
    every_room_guest_and_star_is_listed,
    a_conversation_comes_with_its_room_or_not_at_all,
}

fn coming(number: u64, author: Who, last: u64) -> (Room, Vec<Row>) {
    let room = Room { last, changes: last, last_at: at(last), ..room(number) };
    let message = |number: u64| {
        let new = text(u128::from(number), author, &format!("tea number {number}"));
        let mut message = crate::chat::change::posted(&new, number, number, at(number), false, Vec::new());
        message.room = room.id;
        Row::Message(Box::new(message))
    };
    let rows = (1..=last).map(message).collect();
    (room, rows)
}

fn part(number: u128, message: i64, start: u64, body: Bytes, bytes: u64) -> Row {
    let row = FileRow {
        room: ROOM,
        who: ANN.number(),
        upload: UploadId(number),
        since: NOW,
        message,
        file: file(number, bytes),
    };
    Row::File(FilePart { row, start, body })
}

async fn said(world: &World) -> Vec<Message> {
    world.store.messages.page(ROOM, Place::After(0), limits::MESSAGES_A_PAGE_MAX).await.unwrap()
}

async fn a_room_that_comes_is_nobodys_until_it_is_whole(world: World) {
    let (rooms, carrying) = (&world.store.rooms, &world.store.carrying);
    let (room, rows) = coming(1, ANN, 3);
    assert_refused!(carrying.take(ROOM, NOW, rows.clone()), NotFound(_));
    carrying.begin(room.clone(), None, NOW).await.unwrap();
    carrying.take(ROOM, NOW, rows[..2].to_vec()).await.unwrap();
    assert_refused!(rooms.room(ROOM), NotFound(_));
    assert!(rooms.rooms(None).await.unwrap().is_empty());
    assert!(carrying.every_room(None).await.unwrap().is_empty());
    assert_refused!(world.store.messages.post(text(9, ANN, "in between")), NotFound(_));
    assert_refused!(carrying.end(ROOM, NOW), Conflict(_));
    assert_refused!(rooms.room(ROOM), NotFound(_));
    carrying.take(ROOM, NOW, rows.clone()).await.unwrap();
    let body = content(5, 700);
    carrying.take(ROOM, NOW, vec![part(5, 1, 0, body.slice(..0), 700)]).await.unwrap();
    assert_refused!(carrying.end(ROOM, NOW), Conflict(_));
    carrying.take(ROOM, NOW, vec![part(5, 1, 0, body.clone(), 700)]).await.unwrap();
    carrying.end(ROOM, NOW).await.unwrap();
    assert_eq!(rooms.room(ROOM).await.unwrap(), room);
    assert_eq!(said(&world).await.len(), 3);
    assert_eq!(world.store.files.read_file(ROOM, file(5, 700).id, 0, 700).await.unwrap(), body);
    assert_refused!(carrying.end(ROOM, NOW), NotFound(_));
    assert_refused!(carrying.take(ROOM, NOW, rows), NotFound(_));
}

async fn a_room_that_came_is_read_found_and_told_to_nobody(world: World) {
    let (room, rows) = coming(1, ANN, 3);
    let carrying = &world.store.carrying;
    carrying.begin(room, None, NOW).await.unwrap();
    carrying.take(ROOM, NOW, rows).await.unwrap();
    carrying.take(ROOM, NOW, vec![Row::RoomMember(member(ROOM, BOB, RoomRole::Host))]).await.unwrap();
    carrying.end(ROOM, NOW).await.unwrap();
    let search = Search { rooms: vec![ROOM], text: "tea 2".into(), limit: 9, ..Search::default() };
    let found = world.store.messages.search(search).await.unwrap();
    assert_eq!(found.iter().map(|message| message.number).collect::<Vec<_>>(), [2]);
    assert_eq!(world.store.outbox.fanned(ROOM).await.unwrap(), Some(3), "all that came was looked at");
    let next = world.said(90, BOB, "go on").await;
    assert_eq!((next.number, next.changed), (4, 4));
}

async fn what_came_half_goes_and_the_room_comes_again(world: World) {
    let (room, rows) = coming(1, ANN, 3);
    let carrying = &world.store.carrying;
    carrying.begin(room.clone(), None, NOW).await.unwrap();
    carrying.take(ROOM, NOW, rows.clone()).await.unwrap();
    carrying.take(ROOM, NOW, vec![part(5, 1, 0, content(5, 700), 700)]).await.unwrap();
    let gone = Row::Guest(GuestRow { guest: guest(4), secret: None });
    carrying.take(ROOM, NOW, vec![gone]).await.unwrap();
    let world = world.reopened().await;
    let carrying = &world.store.carrying;
    assert_refused!(world.store.rooms.room(ROOM), NotFound(_));
    carrying.begin(room, None, NOW).await.unwrap();
    carrying.take(ROOM, NOW, rows[1..].to_vec()).await.unwrap();
    carrying.begin(room_of(1), None, LATER).await.unwrap();
    carrying.take(ROOM, LATER, rows[..1].to_vec()).await.unwrap();
    carrying.end(ROOM, LATER).await.unwrap();
    assert_eq!(said(&world).await.len(), 1, "nothing is left of what came before");
    assert!(carrying.every_guest(ROOM, None).await.unwrap().is_empty());
    assert_refused!(world.store.files.file(ROOM, file(5, 700).id), NotFound(_));
    carrying.begin(Room { id: RoomId::of(2), ..room_of(1) }, None, LATER).await.unwrap();
    carrying.give_up(RoomId::of(2)).await.unwrap();
    carrying.give_up(ROOM).await.unwrap();
    assert_eq!(carrying.every_room(None).await.unwrap().len(), 1, "what is there is not given up");
}

fn room_of(last: u64) -> Room {
    Room { last, changes: last, last_at: at(last), ..room(1) }
}

async fn nothing_comes_in_the_place_of_a_room_that_is_there(world: World) {
    world.talking().await;
    let carrying = &world.store.carrying;
    assert_refused!(carrying.begin(room(1), None, NOW), Conflict(_));
    assert_eq!(world.store.rooms.members(ROOM).await.unwrap().len(), 2);
    let direct = Room { kind: RoomKind::Direct, name: String::new(), ..room(2) };
    let members = vec![member(direct.id, ANN, RoomRole::Member), member(direct.id, BOB, RoomRole::Member)];
    let key = crate::chat::rooms::direct_key(&direct, &members);
    world.store.rooms.open(direct.clone(), members).await.unwrap();
    assert_refused!(carrying.begin(Room { id: RoomId::of(3), ..direct }, key, NOW), Conflict(_));
}

async fn a_direct_room_that_never_comes_bars_nobody_from_opening_theirs(world: World) {
    world.talking().await;
    let carrying = &world.store.carrying;
    let direct = Room { kind: RoomKind::Direct, name: String::new(), ..room(2) };
    let members = vec![member(direct.id, ANN, RoomRole::Member), member(direct.id, BOB, RoomRole::Member)];
    let key = crate::chat::rooms::direct_key(&direct, &members);
    let coming = Room { id: RoomId::of(3), ..direct.clone() };
    carrying.begin(coming.clone(), key.clone(), NOW).await.unwrap();
    let world = world.reopened().await;
    let (rooms, carrying) = (&world.store.rooms, &world.store.carrying);
    rooms.open(direct.clone(), members).await.unwrap();
    assert_refused!(carrying.begin(coming.clone(), key.clone(), LATER), Conflict(_));
    rooms.demolish(direct.id).await.unwrap();
    carrying.begin(coming.clone(), key, LATER).await.unwrap();
    carrying.end(coming.id, LATER).await.unwrap();
    assert_eq!(rooms.room(coming.id).await.unwrap(), coming);
    let members = vec![member(direct.id, ANN, RoomRole::Member), member(direct.id, BOB, RoomRole::Member)];
    assert_eq!(rooms.open(direct, members).await.unwrap().id, coming.id, "the one that came is theirs");
}

async fn every_room_guest_and_star_is_listed(world: World) {
    world.chatted().await;
    let carrying = &world.store.carrying;
    let ids = |rooms: Vec<Room>| rooms.iter().map(|room| room.id.value()).collect::<Vec<_>>();
    assert_eq!(ids(carrying.every_room(None).await.unwrap()), [1, 2, 3, 4]);
    assert_eq!(ids(carrying.every_room(Some(RoomId::of(3))).await.unwrap()), [4]);
    let guests = carrying.every_guest(ROOM, None).await.unwrap();
    assert_eq!(guests.iter().map(|guest| guest.id.value()).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(carrying.every_guest(ROOM, Some(GuestId::of(1))).await.unwrap().len(), 2);
    assert!(carrying.every_guest(RoomId::of(2), None).await.unwrap().is_empty());
    let stars = carrying.every_star(ROOM, (0, i64::MIN)).await.unwrap();
    assert_eq!(stars, [(2, ANN), (2, BOB), (5, ANN), (5, BOB), (9, ANN), (9, BOB)]);
    assert_eq!(carrying.every_star(ROOM, (5, ANN.number())).await.unwrap(), stars[3..]);
}

async fn a_conversation_comes_with_its_room_or_not_at_all(world: World) {
    let (carrying, conversations) = (&world.store.carrying, &world.store.conversations);
    let new = opening(1);
    let room = Room { last: 1, changes: 1, last_at: new.first.at, ..new.room.clone() };
    let said = crate::chat::change::posted(&new.first, 1, 1, new.first.at, false, Vec::new());
    let of = Conversation { last: 1, ..new.conversation.clone() };
    let begun = async |began| {
        carrying.begin(room.clone(), None, began).await.unwrap();
        carrying.take(room.id, began, vec![Row::Message(Box::new(said.clone()))]).await.unwrap();
    };
    begun(NOW).await;
    assert_refused!(conversations.conversation(room.id), NotFound(_));
    assert_refused!(carrying.end_conversation(of.clone(), NOW), NotFound(_));
    carrying.begin(new.notes.clone(), None, NOW).await.unwrap();
    assert_refused!(carrying.end_conversation(of.clone(), NOW), NotFound(_));
    carrying.end(new.notes.id, NOW).await.unwrap();
    let labels = vec!["a".repeat(limits::NAME_BYTES_MAX + 1)];
    let oversized = Conversation { labels, ..of.clone() };
    assert_refused!(carrying.end_conversation(oversized, NOW), Limit { .. });
    let world = world.reopened().await;
    let (carrying, conversations) = (&world.store.carrying, &world.store.conversations);
    assert!(carrying.every_conversation(None).await.unwrap().is_empty());
    carrying.begin(room.clone(), None, LATER).await.unwrap();
    assert_refused!(carrying.end_conversation(of.clone(), LATER), Conflict(_));
    assert_refused!(conversations.conversation(room.id), NotFound(_));
    carrying.take(room.id, LATER, vec![Row::Message(Box::new(said))]).await.unwrap();
    carrying.end_conversation(of.clone(), LATER).await.unwrap();
    assert_eq!(conversations.conversation(new.notes.id).await.unwrap(), of);
    assert_eq!(carrying.every_conversation(None).await.unwrap(), std::slice::from_ref(&of));
    assert_eq!(carrying.every_conversation(Some(of.room)).await.unwrap(), []);
    assert!(carrying.every_room(None).await.unwrap().is_empty(), "rooms of conversations are none of all");
    assert_refused!(carrying.end_conversation(of, LATER), NotFound(_));
}

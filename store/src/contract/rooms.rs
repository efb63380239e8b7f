//! Promises of `Rooms` about rooms and members.

use model::chat::{NewMessage, Note, Notify, Room, RoomKind, RoomRole};
use model::{AccountId, RoomId, SiteId, limits};

use super::chat::{ANN, BOB, EVE, ROOM, member, note, room, text};
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::{Conflict, Limit, NotFound, Unavailable};
use crate::chat::{Entry, Place, RoomChange};

on_every_backend! {
    a_room_is_read_back_as_it_was_opened,
    a_taken_room_id_is_a_conflict,
    there_is_one_direct_room_of_the_same_people,
    direct_rooms_are_in_no_list_of_a_site,
    somebodys_rooms_are_those_they_are_in,
    a_change_of_a_room_is_told_in_the_same_moment,
    a_rooms_name_topic_and_size_are_bounded,
    who_enters_twice_is_there_already,
    a_locked_room_takes_nobody_new,
    a_full_room_says_how_many_it_takes,
    of_many_who_enter_at_once_no_more_than_the_maximum_do,
    one_person_is_in_so_many_rooms_at_most,
    one_account_makes_so_many_rooms_at_most,
    who_left_is_no_member,
    a_room_keeps_a_host_of_those_it_has,
    what_was_read_only_grows_and_ends_with_the_room,
    what_somebody_wants_to_be_told_of_is_theirs_alone,
    a_demolished_room_is_gone_with_everything,
    the_rooms_of_a_site_go_with_it,
    after_closing_no_room_is_read,
}

async fn a_room_is_read_back_as_it_was_opened(world: World) {
    world.founded().await;
    let opened = Room {
        site: Some(SiteId::of(1)),
        kind: RoomKind::Closed,
        topic: "“tea” & \u{202E}more".into(),
        public: true,
        ..room(1)
    };
    let host = member(ROOM, ANN, RoomRole::Host);
    assert_eq!(world.store.rooms.open(opened.clone(), vec![host.clone()]).await.unwrap(), opened);
    let world = world.reopened().await;
    let rooms = &world.store.rooms;
    assert_eq!(rooms.room(ROOM).await.unwrap(), opened);
    assert_eq!(rooms.rooms(Some(SiteId::of(1))).await.unwrap(), [opened]);
    assert_eq!(rooms.rooms(None).await.unwrap(), []);
    assert_eq!(rooms.members(ROOM).await.unwrap(), std::slice::from_ref(&host));
    assert_eq!(rooms.member(ROOM, ANN).await.unwrap(), Some(host));
    assert_eq!(rooms.member(ROOM, BOB).await.unwrap(), None);
    assert_refused!(rooms.room(RoomId::of(2)), NotFound("room"));
}

async fn a_taken_room_id_is_a_conflict(world: World) {
    world.talking().await;
    assert_refused!(world.store.rooms.open(room(1), vec![]), Conflict(_));
}

async fn there_is_one_direct_room_of_the_same_people(world: World) {
    let direct = |number| Room { kind: RoomKind::Direct, ..room(number) };
    let with = |id, people: &[model::chat::Who]| {
        people.iter().map(|who| member(RoomId::of(id), *who, RoomRole::Member)).collect::<Vec<_>>()
    };
    let rooms = &world.store.rooms;
    let first = rooms.open(direct(1), with(1, &[ANN, BOB])).await.unwrap();
    assert_eq!(rooms.open(direct(2), with(2, &[BOB, ANN])).await.unwrap(), first);
    let three = rooms.open(direct(3), with(3, &[BOB, ANN, EVE])).await.unwrap();
    assert_eq!(three.id, RoomId::of(3));
    let of_site = Room { site: Some(SiteId::of(1)), ..direct(4) };
    assert_eq!(rooms.open(of_site, with(4, &[ANN, BOB])).await.unwrap().id, RoomId::of(4));
    rooms.demolish(RoomId::of(1)).await.unwrap();
    assert_eq!(rooms.open(direct(2), with(2, &[ANN, BOB])).await.unwrap().id, RoomId::of(2));
}

async fn direct_rooms_are_in_no_list_of_a_site(world: World) {
    let rooms = &world.store.rooms;
    rooms
        .open(Room { kind: RoomKind::Direct, ..room(1) }, vec![member(ROOM, ANN, RoomRole::Member)])
        .await
        .unwrap();
    rooms.open(room(2), vec![]).await.unwrap();
    assert_eq!(rooms.rooms(None).await.unwrap(), [room(2)]);
}

async fn somebodys_rooms_are_those_they_are_in(world: World) {
    world.talking().await;
    let rooms = &world.store.rooms;
    rooms.open(room(2), vec![member(RoomId::of(2), BOB, RoomRole::Host)]).await.unwrap();
    rooms.open(room(3), vec![]).await.unwrap();
    let of = |who| async move {
        rooms
            .rooms_of(who)
            .await
            .unwrap()
            .into_iter()
            .map(|(room, member)| (room.id.value(), member.role))
            .collect::<Vec<_>>()
    };
    assert_eq!(of(ANN).await, [(1, RoomRole::Host)]);
    assert_eq!(of(BOB).await, [(1, RoomRole::Member), (2, RoomRole::Host)]);
    assert_eq!(of(EVE).await, []);
}

async fn a_change_of_a_room_is_told_in_the_same_moment(world: World) {
    world.talking().await;
    let rooms = &world.store.rooms;
    let told = NewMessage { body: "tea".into(), ..note(7, ANN, Note::Topic) };
    let changed = rooms.change(ROOM, RoomChange::Topic("tea".into()), Some(told.clone())).await.unwrap();
    assert_eq!((changed.topic.as_str(), changed.last, changed.changes), ("tea", 1, 2));
    let again = rooms.change(ROOM, RoomChange::Topic("tea".into()), Some(told)).await.unwrap();
    assert_eq!((again.last, again.changes), (1, 3), "a note is told once");
    let notes = world.store.messages.page(ROOM, Place::End, 9).await.unwrap();
    assert_eq!((notes.len(), notes[0].body.as_str(), notes[0].author), (1, "tea", ANN));
    for change in [
        RoomChange::Name("n".into()),
        RoomChange::Zone("Asia/Tokyo".into()),
        RoomChange::Public(true),
        RoomChange::MembersMax(7),
        RoomChange::Lock,
    ] {
        rooms.change(ROOM, change, None).await.unwrap();
    }
    let now = rooms.room(ROOM).await.unwrap();
    let expected = Room {
        name: "n".into(),
        topic: "tea".into(),
        zone: "Asia/Tokyo".into(),
        public: true,
        members_max: 7,
        locked: true,
        last: 1,
        changes: 8,
        last_at: now.last_at,
        ..room(1)
    };
    assert_eq!(now, expected);
    assert_refused!(rooms.change(RoomId::of(9), RoomChange::Lock, None), NotFound("room"));
}

async fn a_rooms_name_topic_and_size_are_bounded(world: World) {
    world.talking().await;
    let rooms = &world.store.rooms;
    let name = |bytes| RoomChange::Name("n".repeat(bytes));
    let topic = |bytes| RoomChange::Topic("t".repeat(bytes));
    rooms.change(ROOM, name(limits::NAME_BYTES_MAX), None).await.unwrap();
    rooms.change(ROOM, topic(limits::TOPIC_BYTES_MAX), None).await.unwrap();
    rooms.change(ROOM, RoomChange::MembersMax(limits::ROOM_MEMBERS_MAX), None).await.unwrap();
    let too_long = Room { name: "n".repeat(limits::NAME_BYTES_MAX + 1), ..room(2) };
    assert_refused!(rooms.open(too_long, vec![]), Limit { max: limits::NAME_BYTES_MAX, .. });
    assert_refused!(
        rooms.change(ROOM, name(limits::NAME_BYTES_MAX + 1), None),
        Limit { max: limits::NAME_BYTES_MAX, .. }
    );
    assert_refused!(
        rooms.change(ROOM, topic(limits::TOPIC_BYTES_MAX + 1), None),
        Limit { max: limits::TOPIC_BYTES_MAX, .. }
    );
    assert_refused!(
        rooms.change(ROOM, RoomChange::MembersMax(limits::ROOM_MEMBERS_MAX + 1), None),
        Limit { .. }
    );
    let before = rooms.room(ROOM).await.unwrap();
    let published = (RoomChange::Public(true), Some(note(8, ANN, Note::Published)));
    let too_long = (topic(limits::TOPIC_BYTES_MAX + 1), None);
    assert_refused!(rooms.change_all(ROOM, vec![published.clone(), too_long]), Limit { .. });
    assert_eq!(rooms.room(ROOM).await.unwrap(), before, "all of it or nothing");
    let both = rooms.change_all(ROOM, vec![published, (topic(3), None)]).await.unwrap();
    assert_eq!((both.public, both.topic.as_str(), both.changes), (true, "ttt", before.changes + 3));
}

async fn who_enters_twice_is_there_already(world: World) {
    world.talking().await;
    let eve = member(ROOM, EVE, RoomRole::Member);
    let rooms = &world.store.rooms;
    assert_eq!(
        rooms.enter(eve.clone(), vec![], Some(note(1, EVE, Note::Entered))).await.unwrap(),
        Entry::Entered
    );
    let as_host = member(ROOM, EVE, RoomRole::Host);
    assert_eq!(
        rooms.enter(as_host, vec![], Some(note(2, EVE, Note::Entered))).await.unwrap(),
        Entry::Present
    );
    assert_eq!(rooms.member(ROOM, EVE).await.unwrap(), Some(eve));
    assert_eq!(rooms.room(ROOM).await.unwrap().last, 1, "told once");
    assert_refused!(
        rooms.enter(member(RoomId::of(9), EVE, RoomRole::Member), vec![], None),
        NotFound("room")
    );
}

async fn a_locked_room_takes_nobody_new(world: World) {
    world.talking().await;
    let rooms = &world.store.rooms;
    rooms.change(ROOM, RoomChange::Lock, None).await.unwrap();
    assert_refused!(
        rooms.enter(member(ROOM, EVE, RoomRole::Member), vec![], None),
        Conflict("the room is locked")
    );
    assert_eq!(rooms.enter(member(ROOM, BOB, RoomRole::Member), vec![], None).await.unwrap(), Entry::Present);
    rooms.change(ROOM, RoomChange::Unlock, None).await.unwrap();
    assert_eq!(rooms.enter(member(ROOM, EVE, RoomRole::Member), vec![], None).await.unwrap(), Entry::Entered);
}

async fn a_full_room_says_how_many_it_takes(world: World) {
    world.talking().await;
    let rooms = &world.store.rooms;
    rooms.change(ROOM, RoomChange::MembersMax(3), None).await.unwrap();
    rooms.enter(member(ROOM, EVE, RoomRole::Member), vec![], None).await.unwrap();
    let fourth = member(ROOM, model::chat::Who::Account(model::AccountId::of(4)), RoomRole::Member);
    assert_refused!(rooms.enter(fourth.clone(), vec![], None), Limit { max: 3, .. });
    rooms.leave(ROOM, BOB, None).await.unwrap();
    rooms.enter(fourth, vec![], None).await.unwrap();
}

async fn of_many_who_enter_at_once_no_more_than_the_maximum_do(world: World) {
    world.talking().await;
    world.store.rooms.change(ROOM, RoomChange::MembersMax(5), None).await.unwrap();
    let mut entering = tokio::task::JoinSet::new();
    for number in 10..20 {
        let rooms = world.store.rooms.clone();
        let who = model::chat::Who::Account(model::AccountId::of(number));
        entering.spawn(async move {
            rooms.enter(member(ROOM, who, RoomRole::Member), vec![], None).await.is_ok()
        });
    }
    assert_eq!(entering.join_all().await.into_iter().filter(|entered| *entered).count(), 3);
    assert_eq!(world.store.rooms.members(ROOM).await.unwrap().len(), 5);
}

async fn one_person_is_in_so_many_rooms_at_most(world: World) {
    let rooms = &world.store.rooms;
    let max = limits::ROOMS_A_PERSON_MAX as u64;
    for number in 1..=max {
        rooms.open(room(number), vec![member(RoomId::of(number), ANN, RoomRole::Host)]).await.unwrap();
    }
    let more = RoomId::of(max + 1);
    let too_many = rooms.open(room(max + 1), vec![member(more, ANN, RoomRole::Host)]);
    assert_refused!(too_many, Limit { max: limits::ROOMS_A_PERSON_MAX, .. });
    rooms.open(room(max + 1), vec![member(more, BOB, RoomRole::Host)]).await.unwrap();
    assert_refused!(rooms.enter(member(more, ANN, RoomRole::Member), vec![], None), Limit { .. });
    assert_eq!(rooms.rooms_of(ANN).await.unwrap().len(), limits::ROOMS_A_PERSON_MAX);
}

async fn one_account_makes_so_many_rooms_at_most(world: World) {
    let rooms = &world.store.rooms;
    let made = |number: u64, by: u64| Room { by: Some(AccountId::of(by)), ..room(number) };
    let max = limits::ROOMS_MADE_MAX as u64;
    for number in 1..=max {
        rooms.open(made(number, 1), vec![]).await.unwrap();
    }
    let too_many = rooms.open(made(max + 1, 1), vec![]).await;
    assert!(matches!(too_many, Err(Limit { max: limits::ROOMS_MADE_MAX, .. })), "{too_many:?}");
    rooms.open(made(max + 1, 2), vec![]).await.unwrap();
    rooms.open(room(max + 2), vec![]).await.unwrap();
    assert_eq!(rooms.room(RoomId::of(1)).await.unwrap().by, Some(AccountId::of(1)));
    // One that is gone counts no more.
    rooms.demolish(RoomId::of(1)).await.unwrap();
    rooms.open(made(max + 3, 1), vec![]).await.unwrap();
    assert_refused!(rooms.open(made(max + 4, 1), vec![]), Limit { .. });
}

async fn who_left_is_no_member(world: World) {
    world.talking().await;
    let rooms = &world.store.rooms;
    rooms.leave(ROOM, BOB, Some(note(1, BOB, Note::Left))).await.unwrap();
    assert_eq!(rooms.member(ROOM, BOB).await.unwrap(), None);
    assert_eq!(rooms.room(ROOM).await.unwrap().last, 1);
    assert_refused!(rooms.leave(ROOM, BOB, Some(note(2, BOB, Note::Left))), NotFound(_));
    assert_eq!(rooms.room(ROOM).await.unwrap().last, 1, "what did not happen is not told");
    assert_refused!(world.store.messages.post(text(3, BOB, "still here?")), NotFound(_));
}

async fn a_room_keeps_a_host_of_those_it_has(world: World) {
    world.talking().await;
    let rooms = &world.store.rooms;
    assert_refused!(rooms.set_role(ROOM, ANN, RoomRole::Member), Conflict(_));
    assert_refused!(rooms.set_role(ROOM, EVE, RoomRole::Host), NotFound(_));
    rooms.set_role(ROOM, BOB, RoomRole::Host).await.unwrap();
    rooms.set_role(ROOM, ANN, RoomRole::Member).await.unwrap();
    assert_eq!(rooms.member(ROOM, BOB).await.unwrap().unwrap().role, RoomRole::Host);
    assert_eq!(rooms.member(ROOM, ANN).await.unwrap().unwrap().role, RoomRole::Member);
}

async fn what_was_read_only_grows_and_ends_with_the_room(world: World) {
    world.talking().await;
    for number in 1..=5 {
        world.said(number, ANN, "m").await;
    }
    let rooms = &world.store.rooms;
    assert_eq!(rooms.read_to(ROOM, BOB, 3).await.unwrap(), 3);
    assert_eq!(rooms.read_to(ROOM, BOB, 2).await.unwrap(), 3);
    assert_eq!(rooms.read_to(ROOM, BOB, u64::MAX).await.unwrap(), 5);
    assert_eq!(rooms.member(ROOM, BOB).await.unwrap().unwrap().read, 5);
    assert_eq!(rooms.member(ROOM, ANN).await.unwrap().unwrap().read, 0, "each their own");
    assert_refused!(rooms.read_to(ROOM, EVE, 1), NotFound(_));
}

async fn what_somebody_wants_to_be_told_of_is_theirs_alone(world: World) {
    world.talking().await;
    let wanted = async |world: &World, who| {
        let member = world.store.rooms.member(ROOM, who).await.unwrap().unwrap();
        let listed = world.store.rooms.rooms_of(who).await.unwrap().remove(0).1;
        assert_eq!(listed, member);
        member.notify
    };
    assert_eq!(wanted(&world, BOB).await, Notify::Mentions, "where nothing was said");
    let before = world.store.rooms.room(ROOM).await.unwrap();
    for notify in Notify::ALL {
        world.store.rooms.set_notify(ROOM, BOB, notify).await.unwrap();
        world.store.rooms.set_notify(ROOM, BOB, notify).await.unwrap();
        assert_eq!(wanted(&world, BOB).await, notify);
    }
    assert_eq!(world.store.rooms.room(ROOM).await.unwrap(), before, "no change of the room");
    assert_refused!(world.store.rooms.set_notify(ROOM, EVE, Notify::Nothing), NotFound(_));
    let world = world.reopened().await;
    assert_eq!(wanted(&world, BOB).await, Notify::Nothing);
    assert_eq!(wanted(&world, ANN).await, Notify::Mentions);
}

async fn a_demolished_room_is_gone_with_everything(world: World) {
    world.talking().await;
    for number in 1..=3 {
        world.said(number, ANN, "tea").await;
    }
    world.store.messages.star(BOB, ROOM, 1, true).await.unwrap();
    let (rooms, messages) = (&world.store.rooms, &world.store.messages);
    rooms.demolish(ROOM).await.unwrap();
    assert_refused!(rooms.demolish(ROOM), NotFound("room"));
    assert_refused!(rooms.room(ROOM), NotFound("room"));
    assert_eq!(rooms.rooms_of(ANN).await.unwrap(), []);
    assert_eq!(world.whole().await, []);
    assert_eq!(messages.stars(BOB, vec![ROOM]).await.unwrap(), []);
    assert_refused!(messages.post(text(9, ANN, "anybody?")), NotFound(_));
    world.talking().await;
    assert_eq!(world.said(1, ANN, "anew").await.number, 1);
    let world = world.reopened().await;
    assert_eq!(world.whole().await.len(), 1);
}

async fn the_rooms_of_a_site_go_with_it(world: World) {
    let (_, site) = world.founded().await;
    let of_site = |number| Room { site: Some(site.id), ..room(number) };
    let rooms = &world.store.rooms;
    rooms.open(of_site(1), vec![member(ROOM, ANN, RoomRole::Host)]).await.unwrap();
    world.said(1, ANN, "tea").await;
    rooms.open(of_site(2), vec![]).await.unwrap();
    rooms.open(room(3), vec![]).await.unwrap();
    rooms.forget_rooms(site.id).await.unwrap();
    rooms.forget_rooms(site.id).await.unwrap();
    assert_eq!(rooms.rooms(Some(site.id)).await.unwrap(), []);
    assert_eq!(world.whole().await, []);
    rooms.open(of_site(2), vec![]).await.unwrap();
    world.store.sites.remove(site.id).await.unwrap();
    let world = world.reopened().await;
    assert_refused!(world.store.rooms.room(RoomId::of(2)), NotFound("room"));
    assert_eq!(world.store.rooms.rooms(None).await.unwrap(), [room(3)]);
}

async fn after_closing_no_room_is_read(world: World) {
    world.talking().await;
    world.store.close().await;
    assert_refused!(world.store.rooms.room(ROOM), Unavailable(_));
    assert_refused!(world.store.messages.post(text(1, ANN, "m")), Unavailable(_));
}

//! Promises of `Rooms` about guests, bans and bots.

use model::chat::{Guest, GuestLink, Note, RoomRole, Who};
use model::{BotId, GuestId, Millis, RoomId, limits};

use super::chat::{ANN, BOB, EVE, ROOM, ban, bot, guest, link, member, note, room, text};
use super::fixtures::{LATER, NOW, secret};
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::{Conflict, Limit, NotFound};
use crate::chat::{Entry, RoomChange};

on_every_backend! {
    a_room_has_one_guest_link_that_its_secret_names,
    nobody_comes_in_without_a_link,
    a_guest_is_a_member_of_the_one_room,
    a_guest_who_left_is_known_by_name_alone,
    a_locked_room_lets_no_guest_in,
    a_room_knows_so_many_guests_at_most,
    guests_who_are_let_in_no_more_give_up_their_places_where_none_is_left,
    whoever_bears_a_barred_mark_stays_out_until_its_end,
    a_ban_ends_the_membership,
    a_lifted_ban_bars_nobody,
    a_room_bars_so_many_at_most_and_forgets_what_is_over,
    a_bot_is_known_by_its_token_until_it_is_removed,
    there_are_so_many_bots_at_most,
}

async fn a_room_has_one_guest_link_that_its_secret_names(world: World) {
    world.talking().await;
    let rooms = &world.store.rooms;
    assert_eq!(rooms.link_of(ROOM).await.unwrap(), None);
    assert_refused!(rooms.link(GuestLink { room: RoomId::of(9), ..link() }, secret(1)), NotFound("room"));
    rooms.link(link(), secret(1)).await.unwrap();
    assert_eq!(rooms.linked(secret(1)).await.unwrap(), link());
    let open = GuestLink { password_phc: None, ..link() };
    rooms.link(open.clone(), secret(2)).await.unwrap();
    assert_refused!(rooms.linked(secret(1)), NotFound(_));
    assert_eq!(rooms.linked(secret(2)).await.unwrap(), open);
    assert_eq!(rooms.link_of(ROOM).await.unwrap(), Some(open));
    rooms.unlink(ROOM).await.unwrap();
    rooms.unlink(ROOM).await.unwrap();
    assert_refused!(rooms.linked(secret(2)), NotFound(_));
}

async fn nobody_comes_in_without_a_link(world: World) {
    world.talking().await;
    assert_refused!(world.store.rooms.admit(guest(1), secret(1), None), NotFound("guest link"));
    assert_eq!(world.store.rooms.members(ROOM).await.unwrap().len(), 2);
}

async fn a_guest_is_a_member_of_the_one_room(world: World) {
    world.talking().await;
    world.said(1, ANN, "before").await;
    let rooms = &world.store.rooms;
    rooms.link(link(), secret(1)).await.unwrap();
    let who = Who::Guest(GuestId::of(5));
    assert_eq!(
        rooms.admit(guest(5), secret(50), Some(note(9, who, Note::Entered))).await.unwrap(),
        Entry::Entered
    );
    assert_eq!(rooms.admitted(secret(50)).await.unwrap(), guest(5));
    let known = rooms.member(ROOM, who).await.unwrap().unwrap();
    assert_eq!((known.role, known.read), (RoomRole::Member, 1), "what was said before is no news");
    world.said(2, who, "hello").await;
    assert_refused!(rooms.admitted(secret(51)), NotFound(_));
    assert_refused!(rooms.admit(Guest { room: RoomId::of(2), ..guest(6) }, secret(60), None), NotFound(_));
}

async fn a_guest_who_left_is_known_by_name_alone(world: World) {
    world.talking().await;
    let rooms = &world.store.rooms;
    rooms.link(link(), secret(1)).await.unwrap();
    rooms.admit(guest(5), secret(50), None).await.unwrap();
    rooms.leave(ROOM, Who::Guest(GuestId::of(5)), None).await.unwrap();
    assert_refused!(rooms.admitted(secret(50)), NotFound(_));
    let known = rooms.guests(vec![GuestId::of(5), GuestId::of(6)]).await.unwrap();
    assert_eq!(known, [guest(5)]);
    assert_refused!(rooms.admit(guest(5), secret(51), None), Conflict(_));
    assert_eq!(rooms.members(ROOM).await.unwrap().len(), 2);
}

async fn a_locked_room_lets_no_guest_in(world: World) {
    world.talking().await;
    let rooms = &world.store.rooms;
    rooms.link(link(), secret(1)).await.unwrap();
    rooms.change(ROOM, RoomChange::Lock, None).await.unwrap();
    assert_refused!(rooms.admit(guest(1), secret(2), None), Conflict("the room is locked"));
    assert_refused!(rooms.admitted(secret(2)), NotFound(_));
}

async fn a_room_knows_so_many_guests_at_most(world: World) {
    world.talking().await;
    let rooms = &world.store.rooms;
    rooms.link(link(), secret(1)).await.unwrap();
    rooms.change(ROOM, RoomChange::MembersMax(limits::ROOM_MEMBERS_MAX), None).await.unwrap();
    let max = limits::GUESTS_MAX as u64;
    for number in 1..=max {
        rooms.admit(guest(number), secret(1_000 + number), None).await.unwrap();
    }
    let one_more = || rooms.admit(guest(max + 1), secret(1_000 + max + 1), None);
    assert_refused!(one_more(), Limit { max: limits::GUESTS_MAX, .. });
    rooms.leave(ROOM, Who::Guest(GuestId::of(1)), None).await.unwrap();
    assert_eq!(one_more().await.unwrap(), Entry::Entered);
}

async fn guests_who_are_let_in_no_more_give_up_their_places_where_none_is_left(world: World) {
    world.talking().await;
    let rooms = &world.store.rooms;
    rooms.link(link(), secret(1)).await.unwrap();
    rooms.change(ROOM, RoomChange::MembersMax(4), None).await.unwrap();
    let after = |days: u64| NOW.plus(std::time::Duration::from_secs(days * 86_400));
    let comes = |number, created| rooms.admit(Guest { created, ..guest(number) }, secret(10 + number), None);
    comes(1, NOW).await.unwrap();
    comes(2, after(1)).await.unwrap();
    assert_refused!(comes(3, after(30)), Limit { max: 4, .. });
    assert_eq!(comes(3, after(31)).await.unwrap(), Entry::Entered, "the first one's time is over");
    assert_refused!(rooms.admitted(secret(11)), NotFound(_));
    assert_eq!(rooms.admitted(secret(12)).await.unwrap().id, GuestId::of(2));
    let eve = model::chat::Member { joined: after(32), ..member(ROOM, EVE, RoomRole::Member) };
    assert_eq!(rooms.enter(eve, vec![], None).await.unwrap(), Entry::Entered, "nor do they keep others out");
    assert_refused!(rooms.admitted(secret(12)), NotFound(_));
    assert_eq!(rooms.members(ROOM).await.unwrap().len(), 4);
}

async fn whoever_bears_a_barred_mark_stays_out_until_its_end(world: World) {
    world.talking().await;
    let rooms = &world.store.rooms;
    rooms.open(room(2), vec![]).await.unwrap();
    rooms.ban(vec![ban(7, EVE, LATER)], NOW, None).await.unwrap();
    let eve = |room, joined| model::chat::Member { joined, ..member(room, EVE, RoomRole::Member) };
    let just_before = Millis(LATER.0 - 1);
    let marks = || vec![[6; 32], [7; 32]];
    assert_eq!(rooms.enter(eve(ROOM, just_before), marks(), None).await.unwrap(), Entry::Barred);
    assert_eq!(
        rooms.enter(eve(RoomId::of(2), NOW), marks(), None).await.unwrap(),
        Entry::Entered,
        "another room"
    );
    rooms.ban(vec![ban(7, EVE, just_before)], NOW, None).await.unwrap();
    assert_eq!(
        rooms.enter(eve(ROOM, just_before), marks(), None).await.unwrap(),
        Entry::Barred,
        "the longer one holds"
    );
    assert!(rooms.is_barred(ROOM, marks(), just_before).await.unwrap());
    assert!(!rooms.is_barred(ROOM, marks(), LATER).await.unwrap());
    assert!(!rooms.is_barred(ROOM, vec![[6; 32]], NOW).await.unwrap());
    assert_eq!(rooms.enter(eve(ROOM, just_before), vec![[6; 32]], None).await.unwrap(), Entry::Entered);
    rooms.leave(ROOM, EVE, None).await.unwrap();
    assert_eq!(rooms.enter(eve(ROOM, LATER), marks(), None).await.unwrap(), Entry::Entered);
}

async fn a_ban_ends_the_membership(world: World) {
    world.talking().await;
    let rooms = &world.store.rooms;
    rooms.link(link(), secret(1)).await.unwrap();
    rooms.admit(guest(5), secret(50), None).await.unwrap();
    let who = Who::Guest(GuestId::of(5));
    let bans = vec![ban(5, who, LATER), ban(105, who, LATER)];
    rooms.ban(bans.clone(), NOW, Some(note(1, ANN, Note::Banned))).await.unwrap();
    assert_eq!(rooms.bans(ROOM, NOW).await.unwrap(), bans);
    assert_eq!(rooms.member(ROOM, who).await.unwrap(), None);
    assert_refused!(rooms.admitted(secret(50)), NotFound(_));
    let again = Guest { marks: vec![[105; 32]], ..guest(6) };
    assert_eq!(rooms.admit(again, secret(60), None).await.unwrap(), Entry::Barred);
    assert_refused!(rooms.admitted(secret(60)), NotFound(_));
    assert_eq!(rooms.room(ROOM).await.unwrap().last, 1);
}

async fn a_lifted_ban_bars_nobody(world: World) {
    world.talking().await;
    let rooms = &world.store.rooms;
    rooms.ban(vec![ban(1, EVE, LATER), ban(2, EVE, LATER)], NOW, None).await.unwrap();
    rooms.ban(vec![ban(3, BOB, LATER)], NOW, None).await.unwrap();
    rooms.unban(ROOM, EVE).await.unwrap();
    assert_eq!(rooms.bans(ROOM, NOW).await.unwrap(), [ban(3, BOB, LATER)]);
    let eve = member(ROOM, EVE, RoomRole::Member);
    assert_eq!(rooms.enter(eve, vec![[1; 32]], None).await.unwrap(), Entry::Entered);
}

async fn a_room_bars_so_many_at_most_and_forgets_what_is_over(world: World) {
    world.talking().await;
    let rooms = &world.store.rooms;
    let barred = |number: usize, until| model::chat::Ban {
        mark: *blake3::hash(&number.to_be_bytes()).as_bytes(),
        ..ban(0, EVE, until)
    };
    for some in (0..limits::BANS_MAX).collect::<Vec<_>>().chunks(50) {
        rooms.ban(some.iter().map(|number| barred(*number, LATER)).collect(), NOW, None).await.unwrap();
    }
    let one_more = || vec![barred(limits::BANS_MAX, Millis(LATER.0 + 1))];
    assert_refused!(rooms.ban(one_more(), NOW, None), Limit { max: limits::BANS_MAX, .. });
    rooms.ban(one_more(), LATER, None).await.unwrap();
    assert_eq!(rooms.bans(ROOM, NOW).await.unwrap(), one_more());
}

async fn a_bot_is_known_by_its_token_until_it_is_removed(world: World) {
    world.talking().await;
    let rooms = &world.store.rooms;
    rooms.add_bot(bot(2), secret(2)).await.unwrap();
    rooms.add_bot(bot(1), secret(1)).await.unwrap();
    assert_refused!(rooms.add_bot(bot(1), secret(3)), Conflict(_));
    assert_eq!(rooms.bots().await.unwrap(), [bot(1), bot(2)]);
    assert_eq!(rooms.bot(secret(2)).await.unwrap(), bot(2));
    let who = Who::Bot(BotId::of(2));
    rooms.enter(member(ROOM, who, RoomRole::Member), vec![], None).await.unwrap();
    world.store.messages.post(text(1, who, "built")).await.unwrap();
    rooms.remove_bot(BotId::of(2)).await.unwrap();
    assert_refused!(rooms.remove_bot(BotId::of(2)), NotFound(_));
    assert_refused!(rooms.bot(secret(2)), NotFound(_));
    assert_refused!(world.store.messages.post(text(2, who, "built")), NotFound(_));
}

async fn there_are_so_many_bots_at_most(world: World) {
    let rooms = &world.store.rooms;
    let max = limits::BOTS_MAX as u64;
    for number in 0..max {
        rooms.add_bot(bot(number), secret(number)).await.unwrap();
    }
    assert_refused!(rooms.add_bot(bot(max), secret(max)), Limit { max: limits::BOTS_MAX, .. });
}

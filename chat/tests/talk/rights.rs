//! Who may do what: standings as the store has them, and that whoever may not know of a room learns nothing.

use std::time::Duration;

use chat::announce::Doing;
use chat::{Chat, NewRoom, Query, Refused};
use model::chat::rights::Standing;
use model::chat::{Change, MessageKind, Note, RoomKind, RoomRole};
use model::rights::{Principal, Scope, TokenSites};
use model::{AccountId, Role, RoomId, ShareId, TokenId};
use store::chat::{Place, RoomChange};

use crate::world::{
    OTHER_SITE, SITE, World, admin, ann, assert_refused, bob, operator, outsider, secret, text, who,
};

async fn standing(world: &World, by: &Principal, room: RoomId) -> Standing {
    let room = world.store.rooms.room(room).await.unwrap();
    world.access.standing(by, &room).await.unwrap()
}

#[tokio::test]
async fn everybody_stands_to_a_room_as_they_should() {
    let world = World::new().await;
    let room = world.with_ann().await;
    let token = Principal::Token {
        id: TokenId::of(1),
        account: AccountId::of(3),
        operator: false,
        sites: TokenSites::All,
        scopes: vec![Scope::Read],
    };
    let share = Principal::Share { id: ShareId::of(1), site: SITE, segment: None };
    for (by, expected) in [
        (operator(), Standing::Keeper),
        (admin(), Standing::Host),
        (ann(), Standing::Member),
        (bob(), Standing::Reader),
        (outsider(), Standing::Stranger),
        (Principal::Stranger, Standing::Stranger),
        (token, Standing::Stranger),
        (share, Standing::Stranger),
    ] {
        assert_eq!(standing(&world, &by, room).await, expected, "{by:?}");
    }
    world.chat.enter(&operator(), room).await.unwrap();
    assert_eq!(standing(&world, &operator(), room).await, Standing::Host, "who keeps the site and is in it");
    world.chat.set_role(&admin(), room, who(3), RoomRole::Host).await.unwrap();
    assert_eq!(standing(&world, &ann(), room).await, Standing::Host);
    world.store.accounts.revoke(SITE, AccountId::of(4)).await.unwrap();
    assert_eq!(standing(&world, &bob(), room).await, Standing::Stranger);
    world.store.accounts.revoke(SITE, AccountId::of(3)).await.unwrap();
    assert_eq!(standing(&world, &ann(), room).await, Standing::Stranger, "a host, and once of the site");
    assert_eq!(world.chat.my_rooms(&ann()).await.unwrap(), []);
}

#[tokio::test]
async fn whoever_is_of_a_site_no_more_is_in_no_list_of_its_rooms() {
    let world = World::new().await;
    let (open, closed) = (world.with_ann().await, world.room(RoomKind::Closed).await.id);
    let chat = &world.chat;
    chat.bring(&admin(), closed, who(3)).await.unwrap();
    let direct = chat.direct(&bob(), Some(SITE), vec![who(3)]).await.unwrap().id;
    let new = NewRoom { site: None, kind: RoomKind::Open, name: "All".into(), zone: "UTC".into() };
    let all = chat.open_room(&ann(), new).await.unwrap().id;
    world.store.accounts.revoke(SITE, AccountId::of(3)).await.unwrap();
    for _ in 0..2 {
        chat.leave_site(AccountId::of(3), SITE).await.unwrap();
    }
    for (room, is_in) in [(open, false), (closed, false), (direct, true), (all, true)] {
        assert_eq!(world.store.rooms.member(room, who(3)).await.unwrap().is_some(), is_in, "{room}");
    }
    let left = chat.page(&admin(), open, Place::End, 1).await.unwrap().messages;
    assert_eq!((left[0].author, left[0].kind), (who(3), MessageKind::Note(Note::Left)));
    // They may be asked again, and come in again.
    world.store.accounts.grant(SITE, AccountId::of(3), Role::Viewer).await.unwrap();
    chat.enter(&ann(), open).await.unwrap();
}

#[tokio::test]
async fn an_address_is_somebodys_for_whom_they_share_a_site_or_a_room_with() {
    let world = World::new().await;
    let chat = &world.chat;
    for (by, number, is_known) in [
        (ann(), 4, true),
        (ann(), 3, true),
        (ann(), 5, false),
        (outsider(), 3, false),
        (ann(), 9, false),
        (operator(), 5, true),
        (operator(), 3, true),
    ] {
        let found = chat.addressed(&by, &format!(" {number}@EXAMPLE.org")).await;
        match is_known {
            true => assert_eq!(found.unwrap(), who(number), "{by:?} {number}"),
            false => assert!(matches!(found, Err(Refused::NotFound)), "{by:?} {number}"),
        }
    }
    let new = NewRoom { site: None, kind: RoomKind::Open, name: "All".into(), zone: "UTC".into() };
    let room = chat.open_room(&outsider(), new).await.unwrap().id;
    chat.enter(&ann(), room).await.unwrap();
    assert_eq!(chat.addressed(&ann(), "5@example.org").await.unwrap(), who(5), "in a room with them");
    assert_refused!(chat.addressed(&bob(), "5@example.org"), Refused::NotFound);
    assert_refused!(chat.addressed(&Principal::Stranger, "5@example.org"), Refused::Forbidden);
}

#[tokio::test]
async fn a_room_of_the_installation_is_anybodys_with_an_account() {
    let world = World::new().await;
    let new = NewRoom { site: None, kind: RoomKind::Open, name: "All".into(), zone: "UTC".into() };
    let room = world.chat.open_room(&outsider(), new).await.unwrap().id;
    assert_eq!(standing(&world, &ann(), room).await, Standing::Reader);
    assert_eq!(standing(&world, &admin(), room).await, Standing::Reader);
    assert_eq!(standing(&world, &operator(), room).await, Standing::Keeper);
    assert_eq!(standing(&world, &Principal::Stranger, room).await, Standing::Stranger);
}

#[tokio::test]
async fn who_was_banned_is_a_stranger_until_the_ban_is_over() {
    let world = World::new().await;
    let room = world.with_ann().await;
    let hour = Duration::from_secs(3_600);
    world.chat.ban(&admin(), room, who(3), hour).await.unwrap();
    assert_eq!(standing(&world, &ann(), room).await, Standing::Stranger);
    assert_refused!(world.chat.enter(&ann(), room), Refused::NotFound);
    assert_eq!(world.chat.bans(&admin(), room).await.unwrap().len(), 1);
    world.clock.advance(hour);
    world.chat.enter(&ann(), room).await.unwrap();
    world.chat.ban(&admin(), room, who(3), hour).await.unwrap();
    world.chat.unban(&admin(), room, who(3)).await.unwrap();
    world.chat.enter(&ann(), room).await.unwrap();
}

/// Every call there is, as somebody who may not know of the room; what each was refused with.
async fn every_refusal(chat: &Chat, by: &Principal, room: RoomId) -> Vec<String> {
    let message = text("hello");
    let edit = Change::Edit { body: "x".into(), mentions: vec![] };
    let search = Query { rooms: vec![room], ..Query::default() };
    let day = jiff::civil::Date::constant(2026, 11, 21);
    let mut said = Vec::new();
    macro_rules! refused {
        ($($call:expr),* $(,)?) => {$(
            said.push(format!("{:?}", $call.await.map(|_| "let through").map_err(|refused| refused.to_string())));
        )*};
    }
    refused!(
        chat.room(by, room),
        chat.members(by, room),
        chat.enter(by, room),
        chat.leave(by, room),
        chat.bring(by, room, who(4)),
        chat.kick(by, room, who(3)),
        chat.ban(by, room, who(3), Duration::from_secs(1)),
        chat.bans(by, room),
        chat.unban(by, room, who(3)),
        chat.set_role(by, room, who(3), RoomRole::Host),
        chat.change_room(by, room, RoomChange::Topic("x".into())),
        chat.change_room(by, room, RoomChange::Name("x".into())),
        chat.change_room(by, room, RoomChange::Public(true)),
        chat.change_room(by, room, RoomChange::Lock),
        chat.demolish(by, room),
        chat.set_link(by, room, secret("s"), None),
        chat.link(by, room),
        chat.remove_link(by, room),
        chat.post(by, room, message),
        chat.change(by, room, 1, edit),
        chat.change(by, room, 1, Change::Remove),
        chat.change(by, room, 1, Change::React { emoji: "👍".into() }),
        chat.change(by, room, 1, Change::Decide),
        chat.read_to(by, room, 1),
        chat.star(by, room, 1, true),
        chat.is_doing(by, room, |who| Doing::Typing { who, text: None }),
        chat.page(by, room, Place::End, 9),
        chat.message(by, room, 1),
        chat.catch_up(by, room, 0, 9),
        chat.day(by, room, day, 0),
        chat.thread(by, room, 1, 0),
        chat.decisions(by, room, None),
        chat.history(by, room, 1),
        chat.search(by, search),
    );
    said
}

#[tokio::test]
async fn who_may_not_know_of_a_room_is_told_what_who_asks_for_no_room_is() {
    let world = World::new().await;
    let room = world.room(RoomKind::Closed).await.id;
    world.says(&admin(), room, "between us").await;
    let before = world.store.rooms.room(room).await.unwrap();
    for by in [outsider(), ann()] {
        let hidden = every_refusal(&world.chat, &by, room).await;
        let missing = every_refusal(&world.chat, &by, RoomId::of(77)).await;
        assert_eq!(hidden, missing, "{by:?}");
        let not_found = format!("{:?}", Err::<&str, _>(Refused::NotFound.to_string()));
        assert!(hidden.iter().all(|refusal| *refusal == not_found), "{hidden:?}");
    }
    let strangers = every_refusal(&world.chat, &Principal::Stranger, room).await;
    assert_eq!(strangers, every_refusal(&world.chat, &Principal::Stranger, RoomId::of(77)).await);
    assert!(strangers.iter().all(|refusal| refusal.starts_with("Err")), "{strangers:?}");
    assert_eq!(world.store.rooms.room(room).await.unwrap(), before, "and nothing came of it");
}

#[tokio::test]
async fn a_reader_of_an_open_room_reads_and_does_no_more() {
    let world = World::new().await;
    let room = world.with_ann().await;
    world.says(&ann(), room, "tea").await;
    let chat = &world.chat;
    assert_eq!(chat.page(&bob(), room, Place::End, 9).await.unwrap().messages.len(), 2);
    assert_eq!(chat.members(&bob(), room).await.unwrap().len(), 2);
    assert_refused!(chat.post(&bob(), room, text("x")), Refused::Forbidden);
    assert_refused!(chat.is_doing(&bob(), room, |who| Doing::Typing { who, text: None }), Refused::Forbidden);
    assert_refused!(chat.change(&bob(), room, 2, Change::Remove), Refused::Forbidden);
    assert_refused!(chat.change(&bob(), room, 2, Change::Decide), Refused::Forbidden);
    assert_refused!(chat.kick(&bob(), room, who(3)), Refused::Forbidden);
    assert_refused!(chat.read_to(&bob(), room, 1), Refused::Forbidden);
    chat.enter(&bob(), room).await.unwrap();
    chat.post(&bob(), room, text("x")).await.unwrap();
}

#[tokio::test]
async fn a_public_room_is_read_by_anybody_and_its_people_by_nobody_else() {
    let world = World::new().await;
    let room = world.room(RoomKind::Closed).await.id;
    world.says(&admin(), room, "tea").await;
    assert_refused!(world.chat.change_room(&ann(), room, RoomChange::Public(true)), Refused::NotFound);
    world.chat.change_room(&admin(), room, RoomChange::Public(true)).await.unwrap();
    let stranger = Principal::Stranger;
    assert_eq!(world.chat.page(&stranger, room, Place::End, 9).await.unwrap().messages.len(), 2);
    let search = Query { rooms: vec![room], text: "tea".into(), limit: 9, ..Query::default() };
    assert_eq!(world.chat.search(&stranger, search).await.unwrap().len(), 1);
    assert_refused!(world.chat.members(&stranger, room), Refused::Forbidden);
    assert_refused!(world.chat.history(&stranger, room, 1), Refused::Forbidden);
    assert_refused!(world.chat.enter(&stranger, room), Refused::Forbidden);
    world.chat.change_room(&admin(), room, RoomChange::Lock).await.unwrap();
    assert_refused!(world.chat.page(&stranger, room, Place::End, 9), Refused::Locked);
    world.chat.change_room(&admin(), room, RoomChange::Unlock).await.unwrap();
    world.chat.change_room(&admin(), room, RoomChange::Public(false)).await.unwrap();
    assert_refused!(world.chat.page(&stranger, room, Place::End, 9), Refused::NotFound);
}

#[tokio::test]
async fn rooms_are_opened_where_one_may_be() {
    let world = World::new().await;
    let new = |site, kind| NewRoom { site: Some(site), kind, name: " Tea ".into(), zone: "UTC".into() };
    let opened = world.chat.open_room(&ann(), new(SITE, RoomKind::Closed)).await.unwrap();
    assert_eq!(opened.name, "Tea");
    assert_refused!(world.chat.open_room(&ann(), new(OTHER_SITE, RoomKind::Open)), Refused::NotFound);
    assert_refused!(
        world.chat.open_room(&Principal::Stranger, new(SITE, RoomKind::Open)),
        Refused::Forbidden
    );
    assert_refused!(world.chat.open_room(&ann(), new(SITE, RoomKind::Direct)), Refused::Invalid(_));
    let nameless = NewRoom { name: " ".into(), ..new(SITE, RoomKind::Open) };
    assert_refused!(world.chat.open_room(&ann(), nameless), Refused::Invalid(_));
    let nowhere = NewRoom { zone: "Mars/Base".into(), ..new(SITE, RoomKind::Open) };
    assert_refused!(world.chat.open_room(&ann(), nowhere), Refused::Invalid(_));
    assert_eq!(world.chat.rooms(&bob(), Some(SITE)).await.unwrap(), [], "a closed one is not found");
    assert_eq!(world.chat.rooms(&ann(), Some(SITE)).await.unwrap().len(), 1);
    assert_eq!(world.chat.rooms(&admin(), Some(SITE)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_direct_room_is_between_people_who_could_meet() {
    let world = World::new().await;
    let chat = &world.chat;
    let room = chat.direct(&ann(), Some(SITE), vec![who(4)]).await.unwrap();
    assert_eq!(chat.direct(&bob(), Some(SITE), vec![who(3), who(4)]).await.unwrap().id, room.id);
    assert_refused!(chat.direct(&ann(), Some(SITE), vec![who(5)]), Refused::NotFound);
    assert_refused!(chat.direct(&ann(), Some(SITE), vec![who(99)]), Refused::NotFound);
    assert_refused!(chat.direct(&ann(), Some(SITE), vec![who(3)]), Refused::Invalid(_));
    world.says(&ann(), room.id, "psst").await;
    for by in [admin(), operator(), outsider()] {
        assert_refused!(chat.page(&by, room.id, Place::End, 9), Refused::NotFound);
        assert_refused!(chat.demolish(&by, room.id), Refused::NotFound);
    }
    assert_refused!(chat.bring(&ann(), room.id, who(2)), Refused::Forbidden);
    assert_refused!(chat.leave(&ann(), room.id), Refused::Forbidden);
}

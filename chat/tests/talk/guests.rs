//! Guests: in by a link, in one room, and out for good where they are banned. Bots.

use std::time::Duration;

use chat::{Coming, Query, Refused};
use model::chat::{Guest, RoomKind, Who};
use model::rights::Principal;
use model::{RoomId, limits};
use store::Credential;
use store::accounts::SecretHash;
use store::chat::{Place, RoomChange};

use crate::world::{World, admin, ann, assert_refused, operator, secret, text, who};

fn coming(name: &str, secret: &str, marks: &[u8]) -> Coming {
    Coming {
        name: name.into(),
        knows_password: false,
        marks: marks.iter().map(|mark| [*mark; 32]).collect(),
        secret: SecretHash::of(secret),
    }
}

impl World {
    async fn guest(&self, room: RoomId, name: &str, marks: &[u8]) -> (Guest, Principal) {
        self.chat.set_link(&admin(), room, secret("link"), None).await.unwrap();
        let guest = self.chat.admit(secret("link"), coming(name, name, marks)).await.unwrap();
        let principal = self.access.principal(&Credential::Guest(name.into())).await.unwrap();
        (guest, principal)
    }
}

#[tokio::test]
async fn a_guest_is_limited_to_the_room() {
    let world = World::new().await;
    let room = world.room(RoomKind::Closed).await.id;
    let open = world.room(RoomKind::Open).await.id;
    let (guest, by) = world.guest(room, "Gus", &[1, 2]).await;
    assert_eq!(by, Principal::Guest { id: guest.id, room });
    world.says(&by, room, "hello").await;
    let chat = &world.chat;
    assert_refused!(chat.page(&by, open, Place::End, 9), Refused::NotFound);
    assert_refused!(chat.enter(&by, open), Refused::NotFound);
    assert_refused!(chat.bring(&by, room, who(3)), Refused::Forbidden);
    assert_refused!(chat.kick(&by, room, who(2)), Refused::Forbidden);
    assert_eq!(chat.rooms(&by, None).await.unwrap(), []);
    let search = Query { text: "hello".into(), limit: 9, ..Query::default() };
    assert_eq!(chat.search(&by, search).await.unwrap().len(), 1);
    assert_eq!(chat.my_rooms(&by).await.unwrap().len(), 1);
}

#[tokio::test]
async fn nobody_comes_in_under_the_name_of_somebody_else() {
    let world = World::new().await;
    let room = world.with_ann().await;
    world.guest(room, "Gus", &[1, 2]).await;
    let member = world.chat.names([ann().who().unwrap()].into()).await.unwrap().into_values().next().unwrap();
    let reader =
        world.chat.names([admin().who().unwrap()].into()).await.unwrap().into_values().next().unwrap();
    for taken in [
        member.clone(),
        member.to_uppercase(),
        format!("{member}."),
        reader,
        "Commits".into(),
        "A L E R T S".into(),
        "Gus".into(),
        "gus ".into(),
    ] {
        let coming = coming(&taken, "g", &[7]);
        assert_refused!(world.chat.admit(secret("link"), coming), Refused::Conflict(_));
    }
    // The same browser or address: it is they, who come again.
    world.chat.admit(secret("link"), coming("Gus", "again", &[7, 2])).await.unwrap();
    for (free, theirs) in [("", "one"), ("", "two"), ("Gustav", "three")] {
        world.chat.admit(secret("link"), coming(free, theirs, &[7])).await.unwrap();
    }
}

#[tokio::test]
async fn a_room_with_a_password_is_entered_with_it() {
    let world = World::new().await;
    let room = world.room(RoomKind::Open).await.id;
    world.chat.set_link(&admin(), room, secret("link"), Some("phc".into())).await.unwrap();
    let knocked = world.chat.knock(secret("link")).await.unwrap();
    assert_eq!((knocked.name.as_str(), knocked.password_phc.as_deref()), ("Tea", Some("phc")));
    assert_refused!(world.chat.admit(secret("link"), coming("Gus", "g", &[])), Refused::Password);
    let right = Coming { knows_password: true, ..coming("", "g", &[]) };
    let guest = world.chat.admit(secret("link"), right).await.unwrap();
    let names = world.chat.names([Who::Guest(guest.id)].into()).await.unwrap();
    assert_eq!(names[&Who::Guest(guest.id)], "Guest", "nameless");
    assert_refused!(world.chat.knock(secret("another")), Refused::NotFound);
}

#[tokio::test]
async fn a_link_that_was_replaced_or_locked_out_lets_nobody_in() {
    let world = World::new().await;
    let room = world.room(RoomKind::Open).await.id;
    let chat = &world.chat;
    chat.set_link(&admin(), room, secret("one"), None).await.unwrap();
    chat.set_link(&admin(), room, secret("two"), None).await.unwrap();
    assert_refused!(chat.admit(secret("one"), coming("Gus", "g", &[])), Refused::NotFound);
    chat.change_room(&admin(), room, RoomChange::Lock).await.unwrap();
    assert_refused!(chat.admit(secret("two"), coming("Gus", "g", &[])), Refused::Locked);
    chat.change_room(&admin(), room, RoomChange::Unlock).await.unwrap();
    let long = "n".repeat(limits::NAME_BYTES_MAX);
    chat.admit(secret("two"), coming(&long, "g", &[])).await.unwrap();
    let too_long = coming(&format!("{long}n"), "h", &[]);
    assert_refused!(chat.admit(secret("two"), too_long), Refused::Limit { max: limits::NAME_BYTES_MAX, .. });
    chat.remove_link(&admin(), room).await.unwrap();
    assert_refused!(chat.knock(secret("two")), Refused::NotFound);
}

#[tokio::test]
async fn a_banned_guest_stays_out_by_browser_and_by_address() {
    let world = World::new().await;
    let room = world.room(RoomKind::Closed).await.id;
    let (guest, by) = world.guest(room, "Gus", &[1, 2]).await;
    let hour = Duration::from_secs(3_600);
    world.chat.ban(&admin(), room, Who::Guest(guest.id), hour).await.unwrap();
    assert!(
        world.access.principal(&Credential::Guest("Gus".into())).await.is_err(),
        "the browser is not known"
    );
    assert_refused!(world.chat.post(&by, room, text("still here?")), Refused::NotFound);
    for marks in [[1, 9], [9, 2]] {
        assert_refused!(world.chat.admit(secret("link"), coming("Another", "a", &marks)), Refused::Barred);
    }
    world.chat.admit(secret("link"), coming("Another", "a", &[8, 9])).await.unwrap();
    world.clock.advance(hour);
    world.chat.admit(secret("link"), coming("Gus", "b", &[1, 2])).await.unwrap();
}

#[tokio::test]
async fn a_ban_has_a_longest_time() {
    let world = World::new().await;
    let room = world.with_ann().await;
    let longer = limits::BAN_MAX + Duration::from_secs(1);
    assert_refused!(world.chat.ban(&admin(), room, who(3), longer), Refused::Limit { .. });
    assert_refused!(world.chat.ban(&admin(), room, who(2), limits::BAN_MAX), Refused::Invalid(_));
    world.chat.ban(&admin(), room, who(3), limits::BAN_MAX).await.unwrap();
}

#[tokio::test]
async fn a_bot_says_what_it_is_brought_to_say() {
    let world = World::new().await;
    let room = world.with_ann().await;
    let chat = &world.chat;
    let token = format!("{}secret", Credential::BOT_PREFIX);
    assert_refused!(chat.add_bot(&admin(), "CI", SecretHash::of(&token)), Refused::Forbidden);
    let bot = chat.add_bot(&operator(), "CI", SecretHash::of(&token)).await.unwrap();
    let by = world.access.principal(&Credential::Token(token.clone())).await.unwrap();
    assert_eq!(by, Principal::Bot { id: bot.id });
    assert_refused!(chat.post(&by, room, text("built")), Refused::NotFound);
    chat.bring(&ann(), room, Who::Bot(bot.id)).await.unwrap();
    world.says(&by, room, "built").await;
    assert_refused!(chat.change_room(&by, room, RoomChange::Topic("x".into())), Refused::Forbidden);
    chat.remove_bot(&operator(), bot.id).await.unwrap();
    assert!(world.access.principal(&Credential::Token(token)).await.is_err());
    assert_refused!(chat.post(&by, room, text("built")), Refused::NotFound);
    let said = chat.page(&ann(), room, Place::End, 1).await.unwrap().messages;
    assert_eq!(said[0].body, "built", "what it said stays");
}

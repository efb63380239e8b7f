//! Rooms and messages to test with: the smallest of each, numbered.

use model::chat::{
    Ban, Bot, Change, Guest, GuestLink, Member, Message, MessageKind, NewMessage, Note, Notify, Room,
    RoomKind, RoomRole, Who,
};
use model::{AccountId, BotId, GuestId, MessageId, Millis, RoomId, SiteId, limits};

use super::World;
use super::arrivals::{arrived, tagged};
use super::bot_hooks::bot_hook;
use super::fixtures::{LATER, NOW, secret};
use super::hooks::hook;
use super::outbox::job;
use crate::chat::{CommitMark, RoomChange};

pub const ROOM: RoomId = RoomId::of(1);
pub const ANN: Who = Who::Account(AccountId::of(1));
pub const BOB: Who = Who::Account(AccountId::of(2));
pub const EVE: Who = Who::Account(AccountId::of(3));

pub fn at(number: u64) -> Millis {
    Millis(NOW.0 + number as i64 * 1_000)
}

/// An open one of the installation.
pub fn room(number: u64) -> Room {
    Room {
        id: RoomId::of(number),
        site: None,
        kind: RoomKind::Open,
        name: format!("room {number}"),
        topic: String::new(),
        zone: "Europe/Paris".into(),
        public: false,
        locked: false,
        members_max: 100,
        created: NOW,
        by: None,
        last: 0,
        changes: 0,
        last_at: Millis(0),
    }
}

pub fn member(room: RoomId, who: Who, role: RoomRole) -> Member {
    Member { room, who, role, joined: NOW, read: 0, notify: Notify::default() }
}

pub fn text(number: u128, author: Who, body: &str) -> NewMessage {
    NewMessage {
        room: ROOM,
        id: MessageId(number),
        author,
        kind: MessageKind::Text,
        body: body.into(),
        thread: None,
        mentions: Vec::new(),
        files: Vec::new(),
        at: at(number as u64),
    }
}

pub fn note(number: u128, author: Who, note: Note) -> NewMessage {
    NewMessage { kind: MessageKind::Note(note), body: String::new(), ..text(number, author, "") }
}

pub fn guest(number: u64) -> Guest {
    Guest {
        id: GuestId::of(number),
        room: ROOM,
        name: format!("guest {number}"),
        created: NOW,
        marks: vec![[number as u8; 32], [(100 + number) as u8; 32]],
        was: None,
        is_revoked: false,
    }
}

pub fn link() -> GuestLink {
    GuestLink { room: ROOM, password_phc: Some("$argon2id$…".into()), created: NOW }
}

pub fn bot(number: u64) -> Bot {
    Bot { id: BotId::of(number), name: format!("bot {number}"), created: NOW }
}

pub fn ban(mark: u8, who: Who, until: Millis) -> Ban {
    Ban { room: ROOM, mark: [mark; 32], who, by: ANN, until }
}

impl World {
    /// Room 1: Ann is its host, Bob a member.
    pub async fn talking(&self) -> Room {
        let members = vec![member(ROOM, ANN, RoomRole::Host), member(ROOM, BOB, RoomRole::Member)];
        self.store.rooms.open(room(1), members).await.unwrap()
    }

    pub async fn said(&self, number: u128, author: Who, body: &str) -> Message {
        self.store.messages.post(text(number, author, body)).await.unwrap().message
    }

    /// Everything of the room, by pages of the most.
    pub async fn whole(&self) -> Vec<Message> {
        let (mut all, mut behind) = (Vec::<Message>::new(), 0);
        loop {
            let place = crate::chat::Place::After(behind);
            let page = self.store.messages.page(ROOM, place, limits::MESSAGES_A_PAGE_MAX).await.unwrap();
            let Some(last) = page.last() else {
                return all;
            };
            behind = last.number;
            all.extend(page);
        }
    }
}

impl World {
    /// Rooms of every kind, and in the first some of everything.
    pub async fn chatted(&self) {
        let (rooms, messages) = (&self.store.rooms, &self.store.messages);
        self.talking().await;
        for number in 2..5 {
            let kind = if number == 3 { RoomKind::Direct } else { RoomKind::Closed };
            let site = (number == 4).then_some(SiteId::of(1));
            let members = vec![member(RoomId::of(number), BOB, RoomRole::Host)];
            rooms.open(Room { kind, site, ..room(number) }, members).await.unwrap();
            rooms.add_bot(bot(number), secret(400 + number)).await.unwrap();
        }
        rooms.link(link(), secret(500)).await.unwrap();
        rooms
            .link(GuestLink { room: RoomId::of(2), password_phc: None, ..link() }, secret(501))
            .await
            .unwrap();
        for number in 1..=3 {
            rooms.admit(guest(number), secret(600 + number), None).await.unwrap();
        }
        rooms.leave(ROOM, Who::Guest(GuestId::of(2)), Some(note(900, ANN, Note::Left))).await.unwrap();
        rooms.ban(vec![ban(7, EVE, LATER), ban(3, EVE, LATER)], NOW, None).await.unwrap();
        for number in 1..=300_u64 {
            let thread = (number % 50 == 0).then_some(2);
            let new = NewMessage { thread, ..text(u128::from(number), ANN, &format!("tea number {number}")) };
            messages.post(new).await.unwrap();
        }
        for number in [2, 5, 9] {
            let edit = Change::Edit { body: format!("coffee {number}"), mentions: vec![BOB] };
            messages.change(ROOM, number, ANN, LATER, edit).await.unwrap();
            messages.change(ROOM, number, BOB, LATER, Change::Decide).await.unwrap();
            messages
                .change(ROOM, number + 1, BOB, LATER, Change::React { emoji: "👍".into() })
                .await
                .unwrap();
            messages.star(BOB, ROOM, number, true).await.unwrap();
            messages.star(ANN, ROOM, number, true).await.unwrap();
        }
        messages.change(ROOM, 12, ANN, LATER, Change::Remove).await.unwrap();
        self.sent_files().await;
        for number in [2, 1] {
            self.store.hooks.add_hook(hook(number), secret(700 + number)).await.unwrap();
        }
        let commits = (0..40_u64).map(|number| CommitMark::of(&number.to_string()));
        self.store.hooks.show(ROOM, 4, commits.collect()).await.unwrap();
        self.store.hooks.show(RoomId::of(2), 1, vec![CommitMark::of("1")]).await.unwrap();
        for number in [4, 2] {
            self.store.bot_hooks.put_bot_hook(bot_hook(number)).await.unwrap();
        }
        let jobs = (0..40).map(|number| job(number, Who::Bot(BotId::of(2 + number as u64 % 2))));
        assert!(self.store.outbox.fan(ROOM, None, 200, jobs.collect()).await.unwrap());
        assert!(self.store.outbox.fan(RoomId::of(2), None, 1, vec![]).await.unwrap());
        let known = [arrived(1), tagged("v1", Some("1")), arrived(2)];
        self.store.hooks.arrive(ROOM, known.to_vec()).await.unwrap();
        self.store.hooks.arrive(RoomId::of(2), known[..1].to_vec()).await.unwrap();
        self.conversed().await;
        rooms.read_to(ROOM, BOB, 17).await.unwrap();
        rooms.set_notify(ROOM, BOB, Notify::Everything).await.unwrap();
        rooms.change(ROOM, RoomChange::Lock, Some(note(901, ANN, Note::Locked))).await.unwrap();
        messages.post(text(902, BOB, "between us")).await.unwrap();
    }
}

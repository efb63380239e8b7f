//! Rooms: opened, found, entered, left, changed. Each tells in its room what it did.

use std::collections::BTreeSet;
use std::time::Duration;

use model::chat::rights::{Facts, RoomAction, Standing, may};
use model::chat::{Ban, Member, MessageKind, NewMessage, Note, Notify, Room, RoomKind, RoomRole, Who};
use model::rights::Principal;
use model::{AccountId, MessageId, Millis, RoomId, SiteId, limits};
use store::StoreError;
use store::chat::{Entry, RoomChange, mark_of};

use crate::{Chat, Refused, Result, Seen, random, who};

/// A room that somebody opens.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRoom {
    pub site: Option<SiteId>,
    /// Open or closed; direct ones come about by `direct`.
    pub kind: RoomKind,
    pub name: String,
    /// An IANA time zone.
    pub zone: String,
}

impl Chat {
    /// Who opens a room is its host. For whoever may enter an open room of that site.
    pub async fn open_room(&self, by: &Principal, new: NewRoom) -> Result<Room> {
        let me = who(by)?;
        match new.kind {
            RoomKind::Open | RoomKind::Closed => {}
            RoomKind::Direct => return Err(Refused::Invalid("a direct room is opened with its people")),
            RoomKind::Conversation | RoomKind::Notes => {
                return Err(Refused::Invalid("a conversation is opened by a customer"));
            }
        }
        let room = Room { by: maker(me), ..self.room_of(new)? };
        let open = Room { kind: RoomKind::Open, ..room.clone() };
        match self.access.standing(by, &open).await? {
            Standing::Reader | Standing::Keeper => {}
            _ => return Err(Refused::NotFound),
        }
        let host = self.member(room.id, me, RoomRole::Host, 0);
        Ok(self.store.rooms.open(room, vec![host]).await?)
    }

    /// The one room of these people and oneself. All are to be accounts that could meet in an open room of the site.
    pub async fn direct(&self, by: &Principal, site: Option<SiteId>, with: Vec<Who>) -> Result<Room> {
        let me = who(by)?;
        let mut people = with;
        people.push(me);
        people.sort();
        people.dedup();
        if people.len() > limits::DIRECT_PEOPLE_MAX {
            return Err(Refused::Limit { what: "people of a direct room", max: limits::DIRECT_PEOPLE_MAX });
        }
        if people.len() < 2 {
            return Err(Refused::Invalid("nobody else is named"));
        }
        let room =
            self.room_of(NewRoom { site, kind: RoomKind::Direct, name: String::new(), zone: "UTC".into() })?;
        let room = Room { by: maker(me), ..room };
        for person in &people {
            self.refuse_stranger(*person, &room).await?;
        }
        let members =
            people.iter().map(|person| self.member(room.id, *person, RoomRole::Member, 0)).collect();
        let opened = self.store.rooms.open(room, members).await?;
        self.rights_changed().await;
        for person in people {
            self.tell_entered(opened.id, person).await;
        }
        Ok(opened)
    }

    fn room_of(&self, new: NewRoom) -> Result<Room> {
        let name = new.name.trim();
        if new.kind != RoomKind::Direct && name.is_empty() {
            return Err(Refused::Invalid("a room has a name"));
        }
        refuse_unknown_zone(&new.zone)?;
        Ok(Room {
            id: RoomId::of(random()),
            site: new.site,
            kind: new.kind,
            name: name.to_owned(),
            topic: String::new(),
            zone: new.zone,
            public: false,
            locked: false,
            members_max: limits::ROOM_MEMBERS_MAX,
            created: self.clock.now(),
            by: None,
            last: 0,
            changes: 0,
            last_at: Millis(0),
        })
    }

    /// NotFound where that account has no business at the room's site: who asks learns no more of others.
    async fn refuse_stranger(&self, person: Who, room: &Room) -> Result<()> {
        let Who::Account(id) = person else {
            return Err(Refused::NotFound);
        };
        let account = self.store.accounts.account(id).await?;
        let their = Principal::Account { id, operator: account.operator };
        let open = Room { kind: RoomKind::Open, ..room.clone() };
        match self.access.standing(&their, &open).await? {
            Standing::Stranger => Err(Refused::NotFound),
            _ => Ok(()),
        }
    }

    /// Who has that address: for whoever shares a site or a room with them, or runs the installation. NotFound for all others, as where nobody has it.
    pub async fn addressed(&self, by: &Principal, email: &str) -> Result<Who> {
        let me = who(by)?;
        let (sites, rooms) = (self.sites_of(me).await?, self.rooms_of(me).await?);
        let account = self.store.accounts.account_by_email(email.trim()).await?;
        let they = Who::Account(account.id);
        let is_operator = matches!(by, Principal::Account { operator: true, .. });
        let is_known = is_operator
            || they == me
            || !sites.is_disjoint(&self.sites_of(they).await?)
            || !rooms.is_disjoint(&self.rooms_of(they).await?);
        if is_known { Ok(they) } else { Err(Refused::NotFound) }
    }

    async fn sites_of(&self, who: Who) -> Result<BTreeSet<SiteId>> {
        let Who::Account(id) = who else { return Ok(BTreeSet::new()) };
        Ok(self.store.accounts.memberships(id).await?.into_iter().map(|(site, _)| site).collect())
    }

    async fn rooms_of(&self, who: Who) -> Result<BTreeSet<RoomId>> {
        Ok(self.store.rooms.rooms_of(who).await?.into_iter().map(|(room, _)| room.id).collect())
    }

    /// Whoever is of a site no more leaves its rooms, which they may not read any longer; but those between the same people for ever.
    pub async fn leave_site(&self, account: AccountId, site: SiteId) -> Result<()> {
        let they = Who::Account(account);
        for (room, _) in self.store.rooms.rooms_of(they).await? {
            if room.site != Some(site) || !matches!(room.kind, RoomKind::Open | RoomKind::Closed) {
                continue;
            }
            let note = self.note(room.id, they, Note::Left, "");
            match self.store.rooms.leave(room.id, they, Some(note)).await {
                Ok(()) => self.announce(room.id, room.changes).await,
                // They left by themselves meanwhile, or the room was demolished.
                Err(StoreError::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    pub async fn room(&self, by: &Principal, room: RoomId) -> Result<Seen> {
        self.seen(by, room, RoomAction::Find).await
    }

    /// The rooms one is in, and how far one read each.
    pub async fn my_rooms(&self, by: &Principal) -> Result<Vec<(Room, Member)>> {
        let mut mine = self.store.rooms.rooms_of(who(by)?).await?;
        let mut seen = Vec::with_capacity(mine.len());
        for (room, _) in &mine {
            seen.push(may(self.access.standing(by, room).await?, Facts::of(room), RoomAction::Find));
        }
        let mut seen = seen.into_iter();
        mine.retain(|_| seen.next() == Some(true));
        Ok(mine)
    }

    /// Rooms of a site, or of the installation, that one may find.
    pub async fn rooms(&self, by: &Principal, site: Option<SiteId>) -> Result<Vec<Room>> {
        let mut found = Vec::new();
        for room in self.store.rooms.rooms(site).await? {
            let standing = self.access.standing(by, &room).await?;
            if may(standing, Facts::of(&room), RoomAction::Find) {
                found.push(room);
            }
        }
        Ok(found)
    }

    pub async fn members(&self, by: &Principal, room: RoomId) -> Result<Vec<Member>> {
        self.seen(by, room, RoomAction::SeePeople).await?;
        Ok(self.store.rooms.members(room).await?)
    }

    /// Who is in it already stays as they are.
    pub async fn enter(&self, by: &Principal, room: RoomId) -> Result<()> {
        let me = who(by)?;
        if self.store.rooms.member(room, me).await?.is_some() {
            return Ok(());
        }
        let seen = self.seen(by, room, RoomAction::Enter).await?;
        let member = self.member(room, me, RoomRole::Member, seen.room.last);
        let note = self.note(room, me, Note::Entered, "");
        self.entered(self.store.rooms.enter(member, vec![mark_of(me)], Some(note)).await?, &seen).await?;
        self.tell_entered(room, me).await;
        Ok(())
    }

    pub(crate) async fn entered(&self, entry: Entry, seen: &Seen) -> Result<()> {
        match entry {
            Entry::Barred => return Err(Refused::Barred),
            Entry::Present => {}
            Entry::Entered => {
                self.announce(seen.room.id, seen.room.changes).await;
                self.rights_changed().await;
            }
        }
        Ok(())
    }

    /// Brings somebody in: an account that may be at the room's site, or a bot.
    pub async fn bring(&self, by: &Principal, room: RoomId, person: Who) -> Result<()> {
        let seen = self.seen(by, room, RoomAction::Bring).await?;
        match person {
            Who::Bot(id) if self.store.rooms.bots().await?.iter().any(|bot| bot.id == id) => {}
            Who::Bot(_) | Who::Guest(_) => return Err(Refused::NotFound),
            Who::Account(_) => self.refuse_stranger(person, &seen.room).await?,
        }
        let member = self.member(room, person, RoomRole::Member, seen.room.last);
        let note = self.note(room, person, Note::Entered, "");
        self.entered(self.store.rooms.enter(member, vec![mark_of(person)], Some(note)).await?, &seen).await?;
        self.tell_entered(room, person).await;
        Ok(())
    }

    pub async fn leave(&self, by: &Principal, room: RoomId) -> Result<()> {
        let (me, seen) = (who(by)?, self.seen(by, room, RoomAction::Leave).await?);
        let note = self.note(room, me, Note::Left, "");
        self.store.rooms.leave(room, me, Some(note)).await?;
        self.gone(&seen).await;
        Ok(())
    }

    /// Sends somebody out; they may come back.
    pub async fn kick(&self, by: &Principal, room: RoomId, person: Who) -> Result<()> {
        let (me, seen) = (who(by)?, self.seen(by, room, RoomAction::Kick).await?);
        let note = self.note(room, me, Note::Kicked, &person.to_string());
        self.store.rooms.leave(room, person, Some(note)).await?;
        self.gone(&seen).await;
        Ok(())
    }

    /// Sends somebody out and keeps them out, by browser and address: a guest's, and an account, as itself too, by those that it is signed
    /// in with.
    pub async fn ban(&self, by: &Principal, room: RoomId, person: Who, time: Duration) -> Result<()> {
        let (me, seen) = (who(by)?, self.seen(by, room, RoomAction::Ban).await?);
        if time > limits::BAN_MAX {
            let max = (limits::BAN_MAX.as_secs() / 86_400) as usize;
            return Err(Refused::Limit { what: "days of a ban", max });
        }
        if person == me {
            return Err(Refused::Invalid("nobody bans themselves"));
        }
        let mut marks = vec![mark_of(person)];
        let now = self.clock.now();
        match person {
            Who::Guest(id) => {
                let guests = self.store.rooms.guests(vec![id]).await?;
                let guest = guests.into_iter().find(|guest| guest.room == room).ok_or(Refused::NotFound)?;
                marks.extend(guest.marks);
            }
            Who::Account(id) => {
                let sign_ins = self.store.accounts.sign_ins(id, now).await?;
                marks.extend(sign_ins.into_iter().flat_map(|sign_in| sign_in.marks));
                marks.sort_unstable();
                marks.dedup();
            }
            Who::Bot(_) => {}
        }
        let until = Millis(now.0 + time.as_millis() as i64);
        let bans = marks.into_iter().map(|mark| Ban { room, mark, who: person, by: me, until }).collect();
        let note = self.note(room, me, Note::Banned, &person.to_string());
        self.store.rooms.ban(bans, now, Some(note)).await?;
        self.gone(&seen).await;
        Ok(())
    }

    /// Those that hold now.
    pub async fn bans(&self, by: &Principal, room: RoomId) -> Result<Vec<Ban>> {
        self.seen(by, room, RoomAction::Ban).await?;
        Ok(self.store.rooms.bans(room, self.clock.now()).await?)
    }

    pub async fn unban(&self, by: &Principal, room: RoomId, person: Who) -> Result<()> {
        self.seen(by, room, RoomAction::Ban).await?;
        Ok(self.store.rooms.unban(room, person).await?)
    }

    pub async fn set_role(&self, by: &Principal, room: RoomId, person: Who, role: RoomRole) -> Result<()> {
        let seen = self.seen(by, room, RoomAction::Configure).await?;
        if role == RoomRole::Host && !matches!(person, Who::Account(_)) {
            return Err(Refused::Invalid("a host has an account"));
        }
        self.store.rooms.set_role(room, person, role).await?;
        self.gone(&seen).await;
        Ok(())
    }

    /// Changes one thing about a room, where this change may be made.
    pub async fn change_room(&self, by: &Principal, room: RoomId, change: RoomChange) -> Result<Room> {
        self.change_room_at_once(by, room, vec![change]).await
    }

    /// Changes several things about a room, where all of them may be made; all of them or none.
    pub async fn change_room_at_once(
        &self,
        by: &Principal,
        room: RoomId,
        changes: Vec<RoomChange>,
    ) -> Result<Room> {
        let me = who(by)?;
        let mut seen = self.seen(by, room, RoomAction::Read).await?;
        let mut told = Vec::new();
        for change in changes {
            let (action, note) = told_of(&change)?;
            seen = self.seen(by, room, action).await?;
            if !is_so_already(&seen.room, &change) {
                told.push((change, note.map(|(note, body)| self.note(room, me, note, &body))));
            }
        }
        if told.is_empty() {
            return Ok(seen.room);
        }
        let changed = self.store.rooms.change_all(room, told).await?;
        self.gone(&seen).await;
        Ok(changed)
    }

    pub async fn demolish(&self, by: &Principal, room: RoomId) -> Result<()> {
        self.seen(by, room, RoomAction::Demolish).await?;
        self.store.rooms.demolish(room).await?;
        self.rights_changed().await;
        Ok(())
    }

    /// Somebody's rights are others than before.
    async fn gone(&self, seen: &Seen) {
        self.announce(seen.room.id, seen.room.changes).await;
        self.rights_changed().await;
    }

    pub(crate) fn member(&self, room: RoomId, who: Who, role: RoomRole, read: u64) -> Member {
        Member { room, who, role, joined: self.clock.now(), read, notify: Notify::default() }
    }

    pub(crate) fn note(&self, room: RoomId, author: Who, note: Note, body: &str) -> NewMessage {
        NewMessage {
            room,
            id: MessageId(u128::from(random()) << 64 | u128::from(random())),
            author,
            kind: MessageKind::Note(note),
            body: body.to_owned(),
            thread: None,
            mentions: Vec::new(),
            files: Vec::new(),
            at: self.clock.now(),
        }
    }
}

fn maker(me: Who) -> Option<AccountId> {
    match me {
        Who::Account(id) => Some(id),
        Who::Guest(_) | Who::Bot(_) => None,
    }
}

/// What a change takes, and the note that tells of it.
fn told_of(change: &RoomChange) -> Result<(RoomAction, Option<(Note, String)>)> {
    match change {
        RoomChange::Name(name) if name.trim().is_empty() => {
            return Err(Refused::Invalid("a room has a name"));
        }
        RoomChange::MembersMax(0) => return Err(Refused::Invalid("a room takes somebody")),
        RoomChange::Zone(zone) => refuse_unknown_zone(zone)?,
        _ => {}
    }
    Ok(match change {
        RoomChange::Topic(topic) => (RoomAction::SetTopic, Some((Note::Topic, topic.clone()))),
        RoomChange::Name(name) => (RoomAction::Configure, Some((Note::Name, name.clone()))),
        RoomChange::Lock => (RoomAction::Lock, Some((Note::Locked, String::new()))),
        RoomChange::Unlock => (RoomAction::Lock, Some((Note::Unlocked, String::new()))),
        RoomChange::Public(true) => (RoomAction::Configure, Some((Note::Published, String::new()))),
        RoomChange::Public(false) => (RoomAction::Configure, Some((Note::Unpublished, String::new()))),
        RoomChange::Zone(_) | RoomChange::MembersMax(_) => (RoomAction::Configure, None),
    })
}

/// Nothing is told that makes no difference.
fn is_so_already(room: &Room, change: &RoomChange) -> bool {
    match change {
        RoomChange::Name(name) => room.name == *name,
        RoomChange::Topic(topic) => room.topic == *topic,
        RoomChange::Zone(zone) => room.zone == *zone,
        RoomChange::Public(public) => room.public == *public,
        RoomChange::MembersMax(max) => room.members_max == *max,
        RoomChange::Lock => room.locked,
        RoomChange::Unlock => !room.locked,
    }
}

fn refuse_unknown_zone(zone: &str) -> Result<()> {
    jiff::tz::TimeZone::get(zone).map(drop).map_err(|_| Refused::Invalid("there is no such time zone"))
}

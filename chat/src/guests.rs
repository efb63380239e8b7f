//! Guests: they come into one room by its secret link, named or nameless, with a password where the room has one.

use std::collections::{BTreeSet, HashMap};

use model::chat::rights::{Facts, RoomAction, may};
use model::chat::{Guest, GuestLink, Note, Room, Who};
use model::rights::Principal;
use model::{GuestId, RoomId, limits};
use spam::Looks;
use store::accounts::SecretHash;

use crate::alerts::ALERTER_NAME;
use crate::hooks::TELLER_NAME;
use crate::{Chat, Refused, Result, Seen, random};
use model::chat::rights::Standing;

/// Sites whose people nobody is taken for in a room of the installation.
const SITES_ASKED_MAX: usize = 100;

/// What somebody at the door is told who has a link that is good: enough to decide to come in.
#[derive(Debug, PartialEq)]
pub struct Knocked {
    pub room: RoomId,
    pub name: String,
    pub locked: bool,
    /// Argon2; for whoever checks the password. Never shown.
    pub password_phc: Option<String>,
}

/// Somebody who comes in.
pub struct Coming {
    /// Empty: nameless.
    pub name: String,
    /// Whether the password was right; of a room without one it does not matter.
    pub knows_password: bool,
    /// Keyed hashes of browser and address, for a ban.
    pub marks: Vec<[u8; 32]>,
    /// Of the secret that the browser will show.
    pub secret: SecretHash,
}

/// Whether it is, or looks like, the name of one of our own, who tell rooms of what is outside them: nobody is called so.
pub fn is_ours(name: &str) -> bool {
    let looks = Looks::of(name);
    [TELLER_NAME, ALERTER_NAME].into_iter().any(|ours| looks.is_like(&Looks::of(ours)))
}

impl Chat {
    /// A link in the place of the one there was, which is no longer good.
    pub async fn set_link(
        &self,
        by: &Principal,
        room: RoomId,
        secret: SecretHash,
        password_phc: Option<String>,
    ) -> Result<()> {
        self.seen(by, room, RoomAction::Configure).await?;
        let link = GuestLink { room, password_phc, created: self.clock.now() };
        Ok(self.store.rooms.link(link, secret).await?)
    }

    pub async fn remove_link(&self, by: &Principal, room: RoomId) -> Result<()> {
        self.seen(by, room, RoomAction::Configure).await?;
        Ok(self.store.rooms.unlink(room).await?)
    }

    /// None: there is no link.
    pub async fn link(&self, by: &Principal, room: RoomId) -> Result<Option<GuestLink>> {
        self.seen(by, room, RoomAction::Configure).await?;
        Ok(self.store.rooms.link_of(room).await?)
    }

    /// NotFound for a link that is not good, whatever it once was.
    pub async fn knock(&self, secret: SecretHash) -> Result<Knocked> {
        let link = self.store.rooms.linked(secret).await?;
        let room = self.store.rooms.room(link.room).await?;
        Ok(Knocked { room: room.id, name: room.name, locked: room.locked, password_phc: link.password_phc })
    }

    /// Lets a guest in. The link is looked up again: it may have been replaced since they knocked.
    pub async fn admit(&self, link: SecretHash, coming: Coming) -> Result<Guest> {
        let known = self.store.rooms.linked(link).await?;
        if known.password_phc.is_some() && !coming.knows_password {
            return Err(Refused::Password);
        }
        let name = coming.name.trim();
        if name.len() > limits::NAME_BYTES_MAX {
            return Err(Refused::Limit { what: "bytes in a name", max: limits::NAME_BYTES_MAX });
        }
        let room = self.store.rooms.room(known.room).await?;
        self.refuse_taken(&room, name, &coming.marks).await?;
        let guest = Guest {
            id: GuestId::of(random()),
            room: room.id,
            name: name.to_owned(),
            created: self.clock.now(),
            marks: coming.marks,
            was: None,
            is_revoked: false,
        };
        let note = self.note(room.id, Who::Guest(guest.id), Note::Entered, "");
        let entry = self.store.rooms.admit(guest.clone(), coming.secret, Some(note)).await?;
        self.entered(entry, &Seen { room, standing: Standing::Guest }).await?;
        Ok(guest)
    }

    /// Nobody comes in under the name of somebody who is in the room, or may read it, or under one that looks like it.
    pub(crate) async fn refuse_taken(&self, room: &Room, name: &str, marks: &[[u8; 32]]) -> Result<()> {
        const TAKEN: Refused =
            Refused::Conflict("somebody here has that name, or one that looks like it; choose another");
        if name.is_empty() {
            return Ok(());
        }
        if is_ours(name) {
            return Err(TAKEN);
        }
        let looks = Looks::of(name);
        for (who, other) in self.called_here(room).await? {
            if looks.is_like(&Looks::of(&other)) && !self.is_same_guest(who, marks).await? {
                return Err(TAKEN);
            }
        }
        Ok(())
    }

    /// A guest who comes in anew from where they were, and so may be called as before.
    async fn is_same_guest(&self, who: Who, marks: &[[u8; 32]]) -> Result<bool> {
        let Who::Guest(id) = who else { return Ok(false) };
        let guests = self.store.rooms.guests(vec![id]).await?;
        Ok(guests.iter().flat_map(|guest| &guest.marks).any(|mark| marks.contains(mark)))
    }

    /// The names of who is in a room, and of the accounts that may read it.
    async fn called_here(&self, room: &Room) -> Result<HashMap<Who, String>> {
        let members: BTreeSet<Who> =
            self.store.rooms.members(room.id).await?.into_iter().map(|member| member.who).collect();
        let mut called = self.names(members).await?;
        let sites = match room.site {
            Some(site) => vec![site],
            None => {
                let all = self.store.sites.all().await?;
                all.into_iter().map(|site| site.id).take(SITES_ASKED_MAX).collect()
            }
        };
        let facts = Facts::of(room);
        for site in sites {
            for (account, _) in self.store.accounts.members(site).await? {
                let who = Who::Account(account.id);
                let their = Principal::Account { id: account.id, operator: account.operator };
                if !called.contains_key(&who)
                    && may(self.access.standing(&their, room).await?, facts, RoomAction::Read)
                {
                    called.insert(who, account.name);
                }
            }
        }
        Ok(called)
    }
}

//! Guests: they come into one room by its secret link, named or nameless, with a password where the room has one.

use model::chat::rights::RoomAction;
use model::chat::{Guest, GuestLink, Note, Who};
use model::rights::Principal;
use model::{GuestId, RoomId, limits};
use store::accounts::SecretHash;

use crate::{Chat, Refused, Result, Seen, random};
use model::chat::rights::Standing;

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
}

//! A conversation is told again in a public room, so that others find the answer: agents ask, the customer allows it or not. Never told without their yes.

use model::chat::rights::RoomAction;
use model::chat::{Consent, Conversation, Message, Retelling, Room, RoomKind};
use model::rights::Principal;
use model::{AccountId, GuestId, MessageId, Millis, Role, RoomId, SiteId};
use store::StoreError;
use store::chat::{ConversationChange, Posted, Telling};

use crate::announce::MISSED_MAX;
use crate::files::is_hidden;
use crate::{Chat, Refused, Result, random};

/// What the customer says to what they were asked then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consented {
    pub asked: Millis,
    pub yes: bool,
    /// Their name may stand there.
    pub named: bool,
}

impl Chat {
    /// The public rooms in which an agent may have a conversation of the site told again, by name: of the site or of the installation, and they are in them.
    pub async fn public_rooms(&self, by: &Principal, site: SiteId) -> Result<Vec<(RoomId, String)>> {
        self.agent(by, site).await?;
        let mine = self.my_rooms(by).await?.into_iter().map(|(room, _)| room);
        let mut rooms: Vec<(RoomId, String)> =
            mine.filter(|room| takes_from(room, site)).map(|room| (room.id, room.name)).collect();
        rooms.sort_by(|one, other| one.1.cmp(&other.1));
        Ok(rooms)
    }

    /// What asks the customer. NotFound for a room that this agent does not see.
    pub(super) async fn asking_to_retell(
        &self,
        by: &Principal,
        site: SiteId,
        room: RoomId,
        title: &str,
    ) -> Result<ConversationChange> {
        let me = self.agent(by, site).await?;
        let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        if title.chars().all(|letter| letter.is_whitespace() || is_hidden(letter)) {
            return Err(Refused::Invalid("say what it is about"));
        }
        let public = self.seen(by, room, RoomAction::Post).await?.room;
        if !takes_from(&public, site) {
            return Err(Refused::Invalid("the room is not one that everybody reads, of this site or of all"));
        }
        Ok(ConversationChange::AskToRetell { room, title, by: me })
    }

    /// The customer's own answer. What they allowed is told once, however often they say so.
    pub async fn consent(
        &self,
        by: &Principal,
        site: SiteId,
        Consented { asked, yes, named }: Consented,
    ) -> Result<Conversation> {
        let mine = self.my_conversation(by, site).await?;
        if !yes {
            return self.change_to(&mine, ConversationChange::RefuseRetelling(asked)).await;
        }
        let mut name = String::new();
        if let Some(asked) = mine.asks_to_retell(self.clock.now()) {
            self.refuse_lost(asked, site).await?;
            if named {
                name = self.name_there(asked, &mine.customer.name).await?;
            }
        }
        let telling = Telling {
            asked,
            guest: GuestId::of(random()),
            name,
            first: MessageId(u128::from(random()) << 64 | u128::from(random())),
            at: self.clock.now(),
        };
        let (told, first) = self.store.conversations.retell(mine.room, telling).await?;
        if let Some(first) = first {
            self.announce_thread(&first).await;
            self.announce_change(&mine, &told).await;
        }
        Ok(told)
    }

    /// As a guest of that room could be called: empty for the name of somebody there, or one that looks like it.
    async fn name_there(&self, asked: &Retelling, name: &str) -> Result<String> {
        let room = self.store.rooms.room(asked.room).await?;
        match self.refuse_taken(&room, name, &[]).await {
            Ok(()) => Ok(name.to_owned()),
            Err(Refused::Conflict(_)) => Ok(String::new()),
            Err(refused) => Err(refused),
        }
    }

    /// All of it: each of its messages is one change of the room.
    async fn announce_thread(&self, first: &Posted) {
        let changes = first.message.changed - 1..first.room.changes;
        for after in changes.step_by(MISSED_MAX) {
            self.announce(first.room.id, after).await;
        }
    }

    /// Who asked may still do so: nobody else answers for it.
    async fn refuse_lost(&self, asked: &Retelling, site: SiteId) -> Result<()> {
        match self.answers(asked.by, site).await? {
            true => Ok(()),
            false => Err(StoreError::Conflict("who asked is no agent of the site any more").into()),
        }
    }

    /// What the customer is asked just now: the room's name, and who asks. None where it is not there any more.
    pub async fn asked_to_retell(&self, one: &Conversation) -> Result<Option<(Retelling, String, String)>> {
        let Some(asked) = one.asks_to_retell(self.clock.now()) else {
            return Ok(None);
        };
        let Some(room) = self.public_room(asked.room).await? else {
            return Ok(None);
        };
        let who = model::chat::Who::Account(asked.by);
        let names = self.names([who].into()).await?;
        let name = crate::told::named(who, &names).to_owned();
        Ok(Some((asked.clone(), room.name, name)))
    }

    /// Where it is told again, for everybody: the room's name, and the number of the message that begins it.
    pub async fn retold(&self, one: &Conversation) -> Result<Option<(Room, u64)>> {
        let Some(Retelling { room, answer: Consent::Given(number), .. }) = one.retelling else {
            return Ok(None);
        };
        Ok(self.public_room(room).await?.map(|room| (room, number)))
    }

    async fn public_room(&self, room: RoomId) -> Result<Option<Room>> {
        match self.store.rooms.room(room).await {
            Ok(room) => Ok((room.public && !room.locked).then_some(room)),
            Err(StoreError::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The conversation that a message of a room was said in first. NotFound for whoever does not answer that site's customers.
    pub async fn told_before(&self, by: &Principal, room: RoomId, number: u64) -> Result<Conversation> {
        let Message { retold, .. } = self.message(by, room, number).await?;
        let found = self.store.conversations.conversation(retold.ok_or(Refused::NotFound)?).await?;
        match self.agent(by, found.site).await {
            Ok(_) => Ok(found),
            Err(Refused::Forbidden) => Err(Refused::NotFound),
            Err(refused) => Err(refused),
        }
    }

    /// Whether somebody is shown the way back to conversations from a room: who answers its site's customers, in a room of the installation those of any.
    pub async fn leads_back(&self, by: &Principal, site: Option<SiteId>) -> Result<bool> {
        let Principal::Account { id, operator } = by else {
            return Ok(false);
        };
        match site {
            Some(site) => self.is_agent(*id, *operator, site).await,
            None if *operator => Ok(true),
            None => {
                let all = self.store.accounts.memberships(*id).await?;
                Ok(all.into_iter().any(|(_, role)| role >= Role::Agent))
            }
        }
    }

    async fn is_agent(&self, id: AccountId, operator: bool, site: SiteId) -> Result<bool> {
        match self.agent(&Principal::Account { id, operator }, site).await {
            Ok(_) => Ok(true),
            Err(Refused::NotFound | Refused::Forbidden) => Ok(false),
            Err(refused) => Err(refused),
        }
    }
}

/// Everybody reads it, and what it has of the site is no other site's.
fn takes_from(room: &Room, site: SiteId) -> bool {
    let is_near = room.site.is_none_or(|of| of == site);
    is_near && room.public && !room.locked && matches!(room.kind, RoomKind::Open | RoomKind::Closed)
}

//! The hub's topics of chat: who may follow which, begun with the first and let go with the last who does.

use std::sync::Arc;

use model::chat::rights::RoomAction;
use model::rights::Principal;

use crate::hub::Hub;
use crate::refused::Refused;
use crate::room::Followed;
use crate::topic::{Of, Topic};

impl Hub {
    /// What of chat may be followed, and by whom.
    pub async fn authorise_chat(&self, principal: &Principal, of: Of) -> Result<(), Refused> {
        let seen = match of {
            Of::Room(room) => self.chat.seen(principal, room, RoomAction::Read).await.map(drop),
            Of::People(room) => self.chat.seen(principal, room, RoomAction::SeePeople).await.map(drop),
            Of::Person(who) if principal.who() == Some(who) => return Ok(()),
            Of::Inbox(site) => self.chat.may_converse(principal, site).await,
            Of::Person(_) | Of::Site(_) => return Err(Refused::NotFound),
        };
        match seen {
            Ok(_) => Ok(()),
            Err(chat::Refused::Unavailable(error)) => {
                tracing::warn!(%error, "rights in a room cannot be looked up");
                Err(Refused::Unavailable)
            }
            Err(_) => Err(Refused::NotFound),
        }
    }

    /// The topic of chat, begun to be followed if nobody did; its next client is expected.
    pub fn follow(self: &Arc<Self>, topic: &Arc<Topic>) -> Arc<Followed> {
        let mut followed = self.followed.lock();
        let begin = || {
            let begun = Arc::new(Followed::new(topic));
            self.tasks.spawn(begun.clone().run(self.clone()));
            begun
        };
        let found = followed.entry(topic.of).or_insert_with(begin).clone();
        found.expect();
        found
    }

    /// Lets go of a topic that nobody follows; false: somebody does.
    pub fn let_go(&self, of: &Followed) -> bool {
        let mut followed = self.followed.lock();
        let is_deserted = of.is_deserted();
        if is_deserted {
            followed.remove(&of.topic.of);
        }
        is_deserted
    }

    pub fn found(&self, of: Of) -> Option<Arc<Followed>> {
        self.followed.lock().get(&of).cloned()
    }
}

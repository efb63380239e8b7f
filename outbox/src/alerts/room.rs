//! An alert told in a room, once: the id of its message is the job's.

use std::time::Duration;

use async_trait::async_trait;
use chat::{Chat, Refused};
use model::MessageId;
use model::outbox::{Job, JobKind};
use store::Store;

use super::{LOOKS_EVERY, NotNow, WAITS, about, told};
use crate::{Sender, Sent};

pub struct AlertRooms {
    pub store: Store,
    pub chat: Chat,
    /// Where people reach this server, for links. None: messages have none.
    pub public_url: Option<String>,
}

#[async_trait]
impl Sender for AlertRooms {
    fn kind(&self) -> JobKind {
        JobKind::AlertRoom
    }

    fn waits(&self) -> &'static [Duration] {
        &WAITS
    }

    fn looks_every(&self) -> Duration {
        LOOKS_EVERY
    }

    async fn send(&self, job: &Job) -> Sent {
        self.say(job).await.unwrap_or_else(Sent::from)
    }
}

impl AlertRooms {
    async fn say(&self, job: &Job) -> Result<Sent, NotNow> {
        let told = told(&self.store, &about(job)?).await?;
        let room = told.alert.room.ok_or(NotNow::Pointless)?;
        let href = self.public_url.as_ref().map(|url| format!("{url}{}", told.path()));
        let id = MessageId(job.id.0);
        let said = self.chat.tell_alert(room, id, &told.title(), &told.said(), href.as_deref()).await;
        Ok(match said {
            Ok(_) => Sent::Gone,
            Err(Refused::Unavailable(_)) => Sent::Again("the room could not be written to".into()),
            // It is gone, locked, or put the teller out.
            Err(refused) => Sent::GivenUp(refused.to_string()),
        })
    }
}

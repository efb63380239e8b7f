//! A conversation goes to its customer by mail, all of it: they ask for it, or an agent has it sent. To the address that they gave, and once an hour.

use std::time::Duration;

use model::chat::{Conversation, Who};
use model::outbox::{JobKind, NewJob};
use model::rights::Principal;
use model::{JobId, SiteId, limits};

use crate::replies::number_of;
use crate::{Chat, Refused, Result};

/// One of a conversation within this.
const AGAIN_AFTER: Duration = Duration::from_secs(3_600);

impl Chat {
    /// Who asks is the customer. What is held goes to nobody, and nobody is told that it is held.
    pub async fn mail_mine(&self, by: &Principal, site: SiteId) -> Result<Conversation> {
        let mine = self.my_conversation(by, site).await?;
        if mine.takes_letters() {
            self.mail_all(&mine).await?;
        }
        Ok(mine)
    }

    /// An agent has it sent.
    pub(super) async fn mail_theirs(&self, of: &Conversation) -> Result<()> {
        if !of.takes_letters() {
            return Err(Refused::Conflict("nothing is mailed to who is held, spam, blocked or revoked"));
        }
        self.mail_all(of).await
    }

    async fn mail_all(&self, of: &Conversation) -> Result<()> {
        if of.customer.email.is_empty() {
            return Err(Refused::Invalid("there is no address that it could be mailed to"));
        }
        let (now, owner) = (self.clock.now(), Who::Guest(of.guest));
        let before = self.store.outbox.jobs_of(JobKind::Transcript, owner, limits::JOBS_KEPT_MAX).await?;
        if before.iter().any(|job| now.since(job.created) < AGAIN_AFTER) {
            return Err(Refused::Conflict("it was mailed within the last hour"));
        }
        // Those who ask at the same moment ask for the same letter.
        let hour = now.0.div_euclid(AGAIN_AFTER.as_millis() as i64);
        let job = NewJob {
            id: JobId(number_of(&format!("transcript {} {hour}", of.room))),
            kind: JobKind::Transcript,
            owner,
            body: serde_json::to_vec(&of.room).expect("an id encodes"),
            created: now,
            due: now,
        };
        Ok(self.store.outbox.add(vec![job]).await?)
    }
}

//! A customer shows their screen: what their browser and those of the agents say to each other until the picture goes straight from the one to the
//! others. Each word of it is allowed or refused by itself, heard by who it is for, and kept nowhere.

use model::chat::rights::RoomAction;
use model::chat::{Conversation, RoomKind, Who};
use model::rights::Principal;
use model::{RoomId, limits};
use serde::{Deserialize, Serialize};

use crate::announce::{people_topic, person_topic};
use crate::{Chat, Refused, Result, who};

/// What is said of a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// An agent would like to see it.
    Asks,
    /// The customer would rather not.
    Declines,
    /// The customer shows it; said again every so often while that is so.
    Shows,
    /// It is over: either side says so.
    Ends,
    /// An agent's page looks at it, or would; said again every so often while that is so.
    Watches,
    Leaves,
    /// So many look already that there is no room for one more.
    Full,
    /// A description of what is sent, and of what is taken (RFC 8829).
    Offer,
    Answer,
    /// A way on which the browser that says it can be reached.
    Candidate,
}

/// One word of it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    pub what: Sign,
    /// Of one showing, made by the customer's page.
    #[serde(default)]
    pub showing: String,
    /// Of one page that looks, made by that page.
    #[serde(default)]
    pub link: String,
    /// The agent whom the customer means.
    #[serde(default)]
    pub to: Option<Who>,
    #[serde(default)]
    pub text: String,
}

#[derive(Serialize)]
struct Heard<'s> {
    screen: Word<'s>,
}

#[derive(Serialize)]
struct Word<'s> {
    room: RoomId,
    who: Who,
    what: Sign,
    #[serde(skip_serializing_if = "str::is_empty")]
    showing: &'s str,
    #[serde(skip_serializing_if = "str::is_empty")]
    link: &'s str,
    #[serde(skip_serializing_if = "str::is_empty")]
    text: &'s str,
}

impl Sign {
    /// Whether customers, and whether agents say that.
    fn is_for(self, is_customer: bool) -> bool {
        match self {
            Sign::Declines | Sign::Shows | Sign::Full | Sign::Offer => is_customer,
            Sign::Asks | Sign::Watches | Sign::Leaves | Sign::Answer => !is_customer,
            Sign::Ends | Sign::Candidate => true,
        }
    }

    /// Whether all who look at the conversation hear it; else one does.
    fn is_for_all(self) -> bool {
        matches!(self, Sign::Asks | Sign::Declines | Sign::Shows | Sign::Ends)
    }

    /// Of what is over, or is not wanted, is told at any time.
    fn is_of_the_end(self) -> bool {
        matches!(self, Sign::Declines | Sign::Ends | Sign::Leaves)
    }
}

impl Chat {
    /// Says it to whom it is for, where both are of the conversation now.
    pub async fn signal(&self, by: &Principal, room: RoomId, signal: Signal) -> Result<()> {
        let me = who(by)?;
        let seen = self.seen(by, room, RoomAction::Post).await?;
        if seen.room.kind != RoomKind::Conversation {
            return Err(Refused::Invalid("a screen is shown in a conversation with a customer"));
        }
        refuse_unbounded(&signal)?;
        let is_customer = matches!(by, Principal::Guest { .. });
        if !signal.what.is_for(is_customer) {
            return Err(Refused::Forbidden);
        }
        let conversation = self.store.conversations.conversation(room).await?;
        if conversation.is_closed() && !signal.what.is_of_the_end() {
            return Err(Refused::Conflict("the conversation is closed"));
        }
        let topic = match () {
            () if signal.what.is_for_all() => people_topic(room),
            () if is_customer => person_topic(self.meant(&conversation, signal.to).await?),
            () => person_topic(Who::Guest(conversation.guest)),
        };
        let Signal { what, showing, link, text, .. } = &signal;
        let word = Word { room, who: me, what: *what, showing, link, text };
        self.publish(&topic, &Heard { screen: word }).await;
        Ok(())
    }

    /// Nobody but an agent of the site hears a customer's browser.
    async fn meant(&self, conversation: &Conversation, to: Option<Who>) -> Result<Who> {
        match to {
            Some(Who::Account(agent)) if self.answers(agent, conversation.site).await? => {
                Ok(Who::Account(agent))
            }
            _ => Err(Refused::NotFound),
        }
    }
}

fn refuse_unbounded(Signal { showing, link, text, .. }: &Signal) -> Result<()> {
    if text.len() > limits::SCREEN_SIGNAL_BYTES_MAX {
        return Err(Refused::Limit { what: "bytes in a signal", max: limits::SCREEN_SIGNAL_BYTES_MAX });
    }
    for id in [showing, link] {
        if id.len() > limits::SCREEN_ID_BYTES_MAX {
            return Err(Refused::Limit { what: "bytes in an id", max: limits::SCREEN_ID_BYTES_MAX });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_says_its_own() {
        let both = [Sign::Ends, Sign::Candidate];
        for customer in [Sign::Declines, Sign::Shows, Sign::Full, Sign::Offer] {
            assert!(customer.is_for(true) && !customer.is_for(false), "{customer:?}");
        }
        for agent in [Sign::Asks, Sign::Watches, Sign::Leaves, Sign::Answer] {
            assert!(agent.is_for(false) && !agent.is_for(true), "{agent:?}");
        }
        assert!(both.into_iter().all(|sign| sign.is_for(true) && sign.is_for(false)));
    }
}

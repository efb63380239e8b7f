//! Which answers are mailed: those of agents, to a customer who gave an address.

use async_trait::async_trait;
use model::chat::{Message, MessageKind, Room, RoomKind, Who};
use model::outbox::{JobKind, NewJob};
use store::Store;

use super::{About, MAILED_AFTER};
use crate::{Making, Rule, job_id};

pub struct Answers {
    pub store: Store,
}

#[async_trait]
impl Rule for Answers {
    async fn of(&self, room: &Room) -> anyhow::Result<Option<Making>> {
        if room.kind != RoomKind::Conversation {
            return Ok(None);
        }
        let conversation = self.store.conversations.conversation(room.id).await?;
        // Whether they have an address is asked when it is sent: they may give one a moment later.
        let customer = Who::Guest(conversation.guest);
        Ok(Some(Box::new(move |messages: &[Message]| jobs(customer, messages))))
    }
}

fn jobs(customer: Who, messages: &[Message]) -> Vec<NewJob> {
    let answers = messages.iter().filter(|message| is_answer(message));
    answers.map(|message| job(customer, message)).collect()
}

/// Whether an agent says it to the customer.
pub fn is_answer(message: &Message) -> bool {
    !matches!(message.author, Who::Guest(_))
        && !matches!(message.kind, MessageKind::Note(_) | MessageKind::Sound)
}

fn job(customer: Who, message: &Message) -> NewJob {
    let about = About { room: message.room, number: message.number };
    NewJob {
        id: job_id(&["answer", &message.room.to_string(), &message.number.to_string()]),
        kind: JobKind::Answer,
        owner: customer,
        body: serde_json::to_vec(&about).expect("what a job is about encodes"),
        created: message.at,
        due: message.at.plus(MAILED_AFTER),
    }
}

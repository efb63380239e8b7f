//! What an agent answers is no spam: the site's filter learns the question, once, whatever dies meanwhile.

use std::time::Duration;

use async_trait::async_trait;
use chat::{Chat, Refused};
use model::RoomId;
use model::chat::{Message, Room, RoomKind, Who};
use model::outbox::{Job, JobKind, NewJob};
use store::Store;

use crate::answers::is_answer;
use crate::{Making, Rule, Sender, Sent, job_id};

/// Between attempts.
const WAITS: [Duration; 4] =
    [Duration::from_secs(5), Duration::from_secs(60), Duration::from_secs(600), Duration::from_secs(3_600)];
/// Filters that learn at the same moment learn one after the other.
const AT_ONCE_MAX: usize = 2;

/// Makes a lesson of the first answer of an agent.
pub struct Lessons {
    pub store: Store,
}

#[async_trait]
impl Rule for Lessons {
    async fn of(&self, room: &Room) -> anyhow::Result<Option<Making>> {
        if room.kind != RoomKind::Conversation {
            return Ok(None);
        }
        let conversation = self.store.conversations.conversation(room.id).await?;
        if conversation.learned.is_some() {
            return Ok(None);
        }
        let customer = Who::Guest(conversation.guest);
        Ok(Some(Box::new(move |messages: &[Message]| {
            let answer = messages.iter().find(|message| is_answer(message));
            answer.map(|answer| lesson(customer, answer)).into_iter().collect()
        })))
    }
}

fn lesson(customer: Who, answer: &Message) -> NewJob {
    let room = answer.room;
    NewJob {
        id: job_id(&["lesson", &room.to_string(), &answer.number.to_string()]),
        kind: JobKind::Lesson,
        owner: customer,
        body: serde_json::to_vec(&room).expect("the name of a room encodes"),
        created: answer.at,
        due: answer.at,
    }
}

/// Has the filter learn it.
pub struct Teaching {
    pub chat: Chat,
}

#[async_trait]
impl Sender for Teaching {
    fn kind(&self) -> JobKind {
        JobKind::Lesson
    }

    fn waits(&self) -> &'static [Duration] {
        &WAITS
    }

    fn at_once_max(&self) -> usize {
        AT_ONCE_MAX
    }

    async fn send(&self, job: &Job) -> Sent {
        let Ok(room) = serde_json::from_slice::<RoomId>(&job.body) else {
            return Sent::GivenUp("this job cannot be read".into());
        };
        match self.chat.learn_answered(room).await {
            Err(refused @ (Refused::Unavailable(_) | Refused::Conflict(_))) => {
                Sent::Again(refused.to_string())
            }
            // Where it is no more, there is nothing to learn.
            _ => Sent::Gone,
        }
    }
}

//! Mails the answers of one go.

use std::time::Duration;

use async_trait::async_trait;
use chat::{Chat, Refused, ReplyAddress};
use model::Clock;
use model::chat::{Conversation, Message, Who};
use model::outbox::{Job, JobKind};
use std::sync::Arc;
use store::access::letter_secret;
use store::chat::{ConversationChange, Place};
use store::{Store, StoreError};

use super::About;
use super::letter::{Letter, Line};
use super::rule::is_answer;
use crate::digest::{Mailer, Sheet};
use crate::missed::{beginning, line};
use crate::{Sender, Sent};

/// Between attempts.
pub(super) const WAITS: [Duration; 5] = [
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3_600),
    Duration::from_secs(8 * 3_600),
];
pub(super) const ATTEMPT_MAX: Duration = Duration::from_secs(60);
pub(super) const AT_ONCE_MAX: usize = 4;
/// Answers of one letter, the last ones, and characters of one.
const ANSWERS_SHOWN_MAX: usize = 20;
const ANSWER_CHARS_MAX: usize = 4_000;
pub(super) const NAME_CHARS_MAX: usize = 80;

pub struct Answering {
    pub store: Store,
    pub chat: Chat,
    pub mailer: Mailer,
    pub clock: Arc<dyn Clock>,
    /// Where people reach this server.
    pub public_url: String,
    /// Where letters are answered to. None: they are not.
    pub replies: Option<ReplyAddress>,
}

#[async_trait]
impl Sender for Answering {
    fn kind(&self) -> JobKind {
        JobKind::Answer
    }

    fn waits(&self) -> &'static [Duration] {
        &WAITS
    }

    fn attempt_max(&self) -> Duration {
        ATTEMPT_MAX
    }

    fn at_once_max(&self) -> usize {
        AT_ONCE_MAX
    }

    async fn send(&self, job: &Job) -> Sent {
        let Ok(about) = serde_json::from_slice::<About>(&job.body) else {
            return Sent::GivenUp("this job cannot be read".into());
        };
        match self.mail(job, &about).await {
            Ok(sent) => sent,
            Err(Refused::Unavailable(_)) => Sent::Again("the conversation could not be read".into()),
            Err(_) => Sent::Gone,
        }
    }
}

impl Answering {
    async fn mail(&self, job: &Job, about: &About) -> Result<Sent, Refused> {
        let conversation = self.store.conversations.conversation(about.room).await?;
        let to = conversation.customer.email.clone();
        if to.is_empty() || !conversation.takes_letters() {
            return Ok(Sent::Gone);
        }
        let answers = self.unread(&conversation).await?;
        // Of several in one go the last one's job mails them all.
        if answers.last().map(|last| last.number) != Some(about.number) {
            return Ok(Sent::Gone);
        }
        let site = match self.store.sites.site(conversation.site).await {
            Err(StoreError::NotFound(_)) => return Ok(Sent::Gone),
            site => site?,
        };
        let names = self.chat.names_in(&answers).await?;
        let lines: Vec<Line> = answers
            .iter()
            .rev()
            .take(ANSWERS_SHOWN_MAX)
            .rev()
            .map(|answer| Line {
                author: beginning(chat::told::named(answer.author, &names), NAME_CHARS_MAX),
                said: line(answer, &names, ANSWER_CHARS_MAX),
            })
            .collect();
        let secret =
            letter_secret(self.store.salts.as_ref(), conversation.guest, conversation.replies.links).await?;
        let url = format!("{}/chat/{}#{secret}", self.public_url, site.id);
        let reply_to = reply_to(&self.chat, self.replies.as_ref(), &conversation).await?;
        let letter = Letter { site: &site.name, lines: &lines, url: &url, takes_answers: reply_to.is_some() };
        let sheet = Sheet {
            to,
            id: job.id.to_string(),
            subject: letter.subject(),
            text: letter.text(),
            html: letter.html(),
            off_url: None,
            thread: Some(format!("conversation.{}", conversation.room)),
            answers: Some(conversation.replies.last.clone()).filter(|id| id.contains('@')),
            reply_to,
        };
        if let Err(unsent) = self.mailer.send(sheet).await {
            return Ok(unsent.into());
        }
        let mailed = ConversationChange::Mailed(about.number);
        if let Err(error) =
            self.store.conversations.change_conversation(conversation.room, mailed, self.clock.now()).await
        {
            tracing::warn!(%error, "that an answer was mailed is not known: the next letter has it again");
        }
        Ok(Sent::Done(format!("{} answers", lines.len())))
    }

    /// Answers that were neither read nor mailed, as many as one page holds.
    async fn unread(&self, conversation: &Conversation) -> Result<Vec<Message>, Refused> {
        let customer = Who::Guest(conversation.guest);
        let Some(member) = self.store.rooms.member(conversation.room, customer).await? else {
            return Ok(Vec::new());
        };
        let behind = member.read.max(conversation.mailed);
        let max = model::limits::MESSAGES_A_PAGE_MAX;
        let mut answers = self.store.messages.page(conversation.room, Place::After(behind), max).await?;
        answers.retain(|message| is_answer(message) && message.removed.is_none());
        Ok(answers)
    }
}

/// What the letter of a conversation is answered to. None: to nothing.
pub(super) async fn reply_to(
    chat: &Chat,
    replies: Option<&ReplyAddress>,
    of: &Conversation,
) -> Result<Option<String>, Refused> {
    match replies {
        Some(address) => chat.reply_address(address, of).await.map(Some),
        None => Ok(None),
    }
}

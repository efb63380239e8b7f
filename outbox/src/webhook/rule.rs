//! Which messages a bot's hook hears of. Never its own, and of other bots only where they name it: two bots that answer each other would never end.

use async_trait::async_trait;
use chat::{Chat, Refused};
use model::chat::rights::{RoomAction, Standing};
use model::chat::{BotEvent, BotHook, Message, MessageKind, Note, Room, Who};
use model::outbox::{JobKind, NewJob};
use model::rights::Principal;
use store::Store;

use super::About;
use crate::{Making, Rule, job_id};

pub struct Webhooks {
    pub store: Store,
    pub chat: Chat,
}

impl Webhooks {
    /// The hooks of bots that are in the room: one that is public they might read anyway.
    async fn hooks(&self, room: &Room) -> anyhow::Result<Vec<BotHook>> {
        let mut hooks = self.store.bot_hooks.bot_hooks().await?;
        hooks.retain(|hook| hook.off.is_none());
        let mut reading = Vec::new();
        for hook in hooks {
            match self.chat.seen(&Principal::Bot { id: hook.bot }, room.id, RoomAction::Read).await {
                Ok(seen) if seen.standing == Standing::Bot => reading.push(hook),
                Err(Refused::Unavailable(error)) => return Err(error),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(reading)
    }
}

#[async_trait]
impl Rule for Webhooks {
    async fn of(&self, room: &Room) -> anyhow::Result<Option<Making>> {
        let hooks = self.hooks(room).await?;
        Ok((!hooks.is_empty())
            .then(|| Box::new(move |messages: &[Message]| jobs(&hooks, messages)) as Making))
    }
}

fn jobs(hooks: &[BotHook], messages: &[Message]) -> Vec<NewJob> {
    let each = messages.iter().flat_map(|message| hooks.iter().map(move |hook| (hook, message)));
    each.filter_map(|(hook, message)| Some(job(hook, message, event(hook, message)?))).collect()
}

fn job(hook: &BotHook, message: &Message, event: BotEvent) -> NewJob {
    let about = About { event, room: message.room, number: message.number };
    let owner = Who::Bot(hook.bot);
    let parts = ["webhook", &owner.to_string(), &message.room.to_string(), &message.number.to_string()];
    NewJob {
        id: job_id(&parts),
        kind: JobKind::Webhook,
        owner,
        body: serde_json::to_vec(&about).expect("what a job is about encodes"),
        created: message.at,
        due: message.at,
    }
}

/// What of it the bot wants to hear. What is said in a locked room goes nowhere.
fn event(hook: &BotHook, message: &Message) -> Option<BotEvent> {
    let me = Who::Bot(hook.bot);
    let wants = |event| hook.events.contains(&event).then_some(event);
    if message.unrecorded || message.removed.is_some() {
        return None;
    }
    match (message.kind, message.author) {
        (MessageKind::Note(Note::Entered), who) if who == me => wants(BotEvent::Room),
        (MessageKind::Note(_), _) => None,
        (_, who) if who == me => None,
        _ if message.mentions.contains(&me) => wants(BotEvent::Mention).or_else(|| wants(BotEvent::Message)),
        (_, Who::Bot(_)) => None,
        _ => wants(BotEvent::Message),
    }
}

#[cfg(test)]
mod tests {
    use model::chat::HookSecret;
    use model::{AccountId, BotId, MessageId, Millis, RoomId};

    use super::*;

    const ME: Who = Who::Bot(BotId::of(1));
    const OTHER: Who = Who::Bot(BotId::of(2));
    const ANN: Who = Who::Account(AccountId::of(1));

    fn hook(events: &[BotEvent]) -> BotHook {
        BotHook {
            bot: BotId::of(1),
            url: "https://bots.example/".into(),
            events: events.to_vec(),
            secret: HookSecret("s".into()),
            retired: None,
            off: None,
            created: Millis(0),
        }
    }

    fn message(author: Who, kind: MessageKind, mentions: &[Who]) -> Message {
        Message {
            room: RoomId::of(1),
            number: 7,
            id: MessageId(1),
            author,
            at: Millis(5),
            kind,
            body: "tea".into(),
            thread: None,
            mentions: mentions.to_vec(),
            files: Vec::new(),
            edited: None,
            removed: None,
            decided: None,
            fix: None,
            closed: None,
            reactions: Vec::new(),
            replies: 0,
            revisions: 0,
            unrecorded: false,
            retold: None,
            changed: 9,
        }
    }

    #[test]
    fn a_bot_hears_of_what_it_wants_and_never_of_itself() {
        use BotEvent::{Mention, Message as Said, Room};
        let text = MessageKind::Text;
        let note = MessageKind::Note;
        for (events, author, kind, mentions, expected) in [
            (&BotEvent::ALL[..], ANN, text, &[][..], Some(Said)),
            (&BotEvent::ALL, ANN, MessageKind::Paste, &[], Some(Said)),
            (&BotEvent::ALL, ANN, text, &[ME, OTHER], Some(Mention)),
            (&BotEvent::ALL, ANN, text, &[OTHER], Some(Said)),
            (&[Said], ANN, text, &[ME], Some(Said)),
            (&[Mention], ANN, text, &[ME], Some(Mention)),
            (&[Mention], ANN, text, &[], None),
            (&[Room], ANN, text, &[ME], None),
            (&[], ANN, text, &[ME], None),
            (&BotEvent::ALL, ME, text, &[], None),
            (&BotEvent::ALL, ME, text, &[ME], None),
            (&BotEvent::ALL, OTHER, text, &[], None),
            (&BotEvent::ALL, OTHER, text, &[ME], Some(Mention)),
            (&BotEvent::ALL, ME, note(Note::Entered), &[], Some(Room)),
            (&[Said, Mention], ME, note(Note::Entered), &[], None),
            (&BotEvent::ALL, ANN, note(Note::Entered), &[], None),
            (&BotEvent::ALL, ANN, note(Note::Topic), &[ME], None),
        ] {
            let said = message(author, kind, mentions);
            assert_eq!(event(&hook(events), &said), expected, "{author} {kind:?} {mentions:?} {events:?}");
        }
        let locked = Message { unrecorded: true, ..message(ANN, text, &[ME]) };
        assert_eq!(event(&hook(&BotEvent::ALL), &locked), None);
    }

    #[test]
    fn a_message_makes_one_job_of_a_hook_however_often_it_is_asked() {
        let said = message(ANN, MessageKind::Text, &[ME]);
        let one = job(&hook(&BotEvent::ALL), &said, BotEvent::Mention);
        assert_eq!(one, job(&hook(&BotEvent::ALL), &said, BotEvent::Mention));
        assert_eq!(one.id, job(&hook(&[]), &said, BotEvent::Message).id);
        assert_ne!(one.id, job(&hook(&[]), &Message { number: 8, ..said.clone() }, BotEvent::Mention).id);
        let elsewhere = BotHook { bot: BotId::of(2), ..hook(&[]) };
        assert_ne!(one.id, job(&elsewhere, &said, BotEvent::Mention).id);
        assert_eq!(one.body, br#"{"event":"mention","room":"RM-00000001","number":7}"#);
    }
}

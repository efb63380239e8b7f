//! One delivery: what was said, as the bot may read it now, signed and posted; and the answer, said by the bot.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chat::told::{TellMessage, TellRoom};
use chat::{Chat, Post, Refused};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use model::chat::rights::Standing;
use model::chat::{BotEvent, BotHook, HookSecret, Message, MessageKind, Retired, Room, TurnedOff, Who};
use model::outbox::{Job, JobKind};
use model::rights::Principal;
use model::{BotId, JobId, MessageId, Millis, limits};
use serde::{Deserialize, Serialize};
use store::Store;

use super::About;
use crate::dial::{Answer, Dial};
use crate::{Sender, Sent, first_half};

/// Between the attempts: the last comes some three days after the first.
const WAITS: [Duration; 10] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3_600),
    Duration::from_secs(5 * 3_600),
    Duration::from_secs(10 * 3_600),
    Duration::from_secs(14 * 3_600),
    Duration::from_secs(20 * 3_600),
    Duration::from_secs(24 * 3_600),
];

pub struct Deliveries {
    pub store: Store,
    pub chat: Chat,
    pub dial: Dial,
    pub clock: std::sync::Arc<dyn model::Clock>,
    /// Where people reach this server, for links. None: deliveries have none.
    pub public_url: Option<String>,
}

/// As Standard Webhooks recommend it: type, moment, data.
#[derive(Serialize)]
struct Payload<'p> {
    #[serde(rename = "type")]
    event: BotEvent,
    timestamp: String,
    data: Data<'p>,
}

#[derive(Serialize)]
struct Data<'p> {
    bot: BotId,
    room: TellRoom<'p>,
    message: TellMessage<'p>,
    #[serde(skip_serializing_if = "Option::is_none")]
    href: Option<String>,
}

#[derive(Deserialize)]
struct Answered {
    #[serde(default)]
    body: String,
}

/// Why there is nothing to be delivered, or not now.
enum NotNow {
    Pointless,
    Unavailable,
}

impl From<Refused> for NotNow {
    fn from(refused: Refused) -> NotNow {
        match refused {
            Refused::Unavailable(_) => NotNow::Unavailable,
            _ => NotNow::Pointless,
        }
    }
}

impl From<store::StoreError> for NotNow {
    fn from(error: store::StoreError) -> NotNow {
        Refused::from(error).into()
    }
}

#[async_trait]
impl Sender for Deliveries {
    fn kind(&self) -> JobKind {
        JobKind::Webhook
    }

    fn waits(&self) -> &'static [Duration] {
        &WAITS
    }

    async fn send(&self, job: &Job) -> Sent {
        let (Who::Bot(bot), Ok(about)) = (job.owner, serde_json::from_slice::<About>(&job.body)) else {
            return Sent::GivenUp("this job cannot be read".into());
        };
        match self.deliver(job, bot, &about).await {
            Ok(sent) => sent,
            Err(NotNow::Pointless) => Sent::Gone,
            Err(NotNow::Unavailable) => Sent::Again("the room could not be read".into()),
        }
    }
}

impl Deliveries {
    /// Pointless where the hook is off or gone, or the bot may no longer read what it is about.
    async fn deliver(&self, job: &Job, bot: BotId, about: &About) -> Result<Sent, NotNow> {
        let hook = self.store.bot_hooks.bot_hook(bot).await?.filter(|hook| hook.off.is_none());
        let hook = hook.ok_or(NotNow::Pointless)?;
        let me = Principal::Bot { id: bot };
        let seen = self.chat.seen(&me, about.room, model::chat::rights::RoomAction::Read).await?;
        let message = self.chat.message(&me, about.room, about.number).await?;
        // A public room is read by anybody: a bot hears of those that it is in.
        if message.removed.is_some() || seen.standing != Standing::Bot {
            return Err(NotNow::Pointless);
        }
        let body = self.payload(&hook, about, &seen.room, &message).await?;
        let Some(headers) = signed(&hook.secret, hook.retired.as_ref(), job.id, self.clock.now(), &body)
        else {
            return Ok(Sent::GivenUp("the secret of the hook cannot sign".into()));
        };
        match self.dial.post(&hook.url, headers, body).await {
            Err(error) => Ok(Sent::Again(error.to_string())),
            Ok(answer) => self.answered(&me, &hook, job.id, &message, answer).await,
        }
    }

    async fn payload(
        &self,
        hook: &BotHook,
        about: &About,
        room: &Room,
        message: &Message,
    ) -> Result<Bytes, NotNow> {
        let names = self.chat.names_in(std::slice::from_ref(message)).await?;
        let href = self.public_url.as_ref();
        let payload = Payload {
            event: about.event,
            timestamp: moment(message.at),
            data: Data {
                bot: hook.bot,
                room: TellRoom::of(room),
                message: TellMessage::of(message, &names),
                href: href.map(|url| format!("{url}/rooms/{}/messages/{}", room.id, message.number)),
            },
        };
        Ok(serde_json::to_vec(&payload).expect("what is told encodes").into())
    }

    async fn answered(
        &self,
        me: &Principal,
        hook: &BotHook,
        job: JobId,
        message: &Message,
        answer: Answer,
    ) -> Result<Sent, NotNow> {
        let status = answer.status;
        if status == StatusCode::GONE {
            let off = TurnedOff { at: self.clock.now(), why: "it answered 410 Gone".into() };
            self.store.bot_hooks.turn_off(hook.bot, &hook.url, off).await?;
            return Ok(Sent::GivenUp("410; the hook is turned off".into()));
        }
        if status.is_redirection() {
            return Ok(Sent::Again(format!("{}; redirects are not followed", status.as_u16())));
        }
        if !status.is_success() {
            return Ok(Sent::Again(status.as_u16().to_string()));
        }
        let said = match text_of(&answer) {
            Err(why) => format!("{}; {why}", status.as_u16()),
            Ok(None) => status.as_u16().to_string(),
            // Two bots that answer each other would never end.
            Ok(Some(_)) if matches!(message.author, Who::Bot(_)) => {
                format!("{}; what it answers to a bot is not said", status.as_u16())
            }
            Ok(Some(text)) => match self.say(me, job, message, text).await {
                Ok(()) => format!("{}, answered", status.as_u16()),
                Err(Refused::Unavailable(_)) => {
                    return Ok(Sent::Again("its answer could not be posted".into()));
                }
                Err(refused) => format!("{}; its answer was refused: {refused}", status.as_u16()),
            },
        };
        Ok(Sent::Done(said))
    }

    /// In the thread of what it answers, where that is in one. Posted once: its id is the job's.
    async fn say(&self, me: &Principal, job: JobId, message: &Message, body: String) -> Result<(), Refused> {
        let id = answer_id(job);
        let post = Post { id, kind: MessageKind::Text, body, thread: message.thread, files: Vec::new() };
        self.chat.post(me, message.room, post).await.map(drop)
    }
}

fn answer_id(job: JobId) -> MessageId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"the answer to a webhook");
    hasher.update(&job.0.to_be_bytes());
    MessageId(first_half(&hasher))
}

/// As RFC 3339 has it.
pub fn moment(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| at.0.to_string(), |moment| moment.to_string())
}

/// The headers that say whose it is: by the secret, and for a while by the one before it, too. None: it cannot sign.
pub fn signed(
    secret: &HookSecret,
    retired: Option<&Retired>,
    job: JobId,
    now: Millis,
    body: &[u8],
) -> Option<HeaderMap> {
    let id = format!("msg_{job}");
    let seconds = u32::try_from(now.0 / 1_000).ok()?;
    let mut signatures = commits::standard(&secret.0, &id, seconds, body)?;
    if let Some(retired) = retired.filter(|retired| retired.until > now) {
        let before = commits::standard(&retired.secret.0, &id, seconds, body)?;
        signatures = format!("{signatures} {before}");
    }
    let mut headers = HeaderMap::new();
    for (name, value) in
        [("webhook-id", id), ("webhook-timestamp", seconds.to_string()), ("webhook-signature", signatures)]
    {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?);
    }
    Some(headers)
}

/// What the bot is to say. None: nothing. An error says why an answer is not said.
fn text_of(answer: &Answer) -> Result<Option<String>, &'static str> {
    let Some(body) = &answer.body else {
        return Err("its answer was too long to be read");
    };
    let stated = answer.headers.get(CONTENT_TYPE).and_then(|stated| stated.to_str().ok()).unwrap_or_default();
    let text = match stated.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "text/plain" => String::from_utf8(body.to_vec()).map_err(|_| "its answer was no text")?,
        "application/json" if !body.is_empty() => {
            // Many answer with JSON of their own: what says nothing to be said is no mistake.
            serde_json::from_slice::<Answered>(body).map(|answered| answered.body).unwrap_or_default()
        }
        _ => String::new(),
    };
    let text = text.trim();
    if text.len() > limits::MESSAGE_BYTES_MAX {
        return Err("its answer was longer than a message");
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(stated: &str, body: &str) -> Result<Option<String>, &'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_str(stated).unwrap());
        text_of(&Answer { status: StatusCode::OK, headers, body: Some(body.to_owned().into()) })
    }

    #[test]
    fn an_answer_is_said_where_it_says_something() {
        let tea = Ok(Some("tea".to_owned()));
        for (stated, body, expected) in [
            ("text/plain", " tea\n", &tea),
            ("Text/Plain; charset=utf-8", "tea", &tea),
            ("application/json", r#"{"body": "tea"}"#, &tea),
            ("application/json", r#"{"body": "tea", "ok": true}"#, &tea),
            ("application/json", r#"{"ok": true}"#, &Ok(None)),
            ("application/json", r#"{"body": 7}"#, &Ok(None)),
            ("application/json", "[1]", &Ok(None)),
            ("application/json", "", &Ok(None)),
            ("application/json", "{", &Ok(None)),
            ("text/html", "<b>tea</b>", &Ok(None)),
            ("text/plain", " \n", &Ok(None)),
        ] {
            assert_eq!(&answer(stated, body), expected, "{stated} {body}");
        }
        let longest = "x".repeat(limits::MESSAGE_BYTES_MAX);
        assert_eq!(answer("text/plain", &longest), Ok(Some(longest.clone())));
        assert!(answer("text/plain", &format!("{longest}x")).is_err());
        let unread = Answer { status: StatusCode::OK, headers: HeaderMap::new(), body: None };
        assert!(text_of(&unread).is_err());
    }

    #[test]
    fn a_delivery_is_signed_by_both_secrets_while_one_takes_the_others_place() {
        let secret = |text: &str| HookSecret(text.to_owned());
        let mut hook = BotHook {
            bot: BotId::of(1),
            url: "https://bots.example/".into(),
            events: Vec::new(),
            secret: secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            retired: None,
            off: None,
            created: Millis(0),
        };
        // The example of the standard's own text.
        let body = br#"{"test": 2432232314}"#;
        let signature = |hook: &BotHook, now: i64| {
            let headers = signed(&hook.secret, hook.retired.as_ref(), JobId(7), Millis(now), body).unwrap();
            assert_eq!(headers["webhook-id"], "msg_00000000000000000000000000000007");
            headers["webhook-signature"].to_str().unwrap().to_owned()
        };
        let alone = signature(&hook, 1_614_265_330_000);
        let expected =
            commits::standard(&hook.secret.0, "msg_00000000000000000000000000000007", 1_614_265_330, body);
        assert_eq!(Some(&alone), expected.as_ref());
        hook.retired = Some(Retired { secret: secret("before"), until: Millis(1_614_265_331_000) });
        let both = signature(&hook, 1_614_265_330_000);
        assert!(both.starts_with(&format!("{alone} v1,")) && both.split(' ').count() == 2);
        assert!(!signature(&hook, 1_614_265_331_000).contains(' '));
        hook.secret = secret("whsec_no base 64");
        assert!(signed(&hook.secret, None, JobId(7), Millis(0), body).is_none());
    }
}

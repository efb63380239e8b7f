//! One push: what was said, as the person may read it now, encrypted for each of their browsers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chat::{Chat, Refused};
use futures_util::future::join_all;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use model::chat::{Message, RoomKind};
use model::notice::Browser;
use model::outbox::{Job, JobKind, NewJob};
use model::{AccountId, Clock};
use serde::Serialize;
use store::{Store, StoreError};
use url::Url;

use super::{About, LASTS, Vapid, encrypt, keys, mark};
use crate::dial::Dial;
use crate::missed::{Theirs, account_of, beginning, is_meant, is_wanted, line, theirs};
use crate::{Sender, Sent, job_id};

/// Between the attempts at one browser.
const WAITS: [Duration; 5] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(15 * 60),
    Duration::from_secs(3_600),
];
/// Its jobs are due soon after they are made.
const LOOKS_EVERY: Duration = Duration::from_secs(2);
/// Characters of a title, and of what stands below it.
const TITLE_CHARS_MAX: usize = 200;
const BODY_CHARS_MAX: usize = 140;

pub struct Pushing {
    pub store: Store,
    pub chat: Chat,
    pub dial: Dial,
    pub clock: Arc<dyn Clock>,
    pub vapid: Vapid,
    /// Where push services find whoever sends, as `https:` or `mailto:`.
    pub subject: Option<String>,
}

/// What the service worker of the pages shows.
#[derive(Serialize)]
pub struct Shown {
    pub title: String,
    pub body: String,
    /// Shown once, however often it comes; the same as where a page shows it.
    pub tag: String,
    /// The path that it opens.
    pub url: String,
}

/// What is sent to each browser.
pub struct Parcel {
    plain: Vec<u8>,
    /// A later one takes its place where the browser was away.
    topic: String,
    urgency: &'static str,
    lasts_seconds: u64,
}

impl Parcel {
    /// What is no message of a room, to be shown at once, and cut to what is shown.
    pub fn urgent(shown: &Shown, topic: String) -> Parcel {
        let shown = Shown {
            title: beginning(&shown.title, TITLE_CHARS_MAX),
            body: beginning(&shown.body, TITLE_CHARS_MAX),
            tag: shown.tag.clone(),
            url: shown.url.clone(),
        };
        Parcel {
            plain: serde_json::to_vec(&shown).expect("what is shown encodes"),
            topic,
            urgency: "high",
            lasts_seconds: LASTS.as_secs(),
        }
    }
}

/// What came of one browser.
enum Came {
    Arrived,
    Again(String),
    Never(String),
}

#[async_trait]
impl Sender for Pushing {
    fn kind(&self) -> JobKind {
        JobKind::Push
    }

    fn waits(&self) -> &'static [Duration] {
        &WAITS
    }

    fn looks_every(&self) -> Duration {
        LOOKS_EVERY
    }

    async fn send(&self, job: &Job) -> Sent {
        let (Some(account), Ok(about)) = (account_of(job.owner), serde_json::from_slice::<About>(&job.body))
        else {
            return Sent::GivenUp("this job cannot be read".into());
        };
        match self.push(job, account, &about).await {
            Ok(sent) => sent,
            Err(Refused::Unavailable(_)) => Sent::Again("the room could not be read".into()),
            Err(_) => Sent::Gone,
        }
    }
}

impl Pushing {
    async fn push(&self, job: &Job, account: AccountId, about: &About) -> Result<Sent, Refused> {
        let now = self.clock.now();
        let only = about.browser.as_deref();
        let left = LASTS.saturating_sub(now.since(job.created));
        if left.is_zero() || self.browsers(account, only).await?.is_empty() {
            return Ok(Sent::Gone);
        }
        let Some(parcel) = self.parcel(account, about, left).await? else {
            return Ok(Sent::Gone);
        };
        let alone = |mark: String| {
            let alone = About { browser: Some(mark), ..about.clone() };
            serde_json::to_vec(&alone).expect("what a job is about encodes")
        };
        self.to_all(job, account, only, &parcel, alone).await
    }

    /// Those of a person; `only` the one of that mark.
    async fn browsers(&self, account: AccountId, only: Option<&str>) -> Result<Vec<Browser>, Refused> {
        let found = self.store.notices.browsers(vec![account], self.clock.now()).await?;
        let theirs = found.into_iter().map(|(_, browser)| browser);
        Ok(theirs.filter(|browser| only.is_none_or(|only| only == mark(browser))).collect())
    }

    /// To all browsers of a person. One that is not reached with the others becomes a job of its own, which `alone` writes, of its mark.
    pub(crate) async fn to_all(
        &self,
        job: &Job,
        account: AccountId,
        only: Option<&str>,
        parcel: &Parcel,
        alone: impl Fn(String) -> Vec<u8> + Send + Sync,
    ) -> Result<Sent, Refused> {
        let browsers = self.browsers(account, only).await?;
        let came = join_all(browsers.iter().map(|browser| self.to_browser(browser, parcel))).await;
        if only.is_some() {
            return Ok(came.into_iter().next().map_or(Sent::Gone, Sent::from));
        }
        self.again_alone(job, alone, browsers.iter().zip(came)).await
    }

    /// None: it is pointless.
    async fn parcel(
        &self,
        account: AccountId,
        about: &About,
        left: Duration,
    ) -> Result<Option<Parcel>, Refused> {
        let room = self.store.rooms.room(about.room).await?;
        let Some(theirs) = theirs(&self.store, &self.chat, account, &room).await? else {
            return Ok(None);
        };
        let message = self.chat.message(&theirs.me, room.id, about.number).await?;
        if !is_wanted(&theirs.member, theirs.room.kind, &message) {
            return Ok(None);
        }
        let shown = self.shown(&theirs, &message).await?;
        let is_meant = is_meant(&theirs.member, theirs.room.kind, &message);
        Ok(Some(Parcel {
            plain: serde_json::to_vec(&shown).expect("what is shown encodes"),
            topic: room.id.to_string(),
            urgency: if is_meant { "high" } else { "normal" },
            lasts_seconds: left.as_secs(),
        }))
    }

    async fn shown(&self, theirs: &Theirs, message: &Message) -> Result<Shown, Refused> {
        let names = self.chat.names_in(std::slice::from_ref(message)).await?;
        let author = chat::told::named_in_words(message.author, &names);
        let title = match theirs.room.kind {
            RoomKind::Conversation => chat::told::named(message.author, &names).to_owned(),
            RoomKind::Direct => author,
            _ => format!("{author} · {}", self.chat.called(&theirs.room, Some(theirs.member.who)).await?),
        };
        Ok(Shown {
            title: beginning(&title, TITLE_CHARS_MAX),
            body: line(message, &names, BODY_CHARS_MAX),
            tag: format!("{}/{}", message.room, message.number),
            url: match (theirs.room.kind, theirs.room.site) {
                (RoomKind::Conversation, Some(site)) => format!("/sites/{site}/inbox/{}", message.room),
                _ => format!("/rooms/{}/messages/{}", message.room, message.number),
            },
        })
    }

    async fn to_browser(&self, browser: &Browser, parcel: &Parcel) -> Came {
        let Some((p256dh, auth)) = keys(browser) else {
            return Came::Never("the keys of the browser are none".into());
        };
        let body = match encrypt::encrypt(&p256dh, &auth, &parcel.plain) {
            Ok(body) => body,
            Err(why) => return Came::Never(why.to_string()),
        };
        let Some(headers) = self.headers(browser, parcel) else {
            return Came::Never("this is no address of a push service".into());
        };
        match self.dial.post(&browser.endpoint, headers, Bytes::from(body)).await {
            Err(error) => Came::Again(error.to_string()),
            Ok(answer) => self.answered(browser, answer.status).await,
        }
    }

    fn headers(&self, browser: &Browser, parcel: &Parcel) -> Option<HeaderMap> {
        let origin = Url::parse(&browser.endpoint).ok()?.origin().ascii_serialization();
        let seconds = self.clock.now().0 / 1_000;
        let signed = self.vapid.authorization(&origin, self.subject.as_deref(), seconds);
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (AUTHORIZATION, signed.as_str()),
            (CONTENT_ENCODING, "aes128gcm"),
            (CONTENT_TYPE, "application/octet-stream"),
            (HeaderName::from_static("ttl"), &parcel.lasts_seconds.to_string()),
            (HeaderName::from_static("urgency"), parcel.urgency),
            (HeaderName::from_static("topic"), &parcel.topic),
        ] {
            headers.insert(name, HeaderValue::from_str(value).ok()?);
        }
        Some(headers)
    }

    async fn answered(&self, browser: &Browser, status: StatusCode) -> Came {
        let said = status.as_u16().to_string();
        match status {
            _ if status.is_success() => Came::Arrived,
            StatusCode::NOT_FOUND | StatusCode::GONE => {
                match self.store.notices.forget_browser(&browser.endpoint).await {
                    Ok(()) => Came::Arrived,
                    Err(error) => Came::Again(error.to_string()),
                }
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Came::Again(said),
            _ if status.is_server_error() => Came::Again(said),
            _ => Came::Never(said),
        }
    }

    /// Those that were not reached become jobs of their own, so that the others are not told twice.
    async fn again_alone(
        &self,
        job: &Job,
        alone: impl Fn(String) -> Vec<u8>,
        came: impl Iterator<Item = (&Browser, Came)>,
    ) -> Result<Sent, Refused> {
        let due = self.clock.now().plus(WAITS[0]);
        let (mut jobs, mut never) = (Vec::new(), None);
        for (browser, came) in came {
            match came {
                Came::Arrived => {}
                Came::Never(why) => never = Some(why),
                Came::Again(_) => {
                    let mark = mark(browser);
                    let id = job_id(&["push to one", &job.id.to_string(), &mark]);
                    let body = alone(mark);
                    jobs.push(NewJob {
                        id,
                        kind: job.kind,
                        owner: job.owner,
                        body,
                        created: job.created,
                        due,
                    });
                }
            }
        }
        match self.store.outbox.add(jobs).await {
            Err(StoreError::Unavailable(error)) => Err(Refused::Unavailable(error)),
            _ => Ok(never.map_or(Sent::Gone, Sent::GivenUp)),
        }
    }
}

impl From<Came> for Sent {
    fn from(came: Came) -> Sent {
        match came {
            Came::Arrived => Sent::Gone,
            Came::Again(why) => Sent::Again(why),
            Came::Never(why) => Sent::GivenUp(why),
        }
    }
}

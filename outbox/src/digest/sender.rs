//! One letter: what somebody missed in their rooms in a window, as they may read it now.

use std::time::Duration;

use async_trait::async_trait;
use chat::{Chat, Refused};
use model::chat::{Member, Message, Notify, Room, RoomKind};
use model::notice::Digest;
use model::outbox::{Job, JobKind};
use model::{AccountId, JobId, limits};
use store::chat::Place;
use store::{Store, StoreError};

use super::letter::{LINE_CHARS_MAX, LINES_SHOWN_MAX, Letter, Missed, NAME_CHARS_MAX, ROOMS_SHOWN_MAX};
use super::mailer::Sheet;
use super::window::Window;
use super::{About, Mailer, Off};
use crate::missed::{Theirs, account_of, beginning, is_wanted, line, theirs};
use crate::{Sender, Sent};

/// Between the attempts: a server that is away for a day loses no letter.
const WAITS: [Duration; 7] = [
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(15 * 60),
    Duration::from_secs(3_600),
    Duration::from_secs(3 * 3_600),
    Duration::from_secs(6 * 3_600),
    Duration::from_secs(12 * 3_600),
];
/// Servers take their time, and few connections.
const ATTEMPT_MAX: Duration = Duration::from_secs(90);
const AT_ONCE_MAX: usize = 4;

/// Pages of one room that are looked through for a letter.
const PAGES_MAX: usize = 50;

pub struct Mailing {
    pub store: Store,
    pub chat: Chat,
    pub mailer: Mailer,
    pub off: Off,
    /// Where people reach this server.
    pub public_url: String,
}

#[async_trait]
impl Sender for Mailing {
    fn kind(&self) -> JobKind {
        JobKind::Mail
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
        let (Some(account), Ok(about)) = (account_of(job.owner), serde_json::from_slice::<About>(&job.body))
        else {
            return Sent::GivenUp("this job cannot be read".into());
        };
        match self.mail(job.id, account, about).await {
            Ok(sent) => sent,
            Err(Refused::Unavailable(_)) => Sent::Again("the rooms could not be read".into()),
            Err(_) => Sent::Gone,
        }
    }
}

impl Mailing {
    async fn mail(&self, job: JobId, account: AccountId, about: About) -> Result<Sent, Refused> {
        // Who chose otherwise meanwhile is told otherwise.
        let wanted = self.store.notices.digests(vec![account]).await?;
        let Some(window) = Window::ending(about.digest, about.end) else {
            return Ok(Sent::Gone);
        };
        if wanted != [(account, about.digest)] {
            return Ok(Sent::Gone);
        }
        let to = match self.store.accounts.account(account).await {
            Err(StoreError::NotFound(_)) => return Ok(Sent::Gone),
            found => found?.email,
        };
        let (rooms, rooms_count) = self.missed(account, window).await?;
        if rooms.is_empty() {
            return Ok(Sent::Gone);
        }
        let off_url = format!("{}/mail/off/{}", self.public_url, self.off.secret(account));
        let letter = Letter {
            rooms: &rooms,
            rooms_count,
            how_often: if about.digest == Digest::Hourly { "hourly" } else { "daily" },
            settings_url: &format!("{}/rooms/notifications", self.public_url),
            off_url: &off_url,
        };
        let (subject, text, html) = (letter.subject(), letter.text(), letter.html());
        let sheet = Sheet {
            to,
            id: job.to_string(),
            subject,
            text,
            html,
            off_url: Some(off_url.clone()),
            thread: None,
            answers: None,
            reply_to: None,
        };
        Ok(match self.mailer.send(sheet).await {
            Ok(()) => Sent::Done(format!("of {rooms_count} rooms")),
            Err(unsent) => unsent.into(),
        })
    }

    /// What is shown, the newest rooms first, and how many rooms there are in all.
    async fn missed(&self, account: AccountId, window: Window) -> Result<(Vec<Missed>, usize), Refused> {
        let mut rooms = self.store.rooms.rooms_of(model::chat::Who::Account(account)).await?;
        rooms.retain(|(room, member)| may_have(room, member, window));
        rooms.sort_by_key(|(room, _)| (std::cmp::Reverse(room.last_at), room.id));
        let (mut shown, mut count) = (Vec::new(), 0);
        for (room, _) in rooms {
            let Some(theirs) = theirs(&self.store, &self.chat, account, &room).await? else {
                continue;
            };
            let Some(missed) = self.of_room(&theirs, window).await? else {
                continue;
            };
            count += 1;
            if shown.len() < ROOMS_SHOWN_MAX {
                shown.push(missed);
            }
        }
        Ok((shown, count))
    }

    async fn of_room(&self, theirs: &Theirs, window: Window) -> Result<Option<Missed>, Refused> {
        let room = &theirs.room;
        let (wanted, has_more) = self.unread(theirs, window).await?;
        let Some(first) = wanted.first() else {
            return Ok(None);
        };
        let shown = &wanted[..wanted.len().min(LINES_SHOWN_MAX)];
        let names = self.chat.names_in(shown).await?;
        let said = |message: &Message| {
            let mut author = beginning(chat::told::named(message.author, &names), NAME_CHARS_MAX);
            let kind = chat::told::kind_word(message.author).filter(|_| room.kind != RoomKind::Conversation);
            author.extend(kind.map(|kind| format!(" ({kind})")));
            (author, line(message, &names, LINE_CHARS_MAX))
        };
        let name = self.chat.called(room, Some(theirs.member.who)).await?;
        Ok(Some(Missed {
            name: beginning(&name, NAME_CHARS_MAX),
            url: format!("{}/rooms/{}/messages/{}", self.public_url, room.id, first.number),
            messages: wanted.len(),
            has_more,
            lines: shown.iter().map(said).collect(),
        }))
    }

    /// Messages of the window that they want to be told of and did not read: the first ones, and whether there may be more.
    async fn unread(&self, theirs: &Theirs, window: Window) -> Result<(Vec<Message>, bool), Refused> {
        let room = &theirs.room;
        let page = async |place, limit| self.chat.page(&theirs.me, room.id, place, limit).await;
        let begin = page(Place::Between(window.start, window.end), 1).await?;
        let Some(first) = begin.messages.first() else { return Ok((Vec::new(), false)) };
        let (mut behind, mut wanted) = (theirs.member.read.max(first.number - 1), Vec::new());
        for _ in 0..PAGES_MAX {
            let found = page(Place::After(behind), limits::MESSAGES_A_PAGE_MAX).await?.messages;
            let within = found.last().is_some_and(|message| message.at < window.end);
            let is_all = found.len() < limits::MESSAGES_A_PAGE_MAX || !within;
            behind = found.last().map_or(behind, |message| message.number);
            let of_window = found.into_iter().take_while(|message| message.at < window.end);
            wanted.extend(of_window.filter(|message| is_wanted(&theirs.member, room.kind, message)));
            if is_all {
                return Ok((wanted, false));
            }
            if wanted.len() >= limits::MESSAGES_A_PAGE_MAX {
                break;
            }
        }
        Ok((wanted, true))
    }
}

/// Whether something that they want to be told of may be unread in it.
fn may_have(room: &Room, member: &Member, window: Window) -> bool {
    member.notify != Notify::Nothing && room.last > member.read && room.last_at >= window.start
}

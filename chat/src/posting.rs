//! What is said, and what becomes of it.

use model::chat::rights::RoomAction;
use model::chat::{Change, Message, MessageKind, NewMessage, Notify, Room, RoomKind, Who};
use model::rights::Principal;
use model::{FileId, MessageId, RoomId};
use serde::Serialize;
use store::chat::Posted;
use unicode_segmentation::UnicodeSegmentation;

use crate::announce::{Doing, people_topic, person_topic};
use crate::files::is_hidden;
use crate::{Chat, Refused, Result, SOUNDS, markdown, who};

/// Something to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    /// Made by the sender, sent again with the same one where no answer came.
    pub id: MessageId,
    /// A note is the room's to make.
    pub kind: MessageKind,
    pub body: String,
    /// The number of the message that it answers.
    pub thread: Option<u64>,
    /// Those that one sent to the room before; a text with files may be empty.
    pub files: Vec<FileId>,
}

/// What one's other devices are told.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Own {
    Read {
        room: RoomId,
        number: u64,
    },
    Star {
        room: RoomId,
        number: u64,
        starred: bool,
    },
    /// One is in it now.
    Entered {
        room: RoomId,
    },
}

impl Chat {
    /// Posts, once however often it is sent, and tells the room. Mentions of whom the room does not have are no mentions.
    pub async fn post(&self, by: &Principal, room: RoomId, post: Post) -> Result<Posted> {
        let me = who(by)?;
        let seen = self.seen(by, room, RoomAction::Post).await?;
        let has_files = !post.files.is_empty();
        if has_files && post.kind != MessageKind::Text {
            return Err(Refused::Invalid("files come with a text"));
        }
        if !has_files {
            refuse_empty(post.kind, &post.body)?;
        }
        if seen.room.kind == RoomKind::Conversation && matches!(me, Who::Guest(_)) {
            self.hold_if_spam(room, post.kind, &post.body).await?;
        }
        let mentions = self.mentioned(&seen.room, post.kind, &post.body).await?;
        let at = self.clock.now();
        let Post { id, kind, body, thread, files } = post;
        let new = NewMessage { room, id, author: me, kind, body, thread, mentions, files, at };
        let posted = self.store.messages.post(new).await?;
        match (posted.fresh, thread) {
            (false, _) => {}
            (true, None) => self.announce_message(posted.clone()).await,
            // What is answered was touched, too.
            (true, Some(_)) => self.announce(room, posted.message.changed.saturating_sub(2)).await,
        }
        if posted.fresh && seen.room.kind == RoomKind::Conversation {
            self.announce_said(room).await;
        }
        Ok(posted)
    }

    async fn mentioned(&self, room: &Room, kind: MessageKind, body: &str) -> Result<Vec<Who>> {
        let mut mentions = if kind == MessageKind::Text { markdown::mentions(body) } else { Vec::new() };
        let mut known = Vec::with_capacity(mentions.len());
        mentions.truncate(model::limits::MENTIONS_MAX);
        for person in mentions {
            if self.has(room, person).await? {
                known.push(person);
            }
        }
        Ok(known)
    }

    /// Whether somebody is in the room. In what agents say among themselves are all the agents of the site.
    async fn has(&self, room: &Room, person: Who) -> Result<bool> {
        match (room.kind, room.site, person) {
            (RoomKind::Notes, Some(site), Who::Account(agent)) => self.answers(agent, site).await,
            _ => Ok(self.store.rooms.member(room.id, person).await?.is_some()),
        }
    }

    /// Changes a message, where this one may make that change, and tells the room.
    pub async fn change(&self, by: &Principal, room: RoomId, number: u64, change: Change) -> Result<Message> {
        let me = who(by)?;
        // Who may not read learns nothing of what is there.
        let seen = self.seen(by, room, RoomAction::Read).await?;
        let before = self.store.messages.message(room, number).await?;
        let action = match &change {
            Change::Edit { .. } => RoomAction::ChangeOwn,
            Change::Remove if before.author == me && !matches!(before.kind, MessageKind::Note(_)) => {
                RoomAction::ChangeOwn
            }
            Change::Remove => RoomAction::RemoveAny,
            Change::React { .. } | Change::Unreact { .. } => RoomAction::React,
            Change::Decide | Change::Undecide | Change::Close { .. } | Change::Reopen => RoomAction::Decide,
            // Repositories say so, and nobody for them.
            Change::Fix(_) | Change::Release { .. } => return Err(Refused::Forbidden),
        };
        self.seen(by, room, action).await?;
        let change = match change {
            Change::Edit { .. } if before.author != me => return Err(Refused::Forbidden),
            Change::Edit { body, .. } => {
                if before.files.is_empty() {
                    refuse_empty(before.kind, &body)?;
                }
                if seen.room.kind == RoomKind::Conversation && matches!(me, Who::Guest(_)) {
                    self.hold_if_spam(room, before.kind, &body).await?;
                }
                let mentions = self.mentioned(&seen.room, before.kind, &body).await?;
                Change::Edit { body, mentions }
            }
            Change::React { emoji } if !is_emoji(&emoji) => {
                return Err(Refused::Invalid("a reaction is one emoji"));
            }
            other => other,
        };
        let changed = self.store.messages.change(room, number, me, self.clock.now(), change).await?;
        if changed.changed > before.changed {
            self.announce(room, changed.changed - 1).await;
        }
        if changed.removed.is_some() && !before.files.is_empty() {
            self.removed.notify_one();
        }
        Ok(changed)
    }

    /// Marks what one read, on all one's devices; how far that is now.
    pub async fn read_to(&self, by: &Principal, room: RoomId, number: u64) -> Result<u64> {
        let me = who(by)?;
        self.seen(by, room, RoomAction::Mark).await?;
        let number = self.store.rooms.read_to(room, me, number).await?;
        self.publish(&person_topic(me), &Own::Read { room, number }).await;
        Ok(number)
    }

    /// All one's pages hear that one is in a room.
    pub(crate) async fn tell_entered(&self, room: RoomId, who: Who) {
        self.publish(&person_topic(who), &Own::Entered { room }).await;
    }

    /// What of the room one wants to be told of.
    pub async fn set_notify(&self, by: &Principal, room: RoomId, notify: Notify) -> Result<()> {
        let me = who(by)?;
        self.seen(by, room, RoomAction::Mark).await?;
        Ok(self.store.rooms.set_notify(room, me, notify).await?)
    }

    pub async fn star(&self, by: &Principal, room: RoomId, number: u64, starred: bool) -> Result<()> {
        let me = who(by)?;
        self.seen(by, room, RoomAction::Mark).await?;
        self.store.messages.star(me, room, number, starred).await?;
        self.publish(&person_topic(me), &Own::Star { room, number, starred }).await;
        Ok(())
    }

    /// Says what somebody is doing, as that they type: heard by who is there, and kept nowhere.
    pub async fn is_doing(
        &self,
        by: &Principal,
        room: RoomId,
        doing: impl FnOnce(Who) -> Doing,
    ) -> Result<()> {
        let me = who(by)?;
        self.seen(by, room, RoomAction::Post).await?;
        self.publish(&people_topic(room), &doing(me)).await;
        Ok(())
    }
}

fn refuse_empty(kind: MessageKind, body: &str) -> Result<()> {
    match kind {
        MessageKind::Note(_) => Err(Refused::Forbidden),
        MessageKind::Sound if !SOUNDS.contains(&body) => Err(Refused::Invalid("there is no such sound")),
        MessageKind::Text | MessageKind::Paste
            if body.chars().all(|letter| letter.is_whitespace() || is_hidden(letter)) =>
        {
            Err(Refused::Invalid("nothing is said"))
        }
        _ => Ok(()),
    }
}

/// One picture, and nothing that is a letter, space or mark of ours: people choose from a list, and programs are not to write texts here.
fn is_emoji(text: &str) -> bool {
    let has_picture = text.chars().any(|character| {
        matches!(u32::from(character), 0x2190..=0x2BFF | 0x3030 | 0x303D | 0x3297 | 0x3299 | 0x1F000..=0x1FAFF | 0x20E3)
    });
    let is_plain = text.chars().any(|character| {
        character.is_whitespace()
            || character.is_control()
            || character.is_alphabetic()
            || "<>&\"'".contains(character)
    });
    has_picture && !is_plain && text.graphemes(true).count() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emoji_is_a_picture() {
        for (code, emoji) in crate::emoji::all() {
            assert!(is_emoji(emoji), "{code}");
        }
        for good in
            ["👩‍💻", "🇫🇷", "1️⃣", "❤️", "❤", "👍🏽", "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}"]
        {
            assert!(is_emoji(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "1",
            "<b>",
            "👍 ",
            "👍a",
            "\u{200D}",
            "\u{FE0F}",
            "👍\u{0}",
            "東",
            "👍👍",
            "🇫🇷🇩🇪",
            "❤❤️",
        ] {
            assert!(!is_emoji(bad), "{bad}");
        }
    }
}

//! What happened in a room goes to whoever listens, over a topic of Live. Nobody depends on it: an announcement names the
//! change of the room that it is of, and who hears a later one than the next reads what is missing.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use bytes::Bytes;
use live::{Live, RIGHTS_TOPIC};
use model::chat::{Message, Room, Who};
use model::{RoomId, SiteId};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::chat::Posted;

use crate::told::{TellMessage, TellRoom};
use crate::{Chat, Result};

/// What happened in a room.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Announced {
    /// The room's changes behind `after`, up to `change`: what they touched, as it is now, and how the room is.
    Changed { after: u64, change: u64, data: Box<RawValue>, room: Box<RawValue> },
}

/// What somebody is doing in a room: of no lasting interest.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doing {
    Typing {
        who: Who,
        /// What they typed so far, where the site's agents may see it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
    /// Looks at the room now; said again every so often while that is so.
    Here {
        who: Who,
    },
    /// As `Here`, but has done nothing for a while.
    Idle {
        who: Who,
    },
    /// Is here, and asks who else is.
    Asks {
        who: Who,
    },
    Away {
        who: Who,
    },
}

/// What stands behind a change, as far as one page goes.
pub struct Missed {
    /// The last change of it.
    pub change: u64,
    /// There is no more.
    pub is_all: bool,
    /// What followers are told of it, and how the room is.
    pub data: Box<RawValue>,
    pub room: Box<RawValue>,
}

/// The topic of a room.
pub fn room_topic(room: RoomId) -> String {
    format!("room/{room}")
}

/// The topic of who is doing what in a room just now: for who may see its people.
pub fn people_topic(room: RoomId) -> String {
    format!("room/{room}/people")
}

/// The topic of one person: what concerns all their devices and nobody else.
pub fn person_topic(who: Who) -> String {
    format!("person/{who}")
}

/// The topic of a site's conversations: for its agents.
pub fn inbox_topic(site: SiteId) -> String {
    format!("inbox/{site}")
}

/// What a follower is shown of changes.
#[derive(Serialize)]
struct TellChanges<'t> {
    room: TellRoom<'t>,
    messages: Vec<TellMessage<'t>>,
    /// Of whoever is spoken of by id alone.
    names: &'t HashMap<Who, String>,
}

#[derive(Serialize)]
struct TellRoomAlone<'t> {
    room: TellRoom<'t>,
}

fn told<'m>(
    room: &Room,
    messages: impl IntoIterator<Item = &'m Message>,
    names: &HashMap<Who, String>,
) -> Box<RawValue> {
    let messages = messages.into_iter().map(|message| TellMessage::of(message, names)).collect();
    raw(&TellChanges { room: TellRoom::of(room), messages, names })
}

fn raw(told: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(told).expect("what is told encodes")
}

impl Chat {
    /// Tells what became of a room up to now: everything that was touched behind `after`. What nobody could be told is not lost: it is
    /// stored, and whoever hears of the next change reads it.
    pub(crate) async fn announce(&self, room: RoomId, after: u64) {
        self.news.tell(room);
        match self.missed(room, Some(after)).await {
            Ok(Missed { change, data, room: is, .. }) => {
                let announced = Announced::Changed { after, change, data, room: is };
                self.publish(&room_topic(room), &announced).await;
            }
            Err(error) => tracing::warn!(%room, %error, "a change of a room is announced with the next one"),
        }
    }

    /// Announces a new message, with those of its room that come at the same time, in the order in which they were posted.
    pub(crate) async fn announce_message(&self, posted: Posted) {
        let (room, change) = (posted.room.id, posted.message.changed);
        self.news.tell(room);
        match self.wait(posted) {
            Wait::Begun => self.announce_waiting(room),
            Wait::Told => {}
            // There is no room for it: whoever posts tells it, and waits as long.
            Wait::Full => self.announce(room, change - 1).await,
        }
    }

    fn wait(&self, posted: Posted) -> Wait {
        match self.waiting.lock().entry(posted.room.id) {
            Entry::Occupied(waiting) if waiting.get().len() >= WAITING_MAX => Wait::Full,
            Entry::Occupied(mut waiting) => {
                waiting.get_mut().push(posted);
                Wait::Told
            }
            Entry::Vacant(none) => {
                none.insert(vec![posted]);
                Wait::Begun
            }
        }
    }

    fn announce_waiting(&self, room: RoomId) {
        let chat = self.clone();
        self.announcing.spawn(async move {
            let _left = Left { chat: &chat, room };
            while let Some(posted) = chat.waiting_of(room).await {
                for together in posted.chunk_by(|one, next| next.message.changed == one.message.changed + 1) {
                    for some in together.chunks(MISSED_MAX) {
                        chat.announce_together(some).await;
                    }
                }
            }
        });
    }

    /// Waits until all that was posted is announced. For the end of the process, when nothing is posted any more.
    pub async fn settled(&self) {
        self.announcing.close();
        self.announcing.wait().await;
    }

    /// What waits to be announced in a room, in order; None: nothing, and whoever comes next announces it.
    async fn waiting_of(&self, room: RoomId) -> Option<Vec<Posted>> {
        // Those that were stored by the same transaction are answered one after the other: let them come.
        tokio::task::yield_now().await;
        let mut rooms = self.waiting.lock();
        let mut posted = std::mem::take(rooms.get_mut(&room)?);
        if posted.is_empty() {
            rooms.remove(&room);
            return None;
        }
        posted.sort_unstable_by_key(|posted| posted.message.changed);
        Some(posted)
    }

    /// The room after changes without a gap, each of which was a new message.
    async fn announce_together(&self, posted: &[Posted]) {
        let ([first, ..], [.., last]) = (posted, posted) else { return };
        let messages: Vec<&Message> = posted.iter().map(|posted| &posted.message).collect();
        match self.names_in(messages.iter().copied()).await {
            Ok(names) => {
                let announced = Announced::Changed {
                    after: first.message.changed - 1,
                    change: last.message.changed,
                    data: told(&last.room, messages, &names),
                    room: raw(&TellRoomAlone { room: TellRoom::of(&last.room) }),
                };
                self.publish(&room_topic(last.room.id), &announced).await;
            }
            Err(error) => {
                tracing::warn!(room = %last.room.id, %error, "a message is announced with the next one");
            }
        }
    }

    /// What is stored of a room behind a change, for who follows it on behalf of others: asks for no right. None: nothing of what was said, only
    /// how it is.
    pub async fn missed(&self, room: RoomId, after: Option<u64>) -> Result<Missed> {
        let now = self.store.rooms.room(room).await?;
        let mut messages = match after {
            None => Vec::new(),
            Some(after) => self.store.messages.touched(room, after, MISSED_MAX).await?,
        };
        let last = messages.last().map_or(0, |message| message.changed);
        let is_all = messages.len() < MISSED_MAX;
        let change = if is_all { now.changes } else { last.min(now.changes) };
        // What happened since the room was read is told with the next change: else the room would be older than said.
        messages.retain(|message| message.changed <= change);
        let names = self.names_in(&messages).await?;
        let is = raw(&TellRoomAlone { room: TellRoom::of(&now) });
        Ok(Missed { change, is_all, data: told(&now, &messages, &names), room: is })
    }

    pub(crate) async fn publish(&self, topic: &str, message: &impl Serialize) {
        let bytes = serde_json::to_vec(message).expect("an announcement encodes");
        tell(&*self.live, topic, bytes.into()).await;
    }

    /// Somebody may no longer see what they could: connections ask again.
    pub(crate) async fn rights_changed(&self) {
        tell(&*self.live, RIGHTS_TOPIC, Bytes::new()).await;
    }
}

/// Messages of one announcement, and of one page of what was missed; the rest is read by who follows.
pub(crate) const MISSED_MAX: usize = 20;
/// New messages of a room that wait to be announced.
const WAITING_MAX: usize = 1_000;

/// What became of a message that is to be announced.
enum Wait {
    /// It is the first: somebody has to begin.
    Begun,
    /// Somebody announces those of its room already.
    Told,
    Full,
}

/// Should announcing fail, the next message begins anew.
struct Left<'c> {
    chat: &'c Chat,
    room: RoomId,
}

impl Drop for Left<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.chat.waiting.lock().remove(&self.room);
        }
    }
}

/// New messages that wait to be announced, by room. A room is here while somebody announces its messages.
pub type Waiting = Mutex<HashMap<RoomId, Vec<Posted>>>;

async fn tell(live: &dyn Live, topic: &str, message: Bytes) {
    if let Err(error) = live.publish(topic, message).await {
        tracing::warn!(topic, %error, "nobody was told; they look again by themselves");
    }
}

//! Rooms where people talk: who comes in, what is said, who hears of it. Every call is somebody's, and is allowed or refused here.
//! Never speaks HTTP, never keeps a connection, never decides a right itself: `model::chat::rights` does.
//!
//! | module | what |
//! |---|---|
//! | `rooms`, `guests`, `bots` | rooms are opened, entered, left, changed; guests come by link |
//! | `conversations`, `hours` | with customers: opened by them, looked after by agents; when those are there |
//! | `replies` | what customers answer by mail |
//! | `screen` | how a customer's screen comes to agents |
//! | `posting`, `reading` | what is said and changed; pages, days, search, catching up |
//! | `files`, `pictures` | what is sent beside the words: taken in, made anew, given back |
//! | `carry` | rooms as a file, and back |
//! | `hooks` | commits of repositories are told in rooms |
//! | `releases`, `charted` | which conversations a release fixes; which commits charts mark |
//! | `announce` | what happened goes to whoever listens |
//! | `figures` | what the conversations of some days add up to |
//! | `news` | in which rooms something happened, for what goes out |
//! | `told` | how a room and its messages look to those outside |
//! | `markdown`, `emoji` | what people write, as safe HTML |

mod alerts;
pub mod announce;
mod bots;
pub mod carry;
mod charted;
mod conversations;
pub mod emoji;
pub mod figures;
mod files;
mod guests;
mod hooks;
pub mod hours;
pub mod markdown;
mod news;
mod pictures;
mod posting;
mod reading;
mod refused;
mod releases;
mod replies;
mod rooms;
mod screen;
pub mod told;

use std::sync::Arc;

use live::Live;
use model::chat::rights::{Facts, RoomAction, Standing, may};
use model::chat::{Room, Who};
use model::rights::Principal;
use model::{Clock, RoomId};
use store::{Access, Store};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

pub use charted::{CHARTED_MAX, Charted};
pub use conversations::{
    Addressed, Call, CalledTo, Claim, Consented, Deed, Inbox, Opening, Question, TellConversation,
    TellCounts, call_topic, identify_secret, spoken_proof,
};
pub use files::Upload;
pub use guests::{Coming, Knocked, is_ours};
pub use hooks::{Listen, NewHook, fixed_by, short};
pub use news::News;
pub use posting::Post;
pub use reading::{Page, Query, UNREAD_COUNTED_MAX};
pub use refused::Refused;
pub use releases::{Concerned, Known, Released};
pub use replies::{ANSWER_ABOVE, Replied, Reply, ReplyAddress};
pub use rooms::NewRoom;
pub use screen::Signal;

pub type Result<T> = std::result::Result<T, Refused>;

/// Sounds that a message may be.
pub const SOUNDS: [&str; 12] = [
    "applause", "bell", "drum", "fanfare", "gong", "horn", "knock", "pop", "rain", "tada", "train", "whistle",
];

/// The one door to chat. Cheap to clone.
#[derive(Clone)]
pub struct Chat {
    store: Store,
    access: Access,
    live: Arc<dyn Live>,
    clock: Arc<dyn Clock>,
    desk: Arc<files::Desk>,
    waiting: Arc<announce::Waiting>,
    announcing: TaskTracker,
    news: Arc<News>,
    /// A message with files was removed.
    removed: Arc<Notify>,
    exports: carry::Exports,
    judge: Arc<spam::Judge>,
    on_duty: Arc<conversations::OnDuty>,
    measured: Arc<figures::Measured>,
}

/// A room, as who asks stands to it.
pub struct Seen {
    pub room: Room,
    pub standing: Standing,
}

impl Seen {
    /// All that one may do here now.
    pub fn may(&self) -> Vec<RoomAction> {
        let facts = Facts::of(&self.room);
        RoomAction::ALL.into_iter().filter(|action| may(self.standing, facts, *action)).collect()
    }
}

impl Chat {
    pub fn new(store: Store, access: Access, live: Arc<dyn Live>, clock: Arc<dyn Clock>) -> Chat {
        Chat {
            store,
            access,
            live,
            clock,
            desk: Arc::default(),
            waiting: Arc::default(),
            announcing: TaskTracker::new(),
            news: Arc::default(),
            removed: Arc::default(),
            exports: carry::Exports::default(),
            judge: Arc::new(spam::Judge::new()),
            on_duty: Arc::default(),
            measured: Arc::default(),
        }
    }

    /// What happens in rooms by this and its clones.
    pub fn news(&self) -> &News {
        &self.news
    }

    /// The room, where that may be done. `NotFound` for whoever may not know of it, whether it is there or not.
    pub async fn seen(&self, by: &Principal, room: RoomId, action: RoomAction) -> Result<Seen> {
        let room = self.store.rooms.room(room).await?;
        let standing = self.access.standing(by, &room).await?;
        let facts = Facts::of(&room);
        match () {
            () if !may(standing, facts, RoomAction::Find) => Err(Refused::NotFound),
            () if may(standing, facts, action) => Ok(Seen { room, standing }),
            () if room.locked && may(standing, Facts { locked: false, ..facts }, action) => {
                Err(Refused::Locked)
            }
            () => Err(Refused::Forbidden),
        }
    }
}

/// Who takes part, where a principal can.
pub(crate) fn who(by: &Principal) -> Result<Who> {
    by.who().ok_or(Refused::Forbidden)
}

/// 64 random bits, for ids that nobody else has.
pub(crate) fn random() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    u64::from_le_bytes(bytes)
}

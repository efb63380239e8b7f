//! The pages of rooms: the list, a room, its settings, and what was said in it. Whole to read without scripts.

mod browser;
mod history;
mod hooks;
mod list;
mod mail;
mod notifications;
mod reading;
mod releases;
mod room;
mod settings;

pub(crate) use browser::submit as submit_browser;
pub(crate) use history::show as show_history;
pub(crate) use hooks::{show as hooks, submit as change_hooks};
pub(crate) use list::{add, show as list, show_bots, submit_bots};
pub(crate) use mail::{ask_off, submit as submit_mail, turn_off};
pub(crate) use notifications::{show as notifications, submit as notify};
pub(crate) use reading::{show_day, show_decisions, show_search, show_stars, to_conversation, to_message};
pub(crate) use releases::{show as releases, show_all as all_releases};
pub(crate) use room::{show, submit};
pub(crate) use settings::{show as settings, submit as change};

use model::chat::rights::{Facts, RoomAction, Standing, may};
use model::chat::{Room, RoomKind};

use crate::guard::Caller;
use crate::shell::Shell;

/// The shell of a page about rooms.
pub(super) fn shell(title: &str, caller: &Caller) -> Shell {
    Shell { in_rooms: true, ..Shell::new(title, caller.shell_account()) }
}

/// The shell of what was said in a room: found by search engines where anybody may read it.
fn open_shell(title: &str, caller: &Caller, room: &Room) -> Shell {
    let facts = Facts::of(room);
    Shell { is_public: may(Standing::Stranger, facts, RoomAction::Read), ..shell(title, caller) }
}

/// What somebody may do, for templates.
struct May(Vec<RoomAction>);

impl May {
    fn post(&self) -> bool {
        self.0.contains(&RoomAction::Post)
    }

    fn enter(&self) -> bool {
        self.0.contains(&RoomAction::Enter)
    }

    fn leave(&self) -> bool {
        self.0.contains(&RoomAction::Leave)
    }

    fn see_people(&self) -> bool {
        self.0.contains(&RoomAction::SeePeople)
    }

    fn set_topic(&self) -> bool {
        self.0.contains(&RoomAction::SetTopic)
    }

    fn bring(&self) -> bool {
        self.0.contains(&RoomAction::Bring)
    }

    fn kick(&self) -> bool {
        self.0.contains(&RoomAction::Kick)
    }

    fn lock(&self) -> bool {
        self.0.contains(&RoomAction::Lock)
    }

    fn configure(&self) -> bool {
        self.0.contains(&RoomAction::Configure)
    }

    fn export(&self) -> bool {
        self.0.contains(&RoomAction::Export)
    }

    fn demolish(&self) -> bool {
        self.0.contains(&RoomAction::Demolish)
    }
}

fn kind_name(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Open => "open",
        RoomKind::Closed => "closed",
        RoomKind::Direct => "direct",
        RoomKind::Conversation => "conversation",
        RoomKind::Notes => "notes",
    }
}

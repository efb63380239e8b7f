//! Who is told of what was said while they are away: which messages they want to be told of, and whether they may read them now.

use chat::{Chat, Refused};
use model::AccountId;
use model::chat::rights::RoomAction;
use model::chat::{Member, Message, MessageKind, Notify, Room, RoomKind, Who};
use model::rights::Principal;
use store::{Store, StoreError};

/// A room as one of its members stands to it.
pub struct Theirs {
    pub me: Principal,
    pub room: Room,
    pub member: Member,
}

/// What an account may read of a room that it is in. None: nothing, or no longer.
pub async fn theirs(
    store: &Store,
    chat: &Chat,
    account: AccountId,
    room: &Room,
) -> Result<Option<Theirs>, Refused> {
    let account = match store.accounts.account(account).await {
        Err(StoreError::NotFound(_)) => return Ok(None),
        account => account?,
    };
    let me = Principal::Account { id: account.id, operator: account.operator };
    let seen = match chat.seen(&me, room.id, RoomAction::Read).await {
        Err(Refused::Unavailable(error)) => return Err(Refused::Unavailable(error)),
        Err(_) => return Ok(None),
        Ok(seen) => seen,
    };
    // A public room is read by anybody: they are told of those that they are in.
    let member = store.rooms.member(room.id, Who::Account(account.id)).await?;
    Ok(member.map(|member| Theirs { me, room: seen.room, member }))
}

/// The accounts in a room that want to be told of anything in it.
pub async fn listening(store: &Store, room: &Room) -> anyhow::Result<Vec<(AccountId, Member)>> {
    let members = store.rooms.members(room.id).await?;
    let accounts = members.into_iter().filter(|member| member.notify != Notify::Nothing);
    Ok(accounts.filter_map(|member| Some((account_of(member.who)?, member))).collect())
}

pub fn account_of(who: Who) -> Option<AccountId> {
    match who {
        Who::Account(id) => Some(id),
        Who::Guest(_) | Who::Bot(_) => None,
    }
}

/// Whether somebody wants to be told of a message that they did not read. What is said in a locked room goes nowhere.
pub fn is_wanted(member: &Member, kind: RoomKind, message: &Message) -> bool {
    let is_said = !matches!(message.kind, MessageKind::Note(_)) && message.author != member.who;
    let is_there = message.removed.is_none() && !message.unrecorded && message.number > member.read;
    is_said && is_there && member.notify.wants(is_meant(member, kind, message))
}

/// In a direct room all that is said is meant for who is in it.
pub fn is_meant(member: &Member, kind: RoomKind, message: &Message) -> bool {
    kind == RoomKind::Direct || message.mentions.contains(&member.who)
}

/// The beginning of a text, of so many characters at most.
pub fn beginning(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    }
}

/// A message as it reads in one line.
pub fn line(message: &Message, names: &std::collections::HashMap<Who, String>, chars_max: usize) -> String {
    let text = match message.kind {
        MessageKind::Sound => format!("plays {}", message.body),
        MessageKind::Paste => message.body.split_whitespace().collect::<Vec<_>>().join(" "),
        _ => chat::markdown::words(&message.body, names),
    };
    match (text.is_empty(), message.files.len()) {
        (false, _) => beginning(&text, chars_max),
        (true, 1) => "sent a file".to_owned(),
        (true, files) => format!("sent {files} files"),
    }
}

//! Who is told of what was said while they are away: which messages they want to be told of, and whether they may read them now.

use chat::{Chat, Refused};
use model::chat::rights::RoomAction;
use model::chat::{Folder, Member, Message, MessageKind, Notify, Room, RoomKind, RoomRole, Who};
use model::rights::Principal;
use model::{AccountId, Millis, Role, RoomId};
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
    if room.kind == RoomKind::Conversation {
        let is_waiting = store.conversations.conversation(room.id).await?.waiting_since.is_some();
        return Ok(is_waiting.then(|| Theirs { me, member: agent(room.id, account.id), room: seen.room }));
    }
    // A public room is read by anybody: they are told of those that they are in.
    let member = store.rooms.member(room.id, Who::Account(account.id)).await?;
    Ok(member.map(|member| Theirs { me, room: seen.room, member }))
}

/// An agent in a conversation, who is no member of it and is told of all that waits in it.
fn agent(room: RoomId, account: AccountId) -> Member {
    let (role, notify) = (RoomRole::Member, Notify::Everything);
    Member { room, who: Who::Account(account), role, joined: Millis(0), read: 0, notify }
}

/// Whose a conversation is; of nobody's yet all agents of the site. Of one that nobody is to be told of nobody.
async fn agents(store: &Store, room: &Room) -> anyhow::Result<Vec<(AccountId, Member)>> {
    let conversation = store.conversations.conversation(room.id).await?;
    if conversation.folder() != Folder::Open {
        return Ok(Vec::new());
    }
    if let Some(assignee) = conversation.assignee {
        return Ok(vec![(assignee, agent(room.id, assignee))]);
    }
    let members = store.accounts.members(conversation.site).await?;
    let agents = members.into_iter().filter(|(_, role)| *role >= Role::Agent);
    Ok(agents.map(|(account, _)| (account.id, agent(room.id, account.id))).collect())
}

/// The accounts in a room that want to be told of anything in it.
pub async fn listening(store: &Store, room: &Room) -> anyhow::Result<Vec<(AccountId, Member)>> {
    match room.kind {
        RoomKind::Conversation => return agents(store, room).await,
        RoomKind::Notes => return Ok(Vec::new()),
        RoomKind::Open | RoomKind::Closed | RoomKind::Direct => {}
    }
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
    // Of a conversation that is told again, what begins the thread is the news.
    let is_news = message.retold.is_none() || message.thread.is_none();
    is_said && is_there && is_news && member.notify.wants(is_meant(member, kind, message))
}

/// In a direct room all that is said is meant for who is in it.
pub fn is_meant(member: &Member, kind: RoomKind, message: &Message) -> bool {
    matches!(kind, RoomKind::Direct | RoomKind::Conversation) || message.mentions.contains(&member.who)
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

//! Who is named in a room, and what they are called where it comes to: whoever is not known there is a former guest of the room, by name.

use std::collections::HashMap;

use model::chat::{Conversation, ConversationState, Message, Revision, Who};

use super::merge::{names_somebody, words};

/// Everybody that a message names but in its words.
pub fn of(message: &Message) -> impl Iterator<Item = Who> {
    let reacted = message.reactions.iter().flat_map(|reaction| reaction.who.iter().copied());
    let sent_out = match names_somebody(message.kind) {
        true => message.body.parse().ok(),
        false => None,
    };
    std::iter::once(message.author)
        .chain(message.mentions.iter().copied())
        .chain(reacted)
        .chain(message.decided.map(|decision| decision.by))
        .chain(message.closed.as_ref().map(|closed| closed.by))
        .chain(message.removed.map(|removal| removal.by))
        .chain(sent_out)
}

/// Everybody that a conversation names.
pub fn of_conversation(conversation: &Conversation) -> impl Iterator<Item = Who> {
    let closed = match conversation.state {
        ConversationState::Closed(by) => Some(by),
        ConversationState::Open | ConversationState::Snoozed(_) => None,
    };
    [Who::Guest(conversation.guest)].into_iter().chain(conversation.assignee.map(Who::Account)).chain(closed)
}

/// Whoever looks after it and is somebody else by the table looks after it no more.
pub fn rename_conversation(conversation: &mut Conversation, table: &HashMap<Who, Who>) {
    if let Some(Who::Guest(guest)) = table.get(&Who::Guest(conversation.guest)) {
        conversation.guest = *guest;
    }
    conversation.assignee = conversation.assignee.filter(|agent| !table.contains_key(&Who::Account(*agent)));
    if let ConversationState::Closed(by) = &mut conversation.state {
        *by = table.get(by).copied().unwrap_or(*by);
    }
}

/// Everybody in it is who the table says.
pub fn rename(message: &mut Message, table: &HashMap<Who, Who>) {
    if table.is_empty() {
        return;
    }
    let to = |who: &mut Who| *who = table.get(who).copied().unwrap_or(*who);
    to(&mut message.author);
    message.mentions.iter_mut().for_each(to);
    message.reactions.iter_mut().flat_map(|reaction| reaction.who.iter_mut()).for_each(to);
    if let Some(decision) = &mut message.decided {
        to(&mut decision.by);
    }
    if let Some(closed) = &mut message.closed {
        to(&mut closed.by);
    }
    if let Some(removal) = &mut message.removed {
        to(&mut removal.by);
    }
    if names_somebody(message.kind) {
        let now = message.body.parse().ok().and_then(|who| table.get(&who));
        if let Some(now) = now {
            message.body = now.to_string();
        }
    } else {
        rename_in(&mut message.body, table);
    }
}

pub fn rename_revision(revision: &mut Revision, table: &HashMap<Who, Who>) {
    if let Some(now) = table.get(&revision.by) {
        revision.by = *now;
    }
    if let Some(body) = words(&mut revision.what) {
        rename_in(body, table);
    }
}

/// Bytes of a written id.
const ID_BYTES: usize = 11;

/// Mentions stay mentions: `@` and an id, which is as long as every other.
fn rename_in(body: &mut String, table: &HashMap<Who, Who>) {
    if table.is_empty() || !body.contains('@') {
        return;
    }
    let mut renamed = String::with_capacity(body.len());
    let mut rest = body.as_str();
    while let Some(at) = rest.find('@') {
        let (before, behind) = rest.split_at(at + 1);
        renamed.push_str(before);
        let now = behind.get(..ID_BYTES).and_then(|id| table.get(&id.parse().ok()?));
        rest = match now {
            Some(now) => {
                renamed.push_str(&now.to_string());
                &behind[ID_BYTES..]
            }
            None => behind,
        };
    }
    renamed.push_str(rest);
    *body = renamed;
}

#[cfg(test)]
mod tests {
    use model::{AccountId, GuestId};

    use super::*;

    #[test]
    fn mentions_in_words_follow() {
        let (one, other) = (Who::Account(AccountId::of(7)), Who::Guest(GuestId::of(9)));
        let table = HashMap::from([(one, other)]);
        let check = |body: String, expected: String| {
            let mut body = body;
            rename_in(&mut body, &table);
            assert_eq!(body, expected);
        };
        check(format!("@{one}, @{one}x @@{one} {one} é@"), format!("@{other}, @{other}x @@{other} {one} é@"));
        check("@AC-é".repeat(9), "@AC-é".repeat(9));
        check(String::new(), String::new());
    }
}

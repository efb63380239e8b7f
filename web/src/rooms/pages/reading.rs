//! What was said, read page by page: a day, decisions, what a search finds, one's stars.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use chat::told::named_in_words;
use jiff::civil::Date;
use model::chat::rights::RoomAction;
use model::chat::{Message, Room, Who};
use model::{RoomId, limits};

use super::super::list::{Mine, asked, mine};
use super::super::messages::number;
use super::super::rows::{MessageRow, day_of, in_zone, permalink, rows, zone_of};
use super::super::{At, Somebody, said};
use super::{open_shell, shell};
use crate::Web;
use crate::error::{Answer, Problem};
use crate::guard::Caller;
use crate::shell::{Shell, found_page, go_to, page, query_value};

/// Messages that are shown before the one that a permalink leads to.
const SHOWN_BEFORE: u64 = limits::MESSAGES_A_PAGE_MAX as u64 / 4;
/// People that one may choose among in a search.
const PEOPLE_OFFERED_MAX: usize = 500;
/// Messages back from the end that the page of a room loads to show one: `REACHED_MAX` of web/ui/src/room.ts.
const REACHED_MAX: u64 = 1_000;
/// Stars on their page: the last ones.
const STARS_SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "room_day.html")]
struct DayPage {
    shell: Shell,
    id: String,
    name: String,
    /// In words.
    title: String,
    /// `2026-11-21`, and the days around it.
    day: String,
    before: Option<String>,
    after: Option<String>,
    messages: Vec<MessageRow>,
    /// The `from` that the rest of the day begins at.
    more: Option<u64>,
    from_start: bool,
}

/// `GET /rooms/{room}/days/{day}?from=`: from the message of that number on, or from a little before.
pub async fn show_day(
    State(web): State<Arc<Web>>,
    caller: Caller,
    at: At,
    RawQuery(query): RawQuery,
) -> Answer {
    let day: Date = at.parsed("day")?;
    let from = number(query.as_deref(), "from")?.unwrap_or(0);
    // Whoever comes by a permalink sees what came before it, too.
    let after = from.saturating_sub(SHOWN_BEFORE);
    let (told, more) = web.chat.day(&at.by, at.room, day, after).await?;
    let name = said::name_of(&web, &told.room, at.by.who()).await?;
    let sees_history = sees_history(&web.chat.room(&at.by, at.room).await?);
    let shell = open_shell(&format!("{name}, {day}"), &caller, &told.room);
    // A day has one address where search engines find it, and only where something was said.
    let is_found = shell.is_public && from == 0 && !told.messages.is_empty();
    let zone = zone_of(&told.room.zone);
    let (first, last) = (in_zone(told.room.created, &zone).date(), in_zone(told.room.last_at, &zone).date());
    let shown = DayPage {
        shell,
        id: at.room.to_string(),
        name,
        before: day.yesterday().ok().filter(|_| day > first).map(|day| day.min(last).to_string()),
        after: day.tomorrow().ok().filter(|_| day < last).map(|day| day.max(first).to_string()),
        title: day.strftime("%A, %-d %B %Y").to_string(),
        day: day.to_string(),
        messages: rows(&web, &told.room, sees_history, &told.messages).await?,
        more: more.map(|last| last + SHOWN_BEFORE),
        from_start: after == 0,
    };
    Ok(found_page(&shown, is_found))
}

/// `GET /rooms/{room}/messages/{number}`: leads whoever takes part to it in the room, and all others, or to one of long ago, to where it
/// stands in the transcript.
pub async fn to_message(State(web): State<Arc<Web>>, at: At) -> Answer {
    let message = web.chat.message(&at.by, at.room, at.number()?).await?;
    let seen = web.chat.room(&at.by, at.room).await?;
    let (takes_part, room) = (seen.may().contains(&RoomAction::Post), seen.room);
    let is_near = room.last.saturating_sub(message.number) < REACHED_MAX;
    if takes_part && is_near && !room.kind.is_of_inbox() {
        return Ok(go_to(&format!("/rooms/{}?at={number}#m{number}", at.room, number = message.number)));
    }
    Ok(go_to(&permalink(at.room, message.number, &day_of(message.at, &zone_of(&room.zone)))))
}

/// `GET /rooms/{room}/messages/{number}/conversation`: where a message was said first, for who answers that customer.
pub async fn to_conversation(State(web): State<Arc<Web>>, at: At) -> Answer {
    let found = web.chat.told_before(&at.by, at.room, at.number()?).await?;
    Ok(go_to(&format!("/sites/{}/inbox/{}", found.site, found.room)))
}

#[derive(Template)]
#[template(path = "room_decisions.html")]
struct DecisionsPage {
    shell: Shell,
    id: String,
    name: String,
    messages: Vec<MessageRow>,
    older: Option<u64>,
}

/// `GET /rooms/{room}/decisions?before=`
pub async fn show_decisions(
    State(web): State<Arc<Web>>,
    caller: Caller,
    at: At,
    RawQuery(query): RawQuery,
) -> Answer {
    let before = number(query.as_deref(), "before")?;
    let decided = web.chat.decisions(&at.by, at.room, before).await?;
    let seen = web.chat.room(&at.by, at.room).await?;
    let (sees_history, room) = (sees_history(&seen), seen.room);
    let name = said::name_of(&web, &room, at.by.who()).await?;
    let is_full = decided.len() == limits::MESSAGES_A_PAGE_MAX;
    Ok(page(&DecisionsPage {
        shell: shell(&format!("{name}, decisions"), &caller),
        id: at.room.to_string(),
        name,
        older: decided.last().filter(|_| is_full).map(|message| message.number),
        messages: apart(rows(&web, &room, sees_history, &decided).await?),
    }))
}

/// Messages that do not stand together: each with its author and day.
fn apart(rows: Vec<MessageRow>) -> Vec<MessageRow> {
    rows.into_iter().map(|row| MessageRow { follows: false, ..row }).collect()
}

/// A message and the room it is from.
struct Found {
    room: String,
    name: String,
    day: String,
    row: MessageRow,
}

#[derive(Template)]
#[template(path = "rooms_search.html")]
struct SearchPage {
    shell: Shell,
    q: String,
    kind: String,
    from: String,
    to: String,
    /// The room it is limited to.
    room: String,
    rooms: Vec<(String, String)>,
    /// Who said it, and of whom that may be asked.
    author: String,
    people: Vec<(String, String)>,
    found: Vec<Found>,
    asked: bool,
    /// What is looked for has none.
    wordless: bool,
    older: Option<String>,
    is_stars: bool,
}

/// `GET /rooms/search?q=&room=&author=&kind=&from=&to=&before=`
pub async fn show_search(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Somebody(by): Somebody,
    RawQuery(query): RawQuery,
) -> Answer {
    let query = query.as_deref();
    let value = |name: &str| query_value(query, name).unwrap_or_default();
    let wants = asked(query)?;
    let is_asked = !wants.text.trim().is_empty() || wants.kind.is_some() || wants.author.is_some();
    let wordless = !wants.text.trim().is_empty() && !wants.text.contains(char::is_alphanumeric);
    let limit = wants.limit;
    let found = if is_asked { web.chat.search(&by, wants).await? } else { Vec::new() };
    let older = found.last().filter(|_| found.len() == limit).map(|last| {
        let mut address = url::form_urlencoded::Serializer::new(String::new());
        for name in ["q", "room", "author", "kind", "from", "to"] {
            address.append_pair(name, &value(name));
        }
        address.append_pair("before", &format!("{}:{}", last.room, last.number));
        format!("/rooms/search?{}", address.finish())
    });
    let mine = mine(&web, &by).await?;
    let people = people(&web, &by, &mine).await?;
    Ok(page(&SearchPage {
        shell: shell("Search", &caller),
        q: value("q"),
        kind: value("kind"),
        from: value("from"),
        to: value("to"),
        room: value("room"),
        rooms: mine.iter().map(|mine| (mine.room.id.to_string(), mine.name.clone())).collect(),
        author: value("author"),
        people,
        found: told(&web, &by, &found).await?,
        asked: is_asked,
        wordless,
        older,
        is_stars: false,
    }))
}

/// Who is in the rooms that one is in, where one may see that: by name, so many at most.
async fn people(
    web: &Web,
    by: &model::rights::Principal,
    mine: &[Mine],
) -> Result<Vec<(String, String)>, Problem> {
    let mut people = BTreeSet::new();
    for mine in mine {
        match web.chat.members(by, mine.room.id).await {
            Ok(members) => people.extend(members.into_iter().map(|member| member.who)),
            Err(chat::Refused::NotFound | chat::Refused::Forbidden | chat::Refused::Locked) => {}
            Err(refused) => return Err(refused.into()),
        }
        if people.len() >= PEOPLE_OFFERED_MAX {
            break;
        }
    }
    let people: BTreeSet<Who> = people.into_iter().take(PEOPLE_OFFERED_MAX).collect();
    let names = web.chat.names(people).await?;
    let mut named: Vec<(String, String)> =
        names.keys().map(|who| (who.to_string(), named_in_words(*who, &names))).collect();
    named.sort_by_cached_key(|(who, name)| (name.to_lowercase(), who.clone()));
    Ok(named)
}

/// `GET /rooms/stars`
pub async fn show_stars(State(web): State<Arc<Web>>, caller: Caller, Somebody(by): Somebody) -> Answer {
    let stars = web.chat.stars(&by).await?;
    let mut starred = Vec::new();
    for (room, number) in stars.into_iter().rev().take(STARS_SHOWN) {
        match web.chat.message(&by, room, number).await {
            Ok(message) => starred.push(message),
            // Removed, or no longer to be read, since the list was made.
            Err(chat::Refused::NotFound | chat::Refused::Forbidden) => {}
            Err(refused) => return Err(refused.into()),
        }
    }
    starred.sort_by_key(|message| std::cmp::Reverse(message.at));
    Ok(page(&SearchPage {
        shell: shell("Stars", &caller),
        q: String::new(),
        kind: String::new(),
        from: String::new(),
        to: String::new(),
        room: String::new(),
        rooms: Vec::new(),
        author: String::new(),
        people: Vec::new(),
        found: told(&web, &by, &starred).await?,
        asked: true,
        wordless: false,
        older: None,
        is_stars: true,
    }))
}

/// As `Chat::history` has it.
fn sees_history(seen: &chat::Seen) -> bool {
    let may = seen.may();
    may.contains(&RoomAction::Read) && may.contains(&RoomAction::SeePeople)
}

/// Messages of several rooms, each with the name of its room.
async fn told(web: &Web, by: &model::rights::Principal, messages: &[Message]) -> Result<Vec<Found>, Problem> {
    let mut rooms: HashMap<RoomId, (Room, String, bool)> = HashMap::new();
    let mut found = Vec::with_capacity(messages.len());
    for message in messages {
        let (room, name, sees_history) = match rooms.entry(message.room) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let seen = web.chat.room(by, message.room).await?;
                let sees_history = sees_history(&seen);
                let name = said::name_of(web, &seen.room, by.who()).await?;
                new.insert((seen.room, name, sees_history))
            }
        };
        let row = rows(web, room, *sees_history, std::slice::from_ref(message)).await?.pop();
        found.extend(row.map(|row| Found {
            room: message.room.to_string(),
            name: name.clone(),
            day: day_of(message.at, &zone_of(&room.zone)),
            row,
        }));
    }
    Ok(found)
}

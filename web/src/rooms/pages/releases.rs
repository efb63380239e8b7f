//! Releases: which problems, and whose, each fixes; and what is fixed and not yet released. Of the rooms that the reader may read.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use chat::told::named;
use chat::{Concerned, Known, Released};
use door::Refusal;
use model::RoomId;
use model::chat::rights::RoomAction;
use model::chat::{Conversation, NamedCommit, Who};
use model::rights::Principal;

use super::super::list::{mine, offered};
use super::super::rows::CommitRow;
use super::super::{At, Somebody, said};
use super::shell;
use crate::Web;
use crate::error::{Answer, Problem};
use crate::guard::Caller;
use crate::inbox_page::customer_name;
use crate::moment::Moment;
use crate::shell::{Shell, page, query_value};

/// Repositories of one page, releases of one list, commits of one release that are shown; further ones are counted, or have a page of
/// their own.
const REPOSITORIES_SHOWN_MAX: usize = 20;
const RELEASES_SHOWN_MAX: usize = 100;
const COMMITS_SHOWN_MAX: usize = 200;
/// Characters of a message that are its title.
const TITLE_CHARS_MAX: usize = 140;

/// The rooms that a page is about.
struct Scope {
    by: Principal,
    /// With what each is called to the reader.
    rooms: HashMap<RoomId, String>,
    /// The one room that it is limited to.
    one: Option<RoomId>,
    repositories: BTreeMap<String, Vec<RoomId>>,
}

#[derive(Template)]
#[template(path = "releases.html")]
struct ReleasesPage {
    shell: Shell,
    around: Around,
    repositories: Vec<RepositoryRow>,
    more: usize,
}

/// What the page is limited to, and where its links lead.
struct Around {
    base: String,
    room: Option<(String, String)>,
    may_hook: bool,
    repository: Option<String>,
}

struct RepositoryRow {
    name: String,
    href: String,
    releases: Vec<ReleaseRow>,
    more_releases: usize,
    unreleased: Conversations,
}

struct ReleaseRow {
    name: String,
    href: String,
    at: Moment,
    commits: usize,
}

struct Conversations {
    rows: Vec<ConversationRow>,
    beyond: usize,
}

struct ConversationRow {
    title: String,
    href: String,
    author: String,
    room: String,
    at: Moment,
    fixes: bool,
    closed: bool,
    commits: Vec<CommitRow>,
}

#[derive(Template)]
#[template(path = "release.html")]
struct ReleasePage {
    shell: Shell,
    around: Around,
    repository: String,
    repository_href: String,
    tag: String,
    name: String,
    link: Option<String>,
    at: Moment,
    known: bool,
    before: Option<String>,
    conversations: Conversations,
    commits: Vec<CommitRow>,
    more_commits: usize,
}

/// `GET /rooms/{room}/releases?repository=&tag=`
pub async fn show(State(web): State<Arc<Web>>, caller: Caller, at: At, RawQuery(query): RawQuery) -> Answer {
    let seen = web.chat.seen(&at.by, at.room, RoomAction::Read).await?;
    let name = said::name_of(&web, &seen.room, at.by.who()).await?;
    let may_hook = seen.may().contains(&RoomAction::Configure);
    let repositories = web.chat.repositories(&at.by, &[at.room]).await?;
    let rooms = HashMap::from([(at.room, name)]);
    let scope = Scope { by: at.by, rooms, one: Some(at.room), repositories };
    shown(&web, &caller, scope, may_hook, query.as_deref()).await
}

/// `GET /releases?repository=&tag=`: of all rooms that somebody may read.
pub async fn show_all(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Somebody(by): Somebody,
    RawQuery(query): RawQuery,
) -> Answer {
    let mine = mine(&web, &by).await?;
    let offered = offered(&web, &by, &mine).await?;
    let mut rooms: HashMap<RoomId, String> = HashMap::new();
    for mine in mine {
        rooms.insert(mine.room.id, mine.name);
    }
    for room in offered {
        rooms.insert(room.id, room.name);
    }
    // Some are offered, or were mine a moment ago, and are not to be read.
    let mut readable = HashMap::with_capacity(rooms.len());
    for (room, name) in rooms {
        match web.chat.seen(&by, room, RoomAction::Read).await {
            Ok(_) => drop(readable.insert(room, name)),
            Err(chat::Refused::NotFound | chat::Refused::Forbidden | chat::Refused::Locked) => {}
            Err(refused) => return Err(refused.into()),
        }
    }
    let ids: Vec<RoomId> = readable.keys().copied().collect();
    let repositories = web.chat.repositories(&by, &ids).await?;
    let scope = Scope { by, rooms: readable, one: None, repositories };
    shown(&web, &caller, scope, false, query.as_deref()).await
}

async fn shown(web: &Web, caller: &Caller, scope: Scope, may_hook: bool, query: Option<&str>) -> Answer {
    let repository = query_value(query, "repository").filter(|name| !name.is_empty());
    let tag = query_value(query, "tag").filter(|tag| !tag.is_empty());
    let base = match scope.one {
        Some(room) => format!("/rooms/{room}/releases"),
        None => "/releases".to_owned(),
    };
    let room = scope.one.and_then(|room| Some((room.to_string(), scope.rooms.get(&room)?.clone())));
    let around = Around { base, room, may_hook, repository: repository.clone() };
    let Some(repository) = repository else {
        return all(web, caller, scope, around).await;
    };
    let rooms = scope.repositories.get(&repository).ok_or_else(Refusal::not_found)?;
    let known = web.chat.known(&scope.by, rooms, &repository).await?;
    if let Some(tag) = tag {
        let place = known.releases.iter().position(|release| release.tag.tag == tag);
        let place = place.ok_or_else(Refusal::not_found)?;
        return one(web, caller, scope, around, &repository, (&known, place)).await;
    }
    let row = row(web, &scope, &around, &repository, &known).await?;
    let shell = shell(&format!("{repository}, releases"), caller);
    Ok(page(&ReleasesPage { shell, around, repositories: vec![row], more: 0 }))
}

async fn all(web: &Web, caller: &Caller, scope: Scope, around: Around) -> Answer {
    let mut repositories = Vec::new();
    for (name, rooms) in scope.repositories.iter().take(REPOSITORIES_SHOWN_MAX) {
        let known = web.chat.known(&scope.by, rooms, name).await?;
        repositories.push(row(web, &scope, &around, name, &known).await?);
    }
    let more = scope.repositories.len() - repositories.len();
    Ok(page(&ReleasesPage { shell: shell("Releases", caller), around, repositories, more }))
}

async fn row(
    web: &Web,
    scope: &Scope,
    around: &Around,
    name: &str,
    known: &Known,
) -> Result<RepositoryRow, Problem> {
    let shown = if around.repository.is_some() { RELEASES_SHOWN_MAX } else { 5 };
    let releases = known.releases.iter().take(shown).map(|release| ReleaseRow {
        name: called(release),
        href: address(&around.base, name, Some(&release.tag.tag)),
        at: release.at.into(),
        commits: release.commits.len(),
    });
    Ok(RepositoryRow {
        name: name.to_owned(),
        href: address(&around.base, name, None),
        releases: releases.collect(),
        more_releases: known.releases.len().saturating_sub(shown),
        unreleased: conversations(web, scope, known, &known.unreleased, true).await?,
    })
}

async fn one(
    web: &Web,
    caller: &Caller,
    scope: Scope,
    around: Around,
    repository: &str,
    (known, place): (&Known, usize),
) -> Answer {
    let release = &known.releases[place];
    let conversations = conversations(web, &scope, known, &release.commits, false).await?;
    let name = called(release);
    let shown = release.commits.iter().rev().take(COMMITS_SHOWN_MAX);
    Ok(page(&ReleasePage {
        shell: shell(&format!("{name} of {repository}"), caller),
        repository_href: address(&around.base, repository, None),
        around,
        repository: repository.to_owned(),
        tag: release.tag.tag.clone(),
        link: release.tag.link.clone(),
        at: release.at.into(),
        known: release.known,
        before: known.releases.get(place + 1).map(called),
        conversations,
        commits: shown.map(CommitRow::of).collect(),
        more_commits: release.commits.len().saturating_sub(COMMITS_SHOWN_MAX),
        name,
    }))
}

fn called(release: &Released) -> String {
    release.tag.name.clone().unwrap_or_else(|| release.tag.tag.clone())
}

fn address(base: &str, repository: &str, tag: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("repository", repository);
    if let Some(tag) = tag {
        query.append_pair("tag", tag);
    }
    format!("{base}?{}", query.finish())
}

/// Those that the commits are about; where only fixes are asked for, those that they fix.
async fn conversations(
    web: &Web,
    scope: &Scope,
    known: &Known,
    commits: &[NamedCommit],
    only_fixed: bool,
) -> Result<Conversations, Problem> {
    let (mut found, beyond) = web.chat.concerned(&scope.by, known, commits).await?;
    found.retain(|concerned| concerned.fixes || !only_fixed);
    let authors = found.iter().map(|concerned| concerned.message.author).collect();
    let names = web.chat.names(authors).await?;
    let rows = found.iter().map(|concerned| conversation(scope, concerned, &names)).collect();
    Ok(Conversations { rows, beyond })
}

fn conversation(scope: &Scope, concerned: &Concerned, names: &HashMap<Who, String>) -> ConversationRow {
    let message = &concerned.message;
    let customers = concerned.customers.as_deref();
    ConversationRow {
        title: title(&message.body),
        href: match customers {
            Some(with) => format!("/sites/{}/inbox/{}", with.site, with.room),
            None => format!("/rooms/{}/messages/{}", message.room, message.number),
        },
        author: customers.map_or_else(|| named(message.author, names).to_owned(), customer_name),
        room: match customers {
            Some(_) => "Inbox".to_owned(),
            None => scope.rooms.get(&message.room).cloned().unwrap_or_default(),
        },
        at: message.at.into(),
        fixes: concerned.fixes,
        closed: message.closed.is_some() || customers.is_some_and(Conversation::is_closed),
        commits: concerned.commits.iter().map(CommitRow::of).collect(),
    }
}

/// The first line that says something.
fn title(body: &str) -> String {
    let line = body.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("(a file)");
    match line.char_indices().nth(TITLE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

//! What Bitbucket sends: the Cloud and the Server have little in common but the name.
//! Both list commits with the newest first, the Cloud five at most, older servers none.

use model::Millis;
use serde::Deserialize;

use crate::deliveries::Refused;
use crate::event::{Change, Commit, Event, Place, Push, Repository};
use crate::limits::{COMMITS_A_PUSH_MAX, PUSHES_A_DELIVERY_MAX};
use crate::payload::{self, Kept, moment, parsed};
use crate::text;

#[derive(Deserialize)]
struct CloudPayload {
    actor: Option<Actor>,
    repository: CloudRepository,
    push: CloudPush,
}

#[derive(Deserialize)]
struct Actor {
    display_name: Option<String>,
    #[serde(rename = "displayName")]
    server_name: Option<String>,
    nickname: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct CloudRepository {
    full_name: String,
    #[serde(default)]
    links: Links,
}

#[derive(Deserialize, Default)]
struct Links {
    html: Option<Href>,
}

#[derive(Deserialize)]
struct Href {
    href: String,
}

#[derive(Deserialize)]
struct CloudPush {
    changes: Kept<CloudChange, PUSHES_A_DELIVERY_MAX>,
}

#[derive(Deserialize)]
struct CloudChange {
    new: Option<CloudPlace>,
    old: Option<CloudPlace>,
    #[serde(default)]
    forced: bool,
    #[serde(default)]
    truncated: bool,
    #[serde(default)]
    commits: Kept<CloudCommit, COMMITS_A_PUSH_MAX>,
    #[serde(default)]
    links: Links,
}

#[derive(Deserialize)]
struct CloudPlace {
    r#type: String,
    name: String,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    hash: String,
}

#[derive(Deserialize)]
struct CloudCommit {
    hash: String,
    #[serde(default)]
    message: String,
    date: Option<String>,
    author: Option<CloudAuthor>,
    #[serde(default)]
    links: Links,
}

#[derive(Deserialize)]
struct CloudAuthor {
    /// `Ada <ada@example.com>`
    raw: Option<String>,
    user: Option<Actor>,
}

#[derive(Deserialize)]
struct ServerPayload {
    actor: Option<Actor>,
    repository: ServerRepository,
    changes: Kept<ServerChange, PUSHES_A_DELIVERY_MAX>,
    /// Of the one change, where there is only one.
    #[serde(default)]
    commits: Kept<ServerCommit, COMMITS_A_PUSH_MAX>,
}

#[derive(Deserialize)]
struct ServerRepository {
    slug: String,
    project: ServerProject,
}

#[derive(Deserialize)]
struct ServerProject {
    key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServerChange {
    r#ref: ServerPlace,
    from_hash: String,
    to_hash: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServerPlace {
    display_id: String,
    r#type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServerCommit {
    id: String,
    #[serde(default)]
    message: String,
    author: Option<Actor>,
    author_timestamp: Option<i64>,
}

pub fn cloud_events(event: &str, json: &str) -> Result<Vec<Event>, Refused> {
    if event != "repo:push" {
        return Ok(Vec::new());
    }
    let CloudPayload { actor, repository, push } = parsed(json)?;
    let by = actor.and_then(Actor::called);
    let repository = Repository {
        name: text::name(&repository.full_name),
        link: repository.links.html.and_then(|html| text::link(&html.href)),
    };
    let told = push.changes.items.into_iter().filter_map(|change| cloud_push(change, &repository, &by));
    Ok(told.map(Event::Push).collect())
}

fn cloud_push(change: CloudChange, repository: &Repository, by: &Option<String>) -> Option<Push> {
    let became = match (&change.old, &change.new) {
        (None, None) => return None,
        (None, Some(_)) => Change::Made,
        (Some(_), None) => Change::Deleted,
        (Some(_), Some(_)) if change.forced => Change::Forced,
        (Some(_), Some(_)) => Change::Moved,
    };
    let place = change.new.as_ref().or(change.old.as_ref())?;
    let unlisted = change.commits.unlisted();
    Some(Push {
        repository: repository.clone(),
        place: place_of(&place.r#type, &place.name)?,
        change: became,
        by: by.clone(),
        head: change.new.and_then(|new| new.target).and_then(|target| text::id(&target.hash)),
        compare: change.links.html.and_then(|html| text::link(&html.href)),
        commits: change.commits.items.into_iter().rev().filter_map(cloud_commit).collect(),
        unlisted: if change.truncated { None } else { Some(unlisted) },
    })
}

fn cloud_commit(commit: CloudCommit) -> Option<Commit> {
    let author = commit.author.and_then(|author| {
        let raw = author.raw.map(|raw| text::name(raw.split('<').next().unwrap_or_default()));
        author.user.and_then(Actor::called).or(raw)
    });
    Some(Commit {
        id: text::id(&commit.hash)?,
        author: author.unwrap_or_default(),
        message: text::message(&commit.message),
        when: moment(commit.date.as_deref()),
        link: commit.links.html.and_then(|html| text::link(&html.href)),
        distinct: true,
    })
}

pub fn server_events(event: &str, json: &str) -> Result<Vec<Event>, Refused> {
    if event != "repo:refs_changed" {
        return Ok(Vec::new());
    }
    let ServerPayload { actor, repository, changes, commits } = parsed(json)?;
    let by = actor.and_then(Actor::called);
    let repository = Repository {
        name: text::name(&format!("{}/{}", repository.project.key, repository.slug)),
        link: None,
    };
    let is_only = changes.count == 1;
    let mut pushes: Vec<Push> =
        changes.items.into_iter().filter_map(|change| server_push(change, &repository, &by)).collect();
    if let ([push], true) = (&mut pushes[..], is_only) {
        push.unlisted = Some(commits.unlisted());
        push.commits = commits.items.into_iter().rev().filter_map(server_commit).collect();
    }
    Ok(pushes.into_iter().map(Event::Push).collect())
}

fn server_push(change: ServerChange, repository: &Repository, by: &Option<String>) -> Option<Push> {
    Some(Push {
        repository: repository.clone(),
        place: place_of(&change.r#ref.r#type.to_ascii_lowercase(), &change.r#ref.display_id)?,
        change: payload::change(&change.from_hash, &change.to_hash, false),
        by: by.clone(),
        head: payload::head(&change.to_hash),
        compare: None,
        commits: Vec::new(),
        unlisted: Some(0),
    })
}

fn server_commit(commit: ServerCommit) -> Option<Commit> {
    Some(Commit {
        id: text::id(&commit.id)?,
        author: commit.author.and_then(Actor::called).unwrap_or_default(),
        message: text::message(&commit.message),
        when: commit.author_timestamp.map(Millis),
        link: None,
        distinct: true,
    })
}

fn place_of(kind: &str, name: &str) -> Option<Place> {
    match kind {
        "branch" | "named_branch" => Some(Place::branch(name)),
        "tag" | "annotated_tag" => Some(Place::tag(name)),
        _ => None,
    }
}

impl Actor {
    fn called(self) -> Option<String> {
        let names = [self.display_name, self.server_name, self.nickname, self.name];
        names.into_iter().flatten().map(|name| text::name(&name)).find(|name| !name.is_empty())
    }
}

#[cfg(test)]
mod tests;

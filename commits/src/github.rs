//! What GitHub sends, and in nearly the same words Gitea and Forgejo.

use serde::Deserialize;

use crate::deliveries::Refused;
use crate::event::{Change, Commit, Event, Place, PlaceKind, Push, Release, Repository};
use crate::forge::Forge;
use crate::limits::COMMITS_A_PUSH_MAX;
use crate::payload::{self, Kept, moment, parsed};
use crate::text;

#[derive(Deserialize)]
struct PushPayload {
    r#ref: String,
    before: String,
    after: String,
    #[serde(default)]
    forced: bool,
    /// Of an annotated tag, whose `after` is the tag itself, the commit.
    head_commit: Option<HeadPayload>,
    compare: Option<String>,
    /// Gitea's and Forgejo's word for it.
    compare_url: Option<String>,
    #[serde(default)]
    commits: Kept<CommitPayload, COMMITS_A_PUSH_MAX>,
    /// How many there are, where not all are listed.
    total_commits: Option<u64>,
    repository: RepositoryPayload,
    pusher: Option<Person>,
    sender: Option<Person>,
}

#[derive(Deserialize)]
struct HeadPayload {
    id: String,
}

#[derive(Deserialize)]
struct CommitPayload {
    id: String,
    distinct: Option<bool>,
    #[serde(default)]
    message: String,
    timestamp: Option<String>,
    url: Option<String>,
    author: Option<Person>,
}

#[derive(Deserialize)]
struct RepositoryPayload {
    full_name: String,
    html_url: Option<String>,
}

#[derive(Deserialize)]
struct Person {
    name: Option<String>,
    full_name: Option<String>,
    login: Option<String>,
    username: Option<String>,
}

#[derive(Deserialize)]
struct DeletePayload {
    r#ref: String,
    ref_type: String,
    repository: RepositoryPayload,
    sender: Option<Person>,
}

#[derive(Deserialize)]
struct ReleasesPayload {
    action: String,
    release: ReleasePayload,
    repository: RepositoryPayload,
}

#[derive(Deserialize)]
struct ReleasePayload {
    tag_name: String,
    name: Option<String>,
    body: Option<String>,
    html_url: Option<String>,
    published_at: Option<String>,
    #[serde(default)]
    prerelease: bool,
    author: Option<Person>,
}

pub fn events(forge: Forge, event: &str, json: &str) -> Result<Vec<Event>, Refused> {
    let told = match event {
        "push" => pushed(forge, parsed(json)?),
        "release" => released(parsed(json)?),
        // GitHub pushes it as well; of a branch that is gone, these two only say it so.
        "delete" if forge != Forge::GitHub => deleted(parsed(json)?),
        _ => None,
    };
    Ok(told.into_iter().collect())
}

fn pushed(forge: Forge, push: PushPayload) -> Option<Event> {
    let place = Place::of_ref(&push.r#ref)?;
    let change = payload::change(&push.before, &push.after, push.forced);
    if forge != Forge::GitHub && change == Change::Deleted && place.kind == PlaceKind::Branch {
        return None;
    }
    let listed = push.commits.count.max(push.total_commits.unwrap_or(0));
    let commits: Vec<Commit> = push.commits.items.into_iter().filter_map(commit).collect();
    Some(Event::Push(Push {
        repository: repository(push.repository),
        place,
        change,
        by: push.pusher.and_then(Person::called).or(push.sender.and_then(Person::called)),
        head: push.head_commit.and_then(|head| payload::head(&head.id)).or(payload::head(&push.after)),
        compare: push.compare.or(push.compare_url).as_deref().and_then(text::link),
        unlisted: Some(listed.saturating_sub(commits.len() as u64)),
        commits,
    }))
}

fn commit(commit: CommitPayload) -> Option<Commit> {
    Some(Commit {
        id: text::id(&commit.id)?,
        author: commit.author.and_then(Person::called).unwrap_or_default(),
        message: text::message(&commit.message),
        when: moment(commit.timestamp.as_deref()),
        link: commit.url.as_deref().and_then(text::link),
        distinct: commit.distinct.unwrap_or(true),
    })
}

fn deleted(deleted: DeletePayload) -> Option<Event> {
    // Of a tag a push says it, too.
    (deleted.ref_type == "branch").then(|| {
        Event::Push(Push {
            repository: repository(deleted.repository),
            place: Place::branch(&deleted.r#ref),
            change: Change::Deleted,
            by: deleted.sender.and_then(Person::called),
            head: None,
            compare: None,
            commits: Vec::new(),
            unlisted: Some(0),
        })
    })
}

fn released(released: ReleasesPayload) -> Option<Event> {
    let release = released.release;
    let tag = text::name(&release.tag_name);
    (released.action == "published").then(|| {
        Event::Release(Release {
            repository: repository(released.repository),
            name: release
                .name
                .map(|name| text::name(&name))
                .filter(|name| !name.is_empty())
                .unwrap_or(tag.clone()),
            tag,
            text: text::message(&release.body.unwrap_or_default()),
            link: release.html_url.as_deref().and_then(text::link),
            when: moment(release.published_at.as_deref()),
            by: release.author.and_then(Person::called),
            early: release.prerelease,
        })
    })
}

fn repository(repository: RepositoryPayload) -> Repository {
    Repository {
        name: text::name(&repository.full_name),
        link: repository.html_url.as_deref().and_then(text::link),
    }
}

impl Person {
    /// The first of its names that says something.
    fn called(self) -> Option<String> {
        let names = [self.name, self.full_name, self.login, self.username];
        names.into_iter().flatten().map(|name| text::name(&name)).find(|name| !name.is_empty())
    }
}

#[cfg(test)]
mod tests;

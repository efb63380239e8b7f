//! What GitLab sends, of projects and of the whole system.

use serde::Deserialize;

use crate::deliveries::Refused;
use crate::event::{Commit, Event, Place, Push, Release, Repository};
use crate::limits::COMMITS_A_PUSH_MAX;
use crate::payload::{self, Kept, moment, parsed};
use crate::text;

#[derive(Deserialize)]
struct Kind {
    object_kind: Option<String>,
    /// The whole system's word for it.
    event_name: Option<String>,
}

#[derive(Deserialize)]
struct PushPayload {
    r#ref: String,
    before: String,
    after: String,
    /// Of an annotated tag, whose `after` is the tag itself, the commit.
    checkout_sha: Option<String>,
    user_name: Option<String>,
    user_username: Option<String>,
    project: Project,
    #[serde(default)]
    commits: Kept<CommitPayload, COMMITS_A_PUSH_MAX>,
    total_commits_count: Option<u64>,
}

#[derive(Deserialize)]
struct Project {
    path_with_namespace: String,
    web_url: Option<String>,
}

#[derive(Deserialize)]
struct CommitPayload {
    id: String,
    #[serde(default)]
    message: String,
    timestamp: Option<String>,
    url: Option<String>,
    author: Option<Author>,
}

#[derive(Deserialize)]
struct Author {
    name: Option<String>,
}

#[derive(Deserialize)]
struct ReleasePayload {
    action: Option<String>,
    tag: String,
    name: Option<String>,
    description: Option<String>,
    url: Option<String>,
    released_at: Option<String>,
    project: Project,
}

/// The body says what it is: the header of the whole system's hooks does not.
pub fn events(json: &str) -> Result<Vec<Event>, Refused> {
    let Kind { object_kind, event_name } = parsed(json)?;
    let told = match object_kind.or(event_name).as_deref() {
        Some("push" | "tag_push") => pushed(parsed(json)?),
        Some("release") => released(parsed(json)?),
        _ => None,
    };
    Ok(told.into_iter().collect())
}

fn pushed(push: PushPayload) -> Option<Event> {
    let place = Place::of_ref(&push.r#ref)?;
    let repository = repository(push.project);
    let (before, head) = (payload::head(&push.before), payload::head(&push.after));
    let compare = match (&repository.link, before, &head) {
        (Some(link), Some(before), Some(after)) => Some(format!("{link}/-/compare/{before}...{after}")),
        _ => None,
    };
    let said = push.commits.count.max(push.total_commits_count.unwrap_or(0));
    let commits: Vec<Commit> = push.commits.items.into_iter().filter_map(commit).collect();
    let head = push.checkout_sha.as_deref().and_then(payload::head).or(head);
    Some(Event::Push(Push {
        repository,
        place,
        change: payload::change(&push.before, &push.after, false),
        by: name(push.user_name).or(name(push.user_username)),
        head,
        compare: compare.as_deref().and_then(text::link),
        unlisted: Some(said.saturating_sub(commits.len() as u64)),
        commits,
    }))
}

fn commit(commit: CommitPayload) -> Option<Commit> {
    Some(Commit {
        id: text::id(&commit.id)?,
        author: commit.author.and_then(|author| name(author.name)).unwrap_or_default(),
        message: text::message(&commit.message),
        when: moment(commit.timestamp.as_deref()),
        link: commit.url.as_deref().and_then(text::link),
        distinct: true,
    })
}

fn released(release: ReleasePayload) -> Option<Event> {
    let tag = text::name(&release.tag);
    (release.action.as_deref() == Some("create")).then(|| {
        Event::Release(Release {
            repository: repository(release.project),
            name: name(release.name).unwrap_or(tag.clone()),
            tag,
            text: text::message(&release.description.unwrap_or_default()),
            link: release.url.as_deref().and_then(text::link),
            // Older ones write `2020-11-02 12:55:12 UTC`.
            when: release
                .released_at
                .map(|at| at.replacen(" UTC", "Z", 1))
                .as_deref()
                .and_then(|at| moment(Some(at))),
            by: None,
            early: false,
        })
    })
}

fn repository(project: Project) -> Repository {
    Repository {
        name: text::name(&project.path_with_namespace),
        link: project.web_url.as_deref().and_then(text::link),
    }
}

fn name(name: Option<String>) -> Option<String> {
    name.map(|name| text::name(&name)).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests;

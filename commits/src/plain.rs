//! What our own hooks send of a plain Git or Subversion repository: lines `name value`, an empty line, then Git's commits
//! (id, author, seconds and message in lines, each commit ended by NUL), or the message of Subversion's one.
//! `watchfire hook` prints the scripts that write it.

use model::Millis;

use crate::deliveries::Refused;
use crate::event::{Change, Commit, Event, Place, PlaceKind, Push, Repository};
use crate::forge::Forge;
use crate::limits::COMMITS_A_PUSH_MAX;
use crate::payload::{self, malformed, moment};
use crate::text;

/// Lines before the empty one that are looked at; our scripts write fewer.
const LINES_MAX: usize = 120;
/// What stands for a commit's id in the address of its page.
const ID: &str = "{id}";

pub fn events(forge: Forge, body: &[u8]) -> Result<Option<Event>, Refused> {
    let body = String::from_utf8_lossy(body);
    let (lines, rest) = body.split_once("\n\n").ok_or_else(|| malformed("it has no empty line"))?;
    let said =
        Said { lines: lines.lines().take(LINES_MAX).filter_map(|line| line.split_once(' ')).collect() };
    let push = match forge {
        Forge::Subversion => said.revision(rest)?,
        _ => said.pushed(rest)?,
    };
    Ok(push.map(Event::Push))
}

struct Said<'b> {
    lines: Vec<(&'b str, &'b str)>,
}

impl<'b> Said<'b> {
    fn all(&self, name: &'b str) -> impl Iterator<Item = &'b str> {
        self.lines.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.trim())
    }

    fn one(&self, name: &'b str) -> Option<&'b str> {
        self.all(name).find(|value| !value.is_empty())
    }

    fn needed(&self, name: &'b str) -> Result<&'b str, Refused> {
        self.one(name).ok_or_else(|| malformed(&format!("it does not say `{name}`")))
    }

    fn repository(&self) -> Result<Repository, Refused> {
        Ok(Repository { name: text::name(self.needed("repository")?), link: None })
    }

    fn link(&self, id: &str) -> Option<String> {
        self.one("commit-url").and_then(|url| text::link(&url.replace(ID, id)))
    }

    fn pushed(&self, commits: &str) -> Result<Option<Push>, Refused> {
        let Some(place) = Place::of_ref(self.needed("ref")?) else { return Ok(None) };
        let (before, after) = (self.needed("before")?, self.needed("after")?);
        let total = self.one("total").and_then(|total| total.parse().ok()).unwrap_or(0);
        let commits: Vec<Commit> = commits
            .split_terminator('\0')
            .take(COMMITS_A_PUSH_MAX)
            .filter_map(|commit| self.commit(commit.trim_start_matches('\n')))
            .collect();
        Ok(Some(Push {
            repository: self.repository()?,
            place,
            change: payload::change(before, after, self.one("forced").is_some()),
            by: self.one("by").map(text::name),
            head: self.one("head").or(Some(after)).and_then(payload::head),
            compare: None,
            unlisted: Some(u64::saturating_sub(total, commits.len() as u64)),
            commits,
        }))
    }

    fn commit(&self, commit: &str) -> Option<Commit> {
        let mut parts = commit.splitn(4, '\n');
        let id = text::id(parts.next()?)?;
        let author = text::name(parts.next()?);
        let seconds: Option<i64> = parts.next()?.parse().ok();
        Some(Commit {
            author,
            message: text::message(parts.next().unwrap_or_default()),
            when: seconds.and_then(|seconds| seconds.checked_mul(1_000)).map(Millis),
            link: self.link(&id),
            distinct: true,
            id,
        })
    }

    /// One revision is one commit, on the branch or tag that its first path lies in.
    fn revision(&self, message: &str) -> Result<Option<Push>, Refused> {
        let number: u64 =
            self.needed("revision")?.parse().map_err(|_| malformed("`revision` is not a number"))?;
        let id = format!("r{number}");
        let (place, change) =
            self.all("changed").find_map(changed).unwrap_or((Place::branch("/"), Change::Moved));
        let author = self.one("author").map(text::name);
        let commit = Commit {
            author: author.clone().unwrap_or_default(),
            message: text::message(message),
            when: moment(self.one("date")),
            link: self.link(&number.to_string()),
            distinct: true,
            id: id.clone(),
        };
        // A tag is made of what was there before, and brings nothing of its own.
        let copied = self.one("head").and_then(|head| head.parse::<u64>().ok());
        let copied = copied.filter(|_| place.kind == PlaceKind::Tag && change == Change::Made);
        Ok(Some(Push {
            repository: self.repository()?,
            place,
            change,
            by: author,
            compare: None,
            commits: if copied.is_some() { vec![] } else { vec![commit] },
            head: Some(copied.map_or(id, |copied| format!("r{copied}"))),
            unlisted: Some(0),
        }))
    }
}

/// `A   branches/x/` made the branch x; anything below it moved it. By the layout that everybody has: trunk, branches, tags.
fn changed(line: &str) -> Option<(Place, Change)> {
    let (what, path) = line.split_once(' ')?;
    let path = path.trim_start();
    let mut parts = path.split('/');
    let place = loop {
        match parts.next()? {
            "trunk" => break Place::branch("trunk"),
            "branches" => break Place::branch(parts.next().filter(|name| !name.is_empty())?),
            "tags" => break Place::tag(parts.next().filter(|name| !name.is_empty())?),
            _ => {}
        }
    };
    let is_itself = parts.next() == Some("") && parts.next().is_none();
    let change = match what.as_bytes().first() {
        Some(b'A') if is_itself => Change::Made,
        Some(b'D') if is_itself => Change::Deleted,
        _ => Change::Moved,
    };
    Some((place, change))
}

#[cfg(test)]
mod tests;

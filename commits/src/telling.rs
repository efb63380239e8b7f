//! How a push or a release reads in a room: lines of text, names and links. What each of them looks like is the room's.

mod markdown;
#[cfg(test)]
mod tests;

use crate::event::{Change, Commit, Event, Place, PlaceKind, Push, Release, Repository};
use crate::limits::COMMITS_TOLD_MAX;

/// Characters of a commit's id that people read.
const SHORT_ID_CHARS: usize = 7;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telling {
    pub heading: Line,
    /// A commit each.
    pub lines: Vec<Line>,
}

pub type Line = Vec<Piece>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Our words.
    Text(String),
    /// Who did it.
    Person(String),
    /// A branch, a tag, a repository, a commit, a message's first line: shown as it is written.
    Name(String),
    /// As a name, leading somewhere.
    Link { said: String, to: String },
}

impl Event {
    pub fn told(&self) -> Telling {
        match self {
            Event::Push(push) => push.told(),
            Event::Release(release) => release.told(),
        }
    }
}

impl Push {
    /// Without the commits that a room has shown already: they are as those that are not distinct.
    pub fn without(mut self, is_shown: impl Fn(&str) -> bool) -> Push {
        for commit in &mut self.commits {
            commit.distinct &= !is_shown(&commit.id);
        }
        self
    }

    /// For a room that does not hear of every branch: what another one had before was maybe never told there.
    pub fn all_distinct(mut self) -> Push {
        self.commits.iter_mut().for_each(|commit| commit.distinct = true);
        self
    }

    /// One line says what happened; then each new commit has one, or, where they are more than `COMMITS_TOLD_MAX`, only the last.
    pub fn told(&self) -> Telling {
        let new: Vec<&Commit> = self.commits.iter().filter(|commit| commit.distinct).collect();
        let unlisted = self.unlisted.unwrap_or(0);
        let count = new.len() as u64 + unlisted;
        let folds = count > COMMITS_TOLD_MAX as u64;
        let mut heading = self.heading(count);
        if let Some(compare) = &self.compare
            && (folds || count > 1 || self.change == Change::Forced)
        {
            heading.extend([text(" · "), link("compare", compare)]);
        }
        let mut lines: Vec<Line> = match new.last() {
            Some(last) if folds => vec![commit_line(last)],
            _ => new.iter().map(|commit| commit_line(commit)).collect(),
        };
        let hidden = count - lines.len() as u64;
        if hidden > 0 || self.unlisted.is_none() {
            lines.push(self.rest(hidden));
        }
        Telling { heading, lines }
    }

    /// How one of its commits reads in a conversation that it refers to.
    pub fn told_to(&self, commit: &Commit, closes: bool) -> Telling {
        let author = Some(commit.author.clone()).filter(|author| !author.is_empty());
        let mut heading = doer(&author);
        heading.push(text(if closes { "fixes this: " } else { "refers to this: " }));
        heading.extend(named(commit));
        heading.extend([
            text(" · "),
            Piece::Name(self.place.name.clone()),
            text(" of "),
            self.repository.piece(),
        ]);
        Telling { heading, lines: Vec::new() }
    }

    /// How many of its commits read in a conversation that they refer to: as one, with the last of them. Each with whether it fixes it.
    pub fn told_together(&self, commits: &[(&Commit, bool)]) -> Telling {
        let fixing = commits.iter().filter(|(_, closes)| *closes).count();
        let about = match fixing {
            0 => "that refer to this".to_owned(),
            all if all == commits.len() => "that fix this".to_owned(),
            1 => "about this, of which 1 fixes it".to_owned(),
            some => format!("about this, of which {some} fix it"),
        };
        let mut heading = doer(&self.by);
        heading.extend([
            text(&format!("pushed {} commits {about}: ", commits.len())),
            Piece::Name(self.place.name.clone()),
            text(" of "),
            self.repository.piece(),
        ]);
        if let Some(compare) = &self.compare {
            heading.extend([text(" · "), link("compare", compare)]);
        }
        let lines = match commits.last() {
            Some((last, _)) => vec![commit_line(last), others(commits.len() as u64 - 1, &self.compare)],
            None => Vec::new(),
        };
        Telling { heading, lines }
    }

    fn heading(&self, count: u64) -> Line {
        let mut line = doer(&self.by);
        let commits = match (count, self.unlisted) {
            (_, None) => format!("more than {count} commits"),
            (1, _) => "1 commit".to_owned(),
            _ => format!("{count} commits"),
        };
        let has_new = count > 0 || self.unlisted.is_none();
        let what = self.place.word();
        match self.change {
            Change::Deleted => line.push(text(&format!("deleted {what} "))),
            Change::Made if has_new => line.push(text(&format!("pushed {commits} to new {what} "))),
            Change::Made => line.push(text(&format!("made {what} "))),
            Change::Forced if has_new => line.push(text(&format!("force-pushed {commits} to {what} "))),
            Change::Forced => line.push(text(&format!("force-pushed {what} "))),
            Change::Moved if has_new => line.push(text(&format!("pushed {commits} to "))),
            Change::Moved => line.push(text(&format!("moved {what} "))),
        }
        line.push(Piece::Name(self.place.name.clone()));
        if let (false, Some(head)) = (has_new, &self.head) {
            let to = if self.change == Change::Made { " at " } else { " to " };
            line.extend([text(to), Piece::Name(short(head).to_owned())]);
        }
        line.extend([text(" of "), self.repository.piece()]);
        line
    }

    fn rest(&self, hidden: u64) -> Line {
        match (hidden, self.unlisted) {
            (0, _) => linked("and more", &self.compare),
            (hidden, None) => linked(&format!("and more than {hidden} others"), &self.compare),
            (hidden, _) => others(hidden, &self.compare),
        }
    }
}

fn others(hidden: u64, to: &Option<String>) -> Line {
    match hidden {
        1 => linked("and 1 other", to),
        hidden => linked(&format!("and {hidden} others"), to),
    }
}

fn linked(said: &str, to: &Option<String>) -> Line {
    match to {
        Some(to) => vec![link(said, to)],
        None => vec![text(said)],
    }
}

impl Release {
    pub fn told(&self) -> Telling {
        let mut heading = doer(&self.by);
        heading.push(text(if self.early { "released early " } else { "released " }));
        heading.push(match &self.link {
            Some(to) => link(&self.name, to),
            None => Piece::Name(self.name.clone()),
        });
        if self.name != self.tag {
            heading.extend([text(" as "), Piece::Name(self.tag.clone())]);
        }
        heading.extend([text(" of "), self.repository.piece()]);
        Telling { heading, lines: Vec::new() }
    }
}

impl Repository {
    fn piece(&self) -> Piece {
        match &self.link {
            Some(to) => link(&self.name, to),
            None => Piece::Name(self.name.clone()),
        }
    }
}

impl Place {
    fn word(&self) -> &'static str {
        match self.kind {
            PlaceKind::Branch => "branch",
            PlaceKind::Tag => "tag",
        }
    }
}

/// Who did it, before what they did.
fn doer(by: &Option<String>) -> Line {
    match by {
        Some(by) => vec![person(by), text(" ")],
        None => vec![text("Somebody ")],
    }
}

fn commit_line(commit: &Commit) -> Line {
    let mut line = named(commit);
    if !commit.author.is_empty() {
        line.extend([text(" · "), person(&commit.author)]);
    }
    line
}

/// Its short id and its message's first line.
fn named(commit: &Commit) -> Line {
    let id = short(&commit.id);
    let subject = commit.subject();
    let mut line = match &commit.link {
        Some(to) => vec![link(id, to)],
        None => vec![Piece::Name(id.to_owned())],
    };
    if !subject.is_empty() {
        line.extend([text(" "), Piece::Name(subject)]);
    }
    line
}

fn short(id: &str) -> &str {
    id.get(..SHORT_ID_CHARS).unwrap_or(id)
}

fn text(text: &str) -> Piece {
    Piece::Text(text.to_owned())
}

fn person(name: &str) -> Piece {
    Piece::Person(name.to_owned())
}

fn link(said: &str, to: &str) -> Piece {
    Piece::Link { said: said.to_owned(), to: to.to_owned() }
}

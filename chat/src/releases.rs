//! Releases: which commits of a repository each tag brought, and whose problems those fix. Computed from what rooms were told, in the order in
//! which it came; nobody is shown a conversation of a room that they may not read.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use commits::{Change as Moved, PlaceKind, Push, Release};
use model::chat::rights::RoomAction;
use model::chat::{
    About, Arrival, Arrived, ArrivedBranch, ArrivedCommit, ArrivedTag, Change, Conversation, Message,
    NamedCommit,
};
use model::rights::Principal;
use model::{Millis, RoomId, limits};
use store::StoreError;
use store::chat::ConversationChange;

use crate::hooks::named_commit;
use crate::{Chat, Refused, Result};

/// Conversations of one list that are looked up; further ones are counted.
const CONCERNED_MAX: usize = 200;

/// What one tag brought that no tag before it had.
#[derive(Clone, Debug, PartialEq)]
pub struct Released {
    pub tag: ArrivedTag,
    /// When it was heard of.
    pub at: Millis,
    /// The oldest first.
    pub commits: Vec<NamedCommit>,
    /// False where the commit that the tag stands at was never told: what it brought is not known.
    pub known: bool,
}

/// What is known of a repository by the rooms that somebody may read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// The newest first.
    pub releases: Vec<Released>,
    /// The oldest first.
    pub unreleased: Vec<NamedCommit>,
    /// Which commits, by id, are about what.
    about: HashMap<String, Vec<(RoomId, About)>>,
}

/// A conversation, and the commits that are about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Concerned {
    pub message: Message,
    /// The message is a customer's, and begins this.
    pub customers: Option<Box<Conversation>>,
    pub commits: Vec<NamedCommit>,
    /// One of them says that it fixes it.
    pub fixes: bool,
}

/// Where a conversation is: in a room that was told of it, or of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct At {
    told: RoomId,
    customers: Option<RoomId>,
    number: u64,
}

/// The commits that are about each, and whether one of them fixes it.
type Conversations = BTreeMap<At, (bool, Vec<NamedCommit>)>;

impl Chat {
    /// Keeps what a push tells of commits and tags; conversations whose fix is in a tag now say so.
    pub(crate) async fn learn_push(&self, room: RoomId, push: &Push, told: &[(String, About)]) -> Result<()> {
        let arrivals = match push.place.kind {
            PlaceKind::Branch => branch_arrivals(push, told, self.clock.now()),
            PlaceKind::Tag => {
                let tag = ArrivedTag {
                    tag: push.place.name.clone(),
                    head: push.head.clone(),
                    gone: push.change == Moved::Deleted,
                    ..ArrivedTag::default()
                };
                vec![self.tag_arrival(&push.repository.name, tag)]
            }
        };
        self.learn(room, &push.repository.name, arrivals).await
    }

    /// Whether the room knows already that a branch or tag is there: another delivery told of the same push.
    pub(crate) async fn knows_move(&self, room: RoomId, push: &Push) -> Result<bool> {
        let known = self.store.hooks.arrivals(room, push.repository.name.clone()).await?;
        Ok(known.iter().any(|arrival| is_there(arrival, push)))
    }

    pub(crate) async fn learn_release(&self, room: RoomId, release: &Release) -> Result<()> {
        let tag = ArrivedTag {
            tag: release.tag.clone(),
            name: Some(release.name.clone()).filter(|name| *name != release.tag),
            link: release.link.clone(),
            ..ArrivedTag::default()
        };
        let arrival = self.tag_arrival(&release.repository.name, tag);
        self.learn(room, &release.repository.name, vec![arrival]).await
    }

    fn tag_arrival(&self, repository: &str, tag: ArrivedTag) -> Arrival {
        Arrival { repository: repository.to_owned(), at: self.clock.now(), what: Arrived::Tag(tag) }
    }

    async fn learn(&self, room: RoomId, repository: &str, arrivals: Vec<Arrival>) -> Result<()> {
        if arrivals.is_empty() {
            return Ok(());
        }
        for some in arrivals.chunks(limits::COMMITS_A_CALL_MAX) {
            self.store.hooks.arrive(room, some.to_vec()).await?;
        }
        let known = self.store.hooks.arrivals(room, repository.to_owned()).await?;
        let known = Known::of(&[(room, known)]);
        for release in known.releases.iter().filter(|release| concerns(release, &arrivals)) {
            for commit in &release.commits {
                for (_, about) in
                    known.about.get(&commit.id).into_iter().flatten().filter(|(_, about)| about.fixes)
                {
                    let (commit, tag) = (commit.id.clone(), release.tag.tag.clone());
                    match about.customers {
                        None => {
                            let change = Change::Release { commit, tag };
                            self.change_by_itself(room, about.number, change).await?;
                        }
                        Some(room) => self.release_for(room, commit, tag).await?,
                    }
                }
            }
        }
        Ok(())
    }

    /// What was demolished meanwhile needs nothing.
    async fn release_for(&self, customers: RoomId, commit: String, tag: String) -> Result<()> {
        match self.store.conversations.conversation(customers).await {
            Ok(found) => self.change_to(&found, ConversationChange::Release { commit, tag }).await.map(drop),
            Err(StoreError::NotFound(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The room knows nothing more of a repository: its releases and commits go from the pages of releases; what was said of them stays. For
    /// whoever configures the room.
    pub async fn forget_repository(&self, by: &Principal, room: RoomId, repository: &str) -> Result<()> {
        self.seen(by, room, RoomAction::Configure).await?;
        self.store.hooks.forget_arrivals(room, repository.to_owned()).await?;
        Ok(())
    }

    /// The names of the repositories that a room knows of. For whoever configures it.
    pub async fn followed(&self, by: &Principal, room: RoomId) -> Result<Vec<String>> {
        self.seen(by, room, RoomAction::Configure).await?;
        let found = self.store.hooks.repositories(vec![room]).await?;
        Ok(found.into_iter().map(|(_, name)| name).collect())
    }

    /// The repositories that these rooms know of, and by which of them. For who may read all of those rooms.
    pub async fn repositories(
        &self,
        by: &Principal,
        rooms: &[RoomId],
    ) -> Result<BTreeMap<String, Vec<RoomId>>> {
        for room in rooms {
            self.seen(by, *room, RoomAction::Read).await?;
        }
        let mut found: BTreeMap<String, Vec<RoomId>> = BTreeMap::new();
        for (room, name) in self.store.hooks.repositories(rooms.to_vec()).await? {
            found.entry(name).or_default().push(room);
        }
        Ok(found)
    }

    /// What these rooms know of a repository. For who may read all of them.
    pub async fn known(&self, by: &Principal, rooms: &[RoomId], repository: &str) -> Result<Known> {
        let mut arrivals = Vec::with_capacity(rooms.len());
        for room in rooms {
            self.seen(by, *room, RoomAction::Read).await?;
            arrivals.push((*room, self.store.hooks.arrivals(*room, repository.to_owned()).await?));
        }
        Ok(Known::of(&arrivals))
    }

    /// The conversations that commits are about, those that they fix first, without removed ones; and how many were not looked up.
    pub async fn concerned(
        &self,
        by: &Principal,
        known: &Known,
        commits: &[NamedCommit],
    ) -> Result<(Vec<Concerned>, usize)> {
        let mut conversations = known.conversations(commits);
        let answered = self.answered_by(by, &conversations).await?;
        // Of those with customers nobody else learns how many there are.
        conversations.retain(|at, _| at.customers.is_none() || answered.contains(&at.told));
        let beyond = conversations.len().saturating_sub(CONCERNED_MAX);
        let mut found = Vec::new();
        let mut readable: Option<RoomId> = None;
        for (At { told, customers, number }, (fixes, commits)) in
            conversations.into_iter().take(CONCERNED_MAX)
        {
            if readable != Some(told) {
                self.seen(by, told, RoomAction::Read).await?;
                readable = Some(told);
            }
            let with = match customers {
                None => None,
                Some(room) => match self.store.conversations.conversation(room).await {
                    Ok(with) => Some(Box::new(with)),
                    Err(StoreError::NotFound(_)) => continue,
                    Err(error) => return Err(error.into()),
                },
            };
            match self.store.messages.message(customers.unwrap_or(told), number).await {
                Ok(message) if message.removed.is_none() => {
                    found.push(Concerned { message, customers: with, commits, fixes })
                }
                Ok(_) | Err(StoreError::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        found.sort_by_key(|concerned| !concerned.fixes);
        Ok((found, beyond))
    }

    /// Of the rooms that were told of conversations with customers, those whose customers one answers.
    async fn answered_by(&self, by: &Principal, conversations: &Conversations) -> Result<HashSet<RoomId>> {
        let told: BTreeSet<RoomId> =
            conversations.keys().filter(|at| at.customers.is_some()).map(|at| at.told).collect();
        let mut answered = HashSet::new();
        for room in told {
            let Some(site) = self.store.rooms.room(room).await?.site else { continue };
            match self.may_converse(by, site).await {
                Ok(()) => drop(answered.insert(room)),
                Err(Refused::NotFound | Refused::Forbidden) => {}
                Err(refused) => return Err(refused),
            }
        }
        Ok(answered)
    }
}

/// Its commits, the oldest first, as they stand on the branch, and where that is now.
fn branch_arrivals(push: &Push, told: &[(String, About)], at: Millis) -> Vec<Arrival> {
    let arrival = |commit: &commits::Commit| Arrival {
        repository: push.repository.name.clone(),
        at,
        what: Arrived::Commit(ArrivedCommit {
            branch: push.place.name.clone(),
            commit: named_commit(commit),
            about: told.iter().filter(|(id, _)| *id == commit.id).map(|(_, about)| *about).collect(),
        }),
    };
    let branch = (push.head.is_some() || push.change == Moved::Deleted).then(|| Arrival {
        repository: push.repository.name.clone(),
        at,
        what: Arrived::Branch(ArrivedBranch { branch: push.place.name.clone(), head: push.head.clone() }),
    });
    push.commits.iter().map(arrival).chain(branch).collect()
}

/// Whether the branch or tag is known to be where the push says that it is now; of what is silent about that nothing is known.
fn is_there(arrival: &Arrival, push: &Push) -> bool {
    let is_gone = push.change == Moved::Deleted;
    let is_told = is_gone || push.head.is_some();
    match (&arrival.what, push.place.kind) {
        (Arrived::Branch(of), PlaceKind::Branch) => {
            is_told && of.branch == push.place.name && of.head == push.head
        }
        (Arrived::Tag(of), PlaceKind::Tag) => {
            is_told && of.tag == push.place.name && of.gone == is_gone && (is_gone || of.head == push.head)
        }
        _ => false,
    }
}

/// What arrived may have changed what is known of that release.
fn concerns(release: &Released, arrivals: &[Arrival]) -> bool {
    arrivals.iter().any(|arrival| match &arrival.what {
        Arrived::Tag(tag) => tag.tag == release.tag.tag,
        Arrived::Commit(of) => release.tag.head.as_deref() == Some(of.commit.id.as_str()),
        Arrived::Branch(_) => false,
    })
}

impl Known {
    /// Of one repository, by what each room was told. What two rooms know of a tag is put together.
    pub fn of(rooms: &[(RoomId, Vec<Arrival>)]) -> Known {
        let mut known = Known::default();
        for (room, arrivals) in rooms {
            let (releases, unreleased) = released(arrivals);
            for release in releases {
                known.add(release);
            }
            add_new(&mut known.unreleased, unreleased);
            for (commit, about) in arrivals.iter().filter_map(about) {
                known
                    .about
                    .entry(commit.to_owned())
                    .or_default()
                    .extend(about.iter().map(|about| (*room, *about)));
            }
        }
        // What one room heard before another is in a release all the same.
        let in_releases: HashSet<&str> = known
            .releases
            .iter()
            .flat_map(|release| &release.commits)
            .map(|commit| commit.id.as_str())
            .collect();
        let unreleased = std::mem::take(&mut known.unreleased);
        let unreleased = unreleased.into_iter().filter(|commit| !in_releases.contains(commit.id.as_str()));
        known.unreleased = unreleased.collect();
        known.releases.sort_by_key(|release| std::cmp::Reverse(release.at));
        known.count_once();
        known
    }

    /// What two rooms know of in two releases is in the first of them.
    fn count_once(&mut self) {
        let mut counted: HashSet<String> = HashSet::new();
        for release in self.releases.iter_mut().rev() {
            release.commits.retain(|commit| counted.insert(commit.id.clone()));
        }
    }

    fn add(&mut self, release: Released) {
        match self.releases.iter_mut().find(|known| known.tag.tag == release.tag.tag) {
            Some(known) => {
                known.at = known.at.min(release.at);
                known.known |= release.known;
                known.tag.name = known.tag.name.take().or(release.tag.name);
                known.tag.link = known.tag.link.take().or(release.tag.link);
                add_new(&mut known.commits, release.commits);
            }
            None => self.releases.push(release),
        }
    }

    fn conversations(&self, commits: &[NamedCommit]) -> Conversations {
        let mut found = Conversations::new();
        for commit in commits {
            for (room, about) in self.about.get(&commit.id).into_iter().flatten() {
                let at = At { told: *room, customers: about.customers, number: about.number };
                let (fixes, commits) = found.entry(at).or_default();
                *fixes |= about.fixes;
                add_new(commits, vec![commit.clone()]);
            }
        }
        found
    }
}

fn about(arrival: &Arrival) -> Option<(&str, &[About])> {
    match &arrival.what {
        Arrived::Commit(of) if !of.about.is_empty() => Some((&of.commit.id, &of.about)),
        _ => None,
    }
}

fn add_new(commits: &mut Vec<NamedCommit>, more: Vec<NamedCommit>) {
    let known: HashSet<String> = commits.iter().map(|commit| commit.id.clone()).collect();
    commits.extend(more.into_iter().filter(|commit| !known.contains(&commit.id)));
}

/// The releases of one room's list, in their order, and the commits that are in none. A tag has what came on the branches that list
/// its commit, up to that commit; where nobody said which commit that is, all that came before the tag. What a tag before it has is that one's.
fn released(arrivals: &[Arrival]) -> (Vec<Released>, Vec<NamedCommit>) {
    let mut branches: HashMap<&str, Branch<'_>> = HashMap::new();
    let mut heads: HashMap<&str, Vec<(&str, usize)>> = HashMap::new();
    for (place, arrival) in arrivals.iter().enumerate() {
        let Some(of) = commit_of(arrival) else { continue };
        branches.entry(&of.branch).or_default().commits.push((place, &of.commit));
        heads.entry(&of.commit.id).or_default().push((&of.branch, place));
    }
    let mut taken: HashSet<&str> = HashSet::new();
    let mut releases = Vec::new();
    for (place, arrival) in arrivals.iter().enumerate() {
        let Arrived::Tag(tag) = &arrival.what else { continue };
        if tag.gone {
            continue;
        }
        let mut reached = Vec::new();
        let known = match &tag.head {
            None => {
                branches.values_mut().for_each(|branch| reached.extend(branch.up_to(place)));
                true
            }
            Some(head) => {
                let ends = heads.get(head.as_str()).map_or(&[][..], Vec::as_slice);
                for (branch, end) in ends {
                    reached
                        .extend(branches.get_mut(branch).into_iter().flat_map(|branch| branch.up_to(*end)));
                }
                !ends.is_empty()
            }
        };
        reached.sort_unstable_by_key(|(place, _)| *place);
        let commits = reached.into_iter().filter(|(_, commit)| taken.insert(&commit.id));
        let commits = commits.map(|(_, commit)| commit.clone()).collect();
        releases.push(Released { tag: tag.clone(), at: arrival.at, commits, known });
    }
    let rest = arrivals.iter().filter_map(commit_of).filter(|of| taken.insert(&of.commit.id));
    let rest = rest.map(|of| of.commit.clone()).collect();
    (releases, rest)
}

/// The commits of a branch with their places, and how many of them a tag has.
#[derive(Default)]
struct Branch<'a> {
    commits: Vec<(usize, &'a NamedCommit)>,
    tagged: usize,
}

impl<'a> Branch<'a> {
    /// Those that no tag has, up to a place: the tag's own from now on.
    fn up_to(&mut self, end: usize) -> Vec<(usize, &'a NamedCommit)> {
        let left = &self.commits[self.tagged..];
        let reached = left[..left.partition_point(|(place, _)| *place <= end)].to_vec();
        self.tagged += reached.len();
        reached
    }
}

fn commit_of(arrival: &Arrival) -> Option<&ArrivedCommit> {
    match &arrival.what {
        Arrived::Commit(of) => Some(of),
        Arrived::Tag(_) | Arrived::Branch(_) => None,
    }
}

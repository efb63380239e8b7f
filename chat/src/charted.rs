//! Commits that charts of a site mark: of the repositories that its rooms, and those of the installation, follow; of rooms that the reader may
//! read, and of no other.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use model::chat::rights::{Facts, RoomAction, may};
use model::chat::{Arrived, NamedCommit};
use model::rights::Principal;
use model::{Millis, RoomId, SiteId, limits};
use store::chat::CommitMark;

use crate::{Chat, Result};

/// Rooms that are looked through, what came last that is looked at in each, and commits of one answer: the newest.
const ROOMS_MAX: usize = 200;
const LOOKED_AT_MAX: usize = 2_000;
pub const CHARTED_MAX: usize = 500;

#[derive(Clone, Debug, PartialEq)]
pub struct Charted {
    /// When it was heard of.
    pub at: Millis,
    pub repository: String,
    pub branch: String,
    pub commit: NamedCommit,
    pub room: RoomId,
    /// The conversation that it is about, or else the message that showed it.
    pub number: Option<u64>,
}

impl Chat {
    /// Those that came in that time, from the first moment on and before the second, the newest first, each once; and whether there were more.
    pub async fn charted(
        &self,
        by: &Principal,
        site: SiteId,
        (from, to): (Millis, Millis),
    ) -> Result<(Vec<Charted>, bool)> {
        let mut found: Vec<Charted> = Vec::new();
        let (rooms, mut is_more) = self.readable_with_commits(by, site).await?;
        for room in rooms {
            let arrivals = self.store.hooks.arrived(room, from, LOOKED_AT_MAX).await?;
            is_more |= arrivals.len() >= LOOKED_AT_MAX;
            for arrival in arrivals.into_iter().filter(|arrival| arrival.at < to) {
                let Arrived::Commit(of) = arrival.what else { continue };
                let number =
                    of.about.iter().find(|about| about.customers.is_none()).map(|about| about.number);
                let (repository, at) = (arrival.repository, arrival.at);
                found.push(Charted { at, repository, branch: of.branch, commit: of.commit, room, number });
            }
        }
        // The first time counts: on other branches, and in other rooms, it is the same one.
        found.sort_by_key(|charted| (charted.at, charted.room));
        let mut known = HashSet::new();
        found.retain(|charted| known.insert((charted.repository.clone(), charted.commit.id.clone())));
        found.reverse();
        is_more |= found.len() > CHARTED_MAX;
        found.truncate(CHARTED_MAX);
        self.number(&mut found).await?;
        Ok((found, is_more))
    }

    /// And whether there may be more of them.
    async fn readable_with_commits(&self, by: &Principal, site: SiteId) -> Result<(Vec<RoomId>, bool)> {
        let mut rooms = BTreeMap::new();
        for of in [Some(site), None] {
            rooms.extend(self.store.rooms.rooms(of).await?.into_iter().map(|room| (room.id, room)));
        }
        let all: Vec<RoomId> = rooms.keys().copied().collect();
        let repositories = self.store.hooks.repositories(all).await?;
        let are_all = repositories.len() < limits::REPOSITORIES_LISTED_MAX;
        let with_commits: BTreeSet<RoomId> = repositories.into_iter().map(|(room, _)| room).collect();
        let mut readable = Vec::new();
        for room in with_commits.iter().filter_map(|id| rooms.get(id)) {
            if may(self.access.standing(by, room).await?, Facts::of(room), RoomAction::Read) {
                readable.push(room.id);
            }
        }
        let is_more = !are_all || readable.len() > ROOMS_MAX;
        readable.truncate(ROOMS_MAX);
        Ok((readable, is_more))
    }

    /// Of those that are about nothing, the message that showed them.
    async fn number(&self, found: &mut [Charted]) -> Result<()> {
        let mut marks: HashMap<RoomId, Vec<CommitMark>> = HashMap::new();
        for charted in found.iter().filter(|charted| charted.number.is_none()) {
            marks.entry(charted.room).or_default().push(CommitMark::of(&charted.commit.id));
        }
        let mut shown = HashMap::new();
        for (room, marks) in marks {
            for some in marks.chunks(limits::COMMITS_A_CALL_MAX) {
                let known = self.store.hooks.shown(room, some.to_vec()).await?;
                shown.extend(known.into_iter().map(|shown| ((room, shown.commit), shown.number)));
            }
        }
        for charted in found.iter_mut().filter(|charted| charted.number.is_none()) {
            charted.number = shown.get(&(charted.room, CommitMark::of(&charted.commit.id))).copied();
        }
        Ok(())
    }
}

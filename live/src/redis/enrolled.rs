//! Which sites this process has enrolled its shards at, and when. Never does I/O.

use std::time::Duration;

use hashbrown::HashMap;
use model::SiteId;
use tokio::time::Instant;

use crate::Commit;

/// Who is enrolled for longer says so again, beside its commits.
const RENEW_AFTER: Duration = Duration::from_secs(30);
/// Who is enrolled for longer may not be any more: it says so before its commits.
const ENROLLED_MAX: Duration = Duration::from_secs(60);

#[derive(Default)]
pub struct Enrolled {
    shards: HashMap<u16, Shard>,
}

struct Shard {
    term: u64,
    sites: HashMap<SiteId, Instant>,
    cleaned: Instant,
}

/// The sites of one shard in one term.
#[derive(Debug, PartialEq)]
pub struct Enrolment {
    pub shard: u16,
    pub term: u64,
    pub sites: Vec<SiteId>,
}

/// Those that must be enrolled before the commits are sent, and those that may be along with them.
#[derive(Default)]
pub struct Due {
    pub before: Vec<Enrolment>,
    pub beside: Vec<Enrolment>,
}

impl Enrolled {
    pub fn due(&self, commits: &[Commit], now: Instant) -> Due {
        let mut due = Due::default();
        for commit in commits {
            let known = self.shards.get(&commit.shard).filter(|shard| shard.term == commit.origin.term);
            let since = known.and_then(|shard| shard.sites.get(&commit.site));
            match since.map(|since| now.duration_since(*since)) {
                Some(age) if age < RENEW_AFTER => {}
                Some(age) if age < ENROLLED_MAX => add(&mut due.beside, commit),
                _ => add(&mut due.before, commit),
            }
        }
        due
    }

    /// It was asked for at `now`.
    pub fn enrolled(&mut self, enrolment: &Enrolment, now: Instant) {
        let new = || Shard { term: enrolment.term, sites: HashMap::new(), cleaned: now };
        let shard = self.shards.entry(enrolment.shard).or_insert_with(new);
        if shard.term != enrolment.term {
            *shard = new();
        }
        if now.duration_since(shard.cleaned) > ENROLLED_MAX {
            shard.sites.retain(|_, since| now.duration_since(*since) < ENROLLED_MAX);
            shard.cleaned = now;
        }
        shard.sites.extend(enrolment.sites.iter().map(|site| (*site, now)));
    }

    /// Redis may have lost it.
    pub fn lost(&mut self, shard: u16, site: SiteId) {
        if let Some(shard) = self.shards.get_mut(&shard) {
            shard.sites.remove(&site);
        }
    }
}

fn add(enrolments: &mut Vec<Enrolment>, commit: &Commit) {
    let (shard, term) = (commit.shard, commit.origin.term);
    let same = |known: &&mut Enrolment| known.shard == shard && known.term == term;
    match enrolments.iter_mut().find(same) {
        Some(known) => known.sites.push(commit.site),
        None => enrolments.push(Enrolment { shard, term, sites: vec![commit.site] }),
    }
}

//! Which sites this process has enrolled its shards at, and when. Never does I/O.

use std::time::Duration;

use hashbrown::HashMap;
use model::SiteId;
use model::limits::REBUILD_WINDOW;
use tokio::time::Instant;

use crate::Commit;

/// Who is enrolled for longer says so again, beside its commits.
const RENEW_AFTER: Duration = Duration::from_secs(30);
/// Who is enrolled for longer may not be any more: it says so before its commits.
const ENROLLED_MAX: Duration = Duration::from_secs(60);
/// While nobody can be asked, who is enrolled for up to so long counts as still enrolled: a site that was worked on since
/// then is among those that the next owner loads.
const UNASKED_MAX: Duration = REBUILD_WINDOW;

#[derive(Default)]
pub struct Enrolled {
    shards: HashMap<u16, Shard>,
}

struct Shard {
    term: u64,
    sites: HashMap<SiteId, Site>,
    cleaned: Instant,
}

struct Site {
    since: Instant,
    is_doubtful: bool,
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
            let site = known.and_then(|shard| shard.sites.get(&commit.site));
            let is_sure = |site: &&Site| !site.is_doubtful;
            match site.filter(is_sure).map(|site| now.duration_since(site.since)) {
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
            shard.sites.retain(|_, site| now.duration_since(site.since) < UNASKED_MAX);
            shard.cleaned = now;
        }
        let site = |site: &SiteId| (*site, Site { since: now, is_doubtful: false });
        shard.sites.extend(enrolment.sites.iter().map(site));
    }

    /// Where nothing may be committed, of those that could not be asked for.
    pub fn barred(&self, enrolment: &Enrolment, now: Instant) -> impl Iterator<Item = SiteId> {
        let known = self.shards.get(&enrolment.shard).filter(|shard| shard.term == enrolment.term);
        let is_sure = move |site: &SiteId| {
            let site = known.and_then(|shard| shard.sites.get(site));
            site.is_some_and(|site| now.duration_since(site.since) < UNASKED_MAX)
        };
        enrolment.sites.iter().copied().filter(move |site| !is_sure(site))
    }

    /// Redis may have lost it: it is said again before the next commit.
    pub fn lost(&mut self, shard: u16, site: SiteId) {
        let shard = self.shards.get_mut(&shard);
        if let Some(site) = shard.and_then(|shard| shard.sites.get_mut(&site)) {
            site.is_doubtful = true;
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

#[cfg(test)]
mod tests {
    use model::Millis;

    use super::*;
    use crate::Origin;

    fn commit(site: u64) -> Commit {
        let (site, origin) = (SiteId::of(site), Origin { term: 7, number: 1 });
        let (changes, pageviews, feed) = (vec![], vec![], vec![]);
        Commit { site, shard: 0, origin, mark: None, at: Millis(0), changes, pageviews, feed }
    }

    fn barred(enrolled: &Enrolled, enrolment: &Enrolment, now: Instant) -> Vec<SiteId> {
        enrolled.barred(enrolment, now).collect()
    }

    #[test]
    fn who_enrolled_long_ago_asks_first_and_goes_on_for_a_while_where_nobody_answers() {
        let (mut enrolled, begin) = (Enrolled::default(), Instant::now());
        let of = |site| Enrolment { shard: 0, term: 7, sites: vec![SiteId::of(site)] };
        enrolled.enrolled(&of(1), begin);
        let due = |enrolled: &Enrolled, after| enrolled.due(&[commit(1)], begin + after);
        let least = Duration::from_millis(1);
        assert_eq!(due(&enrolled, RENEW_AFTER - least).beside, []);
        assert_eq!(due(&enrolled, RENEW_AFTER).beside, [of(1)]);
        assert_eq!(due(&enrolled, ENROLLED_MAX - least).before, []);
        assert_eq!(due(&enrolled, ENROLLED_MAX).before, [of(1)]);
        assert_eq!(barred(&enrolled, &of(1), begin + UNASKED_MAX - least), []);
        assert_eq!(barred(&enrolled, &of(1), begin + UNASKED_MAX), [SiteId::of(1)]);
        assert_eq!(barred(&enrolled, &of(2), begin), [SiteId::of(2)], "never enrolled");
        let older = Enrolment { term: 6, ..of(1) };
        assert_eq!(barred(&enrolled, &older, begin), [SiteId::of(1)], "in another term");
        enrolled.enrolled(&of(3), begin + ENROLLED_MAX + least);
        assert_eq!(barred(&enrolled, &of(1), begin + UNASKED_MAX - least), [], "kept as long");
        assert_eq!(due(&enrolled, least).before, []);
        enrolled.lost(0, SiteId::of(1));
        assert_eq!(due(&enrolled, least).before, [of(1)]);
        assert_eq!(barred(&enrolled, &of(1), begin), []);
    }
}

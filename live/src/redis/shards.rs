//! Which processor a shard belongs to, and what stands of it.
//!
//! Why nobody who was frozen spoils anything: a processor enrols its shard at a site before it commits there, and
//! enrolling fails once a newer term began. So at `TAKE`, which begins the term and reads the enrolled sites at once, the
//! sites of all older terms are known, and `LOAD` writes the new term at each: older commits are refused there. Whoever
//! wakes up later cannot enrol anywhere else, nor can who enrolled too long ago to be sure of it, unless the master that
//! knows is away: then nobody takes the shard over. At a site that
//! lost its term with its data a late commit may land; the next one of the newer term takes it away.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashSet;
use model::limits::REBUILD_WINDOW;
use model::{Millis, SiteId, Visitor};
use tokio::time::Instant;

use super::call::Call;
use super::enrolled::{Due, Enrolment};
use super::{RedisLive, SITE_LIFE, frame, read, visitors};
use crate::{Commit, LiveError, Loaded, Mark, Origin};

/// Sites whose states are loaded in one round trip.
const LOADED_SITES_MAX: usize = 64;
/// A site that nobody is present at is loaded for so long after the shard last worked on it: while the tail is read
/// for it, its mark says up to where that was committed. Twice, since that is by Redis's clock.
const QUIET_AFTER: Duration = Duration::from_secs(2 * REBUILD_WINDOW.as_secs());

/// What stands of a shard at its sites.
#[derive(Default)]
struct Held {
    /// Those that know the shard.
    known: Vec<SiteId>,
    /// Whether each of them does, and says how far its states are.
    is_whole: bool,
    states: Vec<(SiteId, Vec<Arc<Visitor>>)>,
    marks: Vec<(SiteId, Mark)>,
}

/// The beginning of a term.
struct Taken {
    term: u64,
    is_whole: bool,
    sites: Vec<SiteId>,
}

/// Which commits may be sent.
pub(super) struct Admission {
    /// To be enrolled along with them.
    pub beside: Vec<Enrolment>,
    /// Sites that could not be enrolled at: theirs must not.
    pub barred: HashSet<SiteId>,
    /// Why some could not.
    pub problem: Option<anyhow::Error>,
}

impl RedisLive {
    pub(super) async fn load_shard(&self, shard: u16) -> Result<Loaded, LiveError> {
        let taken = self.take(shard, true).await?;
        let held = self.held(shard, &taken).await?;
        if taken.is_whole && held.is_whole {
            let (present, empty): (Vec<_>, Vec<_>) =
                held.states.into_iter().partition(|(_, visitors)| !visitors.is_empty());
            self.dismiss(shard, taken.term, QUIET_AFTER, empty.into_iter().map(|(site, _)| site)).await?;
            return Ok(Loaded { term: taken.term, states: Some(present), marks: held.marks });
        }
        // A term that no site knows: its first commits take away what is left.
        let anew = self.take(shard, false).await?;
        let origin = Origin { term: anew.term, number: 0 };
        for sites in held.known.chunks(LOADED_SITES_MAX) {
            let empty = |&site| Commit {
                site,
                shard,
                origin,
                mark: None,
                at: Millis(0),
                changes: vec![],
                pageviews: vec![],
                feed: vec![],
            };
            let commits: Vec<_> = sites.iter().map(empty).collect();
            self.send(&commits, vec![]).await?.all()?;
        }
        self.dismiss(shard, anew.term, Duration::ZERO, taken.sites.into_iter()).await?;
        Ok(Loaded { term: anew.term, states: None, marks: vec![] })
    }

    async fn take(&self, shard: u16, keeps: bool) -> Result<Taken, LiveError> {
        let mut call = Call::script(&self.scripts.take, &self.names.of_shard(shard));
        call.arg(if keeps { "1" } else { "0" }).arg(SITE_LIFE.as_secs().to_string());
        let (term, is_whole, sites): (u64, u8, Vec<String>) = read(self.one(call).await?)?;
        let sites = sites.iter().filter_map(|site| site.parse().ok()).collect();
        Ok(Taken { term, is_whole: is_whole == 1, sites })
    }

    async fn held(&self, shard: u16, taken: &Taken) -> Result<Held, LiveError> {
        let mut held = Held { is_whole: true, ..Held::default() };
        for sites in taken.sites.chunks(LOADED_SITES_MAX) {
            let calls = sites.iter().map(|&id| {
                let [of_states, site, ..] = self.names.of_site(id);
                let mut call = Call::script(&self.scripts.load, &[of_states, site]);
                call.arg(shard.to_string()).arg(taken.term.to_string()).arg(SITE_LIFE.as_secs().to_string());
                vec![call]
            });
            let answers = self.connection.run(&calls.collect::<Vec<_>>()).await?;
            for (site, answer) in sites.iter().zip(answers.into_iter().flatten()) {
                let (is_known, mark, of_site): (bool, String, Vec<Vec<u8>>) = read(answer)?;
                held.known.extend(is_known.then_some(*site));
                held.states.push((*site, visitors(of_site)));
                match frame::read_mark(&mark) {
                    Ok(mark) => held.marks.extend(mark.map(|mark| (*site, mark))),
                    Err(_) => held.is_whole = false,
                }
            }
        }
        Ok(held)
    }

    async fn dismiss(
        &self,
        shard: u16,
        term: u64,
        quiet_for: Duration,
        sites: impl Iterator<Item = SiteId>,
    ) -> Result<(), LiveError> {
        let mut call = Call::script(&self.scripts.dismiss, &self.names.of_shard(shard));
        call.arg(term.to_string()).arg(quiet_for.as_secs().to_string());
        let mut is_empty = true;
        for site in sites {
            call.arg(site.to_string());
            is_empty = false;
        }
        if is_empty {
            return Ok(());
        }
        self.one(call).await.map(|_| ())
    }

    pub(super) async fn recovered_shard(&self, shard: u16, term: u64) -> Result<(), LiveError> {
        let [owner, _] = self.names.of_shard(shard);
        let mut call = Call::script(&self.scripts.recovered, &[owner]);
        call.arg(term.to_string());
        match read::<u8>(self.one(call).await?)? {
            2 => Err(LiveError::Superseded),
            _ => Ok(()),
        }
    }

    /// Enrols where it must be done before a commit.
    pub(super) async fn enrol(&self, commits: &[Commit]) -> Result<Admission, LiveError> {
        let now = Instant::now();
        let Due { before, beside } = self.enrolled.lock().due(commits, now);
        let calls: Vec<_> = before.iter().map(|enrolment| vec![self.enrol_call(enrolment)]).collect();
        let answers = self.connection.run_each(&calls).await;
        let unanswered = self.are_enrolled(before, answers.of_groups, now)?;
        let enrolled = self.enrolled.lock();
        let barred = unanswered.iter().flat_map(|enrolment| enrolled.barred(enrolment, now)).collect();
        Ok(Admission { beside, barred, problem: answers.problem })
    }

    pub(super) fn enrol_call(&self, enrolment: &Enrolment) -> Call {
        let mut call = Call::script(&self.scripts.enrol, &self.names.of_shard(enrolment.shard));
        call.arg(enrolment.term.to_string()).arg(SITE_LIFE.as_secs().to_string());
        enrolment.sites.iter().for_each(|site| {
            call.arg(site.to_string());
        });
        call
    }

    /// Returns those without an answer.
    pub(super) fn are_enrolled(
        &self,
        enrolments: Vec<Enrolment>,
        answers: Vec<Option<Vec<redis::Value>>>,
        asked: Instant,
    ) -> Result<Vec<Enrolment>, LiveError> {
        let mut unanswered = vec![];
        for (enrolment, answer) in enrolments.into_iter().zip(answers) {
            match answer.and_then(|mut one| one.pop()).map(read::<bool>).transpose()? {
                Some(true) => self.enrolled.lock().enrolled(&enrolment, asked),
                Some(false) => return Err(LiveError::Superseded),
                None => unanswered.push(enrolment),
            }
        }
        Ok(unanswered)
    }
}

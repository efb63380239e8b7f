//! Which processor a shard belongs to, and what stands of it.
//!
//! Why nobody who was frozen spoils anything: a processor enrols its shard at a site before it commits there, and
//! enrolling fails once a newer term began. So at `TAKE`, which begins the term and reads the enrolled sites at once, the
//! sites of all older terms are known, and `LOAD` writes the new term at each: older commits are refused there. Whoever
//! wakes up later cannot enrol anywhere else, nor can who enrolled too long ago to be sure of it. At a site that
//! lost its term with its data a late commit may land; the next one of the newer term takes it away.

use std::sync::Arc;
use std::time::Duration;

use model::limits::REBUILD_WINDOW;
use model::{Millis, SiteId, Visitor};
use tokio::time::Instant;

use super::connection::Call;
use super::enrolled::Enrolment;
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
            self.send(&commits, vec![]).await?;
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

    /// Enrols where it must be done before a commit. Answers what may be done beside.
    pub(super) async fn enrol(&self, commits: &[Commit]) -> Result<Vec<Enrolment>, LiveError> {
        let now = Instant::now();
        let due = self.enrolled.lock().due(commits, now);
        let calls: Vec<_> = due.before.iter().map(|enrolment| vec![self.enrol_call(enrolment)]).collect();
        let answers = self.connection.run(&calls).await?;
        self.is_enrolled(&due.before, answers, now)?;
        Ok(due.beside)
    }

    pub(super) fn enrol_call(&self, enrolment: &Enrolment) -> Call {
        let mut call = Call::script(&self.scripts.enrol, &self.names.of_shard(enrolment.shard));
        call.arg(enrolment.term.to_string()).arg(SITE_LIFE.as_secs().to_string());
        enrolment.sites.iter().for_each(|site| {
            call.arg(site.to_string());
        });
        call
    }

    pub(super) fn is_enrolled(
        &self,
        enrolments: &[Enrolment],
        answers: Vec<Vec<redis::Value>>,
        asked: Instant,
    ) -> Result<(), LiveError> {
        for (enrolment, answer) in enrolments.iter().zip(answers.into_iter().flatten()) {
            if !read::<bool>(answer)? {
                return Err(LiveError::Superseded);
            }
            self.enrolled.lock().enrolled(enrolment, asked);
        }
        Ok(())
    }
}

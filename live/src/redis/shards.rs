//! Which processor a shard belongs to, and what stands of it.
//!
//! Why nobody who was frozen spoils anything: a processor enrols its shard at a site before it commits there, and
//! enrolling fails once a newer term began. So at `TAKE`, which begins the term and reads the enrolled sites at once, the
//! sites of all older terms are known, and `LOAD` writes the new term at each: older commits are refused there. Whoever
//! wakes up later cannot enrol anywhere else, nor can who enrolled too long ago to be sure of it. At a site that
//! lost its term with its data a late commit may land; the next one of the newer term takes it away.

use std::sync::Arc;

use anyhow::anyhow;
use model::{Millis, SiteId, Visitor};
use tokio::time::Instant;

use super::connection::Call;
use super::enrolled::Enrolment;
use super::{RedisLive, SITE_LIFE, read, unreadable, visitors};
use crate::{Commit, LiveError, Loaded, Origin};

/// Sites whose states are loaded in one round trip.
const LOADED_SITES_MAX: usize = 64;

type States = Vec<(SiteId, Vec<Arc<Visitor>>)>;

/// The beginning of a term.
struct Taken {
    term: u64,
    is_whole: bool,
    sites: Vec<SiteId>,
}

impl RedisLive {
    pub(super) async fn load_shard(&self, shard: u16) -> Result<Loaded, LiveError> {
        let taken = self.take(shard, true).await?;
        let (known, mut states) = self.states(shard, &taken).await?;
        if taken.is_whole && known.len() == taken.sites.len() {
            let (present, empty): (Vec<_>, Vec<_>) =
                states.drain(..).partition(|(_, visitors)| !visitors.is_empty());
            self.dismiss(shard, taken.term, empty.into_iter().map(|(site, _)| site)).await?;
            return Ok(Loaded { term: taken.term, states: Some(present) });
        }
        // A term that no site knows: its first commits take away what is left.
        let anew = self.take(shard, false).await?;
        let origin = Origin { term: anew.term, number: 0 };
        for sites in known.chunks(LOADED_SITES_MAX) {
            let empty = |&site| Commit {
                site,
                shard,
                origin,
                at: Millis(0),
                changes: vec![],
                pageviews: vec![],
                feed: vec![],
            };
            let commits: Vec<_> = sites.iter().map(empty).collect();
            self.send(&commits, vec![]).await?;
        }
        self.dismiss(shard, anew.term, taken.sites.into_iter()).await?;
        Ok(Loaded { term: anew.term, states: None })
    }

    async fn take(&self, shard: u16, keeps: bool) -> Result<Taken, LiveError> {
        let mut call = Call::script(&self.scripts.take, &self.names.of_shard(shard));
        call.arg(if keeps { "1" } else { "0" }).arg(SITE_LIFE.as_secs().to_string());
        let (term, is_whole, sites): (u64, u8, Vec<String>) = read(self.one(call).await?)?;
        let sites = sites.iter().filter_map(|site| site.parse().ok()).collect();
        Ok(Taken { term, is_whole: is_whole == 1, sites })
    }

    /// Those of the sites that know the shard, and the states of all.
    async fn states(&self, shard: u16, taken: &Taken) -> Result<(Vec<SiteId>, States), LiveError> {
        let (mut known, mut states) = (vec![], vec![]);
        for sites in taken.sites.chunks(LOADED_SITES_MAX) {
            let calls = sites.iter().map(|&id| {
                let [of_states, site, ..] = self.names.of_site(id);
                let mut call = Call::script(&self.scripts.load, &[of_states, site]);
                call.arg(shard.to_string()).arg(taken.term.to_string()).arg(SITE_LIFE.as_secs().to_string());
                vec![call]
            });
            let answers = self.connection.run(&calls.collect::<Vec<_>>()).await?;
            for (site, answer) in sites.iter().zip(answers.into_iter().flatten()) {
                let (is_known, of_site): (bool, Vec<Vec<u8>>) = read(answer)?;
                known.extend(is_known.then_some(*site));
                states.push((*site, visitors(of_site)));
            }
        }
        Ok((known, states))
    }

    async fn dismiss(
        &self,
        shard: u16,
        term: u64,
        sites: impl Iterator<Item = SiteId>,
    ) -> Result<(), LiveError> {
        let mut call = Call::script(&self.scripts.dismiss, &self.names.of_shard(shard));
        call.arg(term.to_string());
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

    /// A forgotten site is none of these shards' any more.
    pub(super) async fn leave_shards(&self, site: SiteId, shards: Vec<u16>) -> Result<(), LiveError> {
        let calls = shards.into_iter().map(|shard| {
            self.enrolled.lock().lost(shard, site);
            let [_, sites] = self.names.of_shard(shard);
            vec![Call::plain(&["ZREM", &sites, &site.to_string()])]
        });
        let calls: Vec<_> = calls.collect();
        self.connection.run(&calls).await.map(|_| ()).map_err(|error| unreadable(anyhow!(error)))
    }
}

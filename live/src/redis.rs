//! Live in Redis: the cluster size, any number of processes. The same rules as in memory, as a script a commit.
//!
//! A site is four keys in one slot (`INSTALLATION:{WF-…}:states|site|minutes|hours`). States stand in one hash; of the
//! counters only `present` is kept, changed by the same script: all others are a recount of the states that a
//! snapshot reads at once, so they cannot differ from it, and a commit costs no more where a site has many pages.
//! A commit is published, as applied, on the site's channel, with the site's epoch and version: whoever misses
//! one knows. After a loss of Redis's data the epoch is another, and `Applied::is_first` tells each shard.
//!
//! A shard's own processor decides who is present. States of a shard that no one works on any more go
//! `STATE_GRACE` after their time, swept little by little by other shards' commits; a site nobody commits to goes whole.

mod address;
mod call;
mod cluster;
mod connection;
mod ears;
mod enrolled;
mod examined;
mod frame;
mod listeners;
mod master;
mod scripts;
mod shards;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use async_trait::async_trait;
use bytes::Bytes;
use hashbrown::HashMap;
use model::{Millis, Minute, Peak, SiteId, Visitor, VisitorKey};
use parking_lot::Mutex;
use redis::{ErrorKind, FromRedisValue, ServerErrorKind, Value};
use tokio::time::Instant;

use crate::series::Hours;
use crate::{
    Applied, Commit, Counters, Live, LiveError, Loaded, Series, SeriesMinute, Snapshot, Subscription, Watch,
};
use address::Address;
use call::Call;
use connection::Connection;
use ears::Ears;
use enrolled::{Enrolled, Enrolment};
use frame::Frame;
use scripts::{Names, Scripts};
use shards::Admission;

pub use examined::examine;
pub use master::ANSWER_MAX;

/// How long after `alive_until` a state stays that its own shard does not take away.
pub const STATE_GRACE: Duration = Duration::from_secs(10 * 60);
/// What nobody commits to is gone after this: longer than hours' peaks count.
pub const SITE_LIFE: Duration = Duration::from_secs(8 * 24 * 3_600);
/// States looked at for being past their time, once a minute and site.
const SWEPT_MAX: usize = 1_000;
/// Epochs are numbers that scripts hold exactly.
const EPOCH_MAX: u64 = 1 << 48;

/// Why the server does not answer.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("Redis cannot be reached: {0:#}")]
    Unreachable(anyhow::Error),
    #[error("Redis refuses the user, the password, or what they may do: {0:#}")]
    Refused(anyhow::Error),
}

/// The backend.
pub struct RedisLive {
    connection: Connection,
    ears: Ears,
    scripts: Scripts,
    names: Names,
    enrolled: Mutex<Enrolled>,
}

impl RedisLive {
    /// `redis://[user:password@]host:port[/database]`, or `rediss://` with TLS; several nodes of a cluster, comma between
    /// them: `redis://host:port,redis://host:port`. `?ca=FILE` behind the last: certificates (PEM) of the
    /// authorities that are trusted instead of the system's. `installation` stands before all keys and channels. Connects when first
    /// needed. Within a tokio runtime.
    pub fn open(uri: &str, installation: &str) -> anyhow::Result<RedisLive> {
        let address = Address::parse(uri)?;
        let (clients, names) = (address.clients()?, Names::of(installation));
        let connection = match clients.as_slice() {
            [one] => Connection::one(one.clone())?,
            _ => Connection::cluster(address)?,
        };
        let ears = Ears::open(clients, names.clone());
        describe_metrics();
        Ok(RedisLive { connection, ears, scripts: Scripts::default(), names, enrolled: Mutex::default() })
    }

    /// Asks once. `Refused`: somebody must change settings or server; `Unreachable`: a later try may work.
    pub async fn check(&self) -> Result<(), LinkError> {
        let Err(LiveError::Unavailable(error)) = self.present(&[]).await else {
            return Ok(());
        };
        let is_refused = error.chain().any(|cause| {
            let known = cause.downcast_ref::<redis::RedisError>();
            known.is_some_and(|known| {
                matches!(
                    known.kind(),
                    ErrorKind::AuthenticationFailed | ErrorKind::Server(ServerErrorKind::NoPerm)
                ) || matches!(known.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"))
            })
        });
        Err(if is_refused { LinkError::Refused(error) } else { LinkError::Unreachable(error) })
    }

    fn commit_call(&self, commit: &Commit) -> anyhow::Result<Call> {
        let mut call = Call::script(&self.scripts.commit, &self.names.of_site(commit.site));
        call.arg(commit.shard.to_string()).arg(commit.at.0.to_string());
        call.arg(SITE_LIFE.as_secs().to_string()).arg(fastrand::u64(1..EPOCH_MAX).to_string());
        call.arg(self.names.commits_channel(commit.site)).arg(STATE_GRACE.as_millis().to_string());
        call.arg(SWEPT_MAX.to_string()).arg(frame::said(commit)?);
        call.arg(commit.origin.term.to_string()).arg(commit.origin.number.to_string());
        call.arg(frame::mark(commit.mark));
        call.arg(commit.pageviews.len().to_string());
        for (minute, count) in &commit.pageviews {
            call.arg(minute.0.to_string()).arg(count.to_string());
        }
        for change in &commit.changes {
            let after = change.after.as_ref().map(|after| frame::state(commit.shard, after)).transpose()?;
            call.arg(frame::key(change.key)).arg(if change.before.is_some() { "1" } else { "0" });
            call.arg(after.unwrap_or_default());
        }
        Ok(call)
    }

    /// In one round trip, with what is enrolled beside.
    async fn send(&self, commits: &[Commit], beside: Vec<Enrolment>) -> Result<Sent, LiveError> {
        let asked = Instant::now();
        let mut groups: Vec<_> = beside.iter().map(|enrolment| vec![self.enrol_call(enrolment)]).collect();
        let enrolments = groups.len();
        let mut places: HashMap<SiteId, usize> = HashMap::new();
        let mut order = Vec::with_capacity(commits.len());
        for commit in commits {
            let place = *places.entry(commit.site).or_insert_with(|| {
                groups.push(vec![]);
                groups.len() - 1
            });
            groups[place].push(self.commit_call(commit).map_err(unreadable)?);
            order.push((commit.site, place - enrolments));
        }
        let mut answers = self.connection.run_each(&groups).await;
        let of_commits = answers.of_groups.split_off(enrolments);
        // One that failed is due again before long.
        self.are_enrolled(beside, answers.of_groups, asked)?;
        let mut of_sites: Vec<_> =
            of_commits.into_iter().map(|answers| answers.map(Vec::into_iter)).collect();
        let mut applied = Vec::with_capacity(commits.len());
        for (site, place) in order {
            let Some(answers) = &mut of_sites[place] else {
                continue;
            };
            let answer = answers.next().context("no answer to a commit").map_err(unreadable)?;
            match frame::read(site, &read::<Vec<u8>>(answer)?).map_err(unreadable)? {
                Frame::Applied { applied: one, .. } => applied.push(Arc::unwrap_or_clone(one)),
                Frame::Superseded => return Err(LiveError::Superseded),
                Frame::Forgotten { .. } => return Err(unreadable(anyhow!("not the answer to a commit"))),
            }
        }
        Ok(Sent { is_whole: applied.len() == commits.len(), applied, problem: answers.problem })
    }

    async fn one(&self, call: Call) -> Result<Value, LiveError> {
        let mut answers = self.connection.run(&[vec![call]]).await?;
        answers.pop().and_then(|mut one| one.pop()).ok_or_else(|| unreadable(anyhow!("no answer")))
    }

    async fn snapshot(&self, site: SiteId) -> Result<(u64, Snapshot), LiveError> {
        let answer = self.one(Call::script(&self.scripts.snapshot, &self.names.of_site(site))).await?;
        type Answer = (u64, u64, Vec<Vec<u8>>, Vec<(String, u32)>, Vec<(i64, u32)>);
        let (epoch, version, states, minutes, hours): Answer = read(answer)?;
        let visitors = visitors(states);
        let mut peaks = Hours::default();
        hours.into_iter().for_each(|(hour, count)| peaks.restore(Millis(hour), count));
        let snapshot = Snapshot {
            version,
            counters: Counters::recount(visitors.iter().map(|visitor| &**visitor)),
            visitors,
            series: series(minutes),
            peak: peaks.peak(),
        };
        Ok((epoch, snapshot))
    }
}

/// What came of commits.
struct Sent {
    /// Those of the sites that were reached.
    applied: Vec<Applied>,
    /// Those are all.
    is_whole: bool,
    problem: Option<anyhow::Error>,
}

impl Sent {
    fn all(self) -> Result<Vec<Applied>, LiveError> {
        if self.is_whole {
            return Ok(self.applied);
        }
        let error = self.problem.unwrap_or_else(|| anyhow!("no answer to a commit"));
        Err(match self.applied.is_empty() {
            true => LiveError::Unavailable(error),
            false => LiveError::Partly { applied: self.applied, error },
        })
    }
}

fn describe_metrics() {
    use metrics::{Unit, describe_counter, describe_histogram};
    describe_histogram!(
        "watchfire_live_seconds",
        Unit::Seconds,
        "What is asked of Redis, until it is answered"
    );
    describe_counter!("watchfire_live_failures_total", "Of that, what was not answered or was refused");
    metrics::counter!("watchfire_live_failures_total").absolute(0);
}

#[async_trait]
impl Live for RedisLive {
    async fn commit(&self, commits: Vec<Commit>) -> Result<Vec<Applied>, LiveError> {
        let Admission { beside, barred, problem } = self.enrol(&commits).await?;
        let (allowed, rest): (Vec<_>, Vec<_>) =
            commits.into_iter().partition(|commit| !barred.contains(&commit.site));
        let mut sent = self.send(&allowed, beside).await?;
        sent.is_whole &= rest.is_empty();
        sent.problem = sent.problem.or(problem);
        let mut enrolled = self.enrolled.lock();
        // Where Redis lost a site it may have lost whose it is.
        let firsts = sent.applied.iter().filter(|applied| applied.is_first);
        firsts.for_each(|first| enrolled.lost(first.commit.shard, first.site));
        sent.all()
    }

    async fn load(&self, shard: u16) -> Result<Loaded, LiveError> {
        self.load_shard(shard).await
    }

    async fn recovered(&self, shard: u16, term: u64) -> Result<(), LiveError> {
        self.recovered_shard(shard, term).await
    }

    async fn watch(&self, site: SiteId) -> Result<Watch, LiveError> {
        let (id, changes) = self.ears.listeners.lock().join(site);
        let begun = async {
            self.ears.listen(self.names.commits_channel(site)).await?;
            self.ears.listeners.lock().confirmed(site, id);
            self.snapshot(site).await
        };
        match begun.await {
            Ok((epoch, snapshot)) => {
                self.ears.listeners.lock().joined(site, id, epoch, snapshot.version);
                Ok(Watch { snapshot, changes })
            }
            Err(error) => {
                self.ears.listeners.lock().leave(site, id);
                Err(error)
            }
        }
    }

    async fn visitor(&self, site: SiteId, key: VisitorKey) -> Result<Option<Arc<Visitor>>, LiveError> {
        let [states, ..] = self.names.of_site(site);
        let mut call = Call::plain(&["HGET", &states]);
        call.arg(frame::key(key));
        let state: Option<Vec<u8>> = read(self.one(call).await?)?;
        Ok(visitors(state.into_iter().collect()).pop())
    }

    async fn present(&self, sites: &[SiteId]) -> Result<Vec<u32>, LiveError> {
        if sites.is_empty() {
            return self
                .connection
                .run(&[vec![Call::plain(&["EXISTS", &self.names.asked()])]])
                .await
                .map(|_| vec![]);
        }
        let calls = sites.iter().map(|&id| {
            let [_, site, ..] = self.names.of_site(id);
            vec![Call::plain(&["HGET", &site, "present"])]
        });
        let answers = self.connection.run(&calls.collect::<Vec<_>>()).await?;
        let present = |answer| read::<Option<u32>>(answer).map(Option::unwrap_or_default);
        answers.into_iter().flatten().map(present).collect()
    }

    async fn restore_peaks(&self, peaks: &[Peak]) -> Result<(), LiveError> {
        let calls = peaks.iter().map(|peak| {
            let [.., hours] = self.names.of_site(peak.site);
            let mut call = Call::script(&self.scripts.restore_peak, &[hours]);
            call.arg(peak.hour.0.to_string()).arg(peak.count.to_string());
            call.arg(SITE_LIFE.as_secs().to_string());
            vec![call]
        });
        self.connection.run(&calls.collect::<Vec<_>>()).await.map(|_| ())
    }

    async fn forget(&self, site: SiteId) -> Result<(), LiveError> {
        let mut call = Call::script(&self.scripts.forget, &self.names.of_site(site));
        call.arg(self.names.commits_channel(site)).arg(SITE_LIFE.as_secs().to_string());
        self.one(call).await.map(|_| ())
    }

    async fn publish(&self, topic: &str, message: Bytes) -> Result<(), LiveError> {
        let mut call = Call::script(&self.scripts.tell, &[self.names.topic_count(topic)]);
        call.arg(self.names.topic_channel(topic)).arg(message);
        self.one(call).await.map(|_| ())
    }

    async fn subscribe(&self, topic: &str) -> Result<Subscription, LiveError> {
        // Keeps the topic until it is confirmed; what was missed before that is no gap.
        let _kept = self.ears.listeners.lock().subscribe(topic);
        self.ears.listen(self.names.topic_channel(topic)).await?;
        Ok(Subscription(self.ears.listeners.lock().subscribe(topic)))
    }
}

/// States that this program cannot read are left out: a newer one wrote them, and renews them itself.
fn visitors(states: Vec<Vec<u8>>) -> Vec<Arc<Visitor>> {
    let read = states.iter().filter_map(|state| {
        let visitor = frame::visitor(state);
        visitor.inspect_err(|error| tracing::warn!(error = format!("{error:#}"), "a state is left out")).ok()
    });
    read.collect()
}

/// Fields `p<minute>:<shard>`: pageviews, without the shard as an older program wrote them; `v<minute>`: most visitors.
fn series(fields: Vec<(String, u32)>) -> Series {
    let mut minutes = std::collections::BTreeMap::new();
    for (field, count) in fields {
        let minute = field.get(1..).and_then(|rest| rest.split(':').next());
        let Some(minute) = minute.and_then(|minute| minute.parse().ok()).map(Minute) else {
            continue;
        };
        let row = minutes.entry(minute).or_insert(SeriesMinute { minute, pageviews: 0, visitors: 0 });
        match field.as_bytes()[0] {
            b'p' => row.pageviews += count,
            _ => row.visitors = count,
        }
    }
    Series(minutes.into_values().collect())
}

fn read<A: FromRedisValue>(answer: Value) -> Result<A, LiveError> {
    redis::from_redis_value(answer).map_err(|error| unreadable(anyhow!("{error}")))
}

fn unreadable(error: anyhow::Error) -> LiveError {
    LiveError::Unavailable(error)
}

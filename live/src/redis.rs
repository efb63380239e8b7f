//! Live in Redis: the cluster size, any number of processes. The same rules as in memory, as a script a commit.
//!
//! A site is four keys in one slot (`wf:{WF-…}:states|site|minutes|hours`). States stand in one hash; of the
//! counters only `present` is kept, changed by the same script: all others are a recount of the states that a
//! snapshot reads at once, so they cannot differ from it, and a commit costs no more where a site has many pages.
//! A commit is published, as applied, on the site's channel, with the site's epoch and version: whoever misses
//! one knows. After a loss of Redis's data the epoch is another, and `Applied::is_first` tells each shard.
//!
//! A shard's own processor decides who is present. States of a shard that no one works on any more go
//! `STATE_GRACE` after their time, swept little by little by other shards' commits; a site nobody commits to goes whole.

mod connection;
mod ears;
mod frame;
mod listeners;
mod scripts;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use async_trait::async_trait;
use bytes::Bytes;
use hashbrown::HashMap;
use model::{Millis, Minute, Peak, SiteId, Visitor};
use redis::{Client, FromRedisValue, Value};

use crate::series::Hours;
use crate::{
    Applied, Commit, Counters, Live, LiveError, Series, SeriesMinute, Snapshot, Subscription, Watch,
};
use connection::{Call, Connection};
use ears::Ears;
use frame::Frame;
use scripts::Scripts;

pub use connection::ANSWER_MAX;

/// How long after `alive_until` a state stays that its own shard does not take away.
pub const STATE_GRACE: Duration = Duration::from_secs(10 * 60);
/// What nobody commits to is gone after this: longer than hours' peaks count.
pub const SITE_LIFE: Duration = Duration::from_secs(8 * 24 * 3_600);
/// States looked at for being past their time, once a minute and site.
const SWEPT_MAX: usize = 1_000;
/// Sites whose states are loaded in one round trip.
const LOADED_SITES_MAX: usize = 64;
/// Epochs are numbers that scripts hold exactly.
const EPOCH_MAX: u64 = 1 << 48;

/// The backend.
pub struct RedisLive {
    connection: Connection,
    ears: Ears,
    scripts: Scripts,
}

impl RedisLive {
    /// `redis://[user:password@]host:port[/database]`; several nodes of a cluster, comma between them:
    /// `redis://host:port,redis://host:port`. Connects when first needed. Within a tokio runtime.
    pub fn open(uri: &str) -> anyhow::Result<RedisLive> {
        let nodes: Vec<String> = uri.split(',').map(str::to_owned).collect();
        let clients = nodes.iter().map(|node| Client::open(node.as_str()));
        let clients: Vec<Client> = clients.collect::<Result<_, _>>().context("not a Redis URI")?;
        let connection = match clients.as_slice() {
            [one] => Connection::one(one.clone())?,
            _ => Connection::cluster(nodes)?,
        };
        Ok(RedisLive { connection, ears: Ears::open(clients), scripts: Scripts::default() })
    }

    fn commit_call(&self, commit: &Commit) -> anyhow::Result<Call> {
        let mut call = Call::script(&self.scripts.commit, &scripts::of_site(commit.site));
        call.arg(commit.shard.to_string()).arg(commit.at.0.to_string());
        call.arg(SITE_LIFE.as_secs().to_string()).arg(fastrand::u64(1..EPOCH_MAX).to_string());
        call.arg(scripts::commits_channel(commit.site)).arg(STATE_GRACE.as_millis().to_string());
        call.arg(SWEPT_MAX.to_string()).arg(frame::said(commit)?);
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

    /// Which sites a shard works on, for whoever loads it. Said before the commits, so that none is missed.
    fn shard_calls(commits: &[Commit]) -> Vec<Vec<Call>> {
        let mut sites: HashMap<u16, Vec<String>> = HashMap::new();
        for commit in commits {
            let known = sites.entry(commit.shard).or_default();
            let site = commit.site.to_string();
            if !known.contains(&site) {
                known.push(site);
            }
        }
        let calls = sites.into_iter().map(|(shard, sites)| {
            let key = scripts::of_shard(shard);
            let mut add = Call::plain(&["SADD", &key]);
            sites.into_iter().for_each(|site| {
                add.arg(site);
            });
            vec![add, Call::plain(&["EXPIRE", &key, &SITE_LIFE.as_secs().to_string()])]
        });
        calls.collect()
    }

    async fn one(&self, call: Call) -> Result<Value, LiveError> {
        let mut answers = self.connection.run(&[vec![call]]).await?;
        answers.pop().and_then(|mut one| one.pop()).ok_or_else(|| unreadable(anyhow!("no answer")))
    }

    async fn snapshot(&self, site: SiteId) -> Result<(u64, Snapshot), LiveError> {
        let answer = self.one(Call::script(&self.scripts.snapshot, &scripts::of_site(site))).await?;
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

#[async_trait]
impl Live for RedisLive {
    async fn commit(&self, commits: Vec<Commit>) -> Result<Vec<Applied>, LiveError> {
        let mut groups = RedisLive::shard_calls(&commits);
        let shards = groups.len();
        let mut places: HashMap<SiteId, usize> = HashMap::new();
        let mut order = Vec::with_capacity(commits.len());
        for commit in &commits {
            let place = *places.entry(commit.site).or_insert_with(|| {
                groups.push(vec![]);
                groups.len() - 1
            });
            groups[place].push(self.commit_call(commit).map_err(unreadable)?);
            order.push((commit.site, place - shards));
        }
        let answers = self.connection.run(&groups).await?;
        let mut answers: Vec<_> = answers.into_iter().skip(shards).map(Vec::into_iter).collect();
        let applied = order.into_iter().map(|(site, place)| {
            let answer = answers[place].next().context("no answer to a commit").map_err(unreadable)?;
            match frame::read(site, &read::<Vec<u8>>(answer)?).map_err(unreadable)? {
                Frame::Applied { applied, .. } => Ok(Arc::unwrap_or_clone(applied)),
                Frame::Forgotten { .. } => Err(unreadable(anyhow!("not the answer to a commit"))),
            }
        });
        applied.collect()
    }

    async fn load(&self, shard: u16) -> Result<Option<Vec<(SiteId, Vec<Arc<Visitor>>)>>, LiveError> {
        let sites = self.one(Call::plain(&["SMEMBERS", &scripts::of_shard(shard)])).await?;
        let sites: Vec<String> = read(sites)?;
        if sites.is_empty() {
            return Ok(None);
        }
        let sites: Vec<SiteId> = sites.iter().filter_map(|site| site.parse().ok()).collect();
        let mut loaded = vec![];
        for sites in sites.chunks(LOADED_SITES_MAX) {
            let calls = sites.iter().map(|&site| {
                let [states, ..] = scripts::of_site(site);
                let mut call = Call::script(&self.scripts.of_shard, &[states]);
                call.arg(shard.to_string());
                vec![call]
            });
            let answers = self.connection.run(&calls.collect::<Vec<_>>()).await?;
            for (site, answer) in sites.iter().zip(answers.into_iter().flatten()) {
                loaded.push((*site, visitors(read(answer)?)));
            }
        }
        loaded.retain(|(_, visitors)| !visitors.is_empty());
        Ok(Some(loaded))
    }

    async fn watch(&self, site: SiteId) -> Result<Watch, LiveError> {
        let (id, changes) = self.ears.listeners.lock().join(site);
        let begun = async {
            self.ears.listen(scripts::commits_channel(site)).await?;
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

    async fn present(&self, sites: &[SiteId]) -> Result<Vec<u32>, LiveError> {
        if sites.is_empty() {
            return self.connection.run(&[vec![Call::plain(&["EXISTS", "wf:asked"])]]).await.map(|_| vec![]);
        }
        let calls = sites.iter().map(|&id| {
            let [_, site, ..] = scripts::of_site(id);
            vec![Call::plain(&["HGET", &site, "present"])]
        });
        let answers = self.connection.run(&calls.collect::<Vec<_>>()).await?;
        let present = |answer| read::<Option<u32>>(answer).map(Option::unwrap_or_default);
        answers.into_iter().flatten().map(present).collect()
    }

    async fn restore_peaks(&self, peaks: &[Peak]) -> Result<(), LiveError> {
        let calls = peaks.iter().map(|peak| {
            let [.., hours] = scripts::of_site(peak.site);
            let mut call = Call::script(&self.scripts.restore_peak, &[hours]);
            call.arg(peak.hour.0.to_string()).arg(peak.count.to_string());
            call.arg(SITE_LIFE.as_secs().to_string());
            vec![call]
        });
        self.connection.run(&calls.collect::<Vec<_>>()).await.map(|_| ())
    }

    async fn forget(&self, site: SiteId) -> Result<(), LiveError> {
        let mut call = Call::script(&self.scripts.forget, &scripts::of_site(site));
        call.arg(scripts::commits_channel(site));
        self.one(call).await.map(|_| ())
    }

    async fn publish(&self, topic: &str, message: Bytes) -> Result<(), LiveError> {
        let mut call = Call::script(&self.scripts.tell, &[scripts::topic_count(topic)]);
        call.arg(scripts::topic_channel(topic)).arg(message);
        self.one(call).await.map(|_| ())
    }

    async fn subscribe(&self, topic: &str) -> Result<Subscription, LiveError> {
        // Keeps the topic until it is confirmed; what was missed before that is no gap.
        let _kept = self.ears.listeners.lock().subscribe(topic);
        self.ears.listen(scripts::topic_channel(topic)).await?;
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

/// Fields `p<minute>`: pageviews; `v<minute>`: most visitors.
fn series(fields: Vec<(String, u32)>) -> Series {
    let mut minutes = std::collections::BTreeMap::new();
    for (field, count) in fields {
        let Some(minute) = field.get(1..).and_then(|minute| minute.parse().ok()).map(Minute) else {
            continue;
        };
        let row = minutes.entry(minute).or_insert(SeriesMinute { minute, pageviews: 0, visitors: 0 });
        match field.as_bytes()[0] {
            b'p' => row.pageviews = count,
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

//! A Redis Cluster: each master by a connection of its own, so that nobody waits for one that is away who asks nothing of it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use futures_util::StreamExt;
use futures_util::future::{join, join_all};
use futures_util::stream::FuturesUnordered;
use hashbrown::HashMap;
use parking_lot::Mutex;
use redis::Value;
use redis::cluster_routing::Slot;
use tokio::time::Instant;

use super::address::{Address, Node};
use super::call::Call;
use super::connection::Answers;
use super::master::{Master, Patience};

/// While something is wrong it is asked this often which master has what.
const MAP_AGE: Duration = Duration::from_secs(1);
const SLOTS: usize = 16_384;
/// Masters of a cluster; slots of further ones are nobody's.
const MASTERS_MAX: usize = 256;

pub struct Cluster {
    address: Address,
    map: Mutex<Map>,
}

/// Which master has what, as the cluster said last.
struct Map {
    of_slots: HashMap<Slot, Arc<Master>>,
    /// And those that the address names.
    nodes: HashMap<Node, Arc<Master>>,
    /// A master is away: another may have taken its place.
    is_doubtful: bool,
    asked: Instant,
}

/// Each master with the places of the groups that go to it.
type Shares = Vec<(Arc<Master>, Vec<usize>)>;

/// Ranges, first and last, with their masters.
type Slots = Vec<(u16, u16, Node)>;

impl Cluster {
    pub fn open(address: Address) -> anyhow::Result<Cluster> {
        let node = |node: Node| anyhow::Ok((node.clone(), Arc::new(Master::open(address.client(&node)?)?)));
        let nodes = address.nodes().into_iter().map(node).collect::<Result<_, _>>()?;
        let map = Map { of_slots: HashMap::new(), nodes, is_doubtful: false, asked: Instant::now() };
        Ok(Cluster { address, map: Mutex::new(map) })
    }

    /// One round trip a master. A slot that has moved is asked for where it is now; one on its way is away.
    pub async fn run(&self, groups: &[Vec<Call>], patience: Patience) -> Answers {
        let mut answers = Answers::none(groups.len());
        if self.map.lock().of_slots.is_empty()
            && let Err(error) = self.read_map().await
        {
            answers.problem = Some(error);
            return answers;
        }
        let all = (0..groups.len()).collect();
        let (_, moved) = join(self.doubt(), self.ask(groups, all, patience, &mut answers)).await;
        if moved.is_empty() {
            return answers;
        }
        match self.read_map().await {
            Ok(()) => {
                let still = self.ask(groups, moved, patience, &mut answers).await;
                if !still.is_empty() {
                    answers.problem = Some(anyhow!("slots of the cluster are moving"));
                }
            }
            Err(error) => answers.problem = Some(error),
        }
        answers
    }

    /// Returns those of `which` that another master has by now.
    async fn ask(
        &self,
        groups: &[Vec<Call>],
        which: Vec<usize>,
        patience: Patience,
        answers: &mut Answers,
    ) -> Vec<usize> {
        let (shares, homeless) = self.shares(groups, which);
        if homeless > 0 {
            answers.problem = Some(anyhow!("no master has the slots of {homeless} of {}", groups.len()));
        }
        let mut asked = Vec::with_capacity(shares.len());
        for (master, share) in &shares {
            let of_share: Vec<_> = share.iter().map(|index| &groups[*index]).collect();
            asked.push(async move { master.ask(&of_share, patience).await });
        }
        let told = join_all(asked).await;
        let mut moved = vec![];
        for ((_, share), told) in shares.into_iter().zip(told) {
            match told {
                Ok(told) => share.into_iter().zip(told).for_each(|(index, told)| {
                    if told.iter().any(|answer| is_error(answer, "MOVED")) {
                        moved.push(index);
                    } else {
                        answers.take(index, told);
                    }
                }),
                Err(error) => {
                    answers.problem = Some(error);
                    self.map.lock().is_doubtful = true;
                }
            }
        }
        moved
    }

    /// Each master with what goes to it; and how many groups go nowhere.
    fn shares(&self, groups: &[Vec<Call>], which: Vec<usize>) -> (Shares, usize) {
        let mut map = self.map.lock();
        let mut shares = Shares::new();
        let mut homeless = 0;
        for index in which {
            let slot = groups[index].first().map(Call::slot);
            let Some(master) = slot.and_then(|slot| map.of_slots.get(&slot)) else {
                homeless += 1;
                continue;
            };
            match shares.iter_mut().find(|(known, _)| Arc::ptr_eq(known, master)) {
                Some((_, share)) => share.push(index),
                None => shares.push((master.clone(), vec![index])),
            }
        }
        map.is_doubtful |= homeless > 0;
        (shares, homeless)
    }

    /// Reads the map anew where it is doubtful, now and then; the next call goes by it.
    async fn doubt(&self) {
        let is_due = {
            let map = self.map.lock();
            map.is_doubtful && map.asked.elapsed() >= MAP_AGE
        };
        if is_due && let Err(error) = self.read_map().await {
            tracing::debug!(error = format!("{error:#}"), "the cluster does not say which master has what");
        }
    }

    /// As the first has it that knows of every slot, or else who knows of most: one that was just started may not know all.
    async fn read_map(&self) -> anyhow::Result<()> {
        let nodes: Vec<_> = {
            let mut map = self.map.lock();
            map.asked = Instant::now();
            map.nodes.iter().map(|(node, master)| (node.clone(), master.clone())).collect()
        };
        let call = vec![Call::plain(&["CLUSTER", "SLOTS"])];
        let mut asked = FuturesUnordered::new();
        for ((host, _), master) in &nodes {
            let call = &call;
            asked.push(async move {
                let told = master.ask(&[call], Patience::Full).await?;
                let told = told.into_iter().flatten().next().context("no answer")?;
                read_slots(told, host).context("the answer to CLUSTER SLOTS")
            });
        }
        let mut fullest = Err(anyhow!("the cluster has no nodes"));
        while let Some(told) = asked.next().await {
            if fullest.as_ref().map_or(0, count) <= told.as_ref().map_or(0, count) {
                fullest = told;
            }
            if fullest.as_ref().is_ok_and(|slots| count(slots) == SLOTS) {
                break;
            }
        }
        drop(asked);
        let slots = fullest?;
        let mut map = self.map.lock();
        let (mut of_slots, mut nodes) = (HashMap::new(), HashMap::new());
        for (first, last, node) in slots {
            if !nodes.contains_key(&node) {
                let known = map.nodes.get(&node).cloned();
                let open = || anyhow::Ok(Arc::new(Master::open(self.address.client(&node)?)?));
                nodes.insert(node.clone(), known.map_or_else(open, Ok)?);
            }
            of_slots.extend((first..=last).filter_map(Slot::new).map(|slot| (slot, nodes[&node].clone())));
        }
        for node in self.address.nodes() {
            let known = map.nodes.get(&node).cloned();
            nodes.extend(known.map(|master| (node, master)));
        }
        (map.of_slots, map.nodes, map.is_doubtful) = (of_slots, nodes, false);
        Ok(())
    }
}

fn count(slots: &Slots) -> usize {
    slots.iter().map(|(first, last, _)| usize::from(last.saturating_sub(*first)) + 1).sum()
}

fn is_error(answer: &Value, code: &str) -> bool {
    matches!(answer, Value::ServerError(error) if error.code() == code)
}

/// A master that the server has no name for is the server asked itself.
fn read_slots(answer: Value, asked: &str) -> anyhow::Result<Slots> {
    let rows: Vec<Vec<Value>> = redis::from_redis_value(answer.extract_error()?)?;
    let mut masters = hashbrown::HashSet::new();
    let mut slots = vec![];
    for row in rows {
        let [first, last, master] =
            row.into_iter().take(3).collect::<Vec<_>>().try_into().map_err(|_| anyhow!("a short row"))?;
        let mut master = redis::from_redis_value::<Vec<Value>>(master)?.into_iter();
        let (host, port) = (master.next().context("no host")?, master.next().context("no port")?);
        let host: Option<String> = redis::from_redis_value(host)?;
        let host = host.filter(|host| !host.is_empty()).unwrap_or_else(|| asked.to_owned());
        let node = (host, redis::from_redis_value(port)?);
        if masters.len() < MASTERS_MAX || masters.contains(&node) {
            masters.insert(node.clone());
            slots.push((redis::from_redis_value(first)?, redis::from_redis_value(last)?, node));
        }
    }
    anyhow::ensure!(!slots.is_empty(), "no master has any slot");
    Ok(slots)
}

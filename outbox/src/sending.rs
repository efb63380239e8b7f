//! Jobs of one kind are taken, done, put off, given up. So many at once, and of one owner; an owner whose attempt came to nothing
//! rests for a while, so that a dead receiver costs no more than it may have at once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, gauge, histogram};
use model::Millis;
use model::chat::Who;
use model::outbox::Job;
use store::outbox::{Most, Outcome, Taken};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{Deps, LOOK_EVERY, SPARE, Sender, Sent};

/// Jobs of one kind and owner under way in one process.
const OF_AN_OWNER_MAX: usize = 4;
/// The longest that an owner's other jobs wait for one that came to nothing.
const REST_MAX: Duration = Duration::from_secs(60);
/// Owners that are known to rest; past it they are asked all the same.
const RESTING_MAX: usize = 1_000;
/// How long a process that ends waits for what is under way; the rest is due again for others.
const DRAIN_MAX: Duration = Duration::from_secs(4);
/// A wait is up to this much longer than said, so that those that failed together do not come together.
const JITTER: f64 = 0.2;

/// What became of one attempt.
struct Ended {
    owner: Who,
    /// When the owner is asked again.
    rests: Option<Millis>,
}

/// Until told to end.
pub async fn send(deps: Deps, sender: Arc<dyn Sender>, made: Arc<Notify>, shutdown: CancellationToken) {
    let mut under_way: JoinSet<Ended> = JoinSet::new();
    let mut busy: HashMap<Who, usize> = HashMap::new();
    let mut resting: HashMap<Who, Millis> = HashMap::new();
    loop {
        // Asked for before the jobs are: what is made meanwhile is not missed.
        let made = made.notified();
        let now = deps.clock.now();
        resting.retain(|_, until| *until > now);
        let at_once_max = sender.at_once_max();
        let free = at_once_max - under_way.len();
        let but: HashSet<Who> = busy.keys().chain(resting.keys()).copied().collect();
        let most = Most { jobs: free, an_owner: OF_AN_OWNER_MAX, but: but.into_iter().collect() };
        for taken in take(&deps, &*sender, now, most).await {
            *busy.entry(taken.job.owner).or_default() += 1;
            under_way.spawn(attempt(deps.clone(), Arc::clone(&sender), taken));
        }
        gauge!("watchfire_jobs_under_way", "kind" => sender.kind().name()).set(under_way.len() as f64);
        let soonest = resting.values().map(|until| until.since(now)).min().unwrap_or(LOOK_EVERY);
        let every = sender.looks_every();
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = made, if under_way.len() < at_once_max => {}
            () = sleep(soonest.min(every)) => {}
            Some(ended) = under_way.join_next() => match ended {
                Ok(Ended { owner, rests }) => {
                    if let Some(count) = busy.get_mut(&owner) {
                        *count -= 1;
                        if *count == 0 {
                            busy.remove(&owner);
                        }
                    }
                    if let Some(until) = rests.filter(|_| resting.len() < RESTING_MAX) {
                        resting.insert(owner, until);
                    }
                }
                Err(error) => {
                    // Whose it was is not known: nobody is kept from being asked for it.
                    busy.clear();
                    tracing::error!(%error, "an attempt to send failed; it is made again");
                }
            },
        }
    }
    if timeout(DRAIN_MAX, async { while under_way.join_next().await.is_some() {} }).await.is_err() {
        tracing::info!(left = under_way.len(), "what was being sent is left to others");
    }
}

async fn take(deps: &Deps, sender: &dyn Sender, now: Millis, most: Most) -> Vec<Taken> {
    if most.jobs == 0 {
        return Vec::new();
    }
    match deps.store.outbox.take(sender.kind(), now, after(now, sender.attempt_max() + SPARE), most).await {
        Ok(taken) => taken,
        Err(error) => {
            tracing::warn!(%error, "what goes out waits");
            Vec::new()
        }
    }
}

async fn attempt(deps: Deps, sender: Arc<dyn Sender>, taken: Taken) -> Ended {
    let job = &taken.job;
    let began = std::time::Instant::now();
    let sent = timeout(sender.attempt_max(), sender.send(job)).await;
    let sent = sent.unwrap_or_else(|_| Sent::Again("no answer in time".into()));
    let now = deps.clock.now();
    let rest = matches!(sent, Sent::Again(_));
    let (outcome, due) = outcome(sent, job, sender.waits(), now);
    histogram!("watchfire_job_seconds", "kind" => job.kind.name()).record(began.elapsed());
    counter!("watchfire_jobs_total", "kind" => job.kind.name(), "outcome" => name(&outcome)).increment(1);
    match deps.store.outbox.settle(job.id, taken.lease, now, outcome).await {
        Ok(true) => {}
        Ok(false) => tracing::warn!(job = %job.id, "a job took longer than its lease"),
        Err(error) => {
            tracing::warn!(job = %job.id, %error, "what came of a job is not kept; it is done again")
        }
    }
    let rests = rest.then(|| due.min(after(now, REST_MAX)));
    Ended { owner: job.owner, rests }
}

fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Gone => "gone",
        Outcome::Done(_) => "done",
        Outcome::Later { .. } => "later",
        Outcome::GivenUp(_) => "given_up",
    }
}

/// What is kept of it, and when it is due next.
fn outcome(sent: Sent, job: &Job, waits: &[Duration], now: Millis) -> (Outcome, Millis) {
    let wait = waits.get(job.attempts.saturating_sub(1) as usize);
    let due = wait.map(|wait| after(now, wait.mul_f64(1.0 + JITTER * fastrand::f64())));
    let outcome = match (sent, due) {
        (Sent::Gone, _) => Outcome::Gone,
        (Sent::Done(said), _) => Outcome::Done(said),
        (Sent::Again(said), Some(due)) => Outcome::Later { due, said },
        (Sent::Again(said) | Sent::GivenUp(said), _) => Outcome::GivenUp(said),
    };
    (outcome, due.unwrap_or(now))
}

fn after(now: Millis, time: Duration) -> Millis {
    Millis(now.0.saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use model::chat::Who;
    use model::outbox::{JobKind, JobState};
    use model::{BotId, JobId};

    use super::*;

    const WAITS: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(1_000)];

    fn job(attempts: u32) -> Job {
        Job {
            id: JobId(1),
            kind: JobKind::Webhook,
            owner: Who::Bot(BotId::of(1)),
            body: Vec::new(),
            created: Millis(0),
            due: Millis(0),
            attempts,
            said: String::new(),
            state: JobState::Waiting,
        }
    }

    #[test]
    fn a_job_is_put_off_longer_each_time_and_then_given_up() {
        let again = |attempts| outcome(Sent::Again("503".into()), &job(attempts), &WAITS, Millis(50));
        for (attempts, least, most) in [(1, 10_050, 12_050), (2, 1_000_050, 1_200_050)] {
            for _ in 0..100 {
                let (Outcome::Later { due, said }, next) = again(attempts) else {
                    panic!("it is put off");
                };
                assert!((least..=most).contains(&due.0) && due == next && said == "503");
            }
        }
        assert_eq!(again(3), (Outcome::GivenUp("503".into()), Millis(50)));
    }
}

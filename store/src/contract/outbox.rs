//! Promises of `Outbox`.

use std::collections::HashSet;

use model::chat::Who;
use model::outbox::{Job, JobKind, JobState, NewJob};
use model::{BotId, JobId, Millis, RoomId, limits};

use super::chat::{ANN, BOB, EVE, ROOM, at, bot, room};
use super::fixtures::{NOW, secret};
use super::{World, assert_refused, on_every_backend};
use crate::StoreError::{Limit, NotFound};
use crate::outbox::{Most, Outcome, TOO_MANY_WAITING, Taken};

on_every_backend! {
    a_room_is_behind_until_it_was_looked_at,
    jobs_and_how_far_a_room_was_looked_at_are_kept_both_or_neither,
    of_those_who_look_at_a_room_at_once_one_makes_its_jobs,
    a_job_is_made_once_by_its_id,
    a_call_is_of_so_many_jobs_and_bytes_at_most,
    an_owner_has_so_many_jobs_waiting_of_a_kind,
    jobs_are_taken_when_they_are_due_the_longest_first,
    a_call_takes_so_many_jobs_and_so_many_of_one_owner,
    a_job_that_is_taken_is_nobody_elses_until_its_lease_ends,
    of_those_who_take_at_once_each_job_is_ones,
    a_job_is_settled_by_whose_it_is,
    jobs_that_are_over_are_kept_the_last_ones,
    jobs_go_with_their_bot,
    jobs_outlive_the_process,
}

const HOOK: JobKind = JobKind::Webhook;

pub fn job(number: u128, owner: Who) -> NewJob {
    let created = at(number as u64);
    NewJob { id: JobId(number), kind: HOOK, owner, body: vec![number as u8, 0, 255], created, due: created }
}

fn most(jobs: usize) -> Most {
    Most { jobs, an_owner: jobs, but: Vec::new() }
}

/// When a lease that begins now ends.
fn until(now: Millis) -> Millis {
    Millis(now.0 + 60_000)
}

impl World {
    async fn taken(&self, now: Millis) -> Vec<Taken> {
        self.store.outbox.take(HOOK, now, until(now), most(100)).await.unwrap()
    }

    async fn settled(&self, taken: &Taken, at: Millis, outcome: Outcome) -> bool {
        self.store.outbox.settle(taken.job.id, taken.lease, at, outcome).await.unwrap()
    }
}

fn numbers(taken: &[Taken]) -> Vec<u128> {
    taken.iter().map(|taken| taken.job.id.0).collect()
}

async fn a_room_is_behind_until_it_was_looked_at(world: World) {
    let outbox = &world.store.outbox;
    assert_eq!(outbox.behind(None).await.unwrap(), []);
    assert_refused!(outbox.fan(ROOM, None, 0, vec![]), NotFound("room"));
    world.talking().await;
    world.store.rooms.open(room(2), vec![]).await.unwrap();
    assert_eq!(outbox.behind(None).await.unwrap(), [ROOM, RoomId::of(2)]);
    assert_eq!(outbox.behind(Some(ROOM)).await.unwrap(), [RoomId::of(2)]);
    assert_eq!(outbox.fanned(ROOM).await.unwrap(), None);
    for id in [1, 2] {
        assert!(outbox.fan(RoomId::of(id), None, 0, vec![]).await.unwrap());
    }
    assert_eq!(outbox.behind(None).await.unwrap(), []);
    world.said(1, ANN, "one").await;
    world.said(2, ANN, "two").await;
    assert_eq!(outbox.behind(None).await.unwrap(), [ROOM]);
    assert!(outbox.fan(ROOM, Some(0), 1, vec![]).await.unwrap());
    assert_eq!(outbox.fanned(ROOM).await.unwrap(), Some(1));
    assert_eq!(outbox.behind(None).await.unwrap(), [ROOM]);
    assert!(outbox.fan(ROOM, Some(1), 2, vec![]).await.unwrap());
    assert_eq!(outbox.behind(None).await.unwrap(), []);
    world.store.rooms.demolish(ROOM).await.unwrap();
    assert_eq!(outbox.fanned(ROOM).await.unwrap(), None);
    assert_refused!(outbox.fan(ROOM, Some(2), 3, vec![]), NotFound("room"));
}

async fn jobs_and_how_far_a_room_was_looked_at_are_kept_both_or_neither(world: World) {
    world.talking().await;
    let outbox = &world.store.outbox;
    assert!(!outbox.fan(ROOM, Some(0), 3, vec![job(1, ANN)]).await.unwrap());
    assert!(outbox.fan(ROOM, None, 3, vec![job(2, ANN), job(3, BOB)]).await.unwrap());
    for from in [None, Some(2), Some(4)] {
        assert!(!outbox.fan(ROOM, from, 5, vec![job(4, ANN)]).await.unwrap());
    }
    assert_eq!(outbox.fanned(ROOM).await.unwrap(), Some(3));
    assert_eq!(outbox.jobs_of(HOOK, ANN, 9).await.unwrap(), [job(2, ANN).job()]);
    assert_eq!(outbox.jobs_of(HOOK, BOB, 9).await.unwrap(), [job(3, BOB).job()]);
    assert_eq!(outbox.jobs_of(JobKind::Mail, BOB, 9).await.unwrap(), []);
}

async fn of_those_who_look_at_a_room_at_once_one_makes_its_jobs(world: World) {
    world.talking().await;
    let outbox = &world.store.outbox;
    for (from, to) in [(None, 0), (Some(0), 7)] {
        let looking = (1..=6).map(|number| {
            let number = number + u128::from(to) * 100;
            outbox.fan(ROOM, from, to, vec![job(number, ANN), job(number + 50, ANN)])
        });
        let fanned = futures_util::future::join_all(looking).await;
        let first = fanned.into_iter().filter(|fanned| *fanned.as_ref().unwrap()).count();
        assert_eq!(first, 1);
    }
    assert_eq!(outbox.jobs_of(HOOK, ANN, 100).await.unwrap().len(), 4);
}

async fn a_job_is_made_once_by_its_id(world: World) {
    let outbox = &world.store.outbox;
    outbox.add(vec![]).await.unwrap();
    outbox.add(vec![job(1, ANN), job(1, BOB), job(2, ANN)]).await.unwrap();
    outbox.add(vec![NewJob { body: vec![9], ..job(2, ANN) }, job(3, ANN)]).await.unwrap();
    let jobs = outbox.jobs_of(HOOK, ANN, 9).await.unwrap();
    assert_eq!(jobs, [job(3, ANN).job(), job(2, ANN).job(), job(1, ANN).job()]);
    let taken = world.taken(at(9)).await;
    assert!(world.settled(&taken[0], at(9), Outcome::Done("200".into())).await);
    outbox.add(vec![job(taken[0].job.id.0, ANN)]).await.unwrap();
    assert_eq!(outbox.jobs_of(HOOK, ANN, 9).await.unwrap().len(), 3, "nor while it is kept");
}

async fn a_call_is_of_so_many_jobs_and_bytes_at_most(world: World) {
    let outbox = &world.store.outbox;
    let of = |bytes: usize| NewJob { body: vec![7; bytes], ..job(1, ANN) };
    assert_refused!(
        outbox.add(vec![of(limits::JOB_BODY_BYTES_MAX + 1)]),
        Limit { what: "bytes of a job", max: limits::JOB_BODY_BYTES_MAX }
    );
    outbox.add(vec![of(limits::JOB_BODY_BYTES_MAX)]).await.unwrap();
    let many = |count: usize| (0..count as u128).map(|number| job(number + 2, BOB)).collect::<Vec<_>>();
    assert_refused!(
        outbox.add(many(limits::JOBS_A_CALL_MAX + 1)),
        Limit { what: "jobs of one call", max: limits::JOBS_A_CALL_MAX }
    );
    outbox.add(many(limits::JOBS_A_CALL_MAX)).await.unwrap();
}

async fn an_owner_has_so_many_jobs_waiting_of_a_kind(world: World) {
    let outbox = &world.store.outbox;
    let many = |from: usize, to: usize| (from..to).map(|number| job(number as u128, ANN)).collect::<Vec<_>>();
    outbox.add(many(1, limits::JOBS_WAITING_MAX)).await.unwrap();
    let max = limits::JOBS_WAITING_MAX as u128;
    outbox.add(vec![job(max, ANN), job(max + 1, ANN), job(max + 2, BOB)]).await.unwrap();
    let over: Vec<Job> = outbox.jobs_of(HOOK, ANN, 1).await.unwrap();
    assert_eq!((over[0].id, over[0].state), (JobId(max + 1), JobState::GivenUp));
    assert_eq!(over[0].said, TOO_MANY_WAITING);
    assert_eq!((over[1].id, over[1].state), (JobId(max), JobState::Waiting));
    assert_eq!(outbox.jobs_of(HOOK, BOB, 9).await.unwrap()[0].state, JobState::Waiting);
    let past = (0..limits::JOBS_KEPT_MAX as u128 + 1).map(|number| job(2 * max + number, ANN));
    outbox.add(past.collect()).await.unwrap();
    let kept = outbox.jobs_of(HOOK, ANN, 100).await.unwrap();
    let given_up = kept.iter().filter(|job| job.state == JobState::GivenUp).count();
    assert_eq!(given_up, limits::JOBS_KEPT_MAX);
}

async fn jobs_are_taken_when_they_are_due_the_longest_first(world: World) {
    let outbox = &world.store.outbox;
    let push = NewJob { kind: JobKind::Push, ..job(4, ANN) };
    outbox.add(vec![job(3, ANN), job(1, ANN), push, job(2, BOB)]).await.unwrap();
    assert_eq!(world.taken(Millis(at(1).0 - 1)).await, []);
    let taken = world.taken(at(1)).await;
    assert_eq!(numbers(&taken), [1]);
    assert_eq!(taken[0].job, Job { attempts: 1, due: until(at(1)), ..job(1, ANN).job() });
    assert_eq!(numbers(&world.taken(at(9)).await), [2, 3]);
    let pushes = outbox.take(JobKind::Push, at(9), until(at(9)), most(9)).await.unwrap();
    assert_eq!(numbers(&pushes), [4]);
}

async fn a_call_takes_so_many_jobs_and_so_many_of_one_owner(world: World) {
    let outbox = &world.store.outbox;
    let max = limits::JOBS_TAKEN_MAX as u128;
    outbox.add((1..=max + 1).map(|number| job(number, ANN)).collect()).await.unwrap();
    outbox.add(vec![job(1_001, BOB), job(1_002, BOB), job(1_003, EVE)]).await.unwrap();
    let take = |jobs: usize, an_owner: usize, but: Vec<Who>| async move {
        let most = Most { jobs, an_owner, but };
        numbers(&outbox.take(HOOK, at(2_000), until(at(2_000)), most).await.unwrap())
    };
    assert_eq!(take(0, 9, vec![]).await, []);
    assert_eq!(take(9, 1, vec![]).await, [1, 1_001, 1_003]);
    assert_eq!(take(2, 9, vec![ANN]).await, [1_002]);
    assert_eq!(take(2, 9, vec![BOB]).await, [2, 3]);
    assert_eq!(take(usize::MAX, usize::MAX, vec![]).await.len(), limits::JOBS_TAKEN_MAX - 2);
    outbox
        .add((2_001..=2_000 + max + 1).map(|number| NewJob { due: NOW, ..job(number, ANN) }).collect())
        .await
        .unwrap();
    assert_eq!(take(usize::MAX, usize::MAX, vec![]).await.len(), limits::JOBS_TAKEN_MAX);
}

async fn a_job_that_is_taken_is_nobody_elses_until_its_lease_ends(world: World) {
    world.store.outbox.add(vec![job(1, ANN)]).await.unwrap();
    let first = world.taken(at(1)).await.remove(0);
    assert_eq!(world.taken(Millis(until(at(1)).0 - 1)).await, []);
    let second = world.taken(until(at(1))).await.remove(0);
    assert_eq!((first.job.attempts, second.job.attempts), (1, 2));
    assert!(!world.settled(&first, at(99), Outcome::Gone).await, "it is the second's");
    assert!(!world.settled(&first, at(99), Outcome::Later { due: NOW, said: "no".into() }).await);
    assert_eq!(world.taken(at(1)).await, []);
    assert!(world.settled(&second, at(99), Outcome::Gone).await);
    assert!(!world.settled(&second, at(99), Outcome::Gone).await, "once");
    assert_eq!(world.store.outbox.jobs_of(HOOK, ANN, 9).await.unwrap(), []);
}

async fn of_those_who_take_at_once_each_job_is_ones(world: World) {
    world.store.outbox.add((1..=60).map(|number| job(number, ANN)).collect()).await.unwrap();
    let taking = (0..6).map(|_| world.store.outbox.take(HOOK, at(99), until(at(99)), most(20)));
    let mut seen = HashSet::new();
    for taken in futures_util::future::join_all(taking).await {
        for taken in taken.unwrap() {
            assert!(seen.insert(taken.job.id), "taken twice");
            assert_eq!(taken.job.attempts, 1);
        }
    }
    seen.extend(world.taken(at(99)).await.iter().map(|taken| taken.job.id));
    assert_eq!(seen.len(), 60);
}

async fn a_job_is_settled_by_whose_it_is(world: World) {
    let outbox = &world.store.outbox;
    outbox.add((1..=3).map(|number| job(number, ANN)).collect()).await.unwrap();
    let taken = world.taken(at(9)).await;
    assert!(!outbox.settle(JobId(1), taken[0].lease ^ 1, at(9), Outcome::Gone).await.unwrap());
    assert!(!outbox.settle(JobId(4), taken[0].lease, at(9), Outcome::Gone).await.unwrap());
    let long = "é".repeat(limits::JOB_SAID_BYTES_MAX);
    assert!(world.settled(&taken[0], at(9), Outcome::Later { due: at(20), said: long.clone() }).await);
    assert!(world.settled(&taken[1], at(10), Outcome::GivenUp("410".into())).await);
    assert!(world.settled(&taken[2], at(11), Outcome::Done("200".into())).await);
    let jobs = outbox.jobs_of(HOOK, ANN, 9).await.unwrap();
    let over = |number, due, state, said: &str| Job {
        attempts: 1,
        due,
        state,
        said: said.into(),
        ..job(number, ANN).job()
    };
    let cut = &long[..limits::JOB_SAID_BYTES_MAX];
    assert_eq!(
        jobs,
        [
            over(3, at(11), JobState::Done, "200"),
            over(2, at(10), JobState::GivenUp, "410"),
            over(1, at(20), JobState::Waiting, cut)
        ]
    );
    assert_eq!(numbers(&world.taken(at(200)).await), [1], "what is over is not taken");
    assert!(!world.settled(&taken[0], at(99), Outcome::Gone).await, "it was taken anew since");
}

async fn jobs_that_are_over_are_kept_the_last_ones(world: World) {
    let outbox = &world.store.outbox;
    let count = limits::JOBS_KEPT_MAX as u128 + 2;
    outbox.add((1..=count).map(|number| job(number, ANN)).collect()).await.unwrap();
    outbox.add(vec![job(1_000, BOB)]).await.unwrap();
    for taken in world.taken(at(2_000)).await {
        let over = at(5_000 + taken.job.id.0 as u64);
        assert!(world.settled(&taken, over, Outcome::Done("200".into())).await);
    }
    let kept = outbox.jobs_of(HOOK, ANN, 1_000).await.unwrap();
    let kept: Vec<u128> = kept.iter().map(|job| job.id.0).collect();
    assert_eq!(kept, (3..=count).rev().collect::<Vec<_>>());
    assert_eq!(outbox.jobs_of(HOOK, ANN, 2).await.unwrap().len(), 2);
    assert_eq!(outbox.jobs_of(HOOK, BOB, 9).await.unwrap().len(), 1);
}

async fn jobs_go_with_their_bot(world: World) {
    let outbox = &world.store.outbox;
    let [one, two] = [1, 2].map(|number| Who::Bot(BotId::of(number)));
    for number in [1, 2] {
        world.store.rooms.add_bot(bot(number), secret(number)).await.unwrap();
    }
    outbox.add(vec![job(1, one), job(2, two)]).await.unwrap();
    outbox.forget_jobs(JobKind::Mail, one).await.unwrap();
    assert_eq!(outbox.jobs_of(HOOK, one, 9).await.unwrap().len(), 1);
    world.store.rooms.remove_bot(BotId::of(1)).await.unwrap();
    assert_eq!(outbox.jobs_of(HOOK, one, 9).await.unwrap(), []);
    outbox.forget_jobs(HOOK, two).await.unwrap();
    assert_eq!(outbox.jobs_of(HOOK, two, 9).await.unwrap(), []);
}

async fn jobs_outlive_the_process(world: World) {
    world.talking().await;
    assert!(world.store.outbox.fan(ROOM, None, 3, vec![job(1, ANN)]).await.unwrap());
    let taken = world.taken(at(1)).await.remove(0);
    let world = world.reopened().await;
    assert_eq!(world.store.outbox.fanned(ROOM).await.unwrap(), Some(3));
    assert!(world.settled(&taken, at(2), Outcome::Later { due: at(3), said: "503".into() }).await);
    let again = world.taken(at(3)).await.remove(0);
    assert_eq!((again.job.attempts, again.job.said), (2, "503".into()));
}

//! The engine against a recount that shares no code with it: thousands of random histories and queries, every number equal.
//! A failure prints its seed; `SEED=… cargo test -p watchfire-history --test engine` repeats it alone.

#![allow(clippy::unwrap_used)]

mod ahead;
mod amend;
mod ask;
mod cases;
mod duckdb;
mod fixture;
mod limits;
mod people;
mod shelf;
mod slow;
mod slow_ways;
mod world;

use history::report::{Control, answer, funnel, journey, retention};
use shelf::Shelf;

const HISTORIES: u64 = 100;
const QUERIES_A_HISTORY: usize = 20;

/// `HISTORIES=2000` for a long look.
fn histories() -> u64 {
    std::env::var("HISTORIES").map_or(HISTORIES, |count| count.parse().unwrap())
}

fn seeds() -> Vec<u64> {
    match std::env::var("SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (1..=histories()).collect(),
    }
}

#[test]
fn every_number_equals_the_recount() {
    for seed in seeds() {
        let mut rng = fastrand::Rng::with_seed(seed);
        let world = world::World::random(&mut rng);
        let shelf = Shelf::folded_in_parts(&world, &mut rng);
        let recount = slow::Recount::new(&world);
        for _ in 0..QUERIES_A_HISTORY {
            let query = ask::random(&world, &mut rng);
            let slow = recount.answer(&query);
            let text = serde_json::to_string(&query).unwrap();
            assert_eq!(serde_json::from_str::<history::query::Query>(&text).unwrap(), query, "seed {seed}");
            for parts in [&shelf.parts, &shelf.overlaid] {
                let fast = answer(parts, &world.zone, &query, &Control::plain());
                let fast = fast.unwrap_or_else(|error| panic!("seed {seed}: {error}: {query:?}"));
                assert_eq!(fast, slow, "seed {seed}, fast is left: {text}");
            }
        }
    }
}

#[test]
fn every_cohort_journey_and_funnel_equals_the_recount() {
    for seed in seeds() {
        let mut rng = fastrand::Rng::with_seed(seed);
        let world = world::World::random(&mut rng);
        let shelf = Shelf::folded_in_parts(&world, &mut rng);
        let recount = slow::Recount::new(&world);
        for _ in 0..QUERIES_A_HISTORY / 4 {
            let (asked, control) = (ask::random(&world, &mut rng), Control::plain());
            let (by_period, way) = (ask::retention(&asked, &mut rng), ask::journey(&asked, &mut rng));
            let steps = ask::funnel(&asked, &mut rng);
            let (cohorts, tree) = (recount.retention(&by_period), recount.journey(&way));
            let reached = recount.funnel(&steps);
            for parts in [&shelf.parts, &shelf.overlaid] {
                let fast = retention(parts, &world.zone, &by_period, &control).unwrap();
                assert_eq!(fast, cohorts, "seed {seed}: {by_period:?}");
                let fast = journey(parts, &world.zone, &way, &control).unwrap();
                assert_eq!(fast, tree, "seed {seed}: {way:?}");
                let fast = funnel(parts, &world.zone, &steps, &control).unwrap();
                assert_eq!(fast, reached, "seed {seed}: {steps:?}");
            }
        }
    }
}

#[test]
fn folding_in_parts_is_folding_at_once() {
    for seed in seeds() {
        let mut rng = fastrand::Rng::with_seed(seed);
        let world = world::World::random(&mut rng);
        let parts = Shelf::folded_in_parts(&world, &mut rng);
        let once = Shelf::folded_at_once(&world);
        assert_eq!(parts.rows(), once.rows(), "seed {seed}");
        let overlaid: Vec<_> = parts.overlaid.iter().flat_map(|part| shelf::shown(&world, part)).collect();
        let sorted = |mut rows: shelf::Rows| {
            rows.sort();
            rows
        };
        assert_eq!(sorted(overlaid), sorted(once.rows()), "seed {seed}");
    }
}

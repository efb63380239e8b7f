//! Erased visitors, days let go, and corrected verdicts, each against a recount of what should be left.

use std::collections::BTreeMap;
use std::sync::Arc;

use history::amend::{Correction, Verdict, expired};
use history::fold::Fold;
use history::query::{BadQuery, Bots, Filter, Query};
use history::report::judged::{count, judged};
use history::report::{Control, Library, Part, answer, overlay};
use history::segment::write;
use history::table::Table;
use history::zone::Day;

use crate::slow::{Recount, Visit, is_view};
use crate::world::World;
use crate::{ask, seeds};

type Days = BTreeMap<i64, (Day, Table)>;

fn folded(world: &World) -> Days {
    let mut fold = Fold::new(world.zone.clone());
    fold.add_hits(&world.hits);
    fold.finish().into_iter().map(|folded| (folded.day.start, (folded.day, folded.table))).collect()
}

fn held(days: &Days) -> Vec<Arc<Part>> {
    let library = Library::new(usize::MAX);
    days.values().map(|(day, table)| Arc::new(library.hold(day, table.clone()))).collect()
}

fn assert_equal(world: &World, days: &Days, recount: &Recount, rng: &mut fastrand::Rng, seed: u64) {
    let parts = held(days);
    for _ in 0..5 {
        let query = ask::random(world, rng);
        let fast = answer(&parts, &world.zone, &query, &Control::plain()).unwrap();
        assert_eq!(fast, recount.answer(&query), "seed {seed}, fast is left: {query:?}");
    }
}

/// The corrections of a history, in the order they were made.
fn corrections(world: &World, rng: &mut fastrand::Rng) -> Vec<Correction> {
    let one = |rng: &mut fastrand::Rng| loop {
        let range = ask::random(world, rng);
        let verdict = if rng.bool() { Verdict::Bot } else { Verdict::Human };
        let correction = Correction { from: range.from, to: range.to, filter: ask::filter(rng, 2), verdict };
        if correction.check().is_ok() {
            return correction;
        }
    };
    (0..rng.usize(1..=3)).map(|_| one(rng)).collect()
}

fn corrected(world: &World, days: &Days, corrections: &[Correction]) -> Days {
    let one = |(day, table): &(Day, Table)| {
        let table = judged(day, table.clone(), corrections, &world.zone).unwrap();
        (day.start, (day.clone(), table))
    };
    days.values().map(one).collect()
}

#[test]
fn corrected_verdicts_are_a_recounts_and_once_taken_back_every_number_is_as_it_was() {
    for seed in seeds() {
        let mut rng = fastrand::Rng::with_seed(seed);
        let world = World::random(&mut rng);
        let corrections = corrections(&world, &mut rng);
        let before = folded(&world);
        let after = corrected(&world, &before, &corrections);
        let recount = Recount::new(&world).corrected(&corrections);
        assert_equal(&world, &after, &recount, &mut rng, seed);

        // Taken back one by one, in any order: as if those had never been.
        let mut left = corrections.clone();
        let mut days = after;
        while !left.is_empty() {
            left.remove(rng.usize(..left.len()));
            days = corrected(&world, &days, &left);
            let recount = Recount::new(&world).corrected(&left);
            assert_equal(&world, &days, &recount, &mut rng, seed);
        }
        for (start, (day, table)) in &before {
            let bytes = |table: &Table| write(table, day).unwrap().1;
            assert_eq!(bytes(&days[start].1), bytes(table), "seed {seed}");
        }
    }
}

#[test]
fn hits_folded_later_are_judged_by_the_corrections_in_force() {
    for seed in seeds() {
        let mut rng = fastrand::Rng::with_seed(seed);
        let world = World::random(&mut rng);
        let corrections = corrections(&world, &mut rng);
        let (first, rest) = world.hits.split_at(rng.usize(..=world.hits.len()));
        let early = World { zone: world.zone.clone(), hits: first.to_vec(), from: world.from, to: world.to };
        let days = corrected(&world, &folded(&early), &corrections);
        let library = Library::new(usize::MAX);
        let hold = |days: &Days| -> Vec<Arc<Part>> {
            days.values().map(|(day, table)| Arc::new(library.hold(day, table.clone()))).collect()
        };
        let laid_over = overlay(&library, &hold(&days), &world.zone, rest, &corrections).unwrap();
        let mut fold = Fold::new(world.zone.clone());
        days.values().for_each(|(day, table)| fold.add_table(day, table));
        fold.add_hits(rest);
        let later: Days =
            fold.finish().into_iter().map(|folded| (folded.day.start, (folded.day, folded.table))).collect();
        let later = hold(&corrected(&world, &later, &corrections));
        let recount = Recount::new(&world).corrected(&corrections);
        for _ in 0..5 {
            let query = ask::random(&world, &mut rng);
            let slow = recount.answer(&query);
            for parts in [&laid_over, &later] {
                let fast = answer(parts, &world.zone, &query, &Control::plain()).unwrap();
                assert_eq!(fast, slow, "seed {seed}, fast is left: {query:?}");
            }
        }
    }
}

#[test]
fn a_correction_looks_at_each_visit_alone_and_counts_what_it_names() {
    let is = |by: &str| Filter::Is { by: by.parse().unwrap(), values: vec!["/".into()] };
    let correction = |filter| Correction { from: 0, to: 1, filter, verdict: Verdict::Bot };
    assert!(correction(is("page")).check().is_ok());
    assert!(correction(Filter::Visit(Box::new(is("bot")))).check().is_ok());
    for bad in [is("new-or-returning"), Filter::Not(Box::new(Filter::Visitor(Box::new(is("page")))))] {
        assert_eq!(correction(bad).check(), Err(BadQuery::OtherVisits));
    }
    assert_eq!(Correction { to: -1, ..correction(is("page")) }.check(), Err(BadQuery::Range));
    for seed in seeds().into_iter().take(20) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let world = World::random(&mut rng);
        let parts = held(&folded(&world));
        let recount = Recount::new(&world);
        for one in corrections(&world, &mut rng) {
            let named: Vec<&Visit> =
                recount.visits.iter().filter(|visit| recount.is_named(visit, &one)).collect();
            let hits: usize = named.iter().map(|visit| visit.marks.len()).sum();
            let counts = parts.iter().map(|part| count(part, &one, &world.zone, &Control::plain()).unwrap());
            let found = counts.fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
            assert_eq!(found, (named.len(), hits), "seed {seed}: {one:?}");
        }
    }
}

#[test]
fn an_erased_visitor_is_gone_and_nobody_else_changes() {
    for seed in seeds() {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut world = World::random(&mut rng);
        let gone = world.hits[rng.usize(..world.hits.len())].visitor;
        let mut days = folded(&world);
        days.values_mut().for_each(|(_, table)| *table = table.without_visitor(gone));
        world.hits.retain(|hit| hit.visitor != gone);
        assert_equal(&world, &days, &Recount::new(&world), &mut rng, seed);
    }
}

#[test]
fn days_that_are_let_go_take_the_visits_that_began_on_them() {
    for seed in seeds() {
        let mut rng = fastrand::Rng::with_seed(seed);
        let world = World::random(&mut rng);
        let mut days = folded(&world);
        let from = world.zone.day_of(model::Millis(rng.i64(world.from..world.to))).start;
        let heads: Vec<_> = held(&days).iter().map(|part| part.head().clone()).collect();
        expired(&heads, from).into_iter().for_each(|index| drop(days.remove(&heads[index].day_start)));
        let parts = held(&days);
        let query = Query { bots: Bots::With, ..Query::totals(i64::MIN / 2, i64::MAX / 2) };
        let left = answer(&parts, &world.zone, &query, &Control::plain()).unwrap().total;
        let visits = Recount::new(&world).visits;
        let kept: Vec<&Visit> = visits.iter().filter(|visit| visit.first >= from).collect();
        let views = kept.iter().flat_map(|visit| &visit.marks).filter(|mark| is_view(&mark.hit)).count();
        assert_eq!((left.visits, left.pageviews), (kept.len() as u64, views as u64), "seed {seed}");
    }
}

impl Recount {
    fn corrected(mut self, corrections: &[Correction]) -> Recount {
        let verdicts: Vec<Option<Verdict>> = self
            .visits
            .iter()
            .map(|visit| {
                corrections.iter().rev().find(|one| self.is_named(visit, one)).map(|one| one.verdict)
            })
            .collect();
        for (visit, verdict) in self.visits.iter_mut().zip(verdicts) {
            visit.bot = verdict.map_or(visit.bot, |verdict| verdict == Verdict::Bot);
        }
        self
    }

    fn is_named(&self, visit: &Visit, correction: &Correction) -> bool {
        let query = Query { bots: Bots::With, ..Query::totals(i64::MIN / 2, i64::MAX / 2) };
        (correction.from..correction.to).contains(&visit.first)
            && visit.marks.iter().any(|mark| self.holds(&query, &correction.filter, visit, mark))
    }
}

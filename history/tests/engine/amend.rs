//! Erased visitors, days let go, and corrected verdicts, each against a recount of what should be left.

use std::collections::BTreeMap;
use std::sync::Arc;

use history::amend::{Correction, Verdict, around, expired};
use history::fold::Fold;
use history::query::{Bots, Filter, Query};
use history::report::{Control, Library, Part, answer, chosen};
use history::table::{HitText, Table};
use history::zone::Day;
use jiff::civil::Date;
use model::{HitId, VisitorId};

use crate::slow::{GAP, Mark, Recount, Visit, is_view, page_of, raise};
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

/// Day by day, each with those next to it.
fn correct(world: &World, days: &mut Days, correction: &Correction) {
    let named = chosen(&held(days), &world.zone, correction, &Control::plain()).unwrap();
    for start in &named.days {
        let mut fold = Fold::new(world.zone.clone());
        let heads: Vec<_> = held(days).iter().map(|part| part.head().clone()).collect();
        let index = heads.iter().position(|head| head.day_start == *start).unwrap();
        for near in around(&heads, index) {
            let (day, table) = &days[&heads[near].day_start];
            fold.add_table(day, table);
        }
        let (day, table) = &days[start];
        fold.add_corrected(day, table, &named, correction.verdict);
        for folded in fold.finish().into_iter().filter(|folded| folded.changed) {
            days.insert(folded.day.start, (folded.day, folded.table));
        }
    }
}

#[test]
fn corrected_verdicts_split_visits_as_a_recount_does_and_come_back() {
    for seed in seeds() {
        let mut rng = fastrand::Rng::with_seed(seed);
        let world = World::random(&mut rng);
        let mut days = folded(&world);
        let before = verdicts(&days);
        let range = ask::random(&world, &mut rng);
        let filter = ask::filter(&mut rng, 2);
        let verdict = if rng.bool() { Verdict::Bot } else { Verdict::Human };
        let correction = Correction { from: range.from, to: range.to, filter, verdict };
        correct(&world, &mut days, &correction);
        let recount = Recount::new(&world).corrected(&correction);
        assert_equal(&world, &days, &recount, &mut rng, seed);

        let bot = "bot".parse().unwrap();
        let (filter, verdict) = match verdict {
            Verdict::Bot => (Filter::Is { by: bot, values: vec!["corrected".into()] }, Verdict::Human),
            Verdict::Human => (Filter::Starts { by: bot, values: vec!["cleared:".into()] }, Verdict::Bot),
        };
        let all = Correction { from: i64::MIN / 2, to: i64::MAX / 2, filter, verdict };
        correct(&world, &mut days, &all);
        assert_eq!(verdicts(&days), before, "seed {seed}: {correction:?}");
    }
}

/// Of each hit that counts once, its verdict.
fn verdicts(days: &Days) -> Vec<(i64, u64, bool, String)> {
    let mut all = Vec::new();
    for (_, table) in days.values() {
        for visit in &table.visits {
            let hits = table.hits_of(visit).iter().filter(|hit| hit.kind != history::table::Kind::Presence);
            all.extend(hits.map(|hit| {
                let text = table.words.text(hit.texts[HitText::Bot as usize]).to_string();
                (hit.at, hit.id, visit.bot, text)
            }));
        }
    }
    all.sort();
    all
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
    fn corrected(&self, correction: &Correction) -> Recount {
        let query = Query { bots: Bots::With, ..Query::totals(correction.from, correction.to) };
        let is_bot = correction.verdict == Verdict::Bot;
        let mut people: BTreeMap<(VisitorId, bool), Vec<Visit>> = BTreeMap::new();
        for visit in &self.visits {
            let is_chosen = |mark: &&Mark| {
                visit.bot != is_bot
                    && (correction.from..correction.to).contains(&mark.hit.at.0)
                    && self.holds(&query, &correction.filter, visit, mark)
            };
            let (mut changed, kept): (Vec<Mark>, Vec<Mark>) =
                visit.marks.iter().cloned().partition(|mark| is_chosen(&mark));
            for mark in &mut changed {
                mark.bot = if is_bot { "corrected".into() } else { format!("cleared:{}", mark.bot) };
            }
            let is_whole = changed.is_empty() || kept.is_empty();
            for (bot, marks) in [(visit.bot, kept), (is_bot, changed)] {
                let pieces = people.entry((visit.visitor, bot)).or_default();
                if is_whole && !marks.is_empty() {
                    pieces.push(Visit { bot, marks, ..visit.clone() });
                } else {
                    // Each for itself: those near each other join below.
                    pieces.extend(marks.into_iter().map(|mark| {
                        let (first, last) = (mark.hit.at.0, mark.end);
                        Visit { bot, first, last, marks: vec![mark], ..visit.clone() }
                    }));
                }
            }
        }
        let mut visits = Vec::new();
        for pieces in people.into_values() {
            visits.extend(self.joined(pieces));
        }
        Recount { visits, ..self.empty() }
    }

    fn joined(&self, mut pieces: Vec<Visit>) -> Vec<Visit> {
        pieces.sort_by_key(|piece| piece.first);
        let mut visits: Vec<Visit> = Vec::new();
        for piece in pieces {
            match visits.last_mut().filter(|visit| piece.first - visit.last <= GAP) {
                Some(visit) => {
                    visit.last = visit.last.max(piece.last);
                    visit.marks.extend(piece.marks);
                }
                None => visits.push(piece),
            }
        }
        let mut totals: Vec<(Date, HitId, u32)> = Vec::new();
        for visit in &mut visits {
            visit.marks = one_a_page(std::mem::take(&mut visit.marks));
            let date = self.at(visit.first).date();
            raise(&mut visit.marks, date, &mut totals);
        }
        visits
    }
}

/// Signs of life go to their pageview's mark, or to one of their own.
fn one_a_page(mut marks: Vec<Mark>) -> Vec<Mark> {
    marks.sort_by_key(|mark| (!mark.hit.kind.counts_once(), mark.hit.at));
    let mut joined: Vec<Mark> = Vec::new();
    for mark in marks {
        let same = |other: &&mut Mark| page_of(other).is_some() && page_of(other) == page_of(&mark);
        match joined.iter_mut().find(same).filter(|_| !mark.hit.kind.counts_once()) {
            Some(other) => {
                other.scroll = other.scroll.max(mark.scroll);
                other.total = other.total.max(mark.total);
                other.end = other.end.max(mark.end);
            }
            None => joined.push(mark),
        }
    }
    joined.sort_by_key(|mark| mark.hit.at);
    joined
}

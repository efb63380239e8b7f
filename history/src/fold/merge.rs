//! Lives of one visitor joined into visits, rows of one pageview into one, and totals into what each visit added.

use std::cmp::Ordering;

use hashbrown::HashMap;

use super::{Days, GAP_MS, Life};
use crate::table::{Hit, Kind};
use crate::words::Words;

/// Joins lives into visits, each with the begin of its day; ordered by (bot, visitor, first).
pub(super) fn visits(mut lives: Vec<Life>, words: &Words, days: &mut Days<'_>) -> Vec<(i64, Life)> {
    lives.sort_by_key(|life| (life.bot, life.visitor, life.first, life.last));
    let mut visits: Vec<(i64, Life)> = Vec::with_capacity(lives.len());
    let mut of_visitor = 0;
    for life in lives {
        match visits.last_mut() {
            Some((_, open)) if (open.bot, open.visitor) == (life.bot, life.visitor) => {
                let is_same_visit = life.first - open.last <= GAP_MS;
                if is_same_visit {
                    join(open, life, words, days);
                    continue;
                }
            }
            Some(_) => {
                finish(&mut visits[of_visitor..], words, days);
                of_visitor = visits.len();
            }
            None => {}
        }
        visits.push((0, life));
    }
    finish(&mut visits[of_visitor..], words, days);
    visits
}

fn join(open: &mut Life, life: Life, words: &Words, days: &mut Days<'_>) {
    let earlier = life.origin.cmp(&open.origin).then_with(|| by_text(&life.texts, &open.texts, words));
    if earlier == Ordering::Less {
        open.origin = life.origin;
        open.texts = life.texts;
    }
    for day in [open.day, life.day].into_iter().flatten() {
        days.mark_before(day, open.visitor);
    }
    open.first = open.first.min(life.first);
    open.last = open.last.max(life.last);
    open.day = open.day.or(life.day);
    open.changed = true;
    open.hits.extend(life.hits);
}

fn by_text<const N: usize>(a: &[u32; N], b: &[u32; N], words: &Words) -> Ordering {
    let texts = |numbers: &[u32; N]| numbers.map(|number| words.text(number).clone());
    if a == b { Ordering::Equal } else { texts(a).cmp(&texts(b)) }
}

/// All visits of one visitor, in order of time: rows joined, raises worked out, days known.
fn finish(visits: &mut [(i64, Life)], words: &Words, days: &mut Days<'_>) {
    let mut spans_visits = false;
    for (start, life) in visits.iter_mut() {
        *start = days.start_of(life.first);
        if life.changed {
            join_rows(&mut life.hits, words);
            days.mark(*start, life.visitor);
        }
        spans_visits |= life.hits.iter().any(|hit| hit.kind == Kind::Presence || hit.engaged_before_ms > 0);
    }
    // Else no pageview stands in two visits, and each total is what its visit added.
    if spans_visits {
        raise(visits, days);
    }
}

/// One row a pageview: signs of life go into it where the visit has it, else into one row of their own.
fn join_rows(hits: &mut Vec<Hit>, words: &Words) {
    let order = |a: &Hit, b: &Hit| {
        (a.at, a.kind, a.id).cmp(&(b.at, b.kind, b.id)).then_with(|| by_text(&a.texts, &b.texts, words))
    };
    hits.sort_by(order);
    if hits.iter().all(|hit| hit.kind != Kind::Presence) {
        return;
    }
    let mut rows: HashMap<u64, usize> = HashMap::new();
    let mut kept: Vec<Hit> = Vec::with_capacity(hits.len());
    let (signs, counted): (Vec<Hit>, Vec<Hit>) = hits.drain(..).partition(|hit| hit.kind == Kind::Presence);
    for hit in counted {
        if hit.kind == Kind::Pageview {
            rows.insert(hit.id, kept.len());
        }
        kept.push(hit);
    }
    for sign in signs {
        match rows.get(&sign.id) {
            Some(&row) => add_sign(&mut kept[row], &sign),
            None => {
                rows.insert(sign.id, kept.len());
                kept.push(sign);
            }
        }
    }
    kept.sort_by(order);
    *hits = kept;
}

fn add_sign(row: &mut Hit, sign: &Hit) {
    let end = row.end().max(sign.end());
    row.alive_ms = u32::try_from(end - row.at).unwrap_or(u32::MAX);
    row.engaged_ms = row.engaged_ms.max(sign.engaged_ms);
    row.scroll = row.scroll.max(sign.scroll);
}

/// Turns running totals into what each visit added, as against visits that began on the same day or the day before.
/// Only where something near changed: of a day at the edge, the day before may not have been given.
fn raise(visits: &mut [(i64, Life)], days: &mut Days<'_>) {
    let changed: Vec<i64> = visits.iter().filter(|(_, life)| life.changed).map(|(start, _)| *start).collect();
    let mut totals: HashMap<u64, Vec<(i64, u32)>> = HashMap::new();
    for (start, life) in visits {
        let from = days.before(*start);
        let near = [*start, from, days.before(from)];
        let is_stale = changed.iter().any(|day| near.contains(day));
        for hit in life.hits.iter_mut().filter(|hit| matches!(hit.kind, Kind::Pageview | Kind::Presence)) {
            let total = hit.engaged_ms;
            let seen = totals.entry(hit.id).or_default();
            let before = seen.iter().filter(|(day, _)| *day >= from).map(|(_, total)| *total).max();
            let before = if is_stale { before.unwrap_or(0).min(total) } else { hit.engaged_before_ms };
            if before != hit.engaged_before_ms {
                days.mark(*start, life.visitor);
            }
            (hit.engaged_before_ms, hit.engaged_ms) = (before, total - before);
            seen.push((*start, total));
        }
    }
}

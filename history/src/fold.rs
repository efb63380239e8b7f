//! Folding: hits of the tail, and what was folded before, into one table a day, exactly as if all had come at once.
//!
//! - A visit is a run of one visitor's hits, all judged human or all judged bot when they came, with no gap over `VISIT_GAP_MAX`. It belongs
//!   to the site's day that it began on, with all its hits, however long it lasts.
//! - Corrections change nothing of this: what they make of a verdict is laid over the tables, see [`crate::report::judged`].
//! - A hit id counts once; what was folded first stays.
//! - Heartbeats and leaves become part of their pageview's row in the same visit: the largest total, the deepest scroll, the
//!   last sign of life. Where the visit has no such row they become one of [`Kind::Presence`].
//! - A visit's engaged time is by how much it raised the totals of its pageviews, as against visits of the same visitor that
//!   began on the same day or the day before.
//! - The first hit decides a visit's source, place, agent, language and screen; at the same millisecond a counted hit
//!   before a heartbeat, then by kind and id.

mod merge;
mod rows;
mod share;

use hashbrown::{HashMap, HashSet};
use model::limits::VISIT_GAP_MAX;
use model::{Millis, VisitorId};

use crate::EnrichedHit;
use crate::segment::Head;
use crate::table::{Hit, Kind, Table, VISIT_TEXTS};
use crate::words::Words;
use crate::zone::{Day, Zone};
pub use share::{Changed, SEGMENT_HITS_MAX, Share, may_change};

const GAP_MS: i64 = VISIT_GAP_MAX.as_millis() as i64;

/// One day after folding.
#[derive(Debug)]
pub struct Folded {
    pub day: Day,
    /// Without visits where all of them now began on another day: its segment goes. Verdicts as hits came with them.
    pub table: Table,
    /// It differs from what was folded before.
    pub changed: bool,
    /// Whose visits of the day differ.
    pub visitors: HashSet<VisitorId>,
}

/// A fold under way: give it what was folded before, then the hits, then take the days.
pub struct Fold {
    zone: Zone,
    words: Words,
    lives: Vec<Life>,
    /// Ids of counted hits.
    ids: HashSet<u64>,
    before: Vec<Day>,
    arrivals: Vec<(Millis, Life)>,
}

/// A visit in the making: one that was folded before, or one hit.
#[derive(Clone, Debug)]
struct Life {
    visitor: VisitorId,
    bot: bool,
    first: i64,
    last: i64,
    origin: Origin,
    texts: [u32; VISIT_TEXTS],
    hits: Vec<Hit>,
    /// The day it stood under before.
    day: Option<u32>,
    changed: bool,
}

/// What the first hit of a visit is chosen by: a heartbeat's last, then kind and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Origin {
    at: i64,
    is_beat: bool,
    kind: Kind,
    id: u64,
}

/// Which of a site's segments folding these hits needs: those that may change, and their neighbours by a day.
/// Returns indexes of `heads`, which are in order of their days.
pub fn needs<'h>(heads: &[Head], hits: impl IntoIterator<Item = &'h EnrichedHit>) -> Vec<usize> {
    let mut times: Vec<i64> = hits.into_iter().map(|hit| hit.at.0).collect();
    times.sort_unstable();
    let touched = |head: &Head| {
        let (from, to) = head.reach();
        times.get(times.partition_point(|&at| at < from)).is_some_and(|&at| at <= to)
    };
    let touched: Vec<bool> = heads.iter().map(touched).collect();
    let of_touched = || heads.iter().zip(&touched).filter(|(_, touched)| **touched).map(|(head, _)| head);
    let begins: HashSet<i64> = of_touched().map(|head| head.day_start).collect();
    let ends: HashSet<i64> = of_touched().map(|head| head.day_end).collect();
    let is_near = |head: &Head| {
        begins.contains(&head.day_start) || begins.contains(&head.day_end) || ends.contains(&head.day_start)
    };
    (0..heads.len()).filter(|&index| is_near(&heads[index])).collect()
}

impl Head {
    /// Hits of these times may change its visits: from the first that may, to the last.
    fn reach(&self) -> (i64, i64) {
        (self.first.min(self.day_start) - GAP_MS, self.last.max(self.day_end) + GAP_MS)
    }
}

impl Fold {
    pub fn new(zone: Zone) -> Fold {
        Fold {
            zone,
            words: Words::default(),
            lives: Vec::new(),
            ids: HashSet::new(),
            before: Vec::new(),
            arrivals: Vec::new(),
        }
    }

    /// Takes in a day that was folded before, or some visitors' share of it: each visitor's visits of a day at most once.
    pub fn add_table(&mut self, day: &Day, table: &Table) {
        let number = self.before.len() as u32;
        self.before.push(day.clone());
        let words: Vec<u32> = table.words.texts().iter().map(|text| self.words.number_shared(text)).collect();
        for visit in &table.visits {
            let life = Life::of_visit(table, visit, &words, number);
            let counted = life.hits.iter().filter(|hit| hit.kind != Kind::Presence);
            self.ids.extend(counted.map(|hit| hit.id));
            self.lives.push(life);
        }
    }

    /// Takes in ids of hits that were folded before and that no given table holds: they count no more.
    pub fn add_seen(&mut self, ids: impl IntoIterator<Item = u64>) {
        self.ids.extend(ids);
    }

    /// Takes in hits of the tail, in any order.
    pub fn add_hits<'h>(&mut self, hits: impl IntoIterator<Item = &'h EnrichedHit>) {
        for hit in hits {
            let life = rows::life_of(hit, &mut self.words);
            self.arrivals.push((hit.received, life));
        }
    }

    /// Every day that was given or came to be, in order.
    pub fn finish(mut self) -> Vec<Folded> {
        let mut arrivals = std::mem::take(&mut self.arrivals);
        arrivals.sort_by_key(|(received, life)| (*received, life.first));
        for (_, life) in arrivals {
            let hit = &life.hits[0];
            if hit.kind == Kind::Presence || self.ids.insert(hit.id) {
                self.lives.push(life);
            }
        }
        let mut days = Days::new(&self.zone, &self.before);
        let visits = merge::visits(self.lives, &self.words, &mut days);
        days.tables(visits, &self.words)
    }
}

/// Whether a day differs from what was folded before, and whose visits of it do.
#[derive(Default)]
struct Marked {
    changed: bool,
    visitors: HashSet<VisitorId>,
}

/// The days of a fold, by what they hold.
struct Days<'f> {
    zone: &'f Zone,
    /// By a day's begin.
    days: std::collections::BTreeMap<i64, (Day, Marked)>,
    before: &'f [Day],
    /// Begin and end of the day asked for last.
    last: (i64, i64),
    day_before: HashMap<i64, i64>,
}

impl<'f> Days<'f> {
    fn new(zone: &'f Zone, before: &'f [Day]) -> Days<'f> {
        let days = before.iter().map(|day| (day.start, (day.clone(), Marked::default()))).collect();
        Days { zone, days, before, last: (0, 0), day_before: HashMap::new() }
    }

    /// The begin of the day that a moment is of.
    fn start_of(&mut self, at: i64) -> i64 {
        if !(self.last.0..self.last.1).contains(&at) {
            let known = self.days.range(..=at).next_back().filter(|(_, (day, _))| at < day.end);
            self.last = match known {
                Some((_, (day, _))) => (day.start, day.end),
                None => {
                    let day = self.zone.day_of(Millis(at));
                    let bounds = (day.start, day.end);
                    self.days.insert(day.start, (day, Marked::default()));
                    bounds
                }
            };
        }
        self.last.0
    }

    /// The begin of the day before the one that begins at `start`.
    fn before(&mut self, start: i64) -> i64 {
        *self.day_before.entry(start).or_insert_with(|| self.zone.day_of(Millis(start - 1)).start)
    }

    fn mark(&mut self, start: i64, visitor: VisitorId) {
        if let Some((_, marked)) = self.days.get_mut(&start) {
            marked.changed = true;
            marked.visitors.insert(visitor);
        }
    }

    fn mark_before(&mut self, day: u32, visitor: VisitorId) {
        self.mark(self.before[day as usize].start, visitor);
    }

    fn tables(self, visits: Vec<(i64, Life)>, words: &Words) -> Vec<Folded> {
        let mut by_day: HashMap<i64, Vec<Life>> = HashMap::new();
        for (start, life) in visits {
            by_day.entry(start).or_default().push(life);
        }
        let mut folded = Vec::with_capacity(self.days.len());
        for (start, (day, Marked { changed, visitors })) in self.days {
            let lives = by_day.remove(&start).unwrap_or_default();
            folded.push(Folded { day, table: rows::table_of(lives, words), changed, visitors });
        }
        folded
    }
}

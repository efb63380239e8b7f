//! A day taken in with the verdict of some hits changed: its visits split by verdict, and join with others of the same.

use hashbrown::HashSet;
use model::VisitorId;

use super::{Days, Fold, GAP_MS, Life, Origin};
use crate::amend::{Chosen, Verdict};
use crate::table::{Hit, HitText, Kind, Table};
use crate::zone::Day;

/// The day of a fold whose hits were corrected.
pub(super) struct Corrected {
    number: u32,
    start: i64,
    visitors: HashSet<VisitorId>,
}

impl Corrected {
    /// What these visitors' visits of this day and later ones added is worked out anew: some may have left before them.
    pub fn mark(&self, lives: &mut [Life], days: &mut Days<'_>) {
        for visitor in &self.visitors {
            days.mark_before(self.number, *visitor);
        }
        let is_after = |life: &&mut Life| life.first >= self.start && self.visitors.contains(&life.visitor);
        lives.iter_mut().filter(is_after).for_each(|life| life.changed = true);
    }
}

impl Fold {
    /// Takes in a day that was folded before, hits corrected: one day a fold. Those that [`crate::amend::around`] names must be
    /// given too, by [`Fold::add_table`].
    ///
    /// A visit all of whose rows change stays as it is but for its verdict. Of others the rows that change and those that do
    /// not become visits of their own, each from its first row to the last sign of life of its rows; origin, place and agent
    /// are the visit's.
    pub fn add_corrected(&mut self, day: &Day, table: &Table, chosen: &Chosen, verdict: Verdict) {
        let number = self.before.len() as u32;
        let from = self.lives.len();
        self.add_table(day, table);
        let mut visitors = HashSet::new();
        for life in self.lives.split_off(from) {
            let visitor = life.visitor;
            let pieces = self.split(life, day.start, chosen, verdict);
            if pieces.iter().any(|piece| piece.changed) {
                visitors.insert(visitor);
            }
            self.lives.extend(pieces);
        }
        self.corrected = Some(Corrected { number, start: day.start, visitors });
    }

    fn split(&mut self, mut life: Life, day_start: i64, chosen: &Chosen, verdict: Verdict) -> Vec<Life> {
        let is_bot = verdict == Verdict::Bot;
        let (mut changed, mut kept) = (Vec::new(), Vec::new());
        for mut hit in std::mem::take(&mut life.hits) {
            let text = self.words.text(hit.texts[HitText::Bot as usize]);
            let corrected = match chosen.has(day_start, hit.at, hit.id) {
                true => verdict.of(text),
                false => None,
            };
            match corrected {
                Some(text) => {
                    hit.texts[HitText::Bot as usize] = self.words.number(&text);
                    changed.push(hit);
                }
                None => kept.push(hit),
            }
        }
        if changed.is_empty() {
            return vec![Life { hits: kept, ..life }];
        }
        if kept.is_empty() {
            return vec![Life { hits: changed, bot: is_bot, changed: true, ..life }];
        }
        let mut pieces = runs(&life, life.bot, kept);
        pieces.extend(runs(&life, is_bot, changed));
        pieces
    }
}

/// Rows of one visit, in order, as visits of one verdict.
fn runs(life: &Life, bot: bool, hits: Vec<Hit>) -> Vec<Life> {
    let mut runs: Vec<Life> = Vec::new();
    for hit in hits {
        match runs.last_mut().filter(|run| hit.at - run.last <= GAP_MS) {
            Some(run) => {
                run.last = run.last.max(hit.end());
                run.hits.push(hit);
            }
            None => {
                let is_beat = hit.kind == Kind::Presence;
                let id = if is_beat { 0 } else { hit.id };
                let origin = Origin { at: hit.at, is_beat, kind: hit.kind, id };
                let (first, last) = (hit.at, hit.end());
                let hits = vec![hit];
                runs.push(Life { bot, first, last, origin, hits, changed: true, ..life.clone() });
            }
        }
    }
    runs
}

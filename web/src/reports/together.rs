//! A breakdown over hits and days of which only totals are known, together.

use std::collections::BTreeMap;

use door::Refusal;
use history::query::{Metric, ROWS_MAX};
use history::report::{Answer, Sums};

use super::ask::Put;
use super::imported::{Added, Counted};
use super::question::Breakdown;
use super::range::Span;
use super::refused;
use super::said::{Before, BreakdownSaid, ImportedSaid, Named, RowSaid};

/// One group, or all: what hits say, and with the days' totals added.
#[derive(Clone, Default)]
struct Both {
    hits: Sums,
    together: Sums,
    hits_series: Vec<Sums>,
    together_series: Vec<Sums>,
}

/// A span's numbers, by group.
struct Whole {
    total: Both,
    rows: BTreeMap<Vec<String>, Both>,
    buckets: Vec<i64>,
    is_imported: Vec<bool>,
    imported: Option<ImportedSaid>,
}

impl Both {
    fn new(hits: Sums, hits_series: Vec<Sums>) -> Both {
        Both { hits, together: hits, together_series: hits_series.clone(), hits_series }
    }

    fn add(&mut self, sums: &Sums, series: &[Sums], buckets: usize) {
        self.together.add(sums);
        self.hits_series.resize(buckets, Sums::default());
        self.together_series.resize(buckets, Sums::default());
        for (to, more) in self.together_series.iter_mut().zip(series) {
            to.add(more);
        }
    }

    /// A metric that the totals do not tell is what hits say.
    fn sums(&self, is_told: bool) -> &Sums {
        if is_told { &self.together } else { &self.hits }
    }

    fn series(&self, is_told: bool) -> &[Sums] {
        if is_told { &self.together_series } else { &self.hits_series }
    }
}

impl Put<'_> {
    pub(super) fn breakdown_with(
        &self,
        asks: &Breakdown,
        span: Span,
        counted: &Counted,
    ) -> Result<BreakdownSaid, Refusal> {
        let whole = self.whole(asks, span, counted)?;
        let earlier = self.earlier(asks, span)?;
        let before =
            earlier.map(|span| self.whole(asks, span, counted).map(|whole| (span, whole))).transpose()?;
        let metrics = &asks.metrics;
        let of_all = |both: &Both| Named::of(metrics, |metric| *both.sums(Counted::tells_of_all(metric)));
        let of_row = |both: &Both| Named::of(metrics, |metric| *both.sums(counted.tells(metric)));
        let all_series = |both: &Both| {
            let series = |metric: Metric| both.series(Counted::tells_of_all(metric));
            asks.bucket.map(|_| Named::series(metrics, series))
        };
        let has_totals = asks.totals || asks.by.is_empty();
        let rows = self.sorted(asks, counted, &whole);
        let groups = rows.len();
        let none = Both::default();
        let shown = rows.into_iter().skip(asks.offset).take(asks.limit).map(|(key, both)| RowSaid {
            key: key.clone(),
            values: of_row(both),
            series: asks.bucket.map(|_| Named::series(metrics, |metric| both.series(counted.tells(metric)))),
            before: before.as_ref().map(|(_, before)| of_row(before.rows.get(key).unwrap_or(&none))),
        });
        let rows: Vec<RowSaid> = shown.collect();
        let past = asks.offset + rows.len();
        Ok(BreakdownSaid {
            range: self.range(span),
            by: asks.by.clone(),
            metrics: metrics.clone(),
            totals: has_totals.then(|| of_all(&whole.total)),
            buckets: asks.bucket.map(|_| self.buckets_of(&whole)),
            series: if has_totals { all_series(&whole.total) } else { None },
            next: (past < groups && !rows.is_empty()).then_some(past),
            rows,
            groups,
            offset: asks.offset,
            before: before.as_ref().map(|(span, before)| Before {
                range: self.range(*span),
                totals: has_totals.then(|| of_all(&before.total)),
                buckets: asks.bucket.map(|_| self.buckets_of(before)),
                series: if has_totals { all_series(&before.total) } else { None },
                imported: before.imported.clone(),
            }),
            imported: whole.imported,
        })
    }

    /// Every group of a span.
    fn whole(&self, asks: &Breakdown, span: Span, counted: &Counted) -> Result<Whole, Refusal> {
        let all = Breakdown { limit: ROWS_MAX, offset: 0, totals: true, compare: None, ..asks.clone() };
        let answer: Answer = self.query(&self.query_of(&all, span)?)?;
        if answer.groups > answer.rows.len() && !asks.by.is_empty() {
            let what =
                "groups beside days of which only totals are known: ask with a filter, or without those days";
            return Err(refused::limit("by", what, ROWS_MAX));
        }
        let mut added = Added::over(&answer);
        let days = (span, self.asked.zone, &self.counted_days);
        let imported = self.imported.add(counted, days, &asks.metrics, &mut added);
        let buckets = answer.buckets.len();
        let mut total = Both::new(answer.total, answer.series);
        total.add(&added.total, &added.series, buckets);
        let key = |row: &history::report::Row| row.key.iter().map(|text| text.to_string()).collect();
        let rows = answer.rows.into_iter().map(|row| (key(&row), Both::new(row.sums, row.series)));
        let mut rows: BTreeMap<Vec<String>, Both> = rows.collect();
        if !asks.by.is_empty() {
            for (key, (sums, series)) in added.rows {
                rows.entry(key).or_default().add(&sums, &series, buckets);
            }
        }
        Ok(Whole { total, rows, buckets: answer.buckets, is_imported: added.is_imported, imported })
    }

    /// By the metric that is asked for, equal ones by their texts.
    fn sorted<'w>(
        &self,
        asks: &Breakdown,
        counted: &Counted,
        whole: &'w Whole,
    ) -> Vec<(&'w Vec<String>, &'w Both)> {
        let sort = asks.sort();
        let value = |both: &Both| both.sums(counted.tells(sort.by)).metric(sort.by);
        let mut rows: Vec<_> = whole.rows.iter().collect();
        rows.sort_by(|(_, a), (_, b)| {
            let order = value(a).total_cmp(&value(b));
            if sort.ascending { order } else { order.reverse() }
        });
        rows
    }

    fn buckets_of(&self, whole: &Whole) -> Vec<super::said::Bucket> {
        let mut buckets = self.buckets(&whole.buckets);
        for (bucket, is_imported) in buckets.iter_mut().zip(&whole.is_imported) {
            bucket.imported = *is_imported;
        }
        buckets
    }
}

//! Days of which only totals are known: found for a question, and added to what was counted from hits. A day counts by its totals where
//! no hit of it is kept, and as a whole or not at all. Visitors of several such days are sums: who came on two of them counts twice.

mod tables;

use std::collections::{BTreeMap, BTreeSet};

use history::query::{Bots, Metric, Unit};
use history::report::{Answer, Part, Sums};
use history::zone::Zone;
use jiff::civil::{Date, date};
use model::{Millis, SiteId};
use store::DayTotals;
use store::totals::{TOTALS_DAY_MAX, TotalsTable};

use super::earlier::earlier;
use super::question::{Breakdown, Question};
use super::range::{Span, start};
use super::said::ImportedSaid;
pub use tables::{DayRow, dimensions};
use tables::{table_of, tells};

/// Rows of daily totals that one request takes in, over all its tables.
pub const ROWS_MAX: usize = 500_000;
/// Days of one read.
const DAYS_A_READ: usize = 32;

/// The days that questions of one request may count by their totals.
#[derive(Debug, Default)]
pub struct Imported {
    tables: BTreeMap<TotalsTable, BTreeMap<u32, Vec<DayRow>>>,
    /// Tables with more rows than are taken in.
    too_large: BTreeSet<TotalsTable>,
}

/// What a question gets of them.
pub enum Imports {
    /// There are no such days in its range.
    None,
    /// There are, and they are not in its numbers.
    Left(ImportedSaid),
    Counted(Counted),
}

/// Days that are in a question's numbers.
pub struct Counted {
    pub table: TotalsTable,
    places: Vec<usize>,
}

impl Imported {
    /// Reads what the questions may need.
    pub async fn read(
        totals: &dyn DayTotals,
        site: SiteId,
        zone: &Zone,
        now: Millis,
        questions: &[&Question],
    ) -> store::Result<Imported> {
        let mut imported = Imported::default();
        let mut rows = 0;
        let ranges = questions.iter().filter_map(|question| days_of(question, zone, now));
        let Some(all) = ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else { return Ok(imported) };
        let mut tables = BTreeSet::from([TotalsTable::All]);
        for question in questions {
            if let Question::Breakdown(asks) = question {
                tables.extend(table_of(&asks.by).map(|(table, _)| table));
                tables.extend(asks.metrics.contains(&Metric::Events).then_some(TotalsTable::Events));
            }
        }
        for table in tables {
            imported.read_table(totals, site, table, all, &mut rows).await?;
            // What is told by a dimension counts on days that are told as a whole.
            if table == TotalsTable::All && imported.tables.is_empty() {
                break;
            }
        }
        Ok(imported)
    }

    async fn read_table(
        &mut self,
        totals: &dyn DayTotals,
        site: SiteId,
        table: TotalsTable,
        (mut from, to): (u32, u32),
        rows: &mut usize,
    ) -> store::Result<()> {
        loop {
            let page = totals.between(site, table, (from, to), DAYS_A_READ).await?;
            let Some(last) = page.last().map(|total| total.day) else { return Ok(()) };
            let is_last = page.len() < DAYS_A_READ;
            for total in page {
                let day: Vec<DayRow> = serde_json::from_str(&total.body)
                    .map_err(|error| store::StoreError::Unavailable(error.into()))?;
                *rows += day.len();
                self.tables.entry(table).or_default().insert(total.day, day);
            }
            if *rows > ROWS_MAX {
                self.too_large.insert(table);
                return Ok(());
            }
            if is_last || last >= to {
                return Ok(());
            }
            from = last + 1;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// The begin of the first day of which only totals are known, milliseconds since 1970 UTC.
    pub fn first(&self, zone: &Zone) -> Option<i64> {
        let first = self.tables.get(&TotalsTable::All)?.keys().next()?;
        start(zone, date_of(*first)?)
    }

    /// Days in the span, whole, of which no hit is kept.
    fn days(&self, table: TotalsTable, span: Span, zone: &Zone, counted: &BTreeSet<u32>) -> Vec<u32> {
        let is_within = |day: &&u32| {
            let (begin, end) = (bounds(zone, **day), bounds(zone, **day + 1));
            begin.is_some_and(|begin| begin >= span.from) && end.is_some_and(|end| end <= span.to)
        };
        let Some(all) = self.tables.get(&TotalsTable::All) else { return Vec::new() };
        let days = self.tables.get(&table).into_iter().flat_map(BTreeMap::keys);
        let days = days.filter(|day| all.contains_key(*day));
        days.filter(|day| !counted.contains(*day)).filter(is_within).copied().collect()
    }

    /// What of them a question of this kind gets that holds hits against each other: nothing.
    pub fn left(
        &self,
        span: Span,
        zone: &Zone,
        counted: &BTreeSet<u32>,
        because: &str,
    ) -> Option<ImportedSaid> {
        let days = self.days(TotalsTable::All, span, zone, counted);
        said(&days, false, Some(because.to_owned()), Vec::new())
    }

    /// What a breakdown gets of them.
    pub fn of(
        &self,
        asks: &Breakdown,
        is_bound: bool,
        spans: &[Option<Span>],
        zone: &Zone,
        counted: &BTreeSet<u32>,
    ) -> Imports {
        // Nothing of them is told where the link that is asked with shows a part of the site.
        if is_bound {
            return Imports::None;
        }
        let days = |table| -> Vec<u32> {
            let days = spans.iter().flatten().flat_map(|span| self.days(table, *span, zone, counted));
            days.collect::<BTreeSet<u32>>().into_iter().collect()
        };
        let because = if asks.filter.is_some() || asks.goal.is_some() {
            Some("a day's totals cannot be filtered".to_owned())
        } else if asks.bots == Bots::Only {
            Some("a day's totals are of people".to_owned())
        } else if matches!(asks.bucket, Some(Unit::Minute | Unit::Hour)) {
            Some("a day's totals do not tell its hours".to_owned())
        } else {
            None
        };
        let table = table_of(&asks.by);
        let because = because.or_else(|| match &table {
            None => Some("a day's totals do not tell this".to_owned()),
            Some((table, _)) if self.too_large.contains(table) => {
                Some(format!("they are more than {ROWS_MAX} rows: ask for a shorter range"))
            }
            Some((table, _)) if days(*table).is_empty() => {
                Some("these days' totals do not tell this".to_owned())
            }
            Some(_) => None,
        });
        match (because, table) {
            (None, Some((table, places))) => Imports::Counted(Counted { table, places }),
            (because, _) => match said(&days(TotalsTable::All), false, because, vec![]) {
                Some(said) => Imports::Left(said),
                None => Imports::None,
            },
        }
    }

    /// Adds the days of a span to the numbers of an answer that has every group. Says which they are.
    pub fn add(
        &self,
        of: &Counted,
        (span, zone, counted): (Span, &Zone, &BTreeSet<u32>),
        metrics: &[Metric],
        answer: &mut Added,
    ) -> Option<ImportedSaid> {
        let days = self.days(of.table, span, zone, counted);
        for day in &days {
            let bucket = bounds(zone, *day)
                .and_then(|begin| answer.buckets.partition_point(|bucket| *bucket <= begin).checked_sub(1));
            for row in self.rows(of.table, *day) {
                let key = of.places.iter().map(|place| row.key.get(*place).cloned().unwrap_or_default());
                let (sums, series) = answer.rows.entry(key.collect()).or_default();
                sums.add(&row.sums());
                if let Some(bucket) = bucket {
                    series.resize(answer.buckets.len(), Sums::default());
                    series[bucket].add(&row.sums());
                }
            }
            // The headline is of the whole day, whatever it is broken down by.
            for table in [TotalsTable::All, TotalsTable::Events] {
                for row in self.rows(table, *day) {
                    let sums = match table {
                        TotalsTable::Events => Sums { events: row.events, ..Sums::default() },
                        _ => row.sums(),
                    };
                    answer.total.add(&sums);
                    if let Some(bucket) = bucket {
                        answer.series[bucket].add(&sums);
                        answer.is_imported[bucket] = true;
                    }
                }
            }
        }
        let without = metrics.iter().copied().filter(|metric| !of.tells(*metric)).collect();
        said(&days, true, None, without)
    }

    fn rows(&self, table: TotalsTable, day: u32) -> impl Iterator<Item = &DayRow> {
        self.tables.get(&table).and_then(|days| days.get(&day)).into_iter().flatten()
    }
}

impl Counted {
    /// Whether the days are in this metric of the groups.
    pub fn tells(&self, metric: Metric) -> bool {
        tells(self.table, metric)
    }

    /// Whether they are in it over all groups.
    pub fn tells_of_all(metric: Metric) -> bool {
        tells(TotalsTable::All, metric)
    }
}

/// What the days of a span add.
#[derive(Debug, Default)]
pub struct Added {
    pub total: Sums,
    pub buckets: Vec<i64>,
    pub series: Vec<Sums>,
    /// Buckets that such a day is in.
    pub is_imported: Vec<bool>,
    pub rows: BTreeMap<Vec<String>, (Sums, Vec<Sums>)>,
}

impl Added {
    pub fn over(answer: &Answer) -> Added {
        let buckets = answer.buckets.clone();
        let (series, is_imported) = (vec![Sums::default(); buckets.len()], vec![false; buckets.len()]);
        Added { buckets, series, is_imported, ..Added::default() }
    }
}

/// The days that hits are kept of.
pub fn counted_days(parts: &[std::sync::Arc<Part>]) -> BTreeSet<u32> {
    let heads = parts.iter().map(|part| part.head()).filter(|head| head.visits > 0);
    heads.filter_map(|head| number_of(head.day.parse().ok()?)).collect()
}

fn said(
    days: &[u32],
    is_counted: bool,
    because: Option<String>,
    without: Vec<Metric>,
) -> Option<ImportedSaid> {
    let (first, last) = (date_of(*days.first()?)?, date_of(*days.last()?)?);
    let (first, last) = (first.to_string(), last.to_string());
    Some(ImportedSaid { days: days.len(), first, last, counted: is_counted, because, without })
}

/// The days that a question may touch; None where its range is not good.
fn days_of(question: &Question, zone: &Zone, now: Millis) -> Option<(u32, u32)> {
    if question.range().is_all() {
        return Some((0, TOTALS_DAY_MAX));
    }
    let span = question.range().span(zone, now, None).ok()?;
    let before =
        question.compare().and_then(|compare| earlier(compare, span, zone, now).ok()).unwrap_or(span);
    let day = |at: i64| number_of(zone.at(Millis(at)).date());
    Some((
        day(span.from.min(before.from)).unwrap_or(0),
        day(span.to.max(before.to)).unwrap_or(TOTALS_DAY_MAX),
    ))
}

fn bounds(zone: &Zone, day: u32) -> Option<i64> {
    start(zone, date_of(day)?)
}

const FIRST: Date = date(1970, 1, 1);

/// None before 1970.
pub fn number_of(day: Date) -> Option<u32> {
    u32::try_from((day - FIRST).get_days()).ok().filter(|day| *day <= TOTALS_DAY_MAX)
}

pub fn date_of(day: u32) -> Option<Date> {
    FIRST.checked_add(jiff::Span::new().try_days(i64::from(day)).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_numbers_and_numbers_days() {
        for (day, number) in [("1970-01-01", 0), ("2000-02-29", 11_016), ("2026-03-04", 20_516)] {
            let day: Date = day.parse().unwrap();
            assert_eq!((number_of(day), date_of(number)), (Some(number), Some(day)));
        }
        assert_eq!(number_of("1969-12-31".parse().unwrap()), None);
        assert_eq!(date_of(TOTALS_DAY_MAX).and_then(number_of), Some(TOTALS_DAY_MAX));
        assert_eq!(date_of(TOTALS_DAY_MAX + 1).and_then(number_of), None);
    }
}

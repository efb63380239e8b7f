//! An answer as lines of cells, for CSV and for a terminal.

use history::query::{Dimension, Metric};
use serde_json::Number;

use super::question::name;
use super::said::{
    Answer, BranchSaid, BreakdownSaid, Bucket, FunnelSaid, JourneysSaid, Named, RetentionSaid, RowSaid,
};

#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Text(String),
    Number(Number),
    Nothing,
}

pub struct Table {
    pub header: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    pub fn of(answer: &Answer) -> Table {
        match answer {
            Answer::Breakdown(said) => of_breakdown(said),
            Answer::Funnel(said) => of_funnel(said),
            Answer::Retention(said) => of_retention(said),
            Answer::Journeys(said) => of_journeys(said),
        }
    }

    /// With a header and `\r\n`, as RFC 4180 has it. Texts that a spreadsheet would compute are shown instead.
    pub fn csv(&self) -> String {
        let mut out = String::new();
        let header: Vec<Cell> = self.header.iter().map(|name| Cell::Text(name.clone())).collect();
        for row in std::iter::once(&header).chain(&self.rows) {
            for (place, cell) in row.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                match cell {
                    Cell::Text(text) => write_text(&mut out, text),
                    Cell::Number(number) => out.push_str(&number.to_string()),
                    Cell::Nothing => {}
                }
            }
            out.push_str("\r\n");
        }
        out
    }
}

fn write_text(out: &mut String, text: &str) {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let is_quoted =
        text.contains([',', '"', '\r', '\n', ';', '\t']) || text.starts_with(' ') || text.ends_with(' ');
    let mark = if is_formula { "'" } else { "" };
    if is_quoted {
        out.push('"');
        out.push_str(mark);
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(mark);
        out.push_str(text);
    }
}

/// A line a group; with buckets one a bucket and group; without groups one a bucket, or the totals.
fn of_breakdown(said: &BreakdownSaid) -> Table {
    let rows = match (&said.buckets, said.by.is_empty()) {
        (Some(buckets), false) => said.rows.iter().flat_map(|row| lines(row, buckets, said)).collect(),
        (None, false) => said.rows.iter().map(|row| line(row, said)).collect(),
        (Some(buckets), true) => {
            (0..buckets.len()).map(|place| moment(said, &buckets[place], place)).collect()
        }
        (None, true) => vec![totals(said)],
    };
    Table { header: header(said), rows }
}

fn header(said: &BreakdownSaid) -> Vec<String> {
    let begin = said.buckets.iter().map(|_| "begin".to_owned());
    let dimensions = said.by.iter().map(Dimension::to_string);
    let metrics = said.metrics.iter().map(|metric| name(*metric));
    let before = said.metrics.iter().map(|metric| format!("before_{}", name(*metric)));
    let before = before.filter(|_| has_before(said));
    let imported = imported_column(said).into_iter().map(str::to_owned);
    begin.chain(dimensions).chain(metrics).chain(before).chain(imported).collect()
}

/// Days of which only totals are known: of a line over time whether such are in the bucket, else how many are in the numbers.
fn imported_column(said: &BreakdownSaid) -> Option<&'static str> {
    let is_counted = said.imported.as_ref().is_some_and(|imported| imported.counted);
    is_counted.then_some(if said.buckets.is_some() { "imported" } else { "imported_days" })
}

fn imported_cell(said: &BreakdownSaid, bucket: Option<&Bucket>) -> Option<Cell> {
    let imported = said.imported.as_ref().filter(|imported| imported.counted)?;
    Some(match bucket {
        Some(bucket) => Cell::Number(u64::from(bucket.imported).into()),
        None => Cell::Number(imported.days.into()),
    })
}

/// A group's line over time has no earlier one.
fn has_before(said: &BreakdownSaid) -> bool {
    said.before.is_some() && (said.by.is_empty() || said.buckets.is_none())
}

fn lines<'s>(
    row: &'s RowSaid,
    buckets: &'s [Bucket],
    said: &'s BreakdownSaid,
) -> impl Iterator<Item = Vec<Cell>> + 's {
    buckets.iter().enumerate().map(move |(place, bucket)| {
        let mut line = vec![Cell::Text(bucket.begin.clone())];
        line.extend(row.key.iter().map(|text| Cell::Text(text.clone())));
        line.extend(at(row.series.as_ref(), &said.metrics, place));
        line.extend(imported_cell(said, Some(bucket)));
        line
    })
}

fn line(row: &RowSaid, said: &BreakdownSaid) -> Vec<Cell> {
    let mut line: Vec<Cell> = row.key.iter().map(|text| Cell::Text(text.clone())).collect();
    line.extend(values(Some(&row.values), &said.metrics));
    if has_before(said) {
        line.extend(values(row.before.as_ref(), &said.metrics));
    }
    line.extend(imported_cell(said, None));
    line
}

fn moment(said: &BreakdownSaid, bucket: &Bucket, place: usize) -> Vec<Cell> {
    let mut line = vec![Cell::Text(bucket.begin.clone())];
    line.extend(at(said.series.as_ref(), &said.metrics, place));
    if let Some(before) = &said.before {
        line.extend(at(before.series.as_ref(), &said.metrics, place));
    }
    line.extend(imported_cell(said, Some(bucket)));
    line
}

fn totals(said: &BreakdownSaid) -> Vec<Cell> {
    let mut line = values(said.totals.as_ref(), &said.metrics);
    if let Some(before) = &said.before {
        line.extend(values(before.totals.as_ref(), &said.metrics));
    }
    line.extend(imported_cell(said, None));
    line
}

fn values(named: Option<&Named<Number>>, metrics: &[Metric]) -> Vec<Cell> {
    let find = |metric: &Metric| named?.0.iter().find(|(known, _)| known == metric);
    metrics
        .iter()
        .map(|metric| find(metric).map_or(Cell::Nothing, |(_, value)| Cell::Number(value.clone())))
        .collect()
}

fn at(series: Option<&Named<Vec<Number>>>, metrics: &[Metric], place: usize) -> Vec<Cell> {
    let find = |metric: &Metric| series?.0.iter().find(|(known, _)| known == metric)?.1.get(place);
    metrics
        .iter()
        .map(|metric| find(metric).map_or(Cell::Nothing, |value| Cell::Number(value.clone())))
        .collect()
}

fn of_funnel(said: &FunnelSaid) -> Table {
    let header = ["step", "visitors", "share", "of_previous", "lost", "time_ms"].map(str::to_owned).into();
    let number = |value: f64| Number::from_f64(value).map_or(Cell::Nothing, Cell::Number);
    let row = |(place, step): (usize, &super::said::StepSaid)| {
        vec![
            Cell::Number((place + 1).into()),
            Cell::Number(step.visitors.into()),
            number(step.share),
            number(step.of_previous),
            Cell::Number(step.lost.into()),
            number(step.time_ms),
        ]
    };
    Table { header, rows: said.steps.iter().enumerate().map(row).collect() }
}

/// A line a cohort; a column a unit.
fn of_retention(said: &RetentionSaid) -> Table {
    let width = said.cohorts.iter().map(|cohort| cohort.returned.len()).max().unwrap_or(0);
    let mut header = vec!["begin".to_owned(), "visitors".to_owned()];
    header.extend((0..width).map(|unit| format!("after_{unit}")));
    let row = |cohort: &super::said::CohortSaid| {
        let mut row = vec![Cell::Text(cohort.begin.clone()), Cell::Number(cohort.visitors.into())];
        let seen =
            |unit: usize| cohort.returned.get(unit).map_or(Cell::Nothing, |&seen| Cell::Number(seen.into()));
        row.extend((0..width).map(seen));
        row
    };
    Table { header, rows: said.cohorts.iter().map(row).collect() }
}

/// A line a way: its pages, and the visits that came so far.
fn of_journeys(said: &JourneysSaid) -> Table {
    let header = ["way", "visits", "ended", "rest"].map(str::to_owned).into();
    let mut rows = Vec::new();
    said.tree.iter().for_each(|branch| add_way(branch, "", &mut rows));
    Table { header, rows }
}

fn add_way(branch: &BranchSaid, before: &str, rows: &mut Vec<Vec<Cell>>) {
    let way = if before.is_empty() { branch.page.clone() } else { format!("{before} > {}", branch.page) };
    let numbers = [branch.visits, branch.ended, branch.rest].map(|number| Cell::Number(number.into()));
    rows.push(std::iter::once(Cell::Text(way.clone())).chain(numbers).collect());
    branch.then.iter().for_each(|next| add_way(next, &way, rows));
}

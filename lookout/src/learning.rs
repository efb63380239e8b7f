//! What is usual at a site, of its history: the visits that each hour of past weeks began, and what part of all visits begins with which page, source and
//! country.

use std::collections::HashMap;
use std::sync::Arc;

use alert::Usual;
use alert::usual::{Hour, LEARNED_FROM, SHARES_MAX};
use anyhow::Context;
use archive::Archive;
use history::query::{Dimension, Metric, Query, Sort, Unit};
use history::report::Answer;
use history::zone::Zone;
use model::alert::By;
use model::{Millis, Site};

const HOUR_MS: i64 = 3_600_000;
/// What came within this time is no part of what is usual yet: a change that goes on stays one for a while.
const YOUNG_MS: i64 = 2 * HOUR_MS;

/// None: too little is known.
pub async fn learn(archive: &Archive, site: &Site, now: Millis) -> anyhow::Result<Option<Usual>> {
    let to = (now.0 - YOUNG_MS).div_euclid(HOUR_MS) * HOUR_MS;
    let from = to - LEARNED_FROM.as_millis() as i64;
    let hourly = Query { metrics: vec![Metric::Visits], bucket: Some(Unit::Hour), ..Query::totals(from, to) };
    let hours = hours(&archive.answer(site, hourly).await?, to);
    let zone = Zone::named(&site.time_zone).context("the site's zone")?.time_zone().clone();
    let Some(usual) = Usual::of(&hours, zone) else {
        return Ok(None);
    };
    let mut shares = HashMap::new();
    for (by, dimension) in dimensions() {
        let by_visits = Query {
            metrics: vec![Metric::Visits],
            by: vec![dimension],
            sort: Sort { by: Metric::Visits, ascending: false },
            limit: SHARES_MAX,
            ..Query::totals(from, to)
        };
        let answer = archive.answer(site, by_visits).await?;
        let all = answer.total.visits.max(1) as f64;
        for row in answer.rows {
            let key = row.key.into_iter().next().unwrap_or_else(|| Arc::from(""));
            shares.insert((by, key), row.sums.visits as f64 / all);
        }
    }
    Ok(Some(usual.with_shares(shares)))
}

fn dimensions() -> [(By, Dimension); 3] {
    use history::table::VisitText::{Country, Source};
    [
        (By::Page, Dimension::EntryPage),
        (By::Source, Dimension::Visit(Source)),
        (By::Country, Dimension::Visit(Country)),
    ]
}

/// Whole hours from the first one with a visit on, and every hour since.
fn hours(answer: &Answer, to: i64) -> Vec<Hour> {
    let visits = answer.buckets.iter().zip(&answer.series);
    let whole = visits.take_while(|(start, _)| **start + HOUR_MS <= to);
    let known = whole.map(|(start, sums)| Hour {
        start: Millis(*start),
        visits: u32::try_from(sums.visits).unwrap_or(u32::MAX),
    });
    // The first hour with a visit may have begun in the middle.
    known.skip_while(|hour| hour.visits == 0).skip(1).collect()
}

//! Days of which only totals are known, as lines of an export, and as an import reads them back.

use serde::{Deserialize, Serialize};
use store::DayTotals;
use store::totals::{DayTotal, TOTALS_BYTES_MAX, TOTALS_DAY_MAX, TotalsTable};
use web::reports::{DayRow, date_of, dimensions, number_of};

/// Days of one read.
const PAGE_DAYS: usize = 32;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// As `2026-11-21`.
    day: String,
    totals: String,
    rows: Vec<DayRow>,
}

/// A site's days from `from` to `to`, which counts, of every table; a JSON object each.
pub async fn lines(
    totals: &dyn DayTotals,
    site: model::SiteId,
    (mut from, to): (u32, u32),
    table: TotalsTable,
    mut write: impl FnMut(String) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    let mut days = 0;
    loop {
        let page = totals.between(site, table, (from, to), PAGE_DAYS).await?;
        let Some(last) = page.last().map(|total| total.day) else { return Ok(days) };
        for total in page {
            let day = date_of(total.day).map(|day| day.to_string()).unwrap_or_default();
            let line =
                Line { day, totals: table.name().to_owned(), rows: serde_json::from_str(&total.body)? };
            write(serde_json::to_string(&line)?)?;
            days += 1;
        }
        if last >= to.min(TOTALS_DAY_MAX) {
            return Ok(days);
        }
        from = last + 1;
    }
}

/// What such a line says; None for any other.
pub fn totals_of(text: &str) -> Option<DayTotal> {
    let line: Line = serde_json::from_str(text).ok()?;
    let table = TotalsTable::named(&line.totals)?;
    let is_of_table = line.rows.iter().all(|row| row.key.len() == dimensions(table).len());
    let body = serde_json::to_string(&line.rows).ok().filter(|body| body.len() <= TOTALS_BYTES_MAX)?;
    is_of_table.then_some(DayTotal { day: number_of(line.day.parse().ok()?)?, table, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_back_and_others_are_not() {
        let line = r#"{"day":"2026-01-01","totals":"pages","rows":[{"key":["h","/"],"visitors":2}]}"#;
        let total = totals_of(line).unwrap();
        assert_eq!((total.day, total.table), (20_454, TotalsTable::Pages));
        assert_eq!(total.body, r#"[{"key":["h","/"],"visitors":2}]"#);
        for bad in [
            line.replace("pages", "titles"),
            line.replace("pages", "devices"),
            line.replace("2026", "1926"),
            line.replace("visitors", "people"),
            line.replace("\"day\"", "\"at\""),
            "{}".to_owned(),
        ] {
            assert!(totals_of(&bad).is_none(), "{bad}");
        }
    }
}

//! Plausible's CSV export: a file a table, a row a day and group. Its days hold only totals, and are kept as such.

use std::collections::BTreeMap;
use std::io::Read;

use anyhow::{Context, ensure};
use jiff::civil::Date;
use model::SiteId;
use store::DayTotals;
use store::totals::{DayTotal, TOTALS_AT_ONCE_MAX, TOTALS_BYTES_MAX, TotalsTable};
use web::reports::{DayRow, dimensions, number_of};

use super::logs::cut;

/// Groups of one day and table that are kept, those with most visitors, as far as the store takes their texts; the others are counted
/// together, as `(other)`.
pub const GROUPS_MAX: usize = 1_000;
const TEXT_BYTES_MAX: usize = 512;
/// Days of one file.
const DAYS_MAX: usize = 20_000;
/// Groups of one file, all days together.
const FILE_GROUPS_MAX: usize = 3_000_000;
const OTHER: &str = "(other)";
/// Bytes of the row of the others, and of the brackets.
const ROOM_FOR_OTHER: usize = 1_024;

/// One file under way: all its days are gathered before they are put.
pub struct Export<R> {
    reader: csv::Reader<R>,
    columns: Vec<String>,
    table: TotalsTable,
    days: BTreeMap<u32, BTreeMap<Vec<String>, DayRow>>,
    groups: usize,
    /// Of the site's calendar.
    today: Date,
}

/// What came of a line.
pub enum Line {
    Counted,
    Unreadable,
}

/// Whether a file begins as one of the export's tables does.
pub fn begins(line: &str) -> bool {
    let columns: Vec<String> = line.trim_start_matches('\u{feff}').split(',').map(named).collect();
    table_of(&columns).is_some()
}

fn named(column: &str) -> String {
    column.trim().trim_matches('"').to_ascii_lowercase()
}

/// By the columns, whatever the file is called.
fn table_of(columns: &[String]) -> Option<TotalsTable> {
    let has = |name: &str| columns.iter().any(|column| column == name);
    if !has("date") || !has("visitors") {
        return None;
    }
    let table = match () {
        () if has("source") => TotalsTable::Sources,
        () if has("entry_page") => TotalsTable::EntryPages,
        () if has("exit_page") => TotalsTable::ExitPages,
        () if has("page") => TotalsTable::Pages,
        () if has("country") => TotalsTable::Places,
        () if has("device") => TotalsTable::Devices,
        () if has("browser") => TotalsTable::Browsers,
        () if has("operating_system") => TotalsTable::Systems,
        () if has("name") && has("events") => TotalsTable::Events,
        () if has("visits") && has("bounces") && has("visit_duration") => TotalsTable::All,
        () => return None,
    };
    Some(table)
}

impl<R: Read> Export<R> {
    pub fn open(reader: R, today: Date) -> anyhow::Result<Export<R>> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(reader);
        let header = reader.headers().context("it has no header")?;
        let columns: Vec<String> =
            header.iter().map(|name| named(name.trim_start_matches('\u{feff}'))).collect();
        let table = table_of(&columns).context("it is no table of Plausible's export")?;
        Ok(Export { reader, columns, table, days: BTreeMap::new(), groups: 0, today })
    }

    /// The next row; None: that was the last.
    pub fn next(&mut self) -> anyhow::Result<Option<Line>> {
        let mut record = csv::StringRecord::new();
        match self.reader.read_record(&mut record) {
            Ok(false) => return Ok(None),
            Ok(true) => {}
            Err(error) if error.is_io_error() => return Err(error.into()),
            Err(_) => return Ok(Some(Line::Unreadable)),
        }
        let Some((day, row)) = self.row(&record) else { return Ok(Some(Line::Unreadable)) };
        let groups = self.days.entry(day).or_default();
        if let Some(known) = groups.get_mut(&row.key) {
            known.add(&row);
        } else {
            groups.insert(row.key.clone(), row);
            self.groups += 1;
        }
        ensure!(self.days.len() <= DAYS_MAX, "it has more than {DAYS_MAX} days");
        ensure!(self.groups <= FILE_GROUPS_MAX, "it has more than {FILE_GROUPS_MAX} rows: split it by dates");
        Ok(Some(Line::Counted))
    }

    fn row(&self, record: &csv::StringRecord) -> Option<(u32, DayRow)> {
        let cell = |name: &str| {
            let place = self.columns.iter().position(|column| column == name)?;
            record.get(place).map(str::trim)
        };
        let day: Date = cell("date")?.parse().ok().filter(|day| *day <= self.today)?;
        // A column that is not there, or says nothing, counts nothing.
        let number =
            |name: &str| cell(name).filter(|text| !text.is_empty()).map_or(Some(0), |text| text.parse().ok());
        let visits = match self.table {
            TotalsTable::EntryPages => number("entrances")?,
            TotalsTable::ExitPages => number("exits")?,
            _ => number("visits")?,
        };
        let row = DayRow {
            key: dimensions(self.table).iter().map(|name| text(name, &cell)).collect(),
            visitors: number("visitors")?,
            visits,
            pageviews: number("pageviews")?,
            bounces: number("bounces")?,
            duration_s: number("visit_duration")?,
            events: number("events")?,
        };
        Some((number_of(day)?, row))
    }

    /// Puts the file's days in the place of what the site has of them in this table. How many.
    pub async fn put(self, totals: &dyn DayTotals, site: SiteId) -> anyhow::Result<u64> {
        let (table, days) = (self.table, self.days.len() as u64);
        let mut page = Vec::new();
        for (day, groups) in self.days {
            let body = serde_json::to_string(&bounded(groups))?;
            page.push(DayTotal { day, table, body });
            if page.len() == TOTALS_AT_ONCE_MAX {
                totals.put(site, std::mem::take(&mut page)).await?;
            }
        }
        if !page.is_empty() {
            totals.put(site, page).await?;
        }
        Ok(days)
    }
}

/// Those with most visitors, equal ones by their texts, and the rest as one.
fn bounded(groups: BTreeMap<Vec<String>, DayRow>) -> Vec<DayRow> {
    let mut rows: Vec<DayRow> = groups.into_values().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.visitors));
    let written = |row: &DayRow| serde_json::to_string(row).map_or(0, |text| text.len() + 1);
    let mut bytes = ROOM_FOR_OTHER;
    let fits = rows.iter().take_while(|row| {
        bytes += written(row);
        bytes <= TOTALS_BYTES_MAX
    });
    let fits = fits.count();
    if fits < rows.len() || rows.len() > GROUPS_MAX {
        let mut other = DayRow { key: vec![OTHER.to_owned(); rows[0].key.len()], ..DayRow::default() };
        rows.drain(fits.min(GROUPS_MAX - 1)..).for_each(|row| other.add(&row));
        rows.push(other);
    }
    rows
}

/// A dimension's text, in our words.
fn text<'c>(dimension: &str, cell: &impl Fn(&str) -> Option<&'c str>) -> String {
    let column = match dimension {
        "entry-page" => "entry_page",
        "exit-page" => "exit_page",
        "event" => "name",
        "os" => "operating_system",
        "os_version" => "operating_system_version",
        same => same,
    };
    let text = cell(column).unwrap_or_default();
    let text = match (dimension, text) {
        ("source", "Direct / None") | ("country", "ZZ") | (_, "(not set)" | "(none)") => "",
        ("device", "Laptop") => "desktop",
        ("device", "Desktop") => "desktop",
        ("device", "Mobile") => "mobile",
        ("device", "Tablet") => "tablet",
        ("os", "Mac") => "macOS",
        ("os", "GNU/Linux") => "Linux",
        // A number of GeoNames, which says nothing to people.
        ("city", number) if number.bytes().all(|byte| byte.is_ascii_digit()) => "",
        (_, text) => text,
    };
    cut(text, TEXT_BYTES_MAX).to_owned()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn table(header: &str) -> Option<TotalsTable> {
        begins(header).then(|| Export::open(header.as_bytes(), date(2026, 1, 1)).unwrap().table)
    }

    #[test]
    fn a_table_is_known_by_its_columns() {
        let sums = "visitors,visits,visit_duration,bounces,pageviews";
        for (dimension, expected) in [
            ("source,referrer,utm_source", TotalsTable::Sources),
            ("hostname,page", TotalsTable::Pages),
            ("entry_page", TotalsTable::EntryPages),
            ("exit_page", TotalsTable::ExitPages),
            ("country,region,city", TotalsTable::Places),
            ("device", TotalsTable::Devices),
            ("browser,browser_version", TotalsTable::Browsers),
            ("operating_system,operating_system_version", TotalsTable::Systems),
        ] {
            assert_eq!(table(&format!("date,{dimension},{sums}\n")), Some(expected));
        }
        assert_eq!(
            table("\u{feff}\"date\",\"name\",\"link_url\",\"path\",\"visitors\",\"events\"\n"),
            Some(TotalsTable::Events)
        );
        assert_eq!(table(&format!("date,{sums}\n")), Some(TotalsTable::All));
        for other in
            ["1Path,Title,Event", "date,visitors", "{\"day\": \"2026-01-01\"}", "", "127.0.0.1 - - [date]"]
        {
            assert_eq!(table(other), None, "{other}");
        }
    }

    fn days(text: &str) -> (Vec<(u32, Vec<DayRow>)>, usize) {
        let mut export = Export::open(text.as_bytes(), date(2026, 1, 1)).unwrap();
        let mut unreadable = 0;
        while let Some(line) = export.next().unwrap() {
            unreadable += usize::from(matches!(line, Line::Unreadable));
        }
        (export.days.into_iter().map(|(day, groups)| (day, bounded(groups))).collect(), unreadable)
    }

    #[test]
    fn rows_of_a_group_are_one_and_what_does_not_read_is_told() {
        let text = "date,name,link_url,path,visitors,events\n\
            2025-12-31,Signup,,/a,2,3\n2025-12-31,Signup,,/b,1,1\n2026-01-01,Download,x,,5,9\n\
            2026-01-02,Later,,,1,1\nnever,X,,,1,1\n2025-12-31,X,,,-1,1\n2025-12-31,X,,,many,1\n";
        let row = |name: &str, visitors, events| DayRow {
            key: vec![name.to_owned()],
            visitors,
            events,
            ..DayRow::default()
        };
        let expected = vec![(20_453, vec![row("Signup", 3, 4)]), (20_454, vec![row("Download", 5, 9)])];
        assert_eq!(days(text), (expected, 4));
    }

    #[test]
    fn names_are_ours_and_what_says_nothing_is_nothing() {
        let sums = "1,1,10,0,2";
        let check = |columns: &str, cells: &str, expected: &[&str]| {
            let text = format!(
                "date,{columns},visitors,visits,visit_duration,bounces,pageviews\n2025-12-31,{cells},{sums}\n"
            );
            assert_eq!(days(&text).0[0].1[0].key, expected, "{cells}");
        };
        check("device", "Laptop", &["desktop"]);
        check("country,region,city", "FR,FR-IDF,2988507", &["FR", "FR-IDF", ""]);
        check("operating_system,operating_system_version", "Mac,10.15", &["macOS", "10.15"]);
        check("source,utm_medium", "Direct / None,email", &["", "", "", "email", "", "", ""]);
    }

    #[test]
    fn of_more_groups_than_a_day_keeps_the_rest_is_one() {
        let header = "date,hostname,page,visits,visitors,pageviews\n";
        let rows =
            |count: usize| (0..count).map(|n| format!("2025-12-31,h,/{n},1,{n},1\n")).collect::<String>();
        assert_eq!(days(&(header.to_owned() + &rows(GROUPS_MAX))).0[0].1.len(), GROUPS_MAX);
        let (days, _) = days(&(header.to_owned() + &rows(GROUPS_MAX + 1)));
        let rows = &days[0].1;
        assert_eq!(rows.len(), GROUPS_MAX);
        assert_eq!((rows[0].key[1].as_str(), rows[0].visitors), ("/1000", 1_000));
        let other = &rows[GROUPS_MAX - 1];
        let key = vec!["(other)".to_owned(); 2];
        assert_eq!((&other.key, other.visitors, other.pageviews), (&key, 1, 2));
    }

    #[test]
    fn of_long_texts_a_day_keeps_what_the_store_takes() {
        let long = "\u{1}".repeat(TEXT_BYTES_MAX + 1);
        let rows: String = (0..GROUPS_MAX).map(|n| format!("2025-12-31,{n},{long}{n},1,1,1\n")).collect();
        let (days, _) = days(&format!("date,hostname,page,visits,visitors,pageviews\n{rows}"));
        let body = serde_json::to_string(&days[0].1).unwrap();
        assert!(body.len() <= TOTALS_BYTES_MAX && body.len() > TOTALS_BYTES_MAX / 2, "{}", body.len());
        assert_eq!(days[0].1.iter().map(|row| row.visitors).sum::<u64>(), GROUPS_MAX as u64);
    }
}

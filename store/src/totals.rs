//! Days of which only totals are known, as another program counted them.

use async_trait::async_trait;
use model::SiteId;

use crate::{Result, StoreError};

/// Bytes of what is kept of one day and table.
pub const TOTALS_BYTES_MAX: usize = 256 * 1024;
/// Days and tables of one call to `put`.
pub const TOTALS_AT_ONCE_MAX: usize = 32;
/// Days since 1970-01-01 that can have totals: to the year 2200.
pub const TOTALS_DAY_MAX: u32 = 84_006;
/// Between the first days of two tables in what they are told apart by.
const TABLE_STEP: i64 = 1 << 20;

/// The daily totals of all sites. Encodes and decodes nothing: what a body means is its readers'.
#[async_trait]
pub trait DayTotals: Send + Sync {
    /// Puts each in the place of what the site has of that day and table, durably, all of a call or none. NotFound for an unknown
    /// site; Limit past `TOTALS_AT_ONCE_MAX`, and past `TOTALS_BYTES_MAX` or `TOTALS_DAY_MAX` of one.
    async fn put(&self, site: SiteId, totals: Vec<DayTotal>) -> Result<()>;

    /// What a site has of one table from day `from` to `to`, which counts, by day; the first `limit` of them.
    async fn between(
        &self,
        site: SiteId,
        table: TotalsTable,
        (from, to): (u32, u32),
        limit: usize,
    ) -> Result<Vec<DayTotal>>;

    /// Removes what a site has of days before `day`, of every table.
    async fn remove_before(&self, site: SiteId, day: u32) -> Result<()>;
}

/// One day of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayTotal {
    /// Of the site's calendar, as days since 1970-01-01.
    pub day: u32,
    pub table: TotalsTable,
    pub body: String,
}

/// What a day's totals are broken down by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TotalsTable {
    /// By nothing.
    All,
    Pages,
    EntryPages,
    ExitPages,
    Sources,
    Places,
    Devices,
    Browsers,
    Systems,
    Events,
}

impl TotalsTable {
    pub const EVERY: [TotalsTable; 10] = [
        TotalsTable::All,
        TotalsTable::Pages,
        TotalsTable::EntryPages,
        TotalsTable::ExitPages,
        TotalsTable::Sources,
        TotalsTable::Places,
        TotalsTable::Devices,
        TotalsTable::Browsers,
        TotalsTable::Systems,
        TotalsTable::Events,
    ];

    /// In exports.
    pub fn name(self) -> &'static str {
        match self {
            TotalsTable::All => "all",
            TotalsTable::Pages => "pages",
            TotalsTable::EntryPages => "entry-pages",
            TotalsTable::ExitPages => "exit-pages",
            TotalsTable::Sources => "sources",
            TotalsTable::Places => "places",
            TotalsTable::Devices => "devices",
            TotalsTable::Browsers => "browsers",
            TotalsTable::Systems => "systems",
            TotalsTable::Events => "events",
        }
    }

    pub fn named(name: &str) -> Option<TotalsTable> {
        TotalsTable::EVERY.into_iter().find(|table| table.name() == name)
    }

    /// What tells a day of this table apart, among all of a site; days of a table follow each other.
    pub(crate) fn slot(self, day: u32) -> i64 {
        self as i64 * TABLE_STEP + i64::from(day)
    }

    pub(crate) fn of_slot(slot: i64) -> Option<(TotalsTable, u32)> {
        let table = TotalsTable::EVERY.get(usize::try_from(slot / TABLE_STEP).ok()?)?;
        Some((*table, u32::try_from(slot % TABLE_STEP).ok()?))
    }
}

impl DayTotal {
    pub(crate) fn of_slot(slot: i64, body: String) -> Result<DayTotal> {
        let (table, day) = TotalsTable::of_slot(slot).ok_or_else(|| {
            StoreError::Unavailable(anyhow::anyhow!("daily totals are of a table that is none"))
        })?;
        Ok(DayTotal { day, table, body })
    }

    pub(crate) fn slot(&self) -> i64 {
        self.table.slot(self.day)
    }
}

pub(crate) fn refuse_oversized(totals: &[DayTotal]) -> Result<()> {
    let limit = |is: usize, what, max| if is > max { Err(StoreError::Limit { what, max }) } else { Ok(()) };
    limit(totals.len(), "days of totals at once", TOTALS_AT_ONCE_MAX)?;
    for total in totals {
        limit(total.body.len(), "bytes of a day's totals", TOTALS_BYTES_MAX)?;
        limit(total.day as usize, "days since 1970 of a day's totals", TOTALS_DAY_MAX as usize)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_says_day_and_table_and_no_two_are_alike() {
        let mut last = -1;
        for table in TotalsTable::EVERY {
            assert_eq!(TotalsTable::named(table.name()), Some(table));
            for day in [0, 1, TOTALS_DAY_MAX] {
                let slot = table.slot(day);
                assert!(slot > last, "{table:?} {day}");
                assert_eq!(TotalsTable::of_slot(slot), Some((table, day)));
                last = slot;
            }
        }
        assert_eq!(TotalsTable::of_slot(-1), None);
        assert_eq!(TotalsTable::of_slot(10 * TABLE_STEP), None);
    }
}

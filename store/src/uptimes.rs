//! How the services of this installation were, by day, whichever process saw it.

use async_trait::async_trait;

use crate::{Result, StoreError};

/// Bytes of what is kept of all services of one day.
pub const SERVICE_DAY_BYTES_MAX: usize = 256 * 1024;
/// Days of one call.
pub const SERVICE_DAYS_AT_ONCE_MAX: usize = 128;
/// Days since 1970-01-01 that there can be: to the year 2200.
pub const SERVICE_DAY_MAX: u32 = 84_006;

/// Encodes and decodes nothing: what a body means is its readers'.
#[async_trait]
pub trait Uptimes: Send + Sync {
    /// From day `from` to `to`, which counts, by day; the first `limit` of them.
    async fn service_days(&self, days: (u32, u32), limit: usize) -> Result<Vec<ServiceDay>>;

    /// Puts each in the place of what was read as that version, which goes up by one, durably; all of a call or none. Conflict where another
    /// wrote meanwhile; Limit past `SERVICE_DAYS_AT_ONCE_MAX`, and past `SERVICE_DAY_BYTES_MAX` or `SERVICE_DAY_MAX` of one.
    async fn put_service_days(&self, days: Vec<ServiceDay>) -> Result<()>;

    /// Removes what is kept of days before `day`.
    async fn remove_service_days_before(&self, day: u32) -> Result<()>;
}

/// What was seen of all services on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceDay {
    /// Of UTC, as days since 1970-01-01.
    pub day: u32,
    /// How often it was written; 0: it is new.
    pub version: u64,
    pub body: String,
}

pub(crate) const OUTRUN: StoreError = StoreError::Conflict("another process has seen the services since");

pub(crate) fn refuse_oversized(days: &[ServiceDay]) -> Result<()> {
    bounded(days.len(), "days of services at once", SERVICE_DAYS_AT_ONCE_MAX)?;
    for day in days {
        bounded(day.body.len(), "bytes of the services' day", SERVICE_DAY_BYTES_MAX)?;
        bounded(day.day as usize, "days since 1970 of the services' day", SERVICE_DAY_MAX as usize)?;
    }
    Ok(())
}

fn bounded(is: usize, what: &'static str, max: usize) -> Result<()> {
    if is > max { Err(StoreError::Limit { what, max }) } else { Ok(()) }
}

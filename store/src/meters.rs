//! How long the store takes, and how often it is away: the same two metrics of every backend.

use std::time::Instant;

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

use crate::{Result, StoreError};

pub fn describe() {
    describe_histogram!(
        "watchfire_store_seconds",
        Unit::Seconds,
        "What is asked of the store, until it is answered"
    );
    describe_counter!(
        "watchfire_store_failures_total",
        "What was asked of a store that could not be reached or failed"
    );
    counter!("watchfire_store_failures_total").absolute(0);
}

/// Times an asking. Refusals are answers.
pub async fn measured<T>(asked: impl Future<Output = Result<T>>) -> Result<T> {
    let began = Instant::now();
    let answer = asked.await;
    histogram!("watchfire_store_seconds").record(began.elapsed());
    if let Err(StoreError::Unavailable(_)) = &answer {
        counter!("watchfire_store_failures_total").increment(1);
    }
    answer
}

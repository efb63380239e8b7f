//! Reads this process's metrics every few seconds, and tells them to the others and to whom they are pushed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use live::Live;
use metrics::histogram;
use model::Clock;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::board::Told;
use crate::hour::Hour;
use crate::push::Push;
use crate::vitals::{Numbers, numbers};
use crate::{Process, Scrape, TOLD_EVERY, VITALS_TOPIC, process};

/// How often it is looked how late waiting tasks go on.
const DELAY_EVERY: Duration = Duration::from_millis(250);
/// How long is waited for whether this process is ready.
const READY_MAX: Duration = Duration::from_secs(2);
/// What is told is cut to so many digits.
const DIGITS: i32 = 4;

pub struct Teller {
    pub process: Process,
    /// All metrics in Prometheus' text.
    pub read: Box<dyn Fn() -> String + Send + Sync>,
    /// Whether this process does its work, as `/readyz` would say; not, where that takes longer than `READY_MAX`.
    pub ready: Box<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>,
    pub live: Arc<dyn Live>,
    pub clock: Arc<dyn Clock>,
    /// The folder whose disk is watched.
    pub data: PathBuf,
    pub push: Option<Push>,
}

/// Until `shutdown`. Whoever cannot be told is told the next time.
pub async fn tell(teller: Teller, shutdown: CancellationToken) {
    process::describe(&teller.process);
    tokio::select! {
        () = teller.run() => {}
        () = watch_delays() => {}
        () = shutdown.cancelled() => {}
    }
}

impl Teller {
    async fn run(mut self) {
        let mut hour = Hour::default();
        let mut before = self.scrape();
        let mut read_at = Instant::now();
        let mut ticks = interval(TOLD_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            let after = self.scrape();
            let seconds = read_at.elapsed().as_secs_f64();
            read_at = Instant::now();
            let now = numbers(&before, &after, seconds);
            self.tell(&mut hour, now).await;
            if let Some(push) = &mut self.push {
                push.send(&before, &after, self.clock.now()).await;
            }
            before = after;
        }
    }

    fn scrape(&self) -> Scrape {
        process::measure(&self.data);
        Scrape::of(&(self.read)())
    }

    async fn tell(&self, hour: &mut Hour, now: Numbers) {
        let at = self.clock.now();
        hour.add(at.minute(), &now);
        let is_ready = timeout(READY_MAX, (self.ready)()).await.unwrap_or(false);
        let told = Told {
            process: self.process.clone(),
            at,
            is_ready,
            now: now.into_iter().map(|(name, value)| (name.to_owned(), short(value))).collect(),
            hour: hour
                .until(at.minute())
                .into_iter()
                .map(|(name, values)| {
                    (name.to_owned(), values.into_iter().map(|value| value.map(short)).collect())
                })
                .collect(),
        };
        match serde_json::to_vec(&told) {
            Ok(message) => {
                if let Err(error) = self.live.publish(VITALS_TOPIC, Bytes::from(message)).await {
                    tracing::debug!(%error, "how this process is was not told");
                }
            }
            Err(error) => tracing::warn!(%error, "how this process is cannot be written"),
        }
    }
}

/// A processor that is busy lets tasks wait that could go on.
async fn watch_delays() {
    loop {
        let begun = Instant::now();
        sleep(DELAY_EVERY).await;
        let late = begun.elapsed().saturating_sub(DELAY_EVERY);
        histogram!("watchfire_scheduler_delay_seconds").record(late);
    }
}

fn short(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let unit = 10f64.powi(value.abs().log10().floor() as i32 - (DIGITS - 1));
    let cut = (value / unit).round() * unit;
    // Written in few letters: what multiplying left behind is cut off.
    format!("{cut:.6}").parse().unwrap_or(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_short() {
        for (value, told) in [
            (0.0, 0.0),
            (1234.567, 1_235.0),
            (0.000_123_456, 0.000_123),
            (98_765_432.1, 98_770_000.0),
            (f64::NAN, 0.0),
        ] {
            assert_eq!(short(value), told);
        }
    }
}

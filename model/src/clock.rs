//! Time as data: a moment in milliseconds, a minute, and the clock that services are handed.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    pub fn minute(self) -> Minute {
        Minute(self.0.div_euclid(60_000))
    }

    pub fn plus(self, by: Duration) -> Millis {
        Millis(self.0 + by.as_millis() as i64)
    }

    pub fn minus(self, by: Duration) -> Millis {
        Millis(self.0 - by.as_millis() as i64)
    }

    /// How long after `earlier` this is; zero where it is not after.
    pub fn since(self, earlier: Millis) -> Duration {
        Duration::from_millis((self.0 - earlier.0).max(0) as u64)
    }
}

/// A minute of UTC: minutes since 1970-01-01T00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Minute(pub i64);

impl Minute {
    pub fn start(self) -> Millis {
        Millis(self.0 * 60_000)
    }
}

/// Where a service learns the time. Passed in, so that tests turn it by hand.
pub trait Clock: Send + Sync {
    fn now(&self) -> Millis;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        let since_epoch =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Millis(since_epoch.as_millis() as i64)
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl TestClock {
    pub fn at(now: Millis) -> TestClock {
        TestClock(AtomicI64::new(now.0))
    }

    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_millis() as i64, Ordering::SeqCst);
    }

    pub fn set(&self, now: Millis) {
        self.0.store(now.0, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::SeqCst))
    }
}

//! Waits between tries to connect: they double, and each is drawn from its upper half, so that many processes do
//! not come back in step.

use std::time::Duration;

pub const WAIT_MIN: Duration = Duration::from_millis(100);
pub const WAIT_MAX: Duration = Duration::from_secs(5);

pub struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff { next: WAIT_MIN }
    }
}

impl Backoff {
    /// The next wait: at least half of `WAIT_MIN`, at most `WAIT_MAX`.
    pub fn wait(&mut self) -> Duration {
        let wait = self.next.mul_f64(0.5 + fastrand::f64() / 2.0);
        self.next = (self.next * 2).min(WAIT_MAX);
        wait
    }

    /// It worked: the next wait is short again.
    pub fn forget(&mut self) {
        self.next = WAIT_MIN;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_within_their_bounds_and_begin_anew() {
        let mut backoff = Backoff::default();
        for step in 0..20 {
            let whole = (WAIT_MIN * 2_u32.pow(step.min(10))).min(WAIT_MAX);
            let wait = backoff.wait();
            assert!((whole / 2..=whole).contains(&wait), "{step}: {wait:?}");
        }
        backoff.forget();
        assert!(backoff.wait() <= WAIT_MIN);
    }
}

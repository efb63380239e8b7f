//! How many messages a client may send: a burst, then a rate.

use model::Millis;

use crate::options::{MESSAGES_A_SECOND_MAX, MESSAGES_BURST_MAX};

/// How many messages the client may still send.
pub struct Allowance {
    messages: u32,
    /// Up to when the allowance was refilled.
    refilled: Millis,
}

impl Allowance {
    pub fn full(now: Millis) -> Allowance {
        Allowance { messages: MESSAGES_BURST_MAX, refilled: now }
    }

    /// Takes one; false: there is none left.
    pub fn spend(&mut self, now: Millis) -> bool {
        let spacing = 1_000 / i64::from(MESSAGES_A_SECOND_MAX);
        let earned = (now.0 - self.refilled.0) / spacing;
        if earned > 0 {
            let earned_max = MESSAGES_BURST_MAX - self.messages;
            self.messages += u32::try_from(earned).unwrap_or(u32::MAX).min(earned_max);
            self.refilled = Millis(self.refilled.0 + earned * spacing);
        } else if earned < 0 {
            self.refilled = now;
        }
        let within = self.messages > 0;
        self.messages -= u32::from(within);
        within
    }
}

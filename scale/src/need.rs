//! How many instances the inputs ask for: now, and for a while.

use crate::decision::Reason;
use crate::inputs::Inputs;
use crate::settings::Settings;

/// What waits is caught up with within this, in seconds.
const CATCH_UP: f64 = 120.0;
/// What would do for a while is planned with so much less of an instance, so that noise changes nothing.
const ROOM: f64 = 0.8;
/// A change is believed where ten minutes of it are so much of what comes.
const SLOPE_SHARE_MIN: f64 = 0.2;
/// And never makes more of what comes than this.
const SLOPE_TIMES_MAX: f64 = 2.0;
/// Shares past which another one is asked for, whatever the rate.
pub const CPU_HIGH: f64 = 0.85;
pub const MEMORY_HIGH: f64 = 0.9;
/// An append that takes so long, in seconds, while processors are idle: the store is slow.
const FLUSH_SLOW: f64 = 1.0;
const CPU_IDLE: f64 = 0.4;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Need {
    /// Instances that are needed now, and what asks for the most of them.
    pub now: u32,
    pub reason: Reason,
    /// Instances that would do for a while.
    pub for_a_while: u32,
    /// Processing is late because the store is slow.
    pub store_is_slow: bool,
}

/// `inputs` are whole.
pub fn need(inputs: &Inputs, settings: &Settings) -> Need {
    let each = settings.capacity * settings.busy;
    let store_is_slow = is_store_slow(inputs);
    let asked = [
        (instances(inputs.rate_now.unwrap_or_default() / each), Reason::Rate),
        (instances(ahead(inputs, settings) / each), Reason::Slope),
        (instances(expected(inputs, inputs.expected_soon) / each), Reason::Forecast),
        (pressed_by_queue(inputs, settings, store_is_slow), Reason::Queue),
        (pressed(inputs, inputs.cpu_mean, CPU_HIGH), Reason::Cpu),
        (pressed(inputs, inputs.memory_highest, MEMORY_HIGH), Reason::Memory),
    ];
    // The first of the highest, so that what comes explains more than what might.
    let (now, reason) = asked.into_iter().rev().max_by_key(|(count, _)| *count).unwrap_or((0, Reason::Least));
    let highest = inputs.rate_highest.unwrap_or_default().max(expected(inputs, inputs.expected_later));
    Need { now, reason, for_a_while: instances(highest / (each * ROOM)).max(now), store_is_slow }
}

fn instances(count: f64) -> u32 {
    // Past what anybody may have, and a number all the same.
    count.ceil().clamp(0.0, 1e6) as u32
}

/// What comes once an instance that is launched now serves, if it goes on as it does.
fn ahead(inputs: &Inputs, settings: &Settings) -> f64 {
    let (Some(rate), Some(slope)) = (inputs.rate_now, inputs.rate_slope) else {
        return 0.0;
    };
    if slope * 10.0 < rate * SLOPE_SHARE_MIN {
        return 0.0;
    }
    let minutes = (inputs.boot_seconds.unwrap_or(settings.boot) + 2.0 * settings.every) / 60.0;
    (rate + slope * minutes).min(rate * SLOPE_TIMES_MAX)
}

/// What the weeks before expect, as today is.
fn expected(inputs: &Inputs, rate: Option<f64>) -> f64 {
    rate.unwrap_or_default() * inputs.level.unwrap_or(1.0)
}

fn pressed_by_queue(inputs: &Inputs, settings: &Settings, store_is_slow: bool) -> u32 {
    let waits = inputs.queue_seconds.unwrap_or_default();
    if waits < settings.late / 2.0 || store_is_slow {
        return 0;
    }
    let serving = inputs.serving.unwrap_or_default();
    let backlog = waits * serving * settings.capacity;
    let rate = inputs.rate_now.unwrap_or_default() + backlog / CATCH_UP;
    instances(rate / (settings.capacity * settings.busy))
}

/// One more than there are.
fn pressed(inputs: &Inputs, share: Option<f64>, high: f64) -> u32 {
    match share.is_some_and(|share| share > high) {
        true => inputs.serving.unwrap_or_default() as u32 + 1,
        false => 0,
    }
}

fn is_store_slow(inputs: &Inputs) -> bool {
    let is_idle = inputs.cpu_mean.is_some_and(|share| share < CPU_IDLE);
    is_idle && inputs.flush_seconds.is_some_and(|seconds| seconds > FLUSH_SLOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings { capacity: 100.0, busy: 0.5, late: 4.0, every: 60.0, boot: 60.0, ..Default::default() }
    }

    #[track_caller]
    fn check(inputs: Inputs, now: u32, reason: Reason, for_a_while: u32) {
        let need = need(&inputs, &settings());
        assert_eq!((need.now, need.reason, need.for_a_while), (now, reason, for_a_while), "{inputs:?}");
    }

    #[test]
    fn each_input_asks_for_its_own() {
        let some = Some;
        check(Inputs::default(), 0, Reason::Rate, 0);
        check(
            Inputs { rate_now: some(101.0), rate_highest: some(120.0), ..Default::default() },
            3,
            Reason::Rate,
            3,
        );
        check(
            Inputs { rate_now: some(100.0), rate_slope: some(1.9), ..Default::default() },
            2,
            Reason::Rate,
            2,
        );
        check(
            Inputs { rate_now: some(100.0), rate_slope: some(20.0), ..Default::default() },
            4,
            Reason::Slope,
            4,
        );
        check(
            Inputs { rate_now: some(100.0), rate_slope: some(900.0), ..Default::default() },
            4,
            Reason::Slope,
            4,
        );
        check(
            Inputs { expected_soon: some(100.0), level: some(1.5), ..Default::default() },
            3,
            Reason::Forecast,
            3,
        );
        check(Inputs { expected_later: some(200.0), ..Default::default() }, 0, Reason::Rate, 5);
        check(
            Inputs { queue_seconds: some(1.9), serving: some(2.0), ..Default::default() },
            0,
            Reason::Rate,
            0,
        );
        check(
            Inputs { queue_seconds: some(60.0), serving: some(2.0), ..Default::default() },
            2,
            Reason::Queue,
            2,
        );
        check(Inputs { cpu_mean: some(0.86), serving: some(2.0), ..Default::default() }, 3, Reason::Cpu, 3);
        check(
            Inputs { memory_highest: some(0.91), serving: some(4.0), ..Default::default() },
            5,
            Reason::Memory,
            5,
        );
    }

    #[test]
    fn more_processors_do_not_help_a_slow_store() {
        let inputs = Inputs {
            queue_seconds: Some(60.0),
            serving: Some(2.0),
            cpu_mean: Some(0.1),
            flush_seconds: Some(1.5),
            ..Default::default()
        };
        let need = need(&inputs, &settings());
        assert_eq!((need.now, need.store_is_slow), (0, true));
    }
}

//! Ours: forecasts what is predictable, reacts to the rest, and is slow to end what it has.

use std::time::Duration;

use model::Millis;

use crate::decision::{Act, Decision, Reason};
use crate::fleet::{Instance, Remembered, Stage};
use crate::forecast::{Forecast, hour_of_week};
use crate::inputs::Inputs;
use crate::limits::{FLEET_MAX, LAUNCH_MAX};
use crate::need::{Need, need};
use crate::policy::Policy;
use crate::recent::Recent;
use crate::settings::{Billed, Settings};

/// Readings that both reached a rate before it is believed to be there to stay.
const READINGS: usize = 2;
const RATE_WITHIN: Duration = Duration::from_secs(180);
const SLOPE_WITHIN: Duration = Duration::from_secs(600);
const LEVEL_WITHIN: Duration = Duration::from_secs(1_800);
/// How far today may be from the weeks before and still be told by them.
const LEVEL: (f64, f64) = (0.5, 2.0);
/// Ending an instance has to pay off for so long.
const PAYS_OFF: Duration = Duration::from_secs(1_800);
/// Boots that load must have been lower for.
const QUIET_BOOTS: f64 = 5.0;
/// Boots after which an instance is late.
const LATE_BOOTS: f64 = 3.0;
/// Nothing is drained where those that stay would be busier than this, as a share of their cores.
const BUSY_AFTER_MAX: f64 = 0.75;
/// Share of the bus that is trouble.
const FILL_HIGH: f64 = 0.5;
/// Lost in an hour from which on no more spot instances are launched.
const SPOT_LOSSES_MAX: usize = 3;

/// Asked about once a minute; remembers what it was told, within bounds.
pub struct Autoscaler {
    settings: Settings,
    forecast: Forecast,
    rates: Recent,
    queue: Recent,
    remembered: Remembered,
    /// Since when fewer would do.
    fewer_since: Option<Millis>,
    /// What the last decision looked at.
    inputs: Inputs,
}

impl Autoscaler {
    pub fn new(settings: Settings, forecast: Forecast) -> Autoscaler {
        Autoscaler {
            settings,
            forecast,
            rates: Recent::default(),
            queue: Recent::default(),
            remembered: Remembered::default(),
            fewer_since: None,
            inputs: Inputs::default(),
        }
    }

    /// What was learned of the week.
    pub fn forecast(&self) -> &Forecast {
        &self.forecast
    }

    /// What the last decision looked at: what was measured, and what is remembered.
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    fn boot(&self) -> f64 {
        self.remembered.boot.unwrap_or(self.settings.boot)
    }

    fn quiet(&self) -> Duration {
        Duration::from_secs_f64(self.settings.quiet.max(QUIET_BOOTS * self.boot()))
    }

    /// The measured inputs with all that is remembered beside them.
    fn whole(&mut self, measured: &Inputs, fleet: &[Instance], at: Millis) -> Inputs {
        let mut inputs = measured.clone();
        self.tell_rates(&mut inputs, at);
        self.tell_weeks(&mut inputs, at);
        self.tell_fleet(&mut inputs, fleet, at);
        self.tell_queue(&mut inputs, at);
        inputs
    }

    fn tell_rates(&mut self, inputs: &mut Inputs, at: Millis) {
        if let Some(rate) = inputs.hits_rate {
            self.rates.add(at, rate);
            self.forecast.learn(at, rate);
        }
        let mean = self.rates.mean(at, RATE_WITHIN);
        inputs.rate_now = mean.map(|mean| self.rates.reached(READINGS).map_or(mean, |both| mean.max(both)));
        inputs.rate_slope = self.rates.slope(at, SLOPE_WITHIN).map(|slope| slope * 60.0);
        inputs.rate_highest = self.rates.highest(at, self.quiet());
    }

    fn tell_weeks(&self, inputs: &mut Inputs, at: Millis) {
        inputs.hour_of_week = Some(hour_of_week(at));
        if !self.settings.forecast {
            return;
        }
        let soon = Duration::from_secs_f64(1.5 * self.boot() + 3.0 * self.settings.every);
        inputs.expected_now = self.forecast.at(at);
        inputs.expected_soon = self.forecast.highest(at, soon);
        inputs.expected_later = self.forecast.highest(at, soon.max(PAYS_OFF));
        let came = self.rates.mean(at, LEVEL_WITHIN);
        let middle = at.minus(LEVEL_WITHIN / 2);
        let share = came.zip(self.forecast.at(middle)).filter(|(_, expected)| *expected > 0.0);
        inputs.level = share.map(|(came, expected)| (came / expected).clamp(LEVEL.0, LEVEL.1));
    }

    fn tell_fleet(&self, inputs: &mut Inputs, fleet: &[Instance], at: Millis) {
        let count = |is: &dyn Fn(&Instance) -> bool| Some(fleet.iter().filter(|one| is(one)).count() as f64);
        let ages = || fleet.iter().map(|one| one.age(at).as_secs_f64());
        let since = |moment: Option<Millis>| moment.map(|moment| at.since(moment).as_secs_f64());
        inputs.serving = count(&|one| one.stage == Stage::Serving);
        inputs.starting = count(&|one| one.stage == Stage::Starting);
        inputs.late = count(&|one| self.is_late(one, at));
        inputs.draining = count(&|one| one.stage == Stage::Draining);
        inputs.noticed = count(&|one| one.noticed);
        inputs.spot = count(&|one| one.spot && one.stage == Stage::Serving);
        inputs.lost_in_hour = Some(self.remembered.lost_in_hour() as f64);
        inputs.oldest_seconds = ages().reduce(f64::max);
        inputs.youngest_seconds = ages().reduce(f64::min);
        inputs.boot_seconds = Some(self.boot());
        inputs.drain_seconds = self.remembered.drain;
        inputs.since_launch = since(self.remembered.launched);
        inputs.since_drain = since(self.remembered.drained);
        inputs.price_hour = Some(fleet.iter().map(|one| self.price(one)).sum());
        let paid = fleet.iter().map(|one| self.settings.billed.paid_for(one.age(at)).as_secs_f64());
        inputs.paid_seconds = paid.reduce(f64::min);
    }

    fn tell_queue(&mut self, inputs: &mut Inputs, at: Millis) {
        let Some(messages) = inputs.queue_messages else {
            return;
        };
        self.queue.add(at, messages);
        inputs.queue_slope = self.queue.slope(at, SLOPE_WITHIN);
        let can = inputs.serving.unwrap_or_default().max(1.0) * self.settings.capacity;
        inputs.queue_seconds = Some(messages * inputs.hits_a_message.unwrap_or(1.0) / can);
    }

    fn price(&self, instance: &Instance) -> f64 {
        if instance.spot { self.settings.spot_price } else { self.settings.price }
    }

    fn is_late(&self, instance: &Instance, at: Millis) -> bool {
        instance.stage == Stage::Starting && instance.age(at).as_secs_f64() > LATE_BOOTS * self.boot()
    }

    /// The first of these that there is something to do for: too few, taken back, drained, too many.
    fn choose(&mut self, inputs: &Inputs, fleet: &[Instance], need: &Need, at: Millis) -> (Act, Reason) {
        let have = fleet.iter().filter(|one| (one.stays() || self.is_coming(one, at)) && !one.noticed).count()
            as u32;
        let most = self.most(inputs);
        let needed = need.now.clamp(self.settings.instances_min, most);
        if have < needed {
            return self.launch(fleet, have, needed, need, at);
        }
        if let Some(act) = noticed(fleet) {
            return (act, Reason::Noticed);
        }
        if let Some((act, reason)) = self.ended(fleet, at) {
            return (act, reason);
        }
        if need.now > most {
            return (Act::Wait, Reason::Most);
        }
        if need.store_is_slow {
            return (Act::Wait, Reason::Store);
        }
        self.fewer(inputs, fleet, have, need.for_a_while.max(self.settings.instances_min), at)
    }

    fn is_coming(&self, instance: &Instance, at: Millis) -> bool {
        instance.stage == Stage::Starting && !self.is_late(instance, at)
    }

    /// More processors than shards have nothing to do, but the least are there all the same.
    fn most(&self, inputs: &Inputs) -> u32 {
        let shards = inputs.shards.map_or(u32::MAX, |shards| shards as u32);
        self.settings.instances_max.min(shards).max(self.settings.instances_min)
    }

    fn launch(&self, fleet: &[Instance], have: u32, needed: u32, need: &Need, at: Millis) -> (Act, Reason) {
        let room = (FLEET_MAX - fleet.len().min(FLEET_MAX)) as u32;
        let count = (needed - have).min(LAUNCH_MAX).min(room);
        if count == 0 {
            return (Act::Wait, Reason::Most);
        }
        let kept =
            fleet.iter().filter(|one| !one.spot && (one.stays() || self.is_coming(one, at))).count() as u32;
        let missing = self.settings.instances_min.saturating_sub(kept);
        let spot = self.settings.spot && missing == 0 && self.remembered.lost_in_hour() < SPOT_LOSSES_MAX;
        let count = if missing > 0 && self.settings.spot { count.min(missing) } else { count };
        let reason = if need.now <= self.settings.instances_min || need.now <= have {
            Reason::Least
        } else {
            need.reason
        };
        (Act::Launch { count, spot }, reason)
    }

    /// What has nothing: it gave it up, or never came to have it.
    fn ended(&self, fleet: &[Instance], at: Millis) -> Option<(Act, Reason)> {
        let ids = |is: &dyn Fn(&Instance) -> bool| -> Vec<String> {
            fleet.iter().filter(|one| is(one)).map(|one| one.id.clone()).collect()
        };
        let drained = ids(&|one| one.stage == Stage::Drained);
        if !drained.is_empty() {
            return Some((Act::Terminate { ids: drained }, Reason::Drained));
        }
        let late = ids(&|one| self.is_late(one, at));
        (!late.is_empty()).then_some((Act::Terminate { ids: late }, Reason::Late))
    }

    /// Half of what is too much at a time, the dearest first, none whose hour is paid for.
    fn fewer(
        &mut self,
        inputs: &Inputs,
        fleet: &[Instance],
        have: u32,
        would_do: u32,
        at: Millis,
    ) -> (Act, Reason) {
        if have <= would_do {
            self.fewer_since = None;
            return (Act::Wait, Reason::Enough);
        }
        let since = *self.fewer_since.get_or_insert(at);
        if inputs.hits_rate.is_none() {
            return (Act::Wait, Reason::Blind);
        }
        if fleet.iter().any(|one| one.stage == Stage::Starting) {
            return (Act::Wait, Reason::Starting);
        }
        if fleet.iter().any(|one| one.stage == Stage::Draining) {
            return (Act::Wait, Reason::Draining);
        }
        if self.is_trouble(inputs) {
            return (Act::Wait, Reason::Trouble);
        }
        if !self.is_quiet(since, at) {
            return (Act::Wait, Reason::Quiet);
        }
        match self.dearest(fleet, (have - would_do).div_ceil(2), at) {
            ids if ids.is_empty() => (Act::Wait, Reason::Paid),
            ids => (Act::Drain { ids }, Reason::Fewer),
        }
    }

    fn is_trouble(&self, inputs: &Inputs) -> bool {
        let over = |value: Option<f64>, bound: f64| value.is_some_and(|value| value > bound);
        let serving = inputs.serving.unwrap_or_default();
        let busy_after = inputs.cpu_mean.map(|share| share * serving / (serving - 1.0).max(1.0));
        over(inputs.queue_seconds, self.settings.late / 2.0)
            || over(inputs.processing_seconds, self.settings.late)
            || over(inputs.queue_fill, FILL_HIGH)
            || over(inputs.unreachable, 0.0)
            || over(busy_after, BUSY_AFTER_MAX)
    }

    /// Whether it was for long enough that fewer would do, and nothing was launched or drained meanwhile.
    fn is_quiet(&self, since: Millis, at: Millis) -> bool {
        let quiet = self.quiet();
        let between = Duration::from_secs_f64(3.0 * self.settings.every);
        let rested =
            |moment: Option<Millis>, rest: Duration| moment.is_none_or(|moment| at.since(moment) >= rest);
        self.rates.reaches(at.minus(quiet))
            && at.since(since) >= between
            && rested(self.remembered.launched, quiet)
            && rested(self.remembered.drained, between)
    }

    /// At most so many of those that may go, the oldest of a price first. The least are never spot.
    fn dearest(&self, fleet: &[Instance], count: u32, at: Millis) -> Vec<String> {
        let mut may_go: Vec<&Instance> =
            fleet.iter().filter(|one| one.stays() && self.is_due(one, at)).collect();
        may_go.sort_by(|one, other| {
            self.price(other).total_cmp(&self.price(one)).then(one.since.cmp(&other.since))
        });
        let kept = fleet.iter().filter(|one| one.stays() && !one.spot).count() as u32;
        let mut may_lose = kept.saturating_sub(self.settings.instances_min);
        let chosen = may_go.into_iter().filter(|one| {
            let goes = one.spot || may_lose > 0;
            may_lose -= u32::from(goes && !one.spot);
            goes
        });
        chosen.take(count as usize).map(|one| one.id.clone()).collect()
    }

    /// Its next hour is about to be paid for.
    fn is_due(&self, instance: &Instance, at: Millis) -> bool {
        match self.settings.billed {
            Billed::Second => true,
            Billed::Hour => {
                let takes = self.remembered.drain.unwrap_or(30.0) + 3.0 * self.settings.every;
                self.settings.billed.paid_for(instance.age(at)).as_secs_f64() <= takes
            }
        }
    }

    fn remember(&mut self, act: &Act, at: Millis) {
        match act {
            Act::Launch { .. } => {
                self.remembered.launched = Some(at);
                self.fewer_since = None;
            }
            Act::Drain { ids } => {
                self.remembered.drained = Some(at);
                self.remembered.let_go(ids, at);
            }
            Act::Terminate { ids } => self.remembered.let_go(ids, at),
            Act::Wait => {}
        }
    }
}

/// What its provider takes, and still serves.
fn noticed(fleet: &[Instance]) -> Option<Act> {
    let ids: Vec<String> = fleet
        .iter()
        .filter(|one| one.noticed && one.stage == Stage::Serving)
        .map(|one| one.id.clone())
        .collect();
    (!ids.is_empty()).then_some(Act::Drain { ids })
}

impl Policy for Autoscaler {
    fn decide(&mut self, measured: &Inputs, fleet: &[Instance], at: Millis) -> Decision {
        let fleet = &fleet[..fleet.len().min(FLEET_MAX)];
        self.remembered.see(fleet, at);
        let inputs = self.whole(measured, fleet, at);
        let need = need(&inputs, &self.settings);
        let (act, reason) = self.choose(&inputs, fleet, &need, at);
        self.remember(&act, at);
        self.inputs = inputs;
        Decision { act, reason, needed: need.now, would_do: need.for_a_while }
    }
}

//! A cluster on paper: arrivals of each minute against a policy; what it costs, and how many minutes it is late.
//! The same seed gives the same week.

pub mod arrivals;
pub mod week;

use std::time::Duration;

use fastrand::Rng;
use model::Millis;

use crate::decision::{Act, Reason};
use crate::fleet::{Instance, Stage};
use crate::inputs::Inputs;
use crate::policy::Policy;
use crate::settings::Settings;

const STEP_SECONDS: f64 = 10.0;
const STEPS_A_MINUTE: usize = 6;
/// Boots take from half to one and a half times of what the settings say.
const BOOT_SPREAD: (f64, f64) = (0.5, 1.0);
const DRAIN_SECONDS: f64 = 20.0;
/// A spot instance is taken so often, each minute of its life: once in three days.
const SPOT_LOSS: f64 = 1.0 / (3.0 * 1_440.0);
/// Decisions that are kept at most, the first ones.
const NOTED_MAX: usize = 20_000;

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    pub cost: f64,
    pub minutes: u32,
    /// In which a hit waited for longer than `Settings::late`.
    pub minutes_late: u32,
    pub instance_hours: f64,
    pub most: usize,
    pub launched: u32,
    pub drained: u32,
    /// Spot instances that were taken.
    pub lost: u32,
    pub worst_seconds: f64,
}

/// A decision that was no waiting.
#[derive(Clone, Debug, PartialEq)]
pub struct Noted {
    pub at: Millis,
    pub act: Act,
    pub reason: Reason,
    /// Instances that served, as it was made.
    pub serving: usize,
}

/// Beside the outcome, what was decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    pub outcome: Outcome,
    pub noted: Vec<Noted>,
    /// Least instances not spot that served or were starting, after each decision.
    pub fewest: usize,
}

struct World<'a> {
    settings: &'a Settings,
    rng: Rng,
    fleet: Vec<Ticking>,
    launched: u64,
    backlog: f64,
    run: Run,
}

struct Ticking {
    instance: Instance,
    /// Until it serves, or is drained.
    seconds_left: f64,
}

/// `arrivals`: hits a second of each minute from `from` on. A decision every minute; `begin` instances serve at first.
pub fn run(
    policy: &mut dyn Policy,
    settings: &Settings,
    arrivals: &[f64],
    from: Millis,
    begin: u32,
    seed: u64,
) -> Run {
    let mut world = World {
        settings,
        rng: Rng::with_seed(seed),
        fleet: Vec::new(),
        launched: 0,
        backlog: 0.0,
        run: Run { fewest: usize::MAX, ..Run::default() },
    };
    world.launch(begin, false, from);
    for ticking in &mut world.fleet {
        ticking.instance.stage = Stage::Serving;
    }
    for (minute, rate) in arrivals.iter().enumerate() {
        let at = from.plus(Duration::from_secs(60 * (minute as u64 + 1)));
        let inputs = world.minute(*rate, at);
        let fleet: Vec<Instance> = world.fleet.iter().map(|ticking| ticking.instance.clone()).collect();
        let decision = policy.decide(&inputs, &fleet, at);
        world.note(&decision.act, decision.reason, at);
        world.act(decision.act, at);
        world.count_kept();
    }
    let end = from.plus(Duration::from_secs(60 * arrivals.len() as u64));
    world.end(end)
}

impl World<'_> {
    fn minute(&mut self, rate: f64, at: Millis) -> Inputs {
        let (mut worst, mut done, mut could) = (0.0_f64, 0.0, 0.0);
        for _ in 0..STEPS_A_MINUTE {
            self.tick();
            let can = self.serving() as f64 * self.settings.capacity;
            let waits = self.backlog + rate * STEP_SECONDS;
            let served = waits.min(can * STEP_SECONDS);
            self.backlog = waits - served;
            done += served;
            could += can * STEP_SECONDS;
            worst = worst.max(if can > 0.0 { self.backlog / can } else { f64::MAX });
        }
        self.take_spot(at);
        self.count(worst);
        let busy = if could > 0.0 { done / could } else { 1.0 };
        Inputs {
            hits_rate: Some(rate),
            processed_rate: Some(done / 60.0),
            queue_messages: Some(self.backlog),
            hits_a_message: Some(1.0),
            processing_seconds: Some(worst.min(1e6)),
            cpu_mean: Some(busy),
            cpu_highest: Some(busy),
            unreachable: Some(0.0),
            ..Inputs::default()
        }
    }

    fn tick(&mut self) {
        for ticking in &mut self.fleet {
            ticking.seconds_left -= STEP_SECONDS;
            let is_through = ticking.seconds_left <= 0.0;
            match ticking.instance.stage {
                Stage::Starting if is_through => ticking.instance.stage = Stage::Serving,
                Stage::Draining if is_through => ticking.instance.stage = Stage::Drained,
                _ => {}
            }
        }
    }

    fn serving(&self) -> usize {
        self.fleet.iter().filter(|ticking| ticking.instance.stage == Stage::Serving).count()
    }

    fn count(&mut self, worst: f64) {
        let outcome = &mut self.run.outcome;
        outcome.minutes += 1;
        outcome.minutes_late += u32::from(worst > self.settings.late);
        outcome.worst_seconds = outcome.worst_seconds.max(worst.min(1e6));
        outcome.most = outcome.most.max(self.fleet.len());
        outcome.instance_hours += self.fleet.len() as f64 / 60.0;
    }

    /// They vanish, without a word.
    fn take_spot(&mut self, at: Millis) {
        let (rng, mut lost) = (&mut self.rng, Vec::new());
        self.fleet.retain(|ticking| {
            let is_taken = ticking.instance.spot && rng.f64() < SPOT_LOSS;
            if is_taken {
                lost.push(ticking.instance.clone());
            }
            !is_taken
        });
        self.run.outcome.lost += lost.len() as u32;
        lost.iter().for_each(|instance| self.pay(instance, at));
    }

    fn pay(&mut self, instance: &Instance, at: Millis) {
        let price = if instance.spot { self.settings.spot_price } else { self.settings.price };
        self.run.outcome.cost += price * self.settings.billed.seconds(instance.age(at)) / 3_600.0;
    }

    fn note(&mut self, act: &Act, reason: Reason, at: Millis) {
        if *act != Act::Wait && self.run.noted.len() < NOTED_MAX {
            let serving = self.serving();
            self.run.noted.push(Noted { at, act: act.clone(), reason, serving });
        }
    }

    fn act(&mut self, act: Act, at: Millis) {
        match act {
            Act::Launch { count, spot } => {
                self.run.outcome.launched += count;
                self.launch(count, spot, at);
            }
            Act::Drain { ids } => {
                let told = self.fleet.iter_mut().filter(|ticking| ids.contains(&ticking.instance.id));
                for ticking in told {
                    ticking.instance.stage = Stage::Draining;
                    ticking.seconds_left = DRAIN_SECONDS;
                    self.run.outcome.drained += 1;
                }
            }
            Act::Terminate { ids } => {
                let gone: Vec<Instance> = self
                    .fleet
                    .iter()
                    .map(|ticking| ticking.instance.clone())
                    .filter(|one| ids.contains(&one.id))
                    .collect();
                self.fleet.retain(|ticking| !ids.contains(&ticking.instance.id));
                gone.iter().for_each(|instance| self.pay(instance, at));
            }
            Act::Wait => {}
        }
    }

    fn launch(&mut self, count: u32, spot: bool, at: Millis) {
        for _ in 0..count {
            self.launched += 1;
            let seconds_left = self.settings.boot * (BOOT_SPREAD.0 + BOOT_SPREAD.1 * self.rng.f64());
            let id = format!("i-{}", self.launched);
            let instance = Instance { id, since: at, stage: Stage::Starting, spot, noticed: false };
            self.fleet.push(Ticking { instance, seconds_left });
        }
    }

    fn count_kept(&mut self) {
        let kept = self.fleet.iter().filter(|ticking| {
            !ticking.instance.spot && matches!(ticking.instance.stage, Stage::Starting | Stage::Serving)
        });
        self.run.fewest = self.run.fewest.min(kept.count());
    }

    fn end(mut self, at: Millis) -> Run {
        let left: Vec<Instance> = self.fleet.iter().map(|ticking| ticking.instance.clone()).collect();
        left.iter().for_each(|instance| self.pay(instance, at));
        self.run
    }
}

//! Who decides: ours, and two plain ones to stand beside it.

use model::Millis;

use crate::decision::{Act, Decision, Reason};
use crate::fleet::{Instance, Stage};
use crate::inputs::Inputs;

pub trait Policy {
    /// Asked about once a minute. `measured`: what was read; what is remembered is the policy's own.
    fn decide(&mut self, measured: &Inputs, fleet: &[Instance], at: Millis) -> Decision;
}

/// Always so many.
#[derive(Clone, Copy, Debug)]
pub struct Fixed(pub u32);

impl Policy for Fixed {
    fn decide(&mut self, _: &Inputs, fleet: &[Instance], _: Millis) -> Decision {
        let missing = self.0.saturating_sub(fleet.len() as u32);
        let act = match missing {
            0 => Act::Wait,
            count => Act::Launch { count, spot: false },
        };
        Decision { act, reason: Reason::Least, needed: self.0, would_do: self.0 }
    }
}

/// What most begin with: another one where CPU was over a bound for a while, one less where it was under another, and a rest after
/// each.
#[derive(Clone, Debug)]
pub struct Threshold {
    pub least: u32,
    pub most: u32,
    /// Shares of CPU.
    pub over: f64,
    pub under: f64,
    /// Readings in a row.
    pub over_for: u32,
    pub under_for: u32,
    /// Readings without a change after one.
    pub rest: u32,
    highs: u32,
    lows: u32,
    rested: u32,
}

impl Threshold {
    /// Another one at more than 70 % for two minutes, one less at less than 40 % for ten, five minutes of rest.
    pub fn usual(least: u32, most: u32) -> Threshold {
        Threshold {
            least,
            most,
            over: 0.7,
            under: 0.4,
            over_for: 2,
            under_for: 10,
            rest: 5,
            highs: 0,
            lows: 0,
            rested: 5,
        }
    }

    fn act(&mut self, fleet: &[Instance]) -> Act {
        let drained: Vec<String> = of_stage(fleet, Stage::Drained).map(|one| one.id.clone()).collect();
        let (serving, starting) =
            (of_stage(fleet, Stage::Serving).count(), of_stage(fleet, Stage::Starting).count());
        let have = (serving + starting) as u32;
        if have < self.least {
            return Act::Launch { count: self.least - have, spot: false };
        }
        if !drained.is_empty() {
            return Act::Terminate { ids: drained };
        }
        if self.rested >= self.rest && self.highs >= self.over_for && have < self.most {
            (self.rested, self.highs) = (0, 0);
            return Act::Launch { count: 1, spot: false };
        }
        if self.rested >= self.rest && self.lows >= self.under_for && have > self.least {
            (self.rested, self.lows) = (0, 0);
            let oldest = of_stage(fleet, Stage::Serving).min_by_key(|one| one.since);
            return oldest.map_or(Act::Wait, |one| Act::Drain { ids: vec![one.id.clone()] });
        }
        Act::Wait
    }
}

fn of_stage(fleet: &[Instance], stage: Stage) -> impl Iterator<Item = &Instance> {
    fleet.iter().filter(move |instance| instance.stage == stage)
}

impl Policy for Threshold {
    fn decide(&mut self, measured: &Inputs, fleet: &[Instance], _: Millis) -> Decision {
        let cpu = measured.cpu_mean.unwrap_or_default();
        self.highs = if cpu > self.over { self.highs + 1 } else { 0 };
        self.lows = if cpu < self.under { self.lows + 1 } else { 0 };
        self.rested = self.rested.saturating_add(1);
        let act = self.act(fleet);
        Decision { act, reason: Reason::Cpu, needed: self.least, would_do: self.least }
    }
}

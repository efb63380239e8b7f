//! The instances, as their provider and their own doors tell of them, and what is remembered of how they come and go.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use model::Millis;
use serde::{Deserialize, Serialize};

use crate::limits;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Launched, and not serving yet.
    Starting,
    Serving,
    /// It was told to give up what it has.
    Draining,
    /// It has nothing any more, and may be ended.
    Drained,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    pub id: String,
    /// When it was launched.
    pub since: Millis,
    pub stage: Stage,
    pub spot: bool,
    /// Its provider will take it before long.
    pub noticed: bool,
}

impl Instance {
    pub fn age(&self, at: Millis) -> Duration {
        at.since(self.since)
    }

    /// It serves, and goes on doing so as far as anybody knows.
    pub fn stays(&self) -> bool {
        self.stage == Stage::Serving && !self.noticed
    }
}

/// What is remembered of instances that came and went.
#[derive(Clone, Debug, Default)]
pub struct Remembered {
    known: BTreeMap<String, Stage>,
    /// Those that a decision drained or ended.
    let_go: BTreeMap<String, Millis>,
    losses: VecDeque<Millis>,
    pub boot: Option<f64>,
    pub drain: Option<f64>,
    pub launched: Option<Millis>,
    pub drained: Option<Millis>,
}

/// How much the last of a kind counts against all before.
const LAST_COUNTS: f64 = 0.3;

impl Remembered {
    /// Compares the fleet with what it was.
    pub fn see(&mut self, fleet: &[Instance], at: Millis) {
        for instance in fleet {
            self.see_one(instance, at);
        }
        let gone: Vec<String> = self.known.keys().filter(|id| !is_among(id, fleet)).cloned().collect();
        for id in gone {
            let was = self.known.remove(&id);
            match self.let_go.remove(&id) {
                // It ended by itself once it was drained.
                Some(told) if was == Some(Stage::Draining) => self.learn_drain(told, at),
                Some(_) => {}
                None => self.lose(at),
            }
        }
        let known = &self.known;
        self.let_go.retain(|id, _| known.contains_key(id));
        self.losses.retain(|lost| at.since(*lost) < Duration::from_secs(3_600));
    }

    fn see_one(&mut self, instance: &Instance, at: Millis) {
        let before = self.known.insert(instance.id.clone(), instance.stage);
        match (before, instance.stage) {
            (Some(Stage::Starting), Stage::Serving) => {
                learn(&mut self.boot, instance.age(at).as_secs_f64());
            }
            (Some(Stage::Draining), Stage::Drained) => {
                if let Some(told) = self.let_go.get(&instance.id).copied() {
                    self.learn_drain(told, at);
                }
            }
            _ => {}
        }
    }

    fn learn_drain(&mut self, told: Millis, at: Millis) {
        learn(&mut self.drain, at.since(told).as_secs_f64());
    }

    fn lose(&mut self, at: Millis) {
        if self.losses.len() == limits::LOSSES_MAX {
            self.losses.pop_front();
        }
        self.losses.push_back(at);
    }

    /// These were told to go; it is no loss when they are gone.
    pub fn let_go(&mut self, ids: &[String], at: Millis) {
        for id in ids.iter().filter(|id| self.known.contains_key(*id)) {
            self.let_go.entry(id.clone()).or_insert(at);
        }
    }

    pub fn lost_in_hour(&self) -> usize {
        self.losses.len()
    }
}

fn is_among(id: &str, fleet: &[Instance]) -> bool {
    fleet.iter().any(|instance| instance.id == id)
}

fn learn(known: &mut Option<f64>, last: f64) {
    *known = Some(known.map_or(last, |before| before + LAST_COUNTS * (last - before)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(id: &str, stage: Stage) -> Instance {
        Instance { id: id.to_owned(), since: Millis(0), stage, spot: false, noticed: false }
    }

    #[test]
    fn who_is_gone_without_having_been_let_go_is_lost_for_an_hour() {
        let mut remembered = Remembered::default();
        let seconds = |count: i64| Millis(count * 1_000);
        remembered.see(&[instance("a", Stage::Starting), instance("b", Stage::Serving)], seconds(10));
        remembered.see(&[instance("a", Stage::Serving), instance("b", Stage::Serving)], seconds(90));
        assert_eq!((remembered.boot, remembered.lost_in_hour()), (Some(90.0), 0));
        remembered.let_go(&["a".to_owned(), "unknown".to_owned()], seconds(100));
        remembered.see(&[instance("a", Stage::Draining), instance("b", Stage::Serving)], seconds(110));
        remembered.see(&[instance("b", Stage::Serving)], seconds(120));
        assert_eq!((remembered.drain, remembered.lost_in_hour()), (Some(20.0), 0));
        remembered.see(&[], seconds(180));
        assert_eq!(remembered.lost_in_hour(), 1);
        remembered.see(&[], seconds(180 + 3_600));
        assert_eq!(remembered.lost_in_hour(), 0);
    }

    #[test]
    fn losses_are_bounded() {
        let mut remembered = Remembered::default();
        for number in 0..=limits::LOSSES_MAX {
            remembered.see(&[instance(&number.to_string(), Stage::Serving)], Millis(number as i64));
        }
        assert_eq!(remembered.lost_in_hour(), limits::LOSSES_MAX);
        remembered.see(&[], Millis(2_000));
        assert_eq!(remembered.lost_in_hour(), limits::LOSSES_MAX);
    }
}

//! What all processes told of themselves, put together: the picture of the pipeline.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use live::{Live, hear};
use model::{Clock, Millis};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::hour::MINUTES;
use crate::vitals::{OfAll, vital};
use crate::{Process, VITALS_TOPIC};

/// Bytes of what one process tells at once.
pub const TOLD_BYTES_MAX: usize = 128 * 1024;
/// Processes that are kept; past it the one that was heard longest ago is forgotten.
pub const PROCESSES_MAX: usize = 200;
/// A process that says nothing for so long is silent: it ended, or something between is broken.
pub const SILENT_AFTER: Duration = Duration::from_secs(20);
/// A silent process is forgotten after so long.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60 * 60);

/// What a process tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    pub process: Process,
    /// By its own clock.
    pub at: Millis,
    /// It does its work, as `/readyz` would say. One that is older than this says nothing of it, and is believed to.
    #[serde(default = "believed")]
    pub is_ready: bool,
    pub now: BTreeMap<String, f64>,
    /// `MINUTES` values each, up to the minute of `at`.
    pub hour: BTreeMap<String, Vec<Option<f64>>>,
}

fn believed() -> bool {
    true
}

/// How all is, as the page draws it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Picture {
    pub at: Millis,
    /// Of those that are not silent, by name as in `vitals::VITALS`.
    pub now: BTreeMap<&'static str, f64>,
    /// The last `MINUTES` of all, the oldest first; null where nothing is known.
    pub hour: BTreeMap<&'static str, Vec<Option<f64>>>,
    /// By host and services.
    pub processes: Vec<Seen>,
}

/// One process.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Seen {
    #[serde(flatten)]
    pub process: Process,
    /// When it last told how it is, by the clock of who heard it.
    pub heard: Millis,
    pub is_silent: bool,
    /// How much its clock is ahead of that of who heard it, ms; the way is in it.
    pub ahead_ms: i64,
    pub now: BTreeMap<&'static str, f64>,
}

#[derive(Default)]
pub struct Board {
    heard: Mutex<BTreeMap<String, (Millis, Told)>>,
}

impl Board {
    /// Hears all until `shutdown`.
    pub async fn listen(&self, live: Arc<dyn Live>, clock: Arc<dyn Clock>, shutdown: CancellationToken) {
        let listening = async {
            loop {
                let mut subscription = hear(&*live, VITALS_TOPIC).await;
                loop {
                    use tokio::sync::broadcast::error::RecvError;
                    match subscription.0.recv().await {
                        Ok(message) => self.hear(&message, clock.now()),
                        Err(RecvError::Lagged(_)) => {}
                        Err(RecvError::Closed) => break,
                    }
                }
            }
        };
        tokio::select! {
            () = listening => {}
            () = shutdown.cancelled() => {}
        }
    }

    /// Takes in what a process told; what is malformed or too long is passed over.
    pub fn hear(&self, message: &Bytes, now: Millis) {
        let told = match serde_json::from_slice::<Told>(message) {
            Ok(told) if message.len() <= TOLD_BYTES_MAX => told,
            _ => {
                tracing::debug!(bytes = message.len(), "what a process told of itself is passed over");
                return;
            }
        };
        let mut heard = self.heard.lock();
        heard.insert(told.process.id.clone(), (now, told));
        heard.retain(|_, (at, _)| now.since(*at) < FORGOTTEN_AFTER);
        if heard.len() > PROCESSES_MAX {
            let oldest = heard.iter().min_by_key(|(_, (at, _))| *at).map(|(id, _)| id.clone());
            oldest.and_then(|id| heard.remove(&id));
        }
    }

    /// Services of which at least one process is ready. None: nobody was heard of late.
    pub fn ready(&self, now: Millis) -> Option<BTreeSet<String>> {
        let heard = self.heard.lock();
        let told = heard.values().filter(|(at, _)| now.since(*at) < SILENT_AFTER).map(|(_, told)| told);
        let told: Vec<&Told> = told.collect();
        let ready = told.iter().filter(|told| told.is_ready).flat_map(|told| &told.process.services);
        (!told.is_empty()).then(|| ready.cloned().collect())
    }

    pub fn picture(&self, now: Millis) -> Picture {
        let heard = self.heard.lock();
        let mut picture =
            Picture { at: now, now: BTreeMap::new(), hour: BTreeMap::new(), processes: Vec::new() };
        for (at, told) in heard.values() {
            let seen = seen(*at, told, now);
            if !seen.is_silent {
                for (name, value) in &seen.now {
                    let known = picture.now.get(name).copied();
                    picture.now.insert(name, together(name, known, *value));
                }
            }
            add_hour(&mut picture.hour, told, now);
            picture.processes.push(seen);
        }
        let place =
            |seen: &Seen| (seen.process.host.clone(), seen.process.services.clone(), seen.process.started);
        picture.processes.sort_by_key(place);
        picture
    }
}

fn seen(heard: Millis, told: &Told, now: Millis) -> Seen {
    let known = told.now.iter().filter_map(|(name, value)| Some((vital(name)?.name, *value)));
    Seen {
        process: told.process.clone(),
        heard,
        is_silent: now.since(heard) >= SILENT_AFTER,
        ahead_ms: told.at.0 - heard.0,
        now: known.collect(),
    }
}

/// Adds the hour of one, by the clock of who looks.
fn add_hour(hour: &mut BTreeMap<&'static str, Vec<Option<f64>>>, told: &Told, now: Millis) {
    let Ok(late) = usize::try_from(now.minute().0 - told.at.minute().0) else {
        return;
    };
    for (name, values) in &told.hour {
        let Some(vital) = vital(name).filter(|_| values.len() == MINUTES) else { continue };
        let all = hour.entry(vital.name).or_insert_with(|| vec![None; MINUTES]);
        for (known, value) in all.iter_mut().zip(values.iter().skip(late)) {
            if let Some(value) = value {
                *known = Some(together(vital.name, *known, *value));
            }
        }
    }
}

fn together(name: &str, known: Option<f64>, value: f64) -> f64 {
    let Some(known) = known else {
        return value;
    };
    match vital(name).map(|vital| vital.of_all) {
        Some(OfAll::Sum) => known + value,
        Some(OfAll::Max) | None => known.max(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(10_000_000);

    fn told(id: &str, now: &[(&str, f64)]) -> Told {
        Told {
            process: Process {
                id: id.into(),
                host: "one".into(),
                version: "1".into(),
                services: vec!["collector".into()],
                started: Millis(0),
            },
            at: NOW,
            is_ready: true,
            now: now.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
            hour: BTreeMap::new(),
        }
    }

    fn bytes(told: &Told) -> Bytes {
        serde_json::to_vec(told).expect("it is written").into()
    }

    #[test]
    fn those_of_all_processes_are_one() {
        let board = Board::default();
        board.hear(&bytes(&told("a", &[("collector_hits", 3.0), ("bus_depth", 7.0), ("new", 1.0)])), NOW);
        board.hear(&bytes(&told("b", &[("collector_hits", 4.0), ("bus_depth", 6.0)])), NOW);
        let picture = board.picture(NOW);
        assert_eq!(picture.now, BTreeMap::from([("bus_depth", 7.0), ("collector_hits", 7.0)]));
        assert_eq!(picture.processes.len(), 2);
        assert!(picture.processes.iter().all(|seen| !seen.is_silent && seen.ahead_ms == 0));
    }

    #[test]
    fn who_is_silent_is_shown_and_not_counted() {
        let board = Board::default();
        board.hear(&bytes(&told("a", &[("collector_hits", 3.0)])), NOW);
        let later = NOW.plus(SILENT_AFTER);
        board.hear(&bytes(&told("b", &[("collector_hits", 4.0)])), later);
        let picture = board.picture(later);
        assert_eq!(picture.now["collector_hits"], 4.0);
        assert_eq!(picture.processes.iter().filter(|seen| seen.is_silent).count(), 1);
        board.hear(&bytes(&told("b", &[])), NOW.plus(FORGOTTEN_AFTER));
        assert_eq!(board.picture(NOW.plus(FORGOTTEN_AFTER)).processes.len(), 1);
    }

    #[test]
    fn a_service_is_ready_where_one_process_is() {
        let board = Board::default();
        assert_eq!(board.ready(NOW), None);
        let of = |id: &str, service: &str, is_ready: bool| {
            let mut told = told(id, &[]);
            told.process.services = vec![service.to_owned()];
            Told { is_ready, ..told }
        };
        for (id, service, is_ready) in
            [("a", "web", true), ("b", "web", false), ("c", "processor", false), ("d", "collector", true)]
        {
            board.hear(&bytes(&of(id, service, is_ready)), NOW);
        }
        let ready = |now| board.ready(now).map(|ready| ready.into_iter().collect::<Vec<_>>());
        assert_eq!(ready(NOW), Some(vec!["collector".to_owned(), "web".to_owned()]));
        let later = NOW.plus(SILENT_AFTER);
        board.hear(&bytes(&of("b", "web", false)), later);
        assert_eq!(ready(later), Some(vec![]), "whoever was ready is silent");
        assert_eq!(ready(later.plus(SILENT_AFTER)), None);
    }

    #[test]
    fn who_says_nothing_of_being_ready_is_believed_to_be() {
        let board = Board::default();
        let mut before = serde_json::to_value(told("a", &[])).unwrap();
        before.as_object_mut().unwrap().remove("is_ready");
        board.hear(&serde_json::to_vec(&before).unwrap().into(), NOW);
        assert_eq!(board.ready(NOW), Some(BTreeSet::from(["collector".to_owned()])));
    }

    #[test]
    fn hours_are_laid_upon_each_other_by_the_clock() {
        let board = Board::default();
        let mut hour = vec![None; MINUTES];
        hour[MINUTES - 1] = Some(2.0);
        let mut one = told("a", &[]);
        one.hour.insert("collector_hits".into(), hour.clone());
        one.hour.insert("bus_depth".into(), vec![Some(1.0); MINUTES - 1]);
        board.hear(&bytes(&one), NOW);
        let mut earlier = told("b", &[]);
        earlier.at = NOW.minus(Duration::from_secs(60));
        earlier.hour.insert("collector_hits".into(), hour);
        board.hear(&bytes(&earlier), NOW);
        let picture = board.picture(NOW);
        assert_eq!(picture.hour["collector_hits"][MINUTES - 3..], [None, Some(2.0), Some(2.0)]);
        assert!(!picture.hour.contains_key("bus_depth"), "it has not as many minutes as it should");
        board.hear(&bytes(&Told { process: Process { id: "c".into(), ..one.process.clone() }, ..one }), NOW);
        assert_eq!(board.picture(NOW).hour["collector_hits"][MINUTES - 1], Some(4.0));
    }

    #[test]
    fn processes_and_words_are_bounded() {
        let board = Board::default();
        for number in 0..=PROCESSES_MAX as i64 {
            board.hear(
                &bytes(&told(&number.to_string(), &[])),
                NOW.plus(Duration::from_millis(number as u64)),
            );
        }
        let picture = board.picture(NOW);
        assert_eq!(picture.processes.len(), PROCESSES_MAX);
        assert!(picture.processes.iter().all(|seen| seen.process.id != "0"), "heard longest ago");
        let board = Board::default();
        let empty = bytes(&told("", &[])).len();
        board.hear(&bytes(&told(&"x".repeat(TOLD_BYTES_MAX - empty + 1), &[])), NOW);
        board.hear(&Bytes::from_static(b"{}"), NOW);
        assert!(board.picture(NOW).processes.is_empty());
        board.hear(&bytes(&told(&"x".repeat(TOLD_BYTES_MAX - empty), &[])), NOW);
        assert_eq!(board.picture(NOW).processes.len(), 1);
    }
}

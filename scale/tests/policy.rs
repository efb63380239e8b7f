//! What the autoscaler promises, in worlds drawn from seeds: it does not flap, keeps the least, ends nothing that is not drained;
//! and over a week it is cheaper and later less often than a fixed fleet and a plain threshold.

use std::time::Duration;

use fastrand::Rng;
use model::Millis;
use scale::policy::{Fixed, Threshold};
use scale::simulation::{Run, run, week};
use scale::{Act, Autoscaler, Billed, Decision, Forecast, Inputs, Instance, Policy, Reason, Settings, Stage};

const WORLDS: u64 = 100;

fn settings() -> Settings {
    Settings { capacity: 1_000.0, instances_min: 2, instances_max: 64, ..Default::default() }
}

fn changes(run: &Run) -> Vec<(Millis, bool)> {
    let told = run.noted.iter().filter_map(|noted| match noted.act {
        Act::Launch { .. } => Some((noted.at, true)),
        Act::Drain { .. } => Some((noted.at, false)),
        _ => None,
    });
    told.collect()
}

#[test]
fn under_noise_it_does_not_flap() {
    for seed in 0..WORLDS {
        let mut rng = Rng::with_seed(seed);
        let (rate, noise) = (500.0 + 20_000.0 * rng.f64(), 0.09 * rng.f64());
        let arrivals: Vec<f64> = (0..1_440).map(|_| rate * (1.0 + noise * (2.0 * rng.f64() - 1.0))).collect();
        let settings = settings();
        let mut ours = Autoscaler::new(settings.clone(), Forecast::default());
        let begin = (rate / (settings.capacity * settings.busy)).ceil() as u32;
        let run = run(&mut ours, &settings, &arrivals, week::FROM, begin.max(2), seed);
        let changes = changes(&run);
        let drains = changes.iter().filter(|(_, launched)| !launched).count();
        assert_eq!(drains, 0, "seed {seed}: {:?}", run.noted);
        // What the highest of the noise takes is launched as it comes, and stays.
        assert!(changes.len() <= 4, "seed {seed}: {:?}", run.noted);
    }
}

#[test]
fn between_a_launch_and_a_drain_there_is_quiet_whatever_comes() {
    for seed in 0..WORLDS {
        let mut rng = Rng::with_seed(seed);
        let arrivals = wild(&mut rng, 1_440);
        let settings = settings();
        let mut ours = Autoscaler::new(settings.clone(), Forecast::default());
        let run = run(&mut ours, &settings, &arrivals, week::FROM, 2, seed);
        let changes = changes(&run);
        assert!(changes.iter().any(|(_, launched)| !launched), "seed {seed}: nothing was drained");
        for pair in changes.windows(2) {
            let apart = pair[1].0.since(pair[0].0);
            let is_turn = pair[0].1 && !pair[1].1;
            assert!(!is_turn || apart >= Duration::from_secs_f64(settings.quiet), "seed {seed}: {pair:?}");
        }
    }
}

#[test]
fn there_are_never_fewer_than_the_least_nor_more_than_the_most_spot_or_not() {
    for seed in 0..WORLDS {
        let mut rng = Rng::with_seed(seed);
        let least = rng.u32(1..5);
        let most = least + rng.u32(0..10);
        let settings = Settings {
            instances_min: least,
            instances_max: most,
            spot: rng.bool(),
            billed: if rng.bool() { Billed::Hour } else { Billed::Second },
            ..settings()
        };
        let arrivals = wild(&mut rng, 2_880);
        let mut ours = Watched { ours: Autoscaler::new(settings.clone(), Forecast::default()), most };
        let run = run(&mut ours, &settings, &arrivals, week::FROM, least, seed);
        assert!(run.fewest >= least as usize, "seed {seed}: {} of {least}", run.fewest);
    }
}

/// Steps, spikes, troughs and noise.
fn wild(rng: &mut Rng, minutes: usize) -> Vec<f64> {
    let mut rate = 3_000.0;
    (0..minutes)
        .map(|_| {
            if rng.f64() < 0.01 {
                rate = 100.0 + 15_000.0 * rng.f64();
            }
            rate * (1.0 + 0.2 * (rng.f64() - 0.5)) * if rng.f64() < 0.005 { 5.0 } else { 1.0 }
        })
        .collect()
}

/// Looks at each decision as it is made.
struct Watched {
    ours: Autoscaler,
    most: u32,
}

impl Policy for Watched {
    fn decide(&mut self, measured: &Inputs, fleet: &[Instance], at: Millis) -> Decision {
        let decision = self.ours.decide(measured, fleet, at);
        let stage = |id: &String| fleet.iter().find(|one| one.id == *id).map(|one| one.stage);
        match &decision.act {
            Act::Terminate { ids } => {
                let may = |id: &String| match decision.reason {
                    Reason::Drained => stage(id) == Some(Stage::Drained),
                    Reason::Late => stage(id) == Some(Stage::Starting),
                    _ => false,
                };
                assert!(!ids.is_empty() && ids.iter().all(may), "{decision:?} of {fleet:?}");
            }
            Act::Drain { ids } => {
                let is_serving = ids.iter().all(|id| stage(id) == Some(Stage::Serving));
                assert!(!ids.is_empty() && is_serving, "{decision:?} of {fleet:?}");
            }
            Act::Launch { count, .. } => {
                let have =
                    fleet.iter().filter(|one| matches!(one.stage, Stage::Serving | Stage::Starting)).count();
                assert!(*count > 0 && have as u32 + count <= self.most, "{decision:?} of {fleet:?}");
            }
            Act::Wait => {}
        }
        decision
    }
}

fn instance(id: &str, stage: Stage) -> Instance {
    Instance { id: id.to_owned(), since: Millis(0), stage, spot: false, noticed: false }
}

fn decided(fleet: &[Instance], at: i64) -> Decision {
    let mut ours = Autoscaler::new(settings(), Forecast::default());
    let measured = Inputs { hits_rate: Some(100.0), ..Default::default() };
    ours.decide(&measured, fleet, Millis(at * 1_000))
}

#[test]
fn what_is_lost_is_replaced_at_once() {
    let mut ours = Autoscaler::new(settings(), Forecast::default());
    let measured = Inputs { hits_rate: Some(100.0), ..Default::default() };
    let both = [instance("a", Stage::Serving), instance("b", Stage::Serving)];
    assert_eq!(ours.decide(&measured, &both, Millis(0)).act, Act::Wait);
    let decision = ours.decide(&measured, &both[..1], Millis(60_000));
    assert_eq!((decision.act, decision.reason), (Act::Launch { count: 1, spot: false }, Reason::Least));
    assert_eq!(ours.inputs().lost_in_hour, Some(1.0));
}

#[test]
fn what_its_provider_takes_is_replaced_and_then_drained() {
    let mut taken = instance("a", Stage::Serving);
    taken.noticed = true;
    let decision = decided(&[taken.clone(), instance("b", Stage::Serving)], 60);
    assert_eq!(decision.act, Act::Launch { count: 1, spot: false });
    let fleet = [taken, instance("b", Stage::Serving), instance("c", Stage::Starting)];
    let decision = decided(&fleet, 60);
    assert_eq!((decision.act, decision.reason), (Act::Drain { ids: vec!["a".into()] }, Reason::Noticed));
}

#[test]
fn what_does_not_come_to_serve_is_replaced_and_ended() {
    let fleet = [instance("a", Stage::Serving), instance("b", Stage::Starting)];
    assert_eq!(decided(&fleet, 3 * 120).act, Act::Wait);
    assert_eq!(decided(&fleet, 3 * 120 + 1).act, Act::Launch { count: 1, spot: false });
    let fleet = [fleet[0].clone(), fleet[1].clone(), instance("c", Stage::Serving)];
    let decision = decided(&fleet, 3 * 120 + 1);
    assert_eq!((decision.act, decision.reason), (Act::Terminate { ids: vec!["b".into()] }, Reason::Late));
}

#[test]
fn nothing_measured_ends_nothing() {
    let mut ours = Autoscaler::new(settings(), Forecast::default());
    let fleet: Vec<Instance> = (0..9).map(|number| instance(&number.to_string(), Stage::Serving)).collect();
    for minute in 0..600 {
        let decision = ours.decide(&Inputs::default(), &fleet, Millis(minute * 60_000));
        assert_eq!((decision.act, decision.reason), (Act::Wait, Reason::Blind));
    }
}

/// Drains nothing whose hour has long to go.
struct Thrifty(Autoscaler);

impl Policy for Thrifty {
    fn decide(&mut self, measured: &Inputs, fleet: &[Instance], at: Millis) -> Decision {
        let decision = self.0.decide(measured, fleet, at);
        if let Act::Drain { ids } = &decision.act {
            for one in fleet.iter().filter(|one| ids.contains(&one.id)) {
                let left = Billed::Hour.paid_for(one.age(at));
                assert!(left <= Duration::from_secs(240), "{left:?} of the hour of {one:?} are left");
            }
        }
        decision
    }
}

#[test]
fn an_hour_that_is_paid_for_is_used() {
    let settings = Settings { billed: Billed::Hour, forecast: false, ..settings() };
    let mut arrivals = vec![5_000.0; 60];
    arrivals.extend([300.0; 180]);
    let mut ours = Thrifty(Autoscaler::new(settings.clone(), Forecast::default()));
    let run = run(&mut ours, &settings, &arrivals, week::FROM, 2, 1);
    assert!(run.outcome.drained >= 6, "{:?} {:?}", run.outcome, run.noted);
}

#[test]
fn a_simulation_is_the_same_each_time() {
    let settings = Settings { spot: true, ..settings() };
    let once = || {
        let mut ours = Autoscaler::new(settings.clone(), Forecast::default());
        run(&mut ours, &settings, &week::week(1, 5_000.0, true), week::FROM, 4, 7)
    };
    assert_eq!(once(), once());
}

/// Ours against a fixed fleet that the last week's highest gives, and the usual threshold.
#[test]
fn over_a_week_it_is_cheaper_and_late_less_often_than_both() {
    let mean = 5_000.0;
    let arrivals = week::week(2, mean, true);
    for (settings, seed) in
        [(settings(), 1), (settings(), 2), (Settings { billed: Billed::Hour, ..settings() }, 3)]
    {
        let mut forecast = Forecast::default();
        for (number, from) in [(0, -2), (1, -1)] {
            for (minute, rate) in week::week(number, mean, false).iter().enumerate() {
                forecast.learn(Millis(week::FROM.0 + (from * 10_080 + minute as i64) * 60_000), *rate);
            }
        }
        let highest = week::week(1, mean, false).into_iter().fold(0.0, f64::max);
        let count = (highest / (settings.capacity * settings.busy)).ceil() as u32;
        let begin = 6;
        let mut ours = Autoscaler::new(settings.clone(), forecast);
        let ours = run(&mut ours, &settings, &arrivals, week::FROM, begin, seed).outcome;
        let fixed = run(&mut Fixed(count), &settings, &arrivals, week::FROM, count, seed).outcome;
        let mut threshold = Threshold::usual(settings.instances_min, settings.instances_max);
        let threshold = run(&mut threshold, &settings, &arrivals, week::FROM, begin, seed).outcome;
        println!("ours {ours:?}\nfixed {fixed:?}\nthreshold {threshold:?}");
        for other in [&fixed, &threshold] {
            assert!(ours.cost < other.cost, "{ours:?} {other:?}");
            assert!(ours.minutes_late < other.minutes_late, "{ours:?} {other:?}");
        }
    }
}

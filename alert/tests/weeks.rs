//! A sudden change over weeks: of real rates it says nothing that is none, and a spike that is laid upon them it tells within seconds.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alert::usual::Hour;
use alert::{Counts, Reading, Seen, SeenKind, Turned, Usual, Watch, judge};
use fastrand::Rng;
use flate2::read::GzDecoder;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use model::alert::{By, Cause, Condition};
use model::{Millis, VisitorId};

const WEEK_MS: i64 = 7 * 86_400_000;
const HOUR_MS: i64 = 3_600_000;
/// As often as it is judged.
const TICK_MS: i64 = 2_000;
/// 2013-11-25T00:00:00Z, a Monday.
const FROM: i64 = 1_385_337_600_000;
const CHANGE: Condition = Condition::Change { more: true, fewer: true };
/// Of a spike.
const VISITS_A_SECOND: i64 = 6;
/// From when on visits of a spike come until it is told.
const TOLD_WITHIN_MS: i64 = 10_000;

fn view(at: i64, visitor: u64, page: &str, source: &str) -> Seen {
    let kind = SeenKind::Pageview;
    let (page, source, country) = (page.into(), source.into(), Arc::from(""));
    Seen { at: Millis(at), visitor: VisitorId(visitor), page, source, country, kind }
}

/// What turned, and when, of the hits from `from` to `to`; those before are what was.
fn told(hits: &[Seen], from: i64, to: i64) -> Vec<(i64, Turned, Vec<Cause>)> {
    let usual = learned(hits, from);
    let mut counts = Counts::new(Millis(FROM - HOUR_MS), None, vec![]);
    let mut watch = Watch::default();
    let mut turned = Vec::new();
    let mut next = hits.iter().peekable();
    let mut now = from;
    while now < to {
        while let Some(seen) = next.next_if(|seen| seen.at.0 <= now) {
            // Long before it is looked at, time goes on with the hits.
            counts.see(seen, Millis(if now == from { seen.at.0 } else { now }));
        }
        let reading = Reading {
            now: Millis(now),
            asked_since: Millis(0),
            present: None,
            counts: &counts,
            usual: Some(&usual),
            pages: None,
        };
        let judged = judge(&CHANGE, &reading);
        if let Some(turn) = watch.step(&CHANGE, judged.verdict, Millis(now)) {
            watch.turn(turn);
            turned.push((now, turn, judged.causes));
        }
        now += TICK_MS;
    }
    turned
}

fn began(turned: &[(i64, Turned, Vec<Cause>)]) -> Vec<i64> {
    turned.iter().filter(|(_, turn, _)| *turn == Turned::Began).map(|(at, ..)| *at).collect()
}

/// Of the visits before that moment.
fn learned(hits: &[Seen], before: i64) -> Usual {
    let before = FROM + (before - FROM) / HOUR_MS * HOUR_MS;
    let mut hours = vec![0; ((before - FROM) / HOUR_MS) as usize];
    let mut pages: HashMap<(By, Arc<str>), f64> = HashMap::new();
    let mut seen_last: HashMap<VisitorId, i64> = HashMap::new();
    let mut visits = 0.0;
    for seen in hits.iter().take_while(|seen| seen.at.0 < before) {
        let last = seen_last.insert(seen.visitor, seen.at.0);
        if last.is_none_or(|last| seen.at.0 - last >= 30 * 60_000) {
            hours[((seen.at.0 - FROM) / HOUR_MS) as usize] += 1;
            visits += 1.0;
            for key in [(By::Page, seen.page.clone()), (By::Source, seen.source.clone())] {
                *pages.entry(key).or_default() += 1.0;
            }
        }
    }
    let hour = |(number, visits)| Hour { start: Millis(FROM + number as i64 * HOUR_MS), visits };
    let hours: Vec<Hour> = hours.into_iter().enumerate().map(hour).collect();
    pages.values_mut().for_each(|count| *count /= visits);
    Usual::of(&hours, TimeZone::UTC).expect("weeks of visits").with_shares(pages)
}

/// Visits that nobody expected, `per_second` for so many seconds.
fn spike(hits: &mut Vec<Seen>, at: i64, per_second: i64, seconds: i64) {
    let visitors = 0..per_second * seconds;
    hits.extend(
        visitors.map(|number| {
            view(at + number * 1_000 / per_second, u64::MAX - number as u64, "/launch", "News")
        }),
    );
    hits.sort_by_key(|seen| seen.at);
}

fn logs() -> PathBuf {
    match std::env::var_os("WATCHFIRE_TEST_LOGS") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/logs"),
    }
}

/// A week of a real site; of people only, or of all who asked. None: it is not there.
fn real_week(name: &str, with_bots: bool) -> Option<Vec<Seen>> {
    let file = File::open(logs().join(name)).ok()?;
    let lines = BufReader::new(GzDecoder::new(file)).split(b'\n').map_while(Result::ok);
    let mut hits: Vec<Seen> =
        lines.filter_map(|line| hit(&String::from_utf8_lossy(&line), with_bots)).collect();
    hits.sort_by_key(|seen| seen.at);
    Some(hits)
}

fn hit(line: &str, with_bots: bool) -> Option<Seen> {
    let (address, rest) = line.split_once(' ')?;
    let (stamp, rest) = rest.split_once('[')?.1.split_once(']')?;
    let at = strtime::parse("%d/%b/%Y:%H:%M:%S %z", stamp).ok()?.to_timestamp().ok()?.as_millisecond();
    let quoted: Vec<&str> = rest.split('"').collect();
    let (request, status, agent) = (quoted.get(1)?, quoted.get(2)?.trim(), *quoted.get(5)?);
    let path = request.strip_prefix("GET ")?.split([' ', '?']).next()?;
    let is_page = ["200", "304"].iter().any(|good| status.starts_with(good))
        && ![".css", ".js", ".png", ".gif", ".jpg", ".jpeg", ".ico", ".txt", ".xml", ".svg"]
            .iter()
            .any(|end| path.to_lowercase().ends_with(end));
    let is_bot =
        ["bot", "crawl", "spider", "slurp", "http"].iter().any(|word| agent.to_lowercase().contains(word));
    let mut hasher = DefaultHasher::new();
    (address, agent).hash(&mut hasher);
    (is_page && (with_bots || !is_bot)).then(|| view(at, hasher.finish(), path, ""))
}

/// One week after the other, whenever they were.
fn in_order(weeks: [Vec<Seen>; 2]) -> Vec<Seen> {
    let mut hits = Vec::new();
    for (number, week) in weeks.into_iter().enumerate() {
        let first = week.first().map_or(0, |seen| seen.at.0);
        // By whole weeks, so that each hour stays at its place in one.
        let begun = FROM + (first - FROM).div_euclid(WEEK_MS) * WEEK_MS;
        let shift = FROM + number as i64 * WEEK_MS - begun;
        hits.extend(week.into_iter().map(|seen| Seen { at: Millis(seen.at.0 + shift), ..seen }));
    }
    hits.retain(|seen| (FROM..FROM + 2 * WEEK_MS).contains(&seen.at.0));
    hits.sort_by_key(|seen| seen.at);
    hits
}

/// Each of the two weeks after the other one, of people and of all: four weeks that are judged, none by itself.
fn real() -> Option<Vec<Vec<Seen>>> {
    let mut all = Vec::new();
    for with_bots in [false, true] {
        let week = |name| real_week(name, with_bots);
        let (one, other) = (week("site-week-48.log.gz")?, week("site-week-49.log.gz")?);
        all.push(in_order([one.clone(), other.clone()]));
        all.push(in_order([other, one]));
    }
    Some(all)
}

#[test]
fn four_weeks_of_real_rates_have_no_more_than_one_false_alert_each() {
    let Some(real) = real() else {
        println!("no real access logs here: nothing to judge");
        return;
    };
    for (number, hits) in real.iter().enumerate() {
        let false_alerts = began(&told(hits, FROM + WEEK_MS, FROM + 2 * WEEK_MS));
        println!("week {number}: {} hits, {} false alerts", hits.len(), false_alerts.len());
        assert!(false_alerts.len() <= 1, "week {number}: {false_alerts:?}");
    }
}

#[test]
fn a_spike_upon_real_rates_is_told_within_ten_seconds_with_its_cause() {
    let Some(real) = real() else {
        println!("no real access logs here: nothing to judge");
        return;
    };
    for (number, hits) in real.iter().enumerate() {
        for hour in [3, 27, 60, 83, 110, 134, 160] {
            let at = FROM + WEEK_MS + hour * HOUR_MS + 1_234_567;
            let mut hits = hits.clone();
            spike(&mut hits, at, VISITS_A_SECOND, 120);
            let turned = told(&hits, at - HOUR_MS, at + HOUR_MS);
            let first = turned.iter().find(|(told, turn, _)| *told >= at && *turn == Turned::Began);
            let Some((told, _, causes)) = first else {
                panic!("week {number}, hour {hour}: nothing was told");
            };
            assert!(told - at <= TOLD_WITHIN_MS, "week {number}, hour {hour}: after {} ms", told - at);
            let named: Vec<(By, &str)> = causes.iter().map(|cause| (cause.by, cause.key.as_str())).collect();
            assert!(named.contains(&(By::Page, "/launch")), "{causes:?}");
            assert!(named.contains(&(By::Source, "News")), "{causes:?}");
            let times = turned.iter().filter(|(told, turn, _)| *told >= at && *turn == Turned::Began).count();
            assert_eq!(times, 1, "once");
        }
    }
}

/// Share of the busiest hour, by the hour of the day.
const DAY: [f64; 24] = [
    0.20, 0.15, 0.12, 0.12, 0.14, 0.20, 0.32, 0.50, 0.70, 0.85, 0.94, 0.97, 0.92, 0.95, 1.00, 0.98, 0.93,
    0.86, 0.79, 0.76, 0.72, 0.62, 0.46, 0.31,
];

/// Weeks drawn from a seed: days and weekends, weeks and hours that vary, visitors who look at several pages.
fn drawn(seed: u64, weeks: i64, busiest_an_hour: f64) -> Vec<Seen> {
    let mut rng = Rng::with_seed(seed);
    let mut hits = Vec::new();
    let mut visitor = seed << 32;
    for hour in 0..weeks * 168 {
        let weekend = if hour / 24 % 7 >= 5 { 0.6 } else { 1.0 };
        let mood = 0.85 + 0.3 * rng.f64();
        let rate = busiest_an_hour * DAY[(hour % 24) as usize] * weekend * mood / HOUR_MS as f64;
        let mut at = FROM as f64 + (hour * HOUR_MS) as f64;
        let end = at + HOUR_MS as f64;
        loop {
            at -= (1.0 - rng.f64()).ln() / rate;
            if at >= end {
                break;
            }
            visitor += 1;
            for page in 0..rng.i64(1..4) {
                hits.push(view(at as i64 + page * 20_000, visitor, "/", "Search"));
            }
        }
    }
    hits.sort_by_key(|seen| seen.at);
    hits
}

#[test]
fn weeks_that_only_vary_have_no_false_alert_at_busy_and_at_quiet_sites() {
    for (seed, busiest) in [(1, 12.0), (2, 200.0), (3, 3_000.0)] {
        let hits = drawn(seed, 3, busiest);
        let turned = told(&hits, FROM + 2 * WEEK_MS, FROM + 3 * WEEK_MS);
        assert!(began(&turned).len() <= 1, "{busiest} an hour: {turned:?}");
    }
}

#[test]
fn a_site_that_stands_still_is_told_and_so_is_its_return() {
    let mut hits = drawn(4, 3, 600.0);
    let noon = FROM + 2 * WEEK_MS + 36 * HOUR_MS;
    hits.retain(|seen| !(noon..noon + HOUR_MS).contains(&seen.at.0));
    let turned = told(&hits, noon - HOUR_MS, noon + 4 * HOUR_MS);
    let when: Vec<(i64, Turned)> = turned.iter().map(|(at, turn, _)| (*at - noon, *turn)).collect();
    let [(began, Turned::Began), (ended, Turned::Ended)] = when[..] else {
        panic!("{when:?}");
    };
    assert!(began < 15 * 60_000 && ended > HOUR_MS && ended < 3 * HOUR_MS, "{began} {ended}");
    let causes = &turned[0].2;
    assert_eq!((causes[0].by, causes[0].key.as_str(), causes[0].percent), (By::Page, "/", 100), "{causes:?}");
}

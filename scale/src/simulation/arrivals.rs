//! What came, a rate a minute: out of moments, or out of a log of decisions.

use model::Millis;

use crate::record::Record;

/// Minutes of which a rate is made: a year of them at most.
pub const MINUTES_MAX: usize = 366 * 1_440;

/// Many sites, each like the one whose pageviews these are, and each up to an hour earlier or later than it, most of them less: hits
/// a second of every minute, with this mean. None: no moments, or more than
/// a year of them.
pub fn of_moments(moments: &[Millis], mean: f64) -> Option<(Millis, Vec<f64>)> {
    let (first, last) = (moments.iter().min()?, moments.iter().max()?);
    let begin = first.minute();
    let minutes =
        usize::try_from(last.minute().0 - begin.0 + 1).ok().filter(|count| *count <= MINUTES_MAX)?;
    let mut counts = vec![0.0; minutes];
    for moment in moments {
        counts[(moment.minute().0 - begin.0) as usize] += 1.0;
    }
    let mut rates = spread(&spread(&counts));
    let scale = mean * minutes as f64 / rates.iter().sum::<f64>();
    rates.iter_mut().for_each(|rate| *rate *= scale);
    Some((begin.start(), rates))
}

const SPREAD: usize = 30;

/// Each minute is the mean of the hour around it.
fn spread(counts: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0];
    for count in counts {
        sums.push(sums[sums.len() - 1] + count);
    }
    let around = |minute: usize| {
        let (from, to) = (minute.saturating_sub(SPREAD), (minute + SPREAD + 1).min(counts.len()));
        (sums[to] - sums[from]) / (to - from) as f64
    };
    (0..counts.len()).map(around).collect()
}

/// What came by a log of decisions, a rate a minute; a minute without a decision is as the one before. None: no decision that
/// knew a rate, or more than a year of them.
pub fn of_records(records: &[Record]) -> Option<(Millis, Vec<f64>)> {
    let known: Vec<(i64, f64)> =
        records.iter().filter_map(|record| Some((record.at.minute().0, record.inputs.hits_rate?))).collect();
    let begin = known.iter().map(|(minute, _)| *minute).min()?;
    let end = known.iter().map(|(minute, _)| *minute).max()?;
    let minutes = usize::try_from(end - begin + 1).ok().filter(|count| *count <= MINUTES_MAX)?;
    let mut sums = vec![(0.0, 0.0); minutes];
    for (minute, rate) in known {
        let sum = &mut sums[(minute - begin) as usize];
        *sum = (sum.0 + rate, sum.1 + 1.0);
    }
    let mut before = 0.0;
    let rates = sums.into_iter().map(|(sum, count)| {
        before = if count > 0.0 { sum / count } else { before };
        before
    });
    Some((model::Minute(begin).start(), rates.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Act, Decision, Reason};
    use crate::inputs::Inputs;

    #[test]
    fn moments_become_rates_of_the_wanted_mean_with_their_shape() {
        let mut moments: Vec<Millis> = (0..600).map(|minute| Millis(minute * 60_000)).collect();
        moments.extend((300..440).flat_map(|minute| [Millis(minute * 60_000 + 5); 3]));
        let (begin, rates) = of_moments(&moments, 50.0).unwrap();
        assert_eq!((begin, rates.len()), (Millis(0), 600));
        assert!((rates.iter().sum::<f64>() / 600.0 - 50.0).abs() < 1e-6);
        assert!((rates[370] / rates[100] - 4.0).abs() < 1e-6);
        assert_eq!(of_moments(&[], 1.0), None);
    }

    #[test]
    fn a_year_is_the_most() {
        let until = |minutes: usize| [Millis(0), Millis((minutes as i64 - 1) * 60_000)];
        assert!(of_moments(&until(MINUTES_MAX), 1.0).is_some());
        assert_eq!(of_moments(&until(MINUTES_MAX + 1), 1.0), None);
    }

    #[test]
    fn decisions_become_rates_and_a_gap_is_as_before_it() {
        let record = |minute: i64, rate: Option<f64>| Record {
            at: Millis(minute * 60_000),
            decision: Decision { act: Act::Wait, reason: Reason::Enough, needed: 1, would_do: 1 },
            inputs: Inputs { hits_rate: rate, ..Default::default() },
            fleet: Vec::new(),
        };
        let records = [record(5, Some(10.0)), record(5, Some(20.0)), record(6, None), record(8, Some(4.0))];
        assert_eq!(of_records(&records), Some((Millis(300_000), vec![15.0, 15.0, 15.0, 4.0])));
        assert_eq!(of_records(&[record(1, None)]), None);
    }
}

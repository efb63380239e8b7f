//! Weeks that nobody had, shaped as weeks are: nights and noons, weekends, noise, a letter to many each Friday; and surprises.

use fastrand::Rng;
use model::Millis;

/// 2024-01-01T00:00:00Z, a Monday.
pub const FROM: Millis = Millis(1_704_067_200_000);
pub const MINUTES: usize = 10_080;

/// Share of the busiest hour, by the hour of a working day.
const DAY: [f64; 24] = [
    0.22, 0.17, 0.14, 0.13, 0.14, 0.19, 0.31, 0.48, 0.68, 0.84, 0.93, 0.97, 0.92, 0.95, 1.00, 0.98, 0.93,
    0.86, 0.79, 0.76, 0.72, 0.62, 0.47, 0.32,
];
const WEEKEND: f64 = 0.62;

/// Something that nobody knew of before.
struct Surprise {
    minute: usize,
    /// Of what would have come.
    times: f64,
    rises: f64,
    lasts: f64,
}

const SURPRISES: [Surprise; 3] = [
    // An article that many read, Tuesday afternoon.
    Surprise { minute: 1_440 + 14 * 60 + 7, times: 2.4, rises: 8.0, lasts: 120.0 },
    // Television, Thursday evening.
    Surprise { minute: 3 * 1_440 + 20 * 60 + 15, times: 5.0, rises: 4.0, lasts: 25.0 },
    // Saturday night.
    Surprise { minute: 5 * 1_440 + 23 * 60, times: 2.0, rises: 15.0, lasts: 60.0 },
];

/// Hits a second of each minute of a week with this mean. `number` makes each week another; surprises are this week's alone.
pub fn week(number: u64, mean: f64, with_surprises: bool) -> Vec<f64> {
    let mut rng = Rng::with_seed(0x5ca1_e000 + number);
    let level = 0.95 + 0.1 * rng.f64();
    let mut drift = 0.0;
    let mut rates: Vec<f64> = (0..MINUTES)
        .map(|minute| {
            drift = 0.97 * drift + 0.012 * (rng.f64() - 0.5) * 2.0;
            let noise = 0.06 * (rng.f64() - 0.5) * 2.0;
            usual(minute) * level * (1.0 + drift + noise)
        })
        .collect();
    let scale = mean * MINUTES as f64 / rates.iter().sum::<f64>();
    for (minute, rate) in rates.iter_mut().enumerate() {
        let surprising = if with_surprises { surprise(minute) } else { 1.0 };
        *rate *= scale * surprising;
    }
    rates
}

fn usual(minute: usize) -> f64 {
    let (day, of_day) = (minute / 1_440, minute % 1_440);
    let (hour, share) = (of_day / 60, (of_day % 60) as f64 / 60.0);
    let shape = DAY[hour] + share * (DAY[(hour + 1) % 24] - DAY[hour]);
    shape * if day >= 5 { WEEKEND } else { 1.0 } * letter(minute)
}

/// Friday at ten a letter goes out to many.
fn letter(minute: usize) -> f64 {
    let since = minute as f64 - (4 * 1_440 + 10 * 60) as f64;
    if since < 0.0 { 1.0 } else { 1.0 + 0.9 * (since / 6.0).min(1.0) * (-since / 50.0).exp() }
}

fn surprise(minute: usize) -> f64 {
    let of = |surprise: &Surprise| {
        let since = minute as f64 - surprise.minute as f64;
        let rising = (since / surprise.rises).clamp(0.0, 1.0);
        let falling = (-(since - surprise.rises).max(0.0) / surprise.lasts).exp();
        1.0 + (surprise.times - 1.0) * rising * falling
    };
    SURPRISES.iter().map(of).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_is_the_same_each_time_and_another_one_is_not() {
        assert_eq!(week(1, 100.0, true), week(1, 100.0, true));
        assert_ne!(week(1, 100.0, false), week(2, 100.0, false));
        let mean = week(3, 100.0, false).iter().sum::<f64>() / MINUTES as f64;
        assert!((mean - 100.0).abs() < 1e-6, "{mean}");
    }
}

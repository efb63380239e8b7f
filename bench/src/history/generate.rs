//! Seeded visits of one site: Zipf over 20,000 paths, 2,000 referrers (42 % direct), 120 countries, 12 browsers, 8 systems,
//! 1.5 million visitors; 2.2 pageviews a visit, 45 % of visits have one. Whole seconds, as access logs have them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use history::segment;
use history::table::{Hit, HitText, Kind, Table, VISIT_TEXTS, Visit, VisitText};
use history::zone::Zone;
use model::{Millis, VisitorId};

use super::segments_of;

const DAYS: i64 = 90;
const DAY_MS: i64 = 86_400_000;
/// 2026-01-01T00:00:00Z.
pub const FROM: i64 = 1_767_225_600_000;
pub const TO: i64 = FROM + DAYS * DAY_MS;
const PATHS: usize = 20_000;
const REFERRERS: usize = 2_000;
const COUNTRIES: usize = 120;
const BROWSERS: usize = 12;
const SYSTEMS: usize = 8;

pub struct Made {
    pub segments: Vec<PathBuf>,
    pub hits: u64,
    pub visits: u64,
    pub bytes: u64,
}

/// Draws numbers below a count, the small ones most often.
struct Zipf(Vec<f64>);

impl Zipf {
    fn new(count: usize, power: f64) -> Zipf {
        let mut sum = 0.0;
        let weights = (1..=count).map(|rank| {
            sum += (rank as f64).powf(-power);
            sum
        });
        let mut sums: Vec<f64> = weights.collect();
        sums.iter_mut().for_each(|weight| *weight /= sum);
        Zipf(sums)
    }

    fn draw(&self, rng: &mut Rng) -> usize {
        let at = rng.f64();
        self.0.partition_point(|&sum| sum < at).min(self.0.len() - 1)
    }
}

struct World {
    paths: Zipf,
    referrers: Zipf,
    countries: Zipf,
    browsers: Zipf,
    systems: Zipf,
    visitors: u64,
    /// Visitors whose last visit went on into the next day, and until when.
    late: HashMap<u64, i64>,
}

pub fn write(folder: &Path, pageviews: u64, seed: u64) -> anyhow::Result<Made> {
    let folder = segments_of(folder);
    std::fs::create_dir_all(&folder)?;
    let mut rng = Rng::with_seed(seed);
    let mut world = World {
        paths: Zipf::new(PATHS, 1.0),
        referrers: Zipf::new(REFERRERS, 1.0),
        countries: Zipf::new(COUNTRIES, 1.1),
        browsers: Zipf::new(BROWSERS, 1.3),
        systems: Zipf::new(SYSTEMS, 1.0),
        visitors: pageviews * 158 / 1_000,
        late: HashMap::new(),
    };
    let mut made = Made { segments: Vec::new(), hits: 0, visits: 0, bytes: 0 };
    for day in 0..DAYS {
        let day = Zone::utc().day_of(Millis(FROM + day * DAY_MS));
        let table = world.day(&mut rng, day.start, pageviews * 45 / 100 / DAYS as u64);
        let (head, bytes) = segment::write(&table, &day)?;
        made.hits += u64::from(head.hits);
        made.visits += u64::from(head.visits);
        made.bytes += bytes.len() as u64;
        let path = folder.join(format!("{}.parquet", day.name));
        std::fs::write(&path, bytes)?;
        made.segments.push(path);
    }
    Ok(made)
}

impl World {
    fn day(&mut self, rng: &mut Rng, start: i64, visits: u64) -> Table {
        let mut starts: Vec<(u64, i64)> = (0..visits)
            .map(|_| {
                let visitor = rng.u64(..self.visitors);
                // More by day than by night.
                let second = (rng.f64() + rng.f64()) / 2.0 * 86_400.0;
                (mixed(visitor), start + second as i64 * 1_000)
            })
            .collect();
        starts.sort_unstable();
        let mut table = Table::default();
        let mut last: (u64, i64) = (0, i64::MIN);
        let late = std::mem::take(&mut self.late);
        for (visitor, first) in starts {
            let before = if last.0 == visitor { last.1 } else { i64::MIN };
            let before = before.max(late.get(&visitor).copied().unwrap_or(i64::MIN));
            if before != i64::MIN && first <= before + 30 * 60_000 {
                continue;
            }
            last = (visitor, self.visit(rng, &mut table, visitor, first));
            if last.1 > start + DAY_MS - 31 * 60_000 {
                self.late.insert(visitor, last.1);
            }
        }
        table
    }

    fn visit(&mut self, rng: &mut Rng, table: &mut Table, visitor: u64, first: i64) -> i64 {
        let mut texts = [0; VISIT_TEXTS];
        let mut put = |text: VisitText, value: &str| texts[text as usize] = table.words.number(value);
        if rng.f64() < 0.42 {
            put(VisitText::Channel, "direct");
            put(VisitText::Source, "Direct");
        } else {
            let referrer = self.referrers.draw(rng);
            put(VisitText::Channel, if referrer < 5 { "search" } else { "referral" });
            put(VisitText::Source, &format!("site{referrer}.example"));
        }
        // Country, browser and system belong to the visitor.
        let mut own = Rng::with_seed(visitor);
        let system = self.systems.draw(&mut own);
        put(VisitText::Country, &format!("C{}", self.countries.draw(&mut own)));
        put(VisitText::Browser, &format!("Browser {}", self.browsers.draw(&mut own)));
        put(VisitText::Os, &format!("System {system}"));
        put(VisitText::Device, if system < 3 { "desktop" } else { "mobile" });
        let mut hits = 1;
        if rng.f64() >= 0.45 {
            hits = 2;
            while rng.f64() < 0.55 {
                hits += 1;
            }
        }
        let from = table.hits.len() as u32;
        let mut at = first;
        for number in 0..hits {
            if number > 0 {
                at += (1.0 - 60.0 * (1.0 - rng.f64()).ln()).min(1_500.0) as i64 * 1_000;
                if at >= TO {
                    break;
                }
            }
            let mut texts = [0; 7];
            texts[HitText::Hostname as usize] = table.words.number("www.example.com");
            texts[HitText::Path as usize] = table.words.number(&format!("/page/{}", self.paths.draw(rng)));
            table.hits.push(Hit {
                at,
                kind: Kind::Pageview,
                id: rng.u64(..),
                texts,
                engaged_ms: 0,
                engaged_before_ms: 0,
                scroll: 0,
                alive_ms: 0,
            });
        }
        let hits = from..table.hits.len() as u32;
        table.visits.push(Visit { visitor: VisitorId(visitor), bot: false, first, texts, hits });
        table.hits.last().map_or(first, |hit| hit.at)
    }
}

/// A visitor's id: 64 bits that look like chance.
fn mixed(number: u64) -> u64 {
    let mut id = number.wrapping_add(0x9E37_79B9_7F4A_7C15).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    id = (id ^ (id >> 29)).wrapping_mul(0x94D0_49BB_1331_11EB);
    id ^ (id >> 32)
}

//! The limit: loops over arrays that hold just what each query needs, dense and in order, with nothing general about them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use history::segment::{Coded, Columns, Reader};
use history::table::{HitText, VisitText};

use super::generate::FROM;
use super::{COUNTRY, DEVICE, Numbers, STEPS, WARM_RUNS, WINDOW_S, timed};

const DAYS: usize = 90;
const DAY_S: i64 = 86_400;

#[derive(Default)]
struct Arrays {
    // Of visits.
    visitor: Vec<u32>,
    day: Vec<u8>,
    source: Vec<u16>,
    country: Vec<u8>,
    device: Vec<u8>,
    lasted_s: Vec<u16>,
    first: Vec<u32>,
    // Of hits.
    page: Vec<u16>,
    at_s: Vec<u32>,
    visitors: usize,
    pages: Vec<Arc<str>>,
    sources: usize,
    countries: Vec<Arc<str>>,
    devices: Vec<Arc<str>>,
}

pub fn measure(segments: &[PathBuf]) -> anyhow::Result<(Vec<f64>, Vec<Numbers>)> {
    let arrays = Arrays::read(segments)?;
    let loops: [fn(&Arrays) -> Numbers; 6] =
        [Arrays::totals, Arrays::daily, Arrays::top_pages, Arrays::filtered, Arrays::funnel, Arrays::bounces];
    let mut times = Vec::new();
    let mut answers = Vec::new();
    for run in loops {
        let (ms, numbers) = timed(WARM_RUNS, || Ok(run(std::hint::black_box(&arrays))))?;
        times.push(ms);
        answers.push(numbers);
    }
    Ok((times, answers))
}

/// Gives the texts of a column numbers that hold over all segments.
#[derive(Default)]
struct Numbering(HashMap<Arc<str>, u32>, Vec<Arc<str>>);

impl Numbering {
    fn take(&mut self, column: &Coded) -> anyhow::Result<Vec<u32>> {
        let numbers = column.texts(|text| {
            let next = self.1.len() as u32;
            let text: Arc<str> = text.into();
            *self.0.entry(text.clone()).or_insert_with(|| {
                self.1.push(text);
                next
            })
        })?;
        Ok(column.rows(&numbers)?)
    }
}

impl Arrays {
    fn read(segments: &[PathBuf]) -> anyhow::Result<Arrays> {
        let mut arrays = Arrays::default();
        let mut visitors: HashMap<u64, u32> = HashMap::new();
        let [mut pages, mut sources, mut countries, mut devices] = [(); 4].map(|()| Numbering::default());
        for (day, segment) in segments.iter().enumerate() {
            let reader = Reader::open(Arc::new(Bytes::from(std::fs::read(segment)?)))?;
            let day_s = (reader.head().day_start - FROM) / 1_000;
            let source = sources.take(&reader.visit_text(VisitText::Source)?)?;
            let country = countries.take(&reader.visit_text(VisitText::Country)?)?;
            let device = devices.take(&reader.visit_text(VisitText::Device)?)?;
            let page = pages.take(&reader.hit_text(HitText::Path)?)?;
            for visitor in reader.numbers(Columns::Visitor, |visitor| visitor as u64)? {
                let next = visitors.len() as u32;
                arrays.visitor.push(*visitors.entry(visitor).or_insert(next));
                arrays.day.push(day as u8);
            }
            arrays.source.extend(source.iter().map(|&number| number as u16));
            arrays.country.extend(country.iter().map(|&number| number as u8));
            arrays.device.extend(device.iter().map(|&number| number as u8));
            let first = reader.numbers(Columns::FirstSeconds, |second| second)?;
            let after = reader.numbers(Columns::AfterSeconds, |second| second)?;
            for (visit, hits) in reader.starts()?.windows(2).enumerate() {
                let hits = hits[0] as usize..hits[1] as usize;
                arrays.first.push((arrays.page.len() + hits.start) as u32);
                arrays.lasted_s.push(after[hits.end - 1] as u16);
                arrays.at_s.extend(after[hits].iter().map(|after| (day_s + first[visit] + after) as u32));
            }
            arrays.page.extend(page.iter().map(|&number| number as u16));
        }
        arrays.first.push(arrays.page.len() as u32);
        arrays.visitors = visitors.len();
        (arrays.pages, arrays.countries, arrays.devices) = (pages.1, countries.1, devices.1);
        arrays.sources = sources.1.len();
        Ok(arrays)
    }

    fn set(&self) -> Vec<u64> {
        vec![0; self.visitors.div_ceil(64)]
    }

    fn totals(&self) -> Numbers {
        let mut set = self.set();
        for &visitor in &self.visitor {
            set[visitor as usize >> 6] |= 1 << (visitor & 63);
        }
        vec![self.page.len() as i64, ones(&set), self.visitor.len() as i64]
    }

    fn daily(&self) -> Numbers {
        let mut views = [0; DAYS];
        let words = self.visitors.div_ceil(64);
        let mut sets = vec![0u64; DAYS * words];
        for (visit, &visitor) in self.visitor.iter().enumerate() {
            let day = usize::from(self.day[visit]);
            let mark = |day: usize, sets: &mut [u64]| {
                if day < DAYS {
                    sets[day * words + (visitor as usize >> 6)] |= 1 << (visitor & 63);
                }
            };
            mark(day, &mut sets);
            let (from, to) = (self.first[visit] as usize, self.first[visit + 1] as usize);
            let end = (day as u32 + 1) * DAY_S as u32;
            if self.at_s[to - 1] >= end {
                let over = (from..to).filter(|&row| self.at_s[row] >= end).count();
                views[day] += (to - from - over) as i64;
                if day + 1 < DAYS {
                    views[day + 1] += over as i64;
                }
                mark(day + 1, &mut sets);
            } else {
                views[day] += (to - from) as i64;
            }
        }
        let days = views.iter().zip(sets.chunks_exact(words));
        days.flat_map(|(&views, set)| [views, ones(set)]).collect()
    }

    fn top_pages(&self) -> Numbers {
        let mut views = vec![0u32; self.pages.len()];
        for &page in &self.page {
            views[usize::from(page)] += 1;
        }
        let mut order: Vec<u16> = (0..self.pages.len() as u16).collect();
        order.sort_by_key(|&page| std::cmp::Reverse(views[usize::from(page)]));
        // Enough for these: no page has more uniques than views.
        let wanted = &order[..20.min(order.len())];
        let words = self.visitors.div_ceil(64);
        let mut slot = vec![u8::MAX; self.pages.len()];
        wanted.iter().zip(0..).for_each(|(&page, number)| slot[usize::from(page)] = number);
        let mut sets = vec![0u64; wanted.len() * words];
        for (visit, &visitor) in self.visitor.iter().enumerate() {
            for &page in &self.page[self.first[visit] as usize..self.first[visit + 1] as usize] {
                let slot = slot[usize::from(page)];
                if slot != u8::MAX {
                    sets[usize::from(slot) * words + (visitor as usize >> 6)] |= 1 << (visitor & 63);
                }
            }
        }
        let mut uniques: Vec<i64> = sets.chunks_exact(words).map(ones).collect();
        uniques.sort_unstable_by_key(|&uniques| std::cmp::Reverse(uniques));
        uniques.truncate(10);
        uniques
    }

    fn filtered(&self) -> Numbers {
        let of = |texts: &[Arc<str>], text: &str| texts.iter().position(|known| &**known == text);
        let country = of(&self.countries, COUNTRY).map_or(u8::MAX, |number| number as u8);
        let device = of(&self.devices, DEVICE).map_or(u8::MAX, |number| number as u8);
        let mut pairs: Vec<u64> = Vec::new();
        for visit in 0..self.visitor.len() {
            if self.country[visit] == country && self.device[visit] == device {
                pairs.push(u64::from(self.source[visit]) << 32 | u64::from(self.visitor[visit]));
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        let mut uniques = vec![0i64; self.sources];
        pairs.iter().for_each(|pair| uniques[(pair >> 32) as usize] += 1);
        uniques.sort_unstable_by_key(|&uniques| std::cmp::Reverse(uniques));
        uniques.truncate(10);
        uniques
    }

    fn funnel(&self) -> Numbers {
        let mut step = vec![0u8; self.pages.len()];
        for (number, path) in STEPS.iter().enumerate() {
            if let Some(page) = self.pages.iter().position(|page| &**page == *path) {
                step[page] = number as u8 + 1;
            }
        }
        const NEVER: u32 = u32::MAX;
        let mut chains = vec![[NEVER; 2]; self.visitors];
        let mut depth = vec![0u8; self.visitors];
        let mut reached = [0; 3];
        let in_window = |began: u32, at: u32| began != NEVER && at - began <= WINDOW_S as u32;
        for (visit, &visitor) in self.visitor.iter().enumerate() {
            for row in self.first[visit] as usize..self.first[visit + 1] as usize {
                let (at, visitor) = (self.at_s[row], visitor as usize);
                let took = match step[usize::from(self.page[row])] {
                    1 => {
                        chains[visitor][0] = at;
                        true
                    }
                    2 if in_window(chains[visitor][0], at) => {
                        chains[visitor][1] = chains[visitor][0];
                        true
                    }
                    3 => in_window(chains[visitor][1], at),
                    _ => false,
                };
                if took {
                    let step = step[usize::from(self.page[row])];
                    if depth[visitor] < step {
                        depth[visitor] = step;
                        reached[usize::from(step) - 1] += 1;
                    }
                }
            }
        }
        reached.to_vec()
    }

    fn bounces(&self) -> Numbers {
        let mut days = vec![[0i64; 3]; DAYS];
        for (visit, &day) in self.day.iter().enumerate() {
            let day = &mut days[usize::from(day)];
            day[0] += 1;
            day[1] += i64::from(self.first[visit + 1] - self.first[visit] == 1);
            day[2] += i64::from(self.lasted_s[visit]);
        }
        days.into_iter().flatten().collect()
    }
}

fn ones(set: &[u64]) -> i64 {
    set.iter().map(|word| i64::from(word.count_ones())).sum()
}

//! Every `identify` that the history has: who was named, in which visit, with which properties.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::super::columns::Column;
use super::super::library::Library;
use super::super::packed::Packed;
use super::super::part::Part;
use super::super::{Control, ReportError};
use super::PROPERTIES_MAX;
use super::summary::Properties;
use crate::query::Bots;
use crate::table::{HitText, Kind};

/// One `identify`. Numbers are the library's.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    pub at: i64,
    pub visitor: u32,
    /// Part, and visit in it.
    pub visit: (u32, u32),
    pub identity: u32,
    props: u32,
}

/// All of them.
#[derive(Default)]
pub struct Naming {
    /// By visit, in order of time within each.
    by_visit: HashMap<(u32, u32), Vec<Named>>,
    visitors: HashSet<u32>,
    /// By identity: moments and properties.
    said: HashMap<u32, Vec<(i64, u32)>>,
}

/// Bytes that one of them takes here, about.
const NAMED_BYTES: usize = 160;

impl Naming {
    pub fn find(parts: &[Arc<Part>], bots: Bots, control: &Control<'_>) -> Result<Naming, ReportError> {
        let mut naming = Naming::default();
        let mut count = 0;
        for (number, part) in (0..).zip(parts) {
            control.check()?;
            for named in of_part(part, number, bots)? {
                count += 1;
                naming.visitors.insert(named.visitor);
                naming.said.entry(named.identity).or_default().push((named.at, named.props));
                naming.by_visit.entry(named.visit).or_default().push(named);
            }
            control.needs(count * NAMED_BYTES)?;
        }
        naming.by_visit.values_mut().for_each(|said| said.sort_by_key(|named| named.at));
        Ok(naming)
    }

    /// Somebody was named by this visitor.
    pub fn names(&self, visitor: u32) -> bool {
        self.visitors.contains(&visitor)
    }

    /// Whom a visit names, in order of time.
    pub fn of_visit(&self, visit: (u32, u32)) -> &[Named] {
        self.by_visit.get(&visit).map_or(&[], Vec::as_slice)
    }

    pub fn visitors_of(&self, identity: u32) -> HashSet<u32> {
        let all = self.by_visit.values().flatten();
        all.filter(|named| named.identity == identity).map(|named| named.visitor).collect()
    }

    /// Of each property the value that was said last.
    pub fn properties(&self, identity: u32, library: &Library) -> Properties {
        let mut said: Vec<(i64, Arc<str>)> = self.said.get(&identity).map_or_else(Vec::new, |said| {
            said.iter().map(|(at, props)| (*at, library.hit_text(HitText::Props, *props))).collect()
        });
        said.sort_by(|a, b| b.cmp(a));
        let mut latest: BTreeMap<String, String> = BTreeMap::new();
        let mut before = None;
        for (_, text) in said {
            // A page that says the same each time is read once.
            if before.as_ref() == Some(&text) || text.is_empty() {
                continue;
            }
            let props: BTreeMap<String, String> = serde_json::from_str(&text).unwrap_or_default();
            for (key, value) in props {
                if latest.len() < PROPERTIES_MAX {
                    latest.entry(key).or_insert(value);
                }
            }
            before = Some(text);
        }
        Properties(latest)
    }
}

fn of_part(part: &Arc<Part>, number: u32, bots: Bots) -> Result<Vec<Named>, ReportError> {
    let kinds = part.column(Column::Kind)?;
    if matches!(&*kinds, Packed::Same(all, _) if *all != Kind::Identify as u32) {
        return Ok(Vec::new());
    }
    let rows: Vec<usize> = (0..kinds.len()).filter(|&row| kinds.get(row) == Kind::Identify as u32).collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let (starts, visitor) = (part.column(Column::Starts)?, part.column(Column::Visitor)?);
    let at = part.column(Column::At)?;
    let identity = part.column(Column::HitText(HitText::Name))?;
    let props = part.column(Column::HitText(HitText::Props))?;
    let (day_start, humans) = (part.head().day_start, part.head().humans);
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let visit = starts.wide_values().partition_point(|&start| start as usize <= row) as u32 - 1;
        if part.hidden().binary_search(&visit).is_ok() || !counts(bots, visit >= humans) {
            continue;
        }
        found.push(Named {
            at: day_start + i64::from(at.get(row)),
            visitor: visitor.get(visit as usize),
            visit: (number, visit),
            identity: identity.get(row),
            props: props.get(row),
        });
    }
    Ok(found)
}

pub fn counts(bots: Bots, is_bot: bool) -> bool {
    match bots {
        Bots::Without => !is_bot,
        Bots::With => true,
        Bots::Only => is_bot,
    }
}

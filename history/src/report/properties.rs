//! Which properties events have.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;

use super::columns::Column;
use super::part::Part;
use super::{Control, ReportError};
use crate::query::{BadQuery, Bots};
use crate::table::{HitText, Kind};

/// Properties of one answer; the rarest are left out.
pub const PROPERTIES_TOLD_MAX: usize = 200;

/// The names of the properties that events of a range have, and how many events have each: most first, then by name.
pub fn properties(
    parts: &[Arc<Part>],
    (from, to): (i64, i64),
    bots: Bots,
    control: &Control<'_>,
) -> Result<Vec<(String, u64)>, ReportError> {
    if to < from {
        return Err(BadQuery::Range.into());
    }
    let mut counts: HashMap<u32, u64> = HashMap::new();
    for part in parts.iter().filter(|part| part.touches(from, to)) {
        control.check()?;
        let (starts, kinds) = (part.column(Column::Starts)?, part.column(Column::Kind)?);
        let (at, props) = (part.column(Column::At)?, part.column(Column::HitText(HitText::Props))?);
        let head = part.head();
        let visits = match bots {
            Bots::Without => 0..head.humans,
            Bots::Only => head.humans..head.visits,
            Bots::With => 0..head.visits,
        };
        for visit in visits.filter(|visit| part.hidden().binary_search(visit).is_err()) {
            let rows = starts.get(visit as usize) as usize..starts.get(visit as usize + 1) as usize;
            for row in rows.filter(|&row| kinds.get(row) == Kind::Event as u32) {
                if (from..to).contains(&(head.day_start + i64::from(at.get(row)))) {
                    *counts.entry(props.get(row)).or_default() += 1;
                }
            }
        }
    }
    let Some(library) = parts.first().map(|part| part.library()) else { return Ok(Vec::new()) };
    let mut named: BTreeMap<String, u64> = BTreeMap::new();
    for (number, count) in counts {
        let text = library.hit_text(HitText::Props, number);
        let props: BTreeMap<String, String> = serde_json::from_str(&text).unwrap_or_default();
        props.into_keys().for_each(|name| *named.entry(name).or_default() += count);
    }
    let mut found: Vec<(String, u64)> = named.into_iter().collect();
    found.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    found.truncate(PROPERTIES_TOLD_MAX);
    Ok(found)
}

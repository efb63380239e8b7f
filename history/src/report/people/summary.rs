//! What is said of a person or visitor over all their visits.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::ReportError;
use super::super::columns::{Column, text_of};
use super::super::part::Part;
use super::belonging::Seen;
use crate::table::{VISIT_TEXTS, VisitText};

/// What an `identify` said, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties(pub BTreeMap<String, String>);

impl Properties {
    /// Some of them, as `name:value`, has this in it, which is in lower case.
    pub fn has(&self, sought: &str) -> bool {
        self.0.iter().any(|(name, value)| format!("{name}:{value}").to_lowercase().contains(sought))
    }
}

/// A person in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    pub identity: Arc<str>,
    pub properties: Properties,
    pub summary: Summary,
}

/// What a visit says of its origin, by [`VisitText`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisitTexts([Arc<str>; VISIT_TEXTS]);

impl VisitTexts {
    pub(super) fn read(part: &Part, visit: u32) -> Result<VisitTexts, ReportError> {
        let mut texts = Vec::with_capacity(VISIT_TEXTS);
        for text in VisitText::ALL {
            let column = Column::VisitText(text);
            texts.push(text_of(part, column, part.column(column)?.get(visit as usize)));
        }
        Ok(VisitTexts(std::array::from_fn(|text| texts[text].clone())))
    }

    pub fn text(&self, text: VisitText) -> &Arc<str> {
        &self.0[text as usize]
    }
}

/// Sums over the visits; of the first how it came, of the latest place and device.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// First and last sign of life, milliseconds since 1970 UTC.
    pub first: i64,
    pub last: i64,
    pub visits: u64,
    pub pageviews: u64,
    pub events: u64,
    pub engaged_ms: u64,
    /// Of the first visit.
    pub origin: VisitTexts,
    /// Of the visit with the last sign of life.
    pub latest: VisitTexts,
}

/// A summary in the making.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    visits: u64,
    pageviews: u64,
    events: u64,
    engaged_ms: u64,
    /// Moment, and place in what was seen.
    first: Option<(i64, usize)>,
    last: Option<(i64, usize)>,
}

impl Tally {
    pub fn add(&mut self, seen: &[Seen], at: usize) {
        let visit = &seen[at];
        self.visits += 1;
        self.pageviews += u64::from(visit.pageviews);
        self.events += u64::from(visit.events);
        self.engaged_ms += u64::from(visit.engaged_ms);
        if self.first.is_none_or(|(first, _)| visit.first < first) {
            self.first = Some((visit.first, at));
        }
        if self.last.is_none_or(|(last, _)| visit.last > last) {
            self.last = Some((visit.last, at));
        }
    }

    pub fn last(&self) -> i64 {
        self.last.map_or(i64::MIN, |(last, _)| last)
    }

    /// Of at least one visit.
    pub fn summary(&self, parts: &[Arc<Part>], seen: &[Seen]) -> Result<Summary, ReportError> {
        let texts = |of: Option<(i64, usize)>| {
            let (part, visit) = seen[of.map_or(0, |(_, at)| at)].visit;
            VisitTexts::read(&parts[part as usize], visit)
        };
        Ok(Summary {
            first: self.first.map_or(0, |(first, _)| first),
            last: self.last(),
            visits: self.visits,
            pageviews: self.pageviews,
            events: self.events,
            engaged_ms: self.engaged_ms,
            origin: texts(self.first)?,
            latest: texts(self.last)?,
        })
    }
}

//! People: visitors whom the site named with `identify`, computed from the history that stands. Nothing else is kept of them.
//!
//! A visit belongs to everybody whom it names; where it names nobody, to whom its visitor's visits named last before it; else
//! to whom they named first after it. Visits judged human and visits judged bots' are told apart, as everywhere. So what was
//! done in a browser before its visitor said who they are is theirs, and a person has the visits of every browser that
//! named them.

mod belonging;
mod naming;
mod summary;
mod trail;

use std::sync::Arc;

use hashbrown::HashMap;
use model::VisitorId;

use self::belonging::{Seen, belonging, seen};
use self::naming::Naming;
use self::summary::Tally;
use super::numbering::number_visitors;
use super::part::Part;
use super::{Control, ReportError};
use crate::query::{Bots, CELLS_MAX, limit};
use crate::table::HitText;

pub use summary::{Person, Properties, Summary, VisitTexts};
pub use trail::{TrailHit, TrailVisit};

/// People of one page of results.
pub const PEOPLE_MAX: usize = 1_000;
/// Visits of one page of a trail.
pub const TRAIL_VISITS_MAX: usize = 100;
/// Hits of one visit in a trail; how many more there are is said.
pub const TRAIL_HITS_MAX: usize = 500;
/// Properties of one person; past it those that were said last stay.
pub const PROPERTIES_MAX: usize = 100;
/// Visitor ids of one person that are told.
pub const VISITORS_TOLD_MAX: usize = 100;
/// Bytes of what is searched for.
pub const SEARCH_BYTES_MAX: usize = 256;

/// Which people, and which page of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct People {
    /// In the identity, or in a property as `name:value`, whatever the case; empty: all.
    pub search: String,
    pub bots: Bots,
    pub offset: usize,
    pub limit: usize,
}

/// One page of people, the last seen first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    pub people: Vec<Person>,
    /// How many there are on all pages.
    pub count: usize,
}

/// Whose history.
#[derive(Clone, Debug, PartialEq)]
pub enum Whose {
    /// All visits that belong to who has this identity.
    Person(String),
    /// All visits of one visitor id, whoever they belong to.
    Visitor(VisitorId),
}

/// One person or one visitor, and a page of their visits.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    pub summary: Summary,
    pub properties: Properties,
    /// Of a visitor, who their visits belong to, by name; of a person, that person. `VISITORS_TOLD_MAX` at most.
    pub identities: Vec<Arc<str>>,
    /// The visitor ids of the visits; `VISITORS_TOLD_MAX` at most.
    pub visitors: Vec<VisitorId>,
    /// The latest first, from `offset` on.
    pub visits: Vec<TrailVisit>,
}

/// Which page of whose visits.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub whose: Whose,
    pub bots: Bots,
    pub offset: usize,
    pub limit: usize,
}

/// The people of a site. `parts`: all of them.
pub fn people(parts: &[Arc<Part>], asked: &People, control: &Control<'_>) -> Result<Found, ReportError> {
    limit("people of a page of results", asked.limit, PEOPLE_MAX)?;
    limit("people before a page of results", asked.offset, CELLS_MAX)?;
    limit("bytes of a search", asked.search.len(), SEARCH_BYTES_MAX)?;
    let naming = Naming::find(parts, asked.bots, control)?;
    let seen = seen(parts, asked.bots, &|visitor| naming.names(visitor), control)?;
    let mut tallies: HashMap<u32, Tally> = HashMap::new();
    for (identity, at) in belonging(&seen, &naming) {
        tallies.entry(identity).or_default().add(&seen, at);
    }
    let Some(library) = parts.first().map(|part| part.library()) else {
        return Ok(Found::default());
    };
    let name = |identity: u32| library.hit_text(HitText::Name, identity);
    let sought = asked.search.to_lowercase();
    let is_sought = |identity: &u32| {
        sought.is_empty()
            || name(*identity).to_lowercase().contains(&sought)
            || naming.properties(*identity, library).has(&sought)
    };
    let mut found: Vec<(i64, Arc<str>, u32, Tally)> = Vec::new();
    for (identity, tally) in tallies {
        control.check()?;
        if is_sought(&identity) {
            found.push((tally.last(), name(identity), identity, tally));
        }
    }
    found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let count = found.len();
    let page = found.into_iter().skip(asked.offset).take(asked.limit);
    let person = |(_, name, identity, tally): (i64, Arc<str>, u32, Tally)| {
        let properties = naming.properties(identity, library);
        Ok(Person { identity: name, properties, summary: tally.summary(parts, &seen)? })
    };
    Ok(Found { people: page.map(person).collect::<Result<_, ReportError>>()?, count })
}

/// One person or visitor; None where the history has nothing of them.
pub fn profile(
    parts: &[Arc<Part>],
    asked: &Asked,
    control: &Control<'_>,
) -> Result<Option<Profile>, ReportError> {
    limit("visits of a page of a trail", asked.limit, TRAIL_VISITS_MAX)?;
    limit("visits before a page of a trail", asked.offset, CELLS_MAX)?;
    let Some(library) = parts.first().map(|part| part.library()) else {
        return Ok(None);
    };
    let naming = Naming::find(parts, asked.bots, control)?;
    let (seen, theirs, identities) = match &asked.whose {
        Whose::Person(identity) => {
            let Some(number) = library.find_name(identity) else { return Ok(None) };
            let visitors = naming.visitors_of(number);
            let seen = seen(parts, asked.bots, &|visitor| visitors.contains(&visitor), control)?;
            let theirs = belonging(&seen, &naming).filter(|(of, _)| *of == number).map(|(_, at)| at);
            let theirs: Vec<usize> = theirs.collect();
            (seen, theirs, vec![number])
        }
        Whose::Visitor(visitor) => {
            number_visitors(parts, control)?;
            let known = library.find_visitors([*visitor].iter());
            let seen = seen(parts, asked.bots, &|number| known.contains_key(&number), control)?;
            let mut identities: Vec<u32> = belonging(&seen, &naming).map(|(of, _)| of).collect();
            identities.sort_unstable();
            identities.dedup();
            let theirs = (0..seen.len()).collect();
            (seen, theirs, identities)
        }
    };
    if theirs.is_empty() {
        return Ok(None);
    }
    told(parts, asked, &seen, theirs, &identities, &naming).map(Some)
}

fn told(
    parts: &[Arc<Part>],
    asked: &Asked,
    seen: &[Seen],
    theirs: Vec<usize>,
    identities: &[u32],
    naming: &Naming,
) -> Result<Profile, ReportError> {
    let library = parts[0].library();
    let mut tally = Tally::default();
    theirs.iter().for_each(|&at| tally.add(seen, at));
    let properties = match identities {
        [one] => naming.properties(*one, library),
        _ => Properties::default(),
    };
    let mut names: Vec<Arc<str>> =
        identities.iter().map(|&identity| library.hit_text(HitText::Name, identity)).collect();
    names.sort();
    names.truncate(VISITORS_TOLD_MAX);
    let mut numbers: Vec<u32> = theirs.iter().map(|&at| seen[at].visitor).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let ids = library.visitors_of(&numbers);
    let mut visitors: Vec<VisitorId> = ids.values().copied().collect();
    visitors.sort_unstable();
    visitors.truncate(VISITORS_TOLD_MAX);
    let visits = trail::page(parts, seen, theirs, (asked.offset, asked.limit), &ids)?;
    Ok(Profile { summary: tally.summary(parts, seen)?, properties, identities: names, visitors, visits })
}

/// A visit that belongs to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Theirs {
    pub visitor: VisitorId,
    /// First and last sign of life, milliseconds since 1970 UTC.
    pub first: i64,
    pub last: i64,
    /// It names that person itself.
    pub names: bool,
}

/// All visits that belong to a person, of humans and bots: what is erased with them.
pub fn visits_of(
    parts: &[Arc<Part>],
    identity: &str,
    control: &Control<'_>,
) -> Result<Vec<Theirs>, ReportError> {
    let Some(library) = parts.first().map(|part| part.library()) else {
        return Ok(Vec::new());
    };
    let naming = Naming::find(parts, Bots::With, control)?;
    let Some(number) = library.find_name(identity) else { return Ok(Vec::new()) };
    let visitors = naming.visitors_of(number);
    let seen = seen(parts, Bots::With, &|visitor| visitors.contains(&visitor), control)?;
    let theirs: Vec<&Seen> =
        belonging(&seen, &naming).filter(|(of, _)| *of == number).map(|(_, at)| &seen[at]).collect();
    let ids = library.visitors_of(&theirs.iter().map(|visit| visit.visitor).collect::<Vec<_>>());
    let told = theirs.iter().filter_map(|visit| {
        let names = naming.of_visit(visit.visit).iter().any(|named| named.identity == number);
        Some(Theirs { visitor: *ids.get(&visit.visitor)?, first: visit.first, last: visit.last, names })
    });
    Ok(told.collect())
}

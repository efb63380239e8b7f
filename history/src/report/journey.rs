//! Journeys answered: one walk for each level of the tree, which follows the pages kept so far.

use std::cmp::Reverse;
use std::sync::Arc;

use hashbrown::HashMap;
use serde::Serialize;

use super::breakdown::masks_of;
use super::buckets::Buckets;
use super::columns::Column;
use super::group::Context;
use super::packed::Packed;
use super::part::Part;
use super::scan::{Sink, View};
use super::{Control, ReportError};
use crate::query::{JOURNEY_NODES_MAX, Journey, limit};
use crate::table::{HitText, Kind};
use crate::zone::Zone;

/// A page of the tree, and what follows (backward: precedes) it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Empty at the root of a journey from the begin or the end.
    pub page: Arc<str>,
    /// Visits that came this way.
    pub visits: u64,
    /// Of them, those whose way ends here.
    pub ended: u64,
    /// The pages that most go on to, most first; equal ones by their texts. Of the deepest pages none is given.
    pub children: Vec<Node>,
    /// Visits that went on to a page which is no child here.
    pub others: u64,
}

/// The tree of a journey. `parts` as for [`super::answer`].
pub fn journey(
    parts: &[Arc<Part>],
    zone: &Zone,
    query: &Journey,
    control: &Control<'_>,
) -> Result<Node, ReportError> {
    query.check()?;
    let range = (query.from, query.to);
    let one = Buckets::one(query.from, query.to);
    let context = Context::new(zone, parts, query.needs_all_before(), control)?;
    let parts: Vec<Arc<Part>> =
        parts.iter().filter(|part| part.touches(query.from, query.to)).cloned().collect();
    let masks = masks_of(query.filter.as_ref(), &parts, range, query.bots, &context, control)?;
    let mut ways = Vec::with_capacity(parts.len());
    for (part, mask) in parts.iter().zip(masks) {
        let view = View::new(part, mask, range, query.bots, &one)?;
        let mut visits = Counting { visits: Vec::new(), begins: false };
        view.walk(false, &one, control, &mut visits)?;
        ways.push(Ways::new(part, visits.visits, query)?);
    }
    let library = parts.first().map(|part| part.library());
    let start = match &query.page {
        Some(page) => library.and_then(|library| library.find_path(page)).map(Start::Page),
        None => Some(Start::End),
    };
    let text =
        |page: u32| library.map_or_else(Arc::<str>::default, |library| library.hit_text(HitText::Path, page));
    let mut tree = Tree { nodes: vec![Level::default()], children: query.children };
    if let Some(start) = start {
        for depth in 0..=query.depth {
            tree.grow(&ways, (&start, &text), (depth, query.depth), control)?;
        }
    }
    let mut root = tree.node(0, &text);
    root.page = query.page.as_deref().unwrap_or("").into();
    Ok(root)
}

enum Start {
    /// The visit's begin or end.
    End,
    /// The first time this page is shown.
    Page(u32),
}

/// The ways of a part's visits that count.
struct Ways {
    visits: Vec<u32>,
    starts: Arc<Packed>,
    kinds: Arc<Packed>,
    paths: Arc<Packed>,
    backward: bool,
}

impl Ways {
    fn new(part: &Part, visits: Vec<u32>, query: &Journey) -> Result<Ways, ReportError> {
        Ok(Ways {
            visits,
            starts: part.column(Column::Starts)?,
            kinds: part.column(Column::Kind)?,
            paths: part.column(Column::HitText(HitText::Path))?,
            backward: query.backward,
        })
    }

    /// The pages of a visit in the direction asked for, into `way`; what the way starts at left out. False: it never starts.
    fn read(&self, visit: u32, start: &Start, way: &mut Vec<u32>) -> bool {
        way.clear();
        let rows = self.starts.get(visit as usize) as usize..self.starts.get(visit as usize + 1) as usize;
        let views = rows.filter(|&row| self.kinds.get(row) == Kind::Pageview as u32);
        way.extend(views.map(|row| self.paths.get(row)));
        if let Start::Page(page) = start {
            let Some(at) = way.iter().position(|path| path == page) else { return false };
            match self.backward {
                true => way.truncate(at),
                false => drop(way.drain(..=at)),
            }
        }
        if self.backward {
            way.reverse();
        }
        true
    }
}

/// A page of the tree under way.
#[derive(Default)]
struct Level {
    page: u32,
    visits: u64,
    ended: u64,
    others: u64,
    children: Vec<u32>,
}

struct Tree {
    nodes: Vec<Level>,
    /// Children of one page at most.
    children: usize,
}

impl Tree {
    /// Counts what leaves the pages at one depth, and adds the most visited of it as pages of the next.
    fn grow(
        &mut self,
        ways: &[Ways],
        (start, text): (&Start, &dyn Fn(u32) -> Arc<str>),
        (depth, depth_max): (usize, usize),
        control: &Control<'_>,
    ) -> Result<(), ReportError> {
        let mut next: HashMap<(u32, u32), u64> = HashMap::new();
        let mut way = Vec::new();
        for ways in ways {
            control.check()?;
            for &visit in &ways.visits {
                if !ways.read(visit, start, &mut way) {
                    continue;
                }
                let Some(node) = self.follow(&way, depth) else { continue };
                self.nodes[node as usize].visits += 1;
                match way.get(depth) {
                    None => self.nodes[node as usize].ended += 1,
                    Some(_) if depth == depth_max => self.nodes[node as usize].others += 1,
                    Some(&page) => *next.entry((node, page)).or_default() += 1,
                }
            }
            control.needs(next.capacity() * 24)?;
        }
        let mut of_nodes: HashMap<u32, Vec<(u64, u32)>> = HashMap::new();
        for ((node, page), visits) in next {
            of_nodes.entry(node).or_default().push((visits, page));
        }
        for (node, mut pages) in of_nodes {
            pages.sort_unstable_by_key(|&(visits, page)| (Reverse(visits), text(page)));
            let others = pages.iter().skip(self.children).map(|(visits, _)| visits).sum();
            self.nodes[node as usize].others = others;
            for &(_, page) in pages.iter().take(self.children) {
                let number = self.nodes.len() as u32;
                self.nodes.push(Level { page, ..Level::default() });
                self.nodes[node as usize].children.push(number);
            }
        }
        limit("pages in the tree of a journey", self.nodes.len(), JOURNEY_NODES_MAX)?;
        Ok(())
    }

    /// The page of the tree that a way has come to after so many steps.
    fn follow(&self, way: &[u32], steps: usize) -> Option<u32> {
        let mut node = 0;
        for page in way.get(..steps)? {
            let children = &self.nodes[node as usize].children;
            node = *children.iter().find(|&&child| self.nodes[child as usize].page == *page)?;
        }
        Some(node)
    }

    fn node(&self, number: u32, text: &dyn Fn(u32) -> Arc<str>) -> Node {
        let level = &self.nodes[number as usize];
        Node {
            page: if number == 0 { Arc::default() } else { text(level.page) },
            visits: level.visits,
            ended: level.ended,
            children: level.children.iter().map(|&child| self.node(child, text)).collect(),
            others: level.others,
        }
    }
}

/// The visits that began in the range and have a hit that counts.
struct Counting {
    visits: Vec<u32>,
    begins: bool,
}

impl Sink for Counting {
    fn visit(&mut self, _: usize, _: usize) {}

    fn begin(&mut self, _: usize, bucket: Option<usize>) {
        self.begins = bucket.is_some();
    }

    fn hit(&mut self, visit: usize, _: usize, _: usize) {
        if self.begins && self.visits.last() != Some(&(visit as u32)) {
            self.visits.push(visit as u32);
        }
    }
}

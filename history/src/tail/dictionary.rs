//! What repeats in a batch, each once. Shared things are found by where they are in memory; two places with
//! equal strings still become one string.

use std::sync::Arc;

use hashbrown::HashMap;
use hashbrown::hash_map::EntryRef;
use model::{Agent, Place, Source, VisitorId};

use super::bytes::put;
use crate::Page;

/// The dictionaries of one batch while it is written.
#[derive(Default)]
pub struct Dictionary {
    strings: Table,
    /// Strings seen, by where they are.
    known: HashMap<usize, u64>,
    texts: HashMap<Arc<str>, u64>,
    pages: Table,
    sources: Table,
    agents: Table,
    places: Table,
    visitors: Table,
    numbers: HashMap<VisitorId, u64>,
}

/// Written entries, and where each thing stands among them.
#[derive(Default)]
struct Table {
    index: HashMap<usize, u64>,
    count: u64,
    written: Vec<u8>,
}

impl Dictionary {
    pub fn text(&mut self, text: &Arc<str>) -> u64 {
        let place = text.as_ptr() as usize;
        if let Some(&index) = self.known.get(&place) {
            return index;
        }
        let index = self.content(text);
        // An empty string takes no room: anything else may stand in its place.
        if !text.is_empty() {
            self.known.insert(place, index);
        }
        index
    }

    fn content(&mut self, text: &str) -> u64 {
        match self.texts.entry_ref(text) {
            EntryRef::Occupied(known) => *known.get(),
            EntryRef::Vacant(new) => {
                let index = self.strings.next();
                put(&mut self.strings.written, text.len() as u64);
                self.strings.written.extend_from_slice(text.as_bytes());
                *new.insert(index)
            }
        }
    }

    pub fn page(&mut self, page: &Arc<Page>) -> u64 {
        let place = Arc::as_ptr(page) as usize;
        if let Some(&index) = self.pages.index.get(&place) {
            return index;
        }
        let texts = [&page.hostname, &page.path, &page.query].map(|text| self.text(text));
        self.pages.add(place, None, &texts)
    }

    pub fn source(&mut self, source: &Arc<Source>) -> u64 {
        let place = Arc::as_ptr(source) as usize;
        if let Some(&index) = self.sources.index.get(&place) {
            return index;
        }
        let Source { channel, name, referrer, .. } = &**source;
        let utm = [
            &source.utm_source,
            &source.utm_medium,
            &source.utm_campaign,
            &source.utm_term,
            &source.utm_content,
        ];
        let [a, b, c, d, e] = utm.map(|text| self.text(text));
        let texts = [self.text(name), self.text(referrer), a, b, c, d, e];
        self.sources.add(place, Some(super::encode::channel_code(*channel)), &texts)
    }

    pub fn agent(&mut self, agent: &Arc<Agent>) -> u64 {
        let place = Arc::as_ptr(agent) as usize;
        if let Some(&index) = self.agents.index.get(&place) {
            return index;
        }
        let texts = [&agent.browser, &agent.browser_version, &agent.os, &agent.os_version];
        let texts = texts.map(|text| self.text(text));
        self.agents.add(place, Some(super::encode::device_code(agent.device)), &texts)
    }

    pub fn place(&mut self, place: &Arc<Place>) -> u64 {
        let at = Arc::as_ptr(place) as usize;
        if let Some(&index) = self.places.index.get(&at) {
            return index;
        }
        let texts = [&place.country, &place.region, &place.city];
        let texts = texts.map(|text| self.content(text));
        self.places.add(at, None, &texts)
    }

    pub fn visitor(&mut self, visitor: VisitorId) -> u64 {
        let table = &mut self.visitors;
        *self.numbers.entry(visitor).or_insert_with(|| {
            table.written.extend_from_slice(&visitor.0.to_le_bytes());
            table.next()
        })
    }

    /// Appends all dictionaries, in the order of the format.
    pub fn write(&self, out: &mut Vec<u8>) {
        for table in [&self.strings, &self.pages, &self.sources, &self.agents, &self.places, &self.visitors] {
            put(out, table.count);
            out.extend_from_slice(&table.written);
        }
    }

    pub fn bytes(&self) -> usize {
        let tables = [&self.strings, &self.pages, &self.sources, &self.agents, &self.places, &self.visitors];
        tables.iter().map(|table| table.written.len() + 10).sum()
    }
}

impl Table {
    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count - 1
    }

    fn add(&mut self, place: usize, code: Option<u8>, texts: &[u64]) -> u64 {
        let index = self.next();
        self.index.insert(place, index);
        self.written.extend(code);
        texts.iter().for_each(|&text| put(&mut self.written, text));
        index
    }
}

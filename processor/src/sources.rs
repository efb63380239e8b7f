//! Sources of pageviews, each decided once: what the answer hangs on is the hostname, the query and the referrer.

use std::sync::Arc;

use hashbrown::HashMap;
use history::Page;
use model::Source;

use crate::steps::source;

/// Bytes of questions remembered at most; past them all are forgotten and asked anew.
pub const QUESTION_BYTES_MAX: usize = 8 << 20;

/// Sources decided lately.
pub struct Sources {
    tables: source::Sources,
    direct: Arc<Source>,
    known: HashMap<Box<str>, Arc<Source>>,
    bytes: usize,
    question: String,
}

impl Default for Sources {
    fn default() -> Sources {
        Sources {
            tables: source::Sources::new(),
            direct: Arc::new(Source::direct()),
            known: HashMap::new(),
            bytes: 0,
            question: String::new(),
        }
    }
}

impl Sources {
    /// The source that a hit on `page` names: `url` is the page's whole address.
    pub fn source(&mut self, url: &str, page: &Page, referrer: &str) -> Arc<Source> {
        if page.query.is_empty() && referrer.is_empty() {
            return self.direct.clone();
        }
        self.question.clear();
        self.question.extend([&*page.hostname, "\n", &*page.query, "\n", referrer]);
        if let Some(source) = self.known.get(self.question.as_str()) {
            return source.clone();
        }
        let source = url.parse().map_or_else(|_| Source::direct(), |url| self.tables.source(&url, referrer));
        let source = if source == *self.direct { self.direct.clone() } else { Arc::new(source) };
        self.make_room();
        self.known.insert(self.question.as_str().into(), source.clone());
        source
    }

    fn make_room(&mut self) {
        if self.bytes + self.question.len() > QUESTION_BYTES_MAX {
            self.known = HashMap::new();
            self.bytes = 0;
        }
        self.bytes += self.question.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(query: &str) -> Page {
        Page { hostname: "shop.example".into(), path: "/tea".into(), query: query.into() }
    }

    fn decided(sources: &mut Sources, query: &str, referrer: &str) -> Arc<Source> {
        sources.source(&format!("https://shop.example/tea?{query}"), &page(query), referrer)
    }

    #[test]
    fn a_source_is_decided_by_query_and_referrer() {
        let sources = &mut Sources::default();
        assert_eq!(&*decided(sources, "", "").name, "Direct");
        assert_eq!(&*decided(sources, "", "https://www.google.com/").name, "Google");
        assert_eq!(&*decided(sources, "utm_source=news", "https://www.google.com/").utm_source, "news");
        assert_eq!(&*decided(sources, "", "https://shop.example/").name, "Direct", "its own page");
    }

    #[test]
    fn the_same_question_is_answered_once() {
        let sources = &mut Sources::default();
        let mut google = || decided(sources, "a=1", "https://www.google.com/");
        assert!(Arc::ptr_eq(&google(), &google()));
    }

    #[test]
    fn questions_remembered_are_bounded_by_bytes() {
        let sources = &mut Sources::default();
        let query = |index: usize| format!("{index:06}{}", "x".repeat(100_000));
        let length = page(&query(0)).hostname.len() + query(0).len() + 2;
        let fit = QUESTION_BYTES_MAX / length;
        (0..fit).for_each(|index| drop(decided(sources, &query(index), "")));
        assert_eq!(sources.known.len(), fit);
        decided(sources, &query(fit), "");
        assert_eq!(sources.known.len(), 1);
    }
}

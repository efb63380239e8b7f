//! Sources of pageviews, each decided once: what the answer hangs on is the hostname, the query and the referrer.

use std::sync::Arc;

use history::Page;
use model::Source;

use crate::remembered::Remembered;
use crate::steps::source;

/// Bytes of questions remembered at most; past them all are forgotten and asked anew.
pub const QUESTION_BYTES_MAX: usize = 8 << 20;

/// Sources decided lately.
pub struct Sources {
    tables: source::Sources,
    direct: Arc<Source>,
    known: Remembered<Arc<Source>>,
    question: String,
}

impl Default for Sources {
    fn default() -> Sources {
        Sources {
            tables: source::Sources::new(),
            direct: Arc::new(Source::direct()),
            known: Remembered::new(QUESTION_BYTES_MAX),
            question: String::new(),
        }
    }
}

impl Sources {
    pub fn direct(&self) -> Arc<Source> {
        self.direct.clone()
    }

    /// The source that a hit on `page` names: `url` is the page's whole address. A referrer on the page's own host names
    /// none.
    pub fn source(&mut self, url: &str, page: &Page, referrer: &str) -> Arc<Source> {
        if page.query.is_empty() && referrer.is_empty() {
            return self.direct.clone();
        }
        self.question.clear();
        self.question.extend([&*page.hostname, "\n", &*page.query, "\n", referrer]);
        let Sources { tables, direct, known, question } = self;
        known.of(question, || {
            let source = url.parse().map_or_else(|_| Source::direct(), |url| tables.source(&url, referrer));
            if source == **direct { direct.clone() } else { Arc::new(source) }
        })
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
}

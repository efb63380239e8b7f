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

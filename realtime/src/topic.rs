//! A topic and its filter: parsing, and the canonical key that names the same thing alike for everybody.

use std::fmt::Write;
use std::sync::Arc;

use live::Dimension;
use live::counters;
use model::chat::Who;
use model::{RoomId, SiteId, Visitor, VisitorKey};
use serde_json::Value;

/// Bytes of one filter value; no page, the longest of all keys, is longer.
const VALUE_BYTES_MAX: usize = model::limits::URL_BYTES_MAX;

/// What can be watched of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Now,
    Live,
    Visitors,
    Hits,
}

impl Kind {
    fn named(name: &str) -> Option<Kind> {
        match name {
            "now" => Some(Kind::Now),
            "live" => Some(Kind::Live),
            "visitors" => Some(Kind::Visitors),
            "hits" => Some(Kind::Hits),
            _ => None,
        }
    }

    fn takes_filter(self) -> bool {
        matches!(self, Kind::Live | Kind::Visitors)
    }
}

/// Which visitors a view is of: those that match every value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// At most one value a dimension, in the order of `Dimension::ALL`.
    values: Vec<(Dimension, Box<str>)>,
    /// Bots count like everybody else.
    pub bots: bool,
    /// That one alone.
    only: Option<VisitorKey>,
}

/// What a topic is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Of {
    Site(SiteId),
    /// What is said in it.
    Room(RoomId),
    /// What its people are doing just now.
    People(RoomId),
    /// What concerns one person's devices.
    Person(Who),
    /// The site's conversations with customers.
    Inbox(SiteId),
}

impl Of {
    /// The topic of Live that says it; of a site there is none.
    pub fn heard(self) -> String {
        match self {
            Of::Site(_) => String::new(),
            Of::Room(room) => chat::announce::room_topic(room),
            Of::People(room) => chat::announce::people_topic(room),
            Of::Person(who) => chat::announce::person_topic(who),
            Of::Inbox(site) => chat::announce::inbox_topic(site),
        }
    }
}

/// A site's topic under a filter, or one of chat.
#[derive(Debug, PartialEq, Eq)]
pub struct Topic {
    pub of: Of,
    /// Of a site's.
    pub kind: Kind,
    pub filter: Filter,
    /// The canonical name, the same for everybody who watches the same thing.
    pub key: Box<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTopic {
    #[error(
        "A topic is site/WF-…/ and one of now, live, visitors, hits; or room/RM-…, room/RM-…/people, person/AC-…, inbox/WF-…."
    )]
    Topic,
    #[error(
        "A filter names page, source, channel, country, device, browser, os or language, each with one text, visitor with a key, or bots: true; now and hits take none."
    )]
    Filter,
}

impl BadTopic {
    pub const fn code(self) -> &'static str {
        match self {
            BadTopic::Topic => "bad_topic",
            BadTopic::Filter => "bad_filter",
        }
    }
}

impl Topic {
    pub fn parse(text: &str, filter: Filter) -> Result<Arc<Topic>, BadTopic> {
        let Some(rest) = text.strip_prefix("site/") else {
            return Topic::of_chat(text, filter);
        };
        let (site, kind) = rest.split_once('/').ok_or(BadTopic::Topic)?;
        let site: SiteId = site.parse().map_err(|_| BadTopic::Topic)?;
        let known = Kind::named(kind).ok_or(BadTopic::Topic)?;
        if !known.takes_filter() && filter.is_some() {
            return Err(BadTopic::Filter);
        }
        let key = key(site, kind, &filter);
        Ok(Arc::new(Topic { of: Of::Site(site), kind: known, filter, key }))
    }

    fn of_chat(text: &str, filter: Filter) -> Result<Arc<Topic>, BadTopic> {
        let bad = |_| BadTopic::Topic;
        let of = if let Some(room) = text.strip_prefix("room/") {
            match room.strip_suffix("/people") {
                Some(room) => Of::People(room.parse().map_err(bad)?),
                None => Of::Room(room.parse().map_err(bad)?),
            }
        } else {
            match text.strip_prefix("inbox/") {
                Some(site) => Of::Inbox(site.parse().map_err(bad)?),
                None => {
                    Of::Person(text.strip_prefix("person/").ok_or(BadTopic::Topic)?.parse().map_err(bad)?)
                }
            }
        };
        if filter.is_some() {
            return Err(BadTopic::Filter);
        }
        Ok(Arc::new(Topic { of, kind: Kind::Now, filter, key: of.heard().into() }))
    }
}

impl Filter {
    /// Anything but everybody.
    pub fn is_some(&self) -> bool {
        self.bots || self.only.is_some() || !self.values.is_empty()
    }

    /// From the JSON of a `subscribe`: an object of texts by dimension, and `bots`.
    pub fn from_json(json: &str) -> Result<Filter, BadTopic> {
        let members: serde_json::Map<String, Value> =
            serde_json::from_str(json).map_err(|_| BadTopic::Filter)?;
        let mut filter = Filter::default();
        for (name, value) in &members {
            match value {
                Value::Bool(bots) if name == "bots" => filter.bots = *bots,
                Value::String(key) if name == "visitor" => filter.only = Some(visitor(key)?),
                Value::String(text) => filter.add(name, text)?,
                _ => return Err(BadTopic::Filter),
            }
        }
        Ok(filter)
    }

    /// From the decoded pairs of a query string: those that begin with `filter.`.
    pub fn from_query(pairs: &[(String, String)]) -> Result<Filter, BadTopic> {
        let mut filter = Filter::default();
        for (name, value) in pairs {
            match (name.strip_prefix("filter."), value.as_str()) {
                (None, _) => {}
                (Some("bots"), "true") => filter.bots = true,
                (Some("bots"), "false") => filter.bots = false,
                (Some("visitor"), key) => filter.only = Some(visitor(key)?),
                (Some(name), value) => filter.add(name, value)?,
            }
        }
        Ok(filter)
    }

    fn add(&mut self, name: &str, value: &str) -> Result<(), BadTopic> {
        let dimension = Dimension::named(name).ok_or(BadTopic::Filter)?;
        let place = self.values.binary_search_by_key(&dimension, |(known, _)| *known);
        match place {
            Err(place) if value.len() <= VALUE_BYTES_MAX => {
                self.values.insert(place, (dimension, value.into()));
                Ok(())
            }
            _ => Err(BadTopic::Filter),
        }
    }

    /// Whether the visitor has every value; what bots are is the view's to decide.
    pub fn matches(&self, visitor: &Visitor) -> bool {
        if self.only.is_some_and(|only| only != visitor.key) {
            return false;
        }
        self.values.iter().all(|(dimension, wanted)| {
            let mut found = false;
            counters::keys(visitor, *dimension, |key| found |= key == &**wanted);
            found
        })
    }
}

/// As the topic of visitors writes it.
fn visitor(key: &str) -> Result<VisitorKey, BadTopic> {
    let (visitor, browser) = key.split_once('-').ok_or(BadTopic::Filter)?;
    match (visitor.parse(), browser.parse()) {
        (Ok(visitor), Ok(browser)) => Ok(VisitorKey { visitor, browser }),
        _ => Err(BadTopic::Filter),
    }
}

fn key(site: SiteId, kind: &str, filter: &Filter) -> Box<str> {
    let mut key = format!("site/{site}/{kind}");
    let mut separator = '?';
    for (dimension, value) in &filter.values {
        key.push(separator);
        key.push_str(dimension.name());
        key.push('=');
        push_encoded(&mut key, value);
        separator = '&';
    }
    if filter.bots {
        key.push(separator);
        key.push_str("bots=true");
        separator = '&';
    }
    if let Some(VisitorKey { visitor, browser }) = filter.only {
        write!(key, "{separator}visitor={visitor}-{browser}").expect("a string can always be written");
    }
    key.into()
}

/// Percent-encodes what could be taken for the key's own punctuation, or would need escaping in JSON.
fn push_encoded(key: &mut String, value: &str) {
    for byte in value.bytes() {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~' | b':');
        if plain {
            key.push(byte as char);
        } else {
            write!(key, "%{byte:02X}").expect("a string can always be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(topic: &str, filter: &str, expected: Result<&str, BadTopic>) {
        let parsed = Filter::from_json(filter).and_then(|filter| Topic::parse(topic, filter));
        let key = parsed.as_ref().map(|topic| &*topic.key).map_err(|bad| *bad);
        assert_eq!(key, expected, "{topic} {filter}");
    }

    #[test]
    fn topics_have_one_key() {
        let site = SiteId::of(7);
        let live = format!("site/{site}/live");
        check(&live, "{}", Ok(&live));
        check(&live, r#"{"bots": false}"#, Ok(&live));
        check(
            &format!("site/{}/now", site.to_string().to_lowercase().replace("wf-", "WF-")),
            "{}",
            Ok(&format!("site/{site}/now")),
        );
        check(
            &live,
            r#"{"country": "FR", "page": "/tea", "bots": true}"#,
            Ok(&format!("{live}?page=/tea&country=FR&bots=true")),
        );
        check(
            &live,
            r#"{"page": "/tea", "country": "FR", "bots": true}"#,
            Ok(&format!("{live}?page=/tea&country=FR&bots=true")),
        );
        check(&live, r#"{"country": ""}"#, Ok(&format!("{live}?country=")));
        check(&live, r#"{"source": "a&os=b \"é"}"#, Ok(&format!("{live}?source=a%26os%3Db%20%22%C3%A9")));
    }

    #[test]
    fn topics_of_chat_have_one_key() {
        check("room/RM-0000000a", "{}", Ok("room/RM-0000000A"));
        check("room/RM-0000000A/people", "{}", Ok("room/RM-0000000A/people"));
        check("person/AC-00000001", "{}", Ok("person/AC-00000001"));
        check("inbox/WF-0000000a", "{}", Ok("inbox/WF-0000000A"));
        for topic in [
            "room/",
            "room/RM-1",
            "room/RM-0000000A/",
            "room/RM-0000000A/x",
            "person/RM-0000000A",
            "person/",
            "inbox/",
        ] {
            check(topic, "{}", Err(BadTopic::Topic));
        }
        check("room/RM-0000000A", r#"{"page": "/"}"#, Err(BadTopic::Filter));
    }

    #[test]
    fn what_is_no_topic_is_named() {
        let site = SiteId::of(7);
        let live = format!("site/{site}/live");
        for topic in ["", "site", "site/", "site//live", "site/WF-/live", "sites/WF-00000007/live"] {
            check(topic, "{}", Err(BadTopic::Topic));
        }
        check(&format!("{live}/"), "{}", Err(BadTopic::Topic));
        check(&format!("site/{site}/LIVE"), "{}", Err(BadTopic::Topic));
        check(&format!("{live}?page=/"), "{}", Err(BadTopic::Topic));
        for filter in [
            "[]",
            "1",
            "null",
            "",
            r#"{"city": "x"}"#,
            r#"{"page": 1}"#,
            r#"{"page": null}"#,
            r#"{"bots": "true"}"#,
        ] {
            check(&live, filter, Err(BadTopic::Filter));
        }
        for kind in ["now", "hits"] {
            check(&format!("site/{site}/{kind}"), r#"{"country": "FR"}"#, Err(BadTopic::Filter));
            check(&format!("site/{site}/{kind}"), r#"{"bots": true}"#, Err(BadTopic::Filter));
        }
    }

    #[test]
    fn a_filter_value_has_a_longest_length() {
        let of = |length: usize| Filter::from_json(&format!(r#"{{"page": "{}"}}"#, "x".repeat(length)));
        assert!(of(VALUE_BYTES_MAX).is_ok());
        assert_eq!(of(VALUE_BYTES_MAX + 1), Err(BadTopic::Filter));
    }

    #[test]
    fn a_query_reads_like_json() {
        let pairs = |list: &[(&str, &str)]| -> Vec<(String, String)> {
            list.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        let query = pairs(&[("topic", "x"), ("filter.bots", "true"), ("filter.page", "/a b")]);
        assert_eq!(Filter::from_query(&query), Filter::from_json(r#"{"page": "/a b", "bots": true}"#));
        assert_eq!(Filter::from_query(&pairs(&[("filter.city", "x")])), Err(BadTopic::Filter));
        assert_eq!(
            Filter::from_query(&pairs(&[("filter.os", "x"), ("filter.os", "y")])),
            Err(BadTopic::Filter)
        );
    }
}

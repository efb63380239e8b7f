//! What a report can be broken down and filtered by.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::BadQuery;
use crate::table::{HitText, VisitText};

/// Its written form is the column's name in a segment, and `page`, `entry-page`, `exit-page`, `event`, `prop:NAME`, `hour`, `weekday`,
/// `new-or-returning`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// Of the visit, by its first hit.
    Visit(VisitText),
    /// Of the hit: hostname, path (`page`), query, title, reason of a bot's verdict.
    Hit(HitText),
    /// Path of the visit's first pageview; empty where it has none.
    EntryPage,
    /// Path of the visit's last pageview; empty where it has none.
    ExitPage,
    /// An event's name. Other hits have none and are in no group.
    Event,
    /// A property of an event. Hits without it are in no group.
    Prop(String),
    /// Hour of the day in the site's zone, `00` to `23`.
    Hour,
    /// Day of the week in the site's zone, `1` (Monday) to `7`.
    Weekday,
    /// Of the visit: `returning` where the visitor had an earlier one of the same verdict (human or bot) anywhere in the history
    /// that is given, however long ago; else `new`.
    NewOrReturning,
}

impl Dimension {
    /// Every hit of a visit has the same.
    pub const fn is_of_visit(&self) -> bool {
        matches!(
            self,
            Dimension::Visit(_) | Dimension::EntryPage | Dimension::ExitPage | Dimension::NewOrReturning
        )
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dimension::Visit(text) => out.write_str(text.column()),
            Dimension::Hit(HitText::Path) => out.write_str("page"),
            Dimension::Hit(text) => out.write_str(text.column()),
            Dimension::EntryPage => out.write_str("entry-page"),
            Dimension::ExitPage => out.write_str("exit-page"),
            Dimension::Event => out.write_str("event"),
            Dimension::Prop(key) => write!(out, "prop:{key}"),
            Dimension::Hour => out.write_str("hour"),
            Dimension::Weekday => out.write_str("weekday"),
            Dimension::NewOrReturning => out.write_str("new-or-returning"),
        }
    }
}

impl FromStr for Dimension {
    type Err = BadQuery;

    fn from_str(text: &str) -> Result<Dimension, BadQuery> {
        if let Some(key) = text.strip_prefix("prop:").filter(|key| !key.is_empty()) {
            return Ok(Dimension::Prop(key.to_owned()));
        }
        if let Some(column) = VisitText::ALL.into_iter().find(|column| column.column() == text) {
            return Ok(Dimension::Visit(column));
        }
        match text {
            "page" => Ok(Dimension::Hit(HitText::Path)),
            "hostname" => Ok(Dimension::Hit(HitText::Hostname)),
            "query" => Ok(Dimension::Hit(HitText::Query)),
            "title" => Ok(Dimension::Hit(HitText::Title)),
            "bot" => Ok(Dimension::Hit(HitText::Bot)),
            "entry-page" => Ok(Dimension::EntryPage),
            "exit-page" => Ok(Dimension::ExitPage),
            "event" => Ok(Dimension::Event),
            "hour" => Ok(Dimension::Hour),
            "weekday" => Ok(Dimension::Weekday),
            "new-or-returning" => Ok(Dimension::NewOrReturning),
            _ => Err(BadQuery::Dimension(text.chars().take(64).collect())),
        }
    }
}

impl Serialize for Dimension {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Dimension {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Dimension, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

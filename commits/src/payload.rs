//! What the JSON of all forges has in common: where it stands in a body, lists of which only so much is kept, moments, ids.
//! Unknown fields are passed over without recursion, so that no depth costs more than its bytes.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use model::Millis;
use serde::de::{DeserializeOwned, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use url::form_urlencoded;

use crate::deliveries::Refused;
use crate::event::Change;

/// The JSON of a body: itself, or the field `payload` of a form.
pub fn json(body: &[u8], is_form: bool) -> Result<Cow<'_, str>, Refused> {
    if is_form {
        let field = form_urlencoded::parse(body).find(|(name, _)| name == "payload");
        return field.map(|(_, json)| json).ok_or_else(|| malformed("the form has no field `payload`"));
    }
    str::from_utf8(body).map(Cow::Borrowed).map_err(|_| malformed("it is not UTF-8"))
}

pub fn parsed<T: DeserializeOwned>(json: &str) -> Result<T, Refused> {
    serde_json::from_str(json).map_err(|error| malformed(&error.to_string()))
}

pub fn malformed(why: &str) -> Refused {
    Refused::Malformed(crate::text::line(why, crate::limits::SUBJECT_BYTES_MAX))
}

/// A moment as RFC 3339.
pub fn moment(text: Option<&str>) -> Option<Millis> {
    text?.parse::<Timestamp>().ok().map(|at| Millis(at.as_millisecond()))
}

/// What became of a place, by the commits that it was at before and after; all zeros is none.
pub fn change(before: &str, after: &str, forced: bool) -> Change {
    match (is_none(before), is_none(after)) {
        (_, true) => Change::Deleted,
        (true, false) => Change::Made,
        (false, false) if forced => Change::Forced,
        (false, false) => Change::Moved,
    }
}

/// The commit that a place is at.
pub fn head(after: &str) -> Option<String> {
    if is_none(after) { None } else { crate::text::id(after) }
}

fn is_none(id: &str) -> bool {
    id.bytes().all(|byte| byte == b'0')
}

/// The first `MAX` items of a list and how many there are; null is none.
pub struct Kept<T, const MAX: usize> {
    pub items: Vec<T>,
    pub count: u64,
}

impl<T, const MAX: usize> Default for Kept<T, MAX> {
    fn default() -> Self {
        Kept { items: Vec::new(), count: 0 }
    }
}

impl<T, const MAX: usize> Kept<T, MAX> {
    pub fn unlisted(&self) -> u64 {
        self.count - self.items.len() as u64
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for Kept<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(List(PhantomData))
    }
}

struct List<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for List<T, MAX> {
    type Value = Kept<T, MAX>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Kept::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut kept = Kept::default();
        while kept.items.len() < MAX {
            let Some(item) = list.next_element()? else { return Ok(kept) };
            kept.items.push(item);
            kept.count += 1;
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            kept.count += 1;
        }
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_kept_up_to_its_maximum_and_counted_to_its_end() {
        let kept = |json: &str| {
            let kept: Kept<u8, 3> = serde_json::from_str(json).unwrap();
            (kept.items.clone(), kept.unlisted())
        };
        assert_eq!(kept("null"), (vec![], 0));
        assert_eq!(kept("[1,2,3]"), (vec![1, 2, 3], 0));
        assert_eq!(kept("[1,2,3,\"4\",{}]"), (vec![1, 2, 3], 2));
        assert!(serde_json::from_str::<Kept<u8, 3>>("[1,\"2\"]").is_err());
        assert!(serde_json::from_str::<Kept<u8, 3>>("{}").is_err());
    }

    #[test]
    fn json_stands_in_the_body_or_in_its_form() {
        assert_eq!(json(b"{}", false), Ok("{}".into()));
        assert_eq!(json(b"a=b&payload=%7B%22a%22%3A1%7D", true), Ok(r#"{"a":1}"#.into()));
        assert!(json(b"a=b", true).is_err());
        assert!(json(b"\xff", false).is_err());
    }

    #[test]
    fn a_moment_is_in_any_zone() {
        assert_eq!(moment(Some("1970-01-01T01:00:01+01:00")), Some(Millis(1_000)));
        assert_eq!(moment(Some("2019-05-15T15:19:25Z")), Some(Millis(1_557_933_565_000)));
        for bad in [None, Some(""), Some("yesterday"), Some("2019-05-15")] {
            assert_eq!(moment(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_change_is_told_by_what_was_before_and_after() {
        let none = "0".repeat(40);
        assert_eq!(change(&none, "a1", false), Change::Made);
        assert_eq!(change("a1", &none, true), Change::Deleted);
        assert_eq!(change("a1", "b2", true), Change::Forced);
        assert_eq!(change("a1", "b2", false), Change::Moved);
        assert_eq!((head(&none), head("a1")), (None, Some("a1".into())));
    }
}

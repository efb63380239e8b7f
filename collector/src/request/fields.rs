//! The wire's types as serde reads them: borrowed from the body where they can be.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use model::limits::{HITS_A_REQUEST_MAX, PROPS_MAX};

/// Text, borrowed unless it has escapes. (`Option<Cow<str>>` would always copy.)
#[derive(Deserialize, Clone, Debug)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// A hit as sent: everything may be missing, for only its kind says what is needed.
#[derive(Deserialize)]
pub(super) struct WireHit<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) kind: Option<Text<'a>>,
    pub(super) at: Option<i64>,
    #[serde(borrow)]
    pub(super) url: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) referrer: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) title: Option<Text<'a>>,
    pub(super) due: Option<u64>,
    #[serde(borrow)]
    pub(super) pageview: Option<Text<'a>>,
    pub(super) engaged: Option<u64>,
    pub(super) scroll: Option<u64>,
    pub(super) active: Option<bool>,
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) identity: Option<Text<'a>>,
    pub(super) props: Option<Props>,
    #[serde(borrow)]
    pub(super) address: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) agent: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) language: Option<Text<'a>>,
}

/// The hits of a request. Reads one more than the maximum, so that it can be told, and skips the rest: a body of 64 KiB
/// may hold twenty thousand empty ones.
pub(super) struct Hits<H>(pub(super) Vec<H>);

impl<H> Hits<H> {
    pub(super) fn none() -> Hits<H> {
        Hits(Vec::new())
    }
}

impl<'de, H: Deserialize<'de>> Deserialize<'de> for Hits<H> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Hits<H>, D::Error> {
        from.deserialize_seq(HitsVisitor(PhantomData))
    }
}

struct HitsVisitor<H>(PhantomData<H>);

impl<'de, H: Deserialize<'de>> Visitor<'de> for HitsVisitor<H> {
    type Value = Hits<H>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of hits")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Hits<H>, A::Error> {
        let mut hits = Vec::new();
        while hits.len() <= HITS_A_REQUEST_MAX {
            match list.next_element()? {
                Some(hit) => hits.push(hit),
                None => return Ok(Hits(hits)),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Hits(hits))
    }
}

/// Properties in the order sent, values as text. Reads one more than the maximum, so that it can be told.
#[derive(Default)]
pub(super) struct Props(pub(super) Vec<(String, String)>);

impl<'de> Deserialize<'de> for Props {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Props, D::Error> {
        from.deserialize_map(PropsVisitor)
    }
}

struct PropsVisitor;

impl<'de> Visitor<'de> for PropsVisitor {
    type Value = Props;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object of strings, numbers and booleans")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Props, A::Error> {
        let mut props: Vec<(String, String)> = Vec::new();
        while let Some((key, Value(value))) = map.next_entry::<String, Value>()? {
            // A key sent twice means its last value, as in every JSON reader.
            props.retain(|(known, _)| *known != key);
            if props.len() <= PROPS_MAX {
                props.push((key, value));
            }
        }
        Ok(Props(props))
    }
}

/// A property's value as text.
struct Value(String);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Value, D::Error> {
        from.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl Visitor<'_> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a string, a number or a boolean")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, fact: bool) -> Result<Value, E> {
        Ok(Value(fact.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value(number.to_string()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(Value(number.to_string()))
    }

    /// As JSON writes it, `1e300`: never much longer than it was sent.
    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        let number = serde_json::Number::from_f64(number).ok_or_else(|| E::custom("no number"))?;
        Ok(Value(number.to_string()))
    }
}

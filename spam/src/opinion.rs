//! What is thought of a message, and why, in words that a person understands.

use std::fmt;

use crate::sign::Sign;

#[derive(Clone, Debug, PartialEq)]
pub struct Opinion {
    /// Whether it should wait for a person: `score` is at least `HELD_FROM`.
    pub held: bool,
    /// From 0 for what customers write to 1 for spam.
    pub score: f32,
    /// What speaks for spam the most, the strongest first; at most `BECAUSE_MAX`.
    pub because: Vec<Because>,
}

/// Words are the message's own, in plain lower case: not safe as HTML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Because {
    Sign(Sign),
    /// What spam has in general; at most `BECAUSE_WORDS_MAX`.
    Words(Vec<String>),
    /// What people of this site called spam before.
    Learned(Vec<String>),
}

impl fmt::Display for Because {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Because::Sign(sign) => sign.fmt(out),
            Because::Words(words) => write!(out, "words that spam has: {}", words.join(", ")),
            Because::Learned(words) => write!(out, "words as in earlier spam: {}", words.join(", ")),
        }
    }
}

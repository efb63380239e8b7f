//! Why a page was not there.

use std::fmt;
use std::str::FromStr;

use outbox::dial::NoAnswer;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Reason {
    /// It answered, with this status.
    Status(u16),
    /// No whole answer in time.
    Slow,
    /// Its host's name is not known.
    Unknown,
    /// Its host's name stands for an address that is not of the public internet.
    NotPublic,
    Unreachable,
    /// Its certificate is not trusted, or it has none.
    Untrusted,
    /// It broke off, or what it said is no HTTP.
    Broken,
    /// It led on and on.
    Redirects,
}

const NAMED: [(Reason, &str, &str); 7] = [
    (Reason::Slow, "slow", "no answer within 10 seconds"),
    (Reason::Unknown, "unknown-host", "the name of the host is not known"),
    (Reason::NotPublic, "not-public", "the host's address is not of the public internet"),
    (Reason::Unreachable, "unreachable", "the host cannot be reached"),
    (Reason::Untrusted, "untrusted", "the certificate is not to be trusted"),
    (Reason::Broken, "broken", "the answer broke off"),
    (Reason::Redirects, "redirects", "too many redirects"),
];

impl Reason {
    /// As people read it.
    pub fn sentence(self) -> String {
        match (self, named(self)) {
            (Reason::Status(status), _) => format!("it answered {status}"),
            (_, Some((_, _, sentence))) => (*sentence).to_owned(),
            (_, None) => unreachable!("every other reason is named"),
        }
    }
}

fn named(reason: Reason) -> Option<&'static (Reason, &'static str, &'static str)> {
    NAMED.iter().find(|(known, _, _)| *known == reason)
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, named(*self)) {
            (Reason::Status(status), _) => write!(out, "status-{status}"),
            (_, Some((_, name, _))) => out.write_str(name),
            (_, None) => unreachable!("every other reason is named"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such reason")]
pub struct NoReason;

impl FromStr for Reason {
    type Err = NoReason;

    fn from_str(text: &str) -> Result<Reason, NoReason> {
        if let Some(status) = text.strip_prefix("status-") {
            return status.parse().map(Reason::Status).map_err(|_| NoReason);
        }
        NAMED.iter().find(|(_, name, _)| *name == text).map(|(reason, _, _)| *reason).ok_or(NoReason)
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> String {
        reason.to_string()
    }
}

impl TryFrom<String> for Reason {
    type Error = NoReason;

    fn try_from(text: String) -> Result<Reason, NoReason> {
        text.parse()
    }
}

impl From<NoAnswer> for Reason {
    fn from(why: NoAnswer) -> Reason {
        match why {
            NoAnswer::Address | NoAnswer::NotPublic => Reason::NotPublic,
            NoAnswer::Unknown => Reason::Unknown,
            NoAnswer::Unreachable => Reason::Unreachable,
            NoAnswer::Untrusted(_) => Reason::Untrusted,
            NoAnswer::Slow => Reason::Slow,
            NoAnswer::Broken(_) | NoAnswer::Torn => Reason::Broken,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_written_and_read_back() {
        let all = NAMED.iter().map(|(reason, _, _)| *reason).chain([Reason::Status(503)]);
        for reason in all {
            assert_eq!(reason.to_string().parse(), Ok(reason));
            assert!(!reason.sentence().is_empty());
        }
        for bad in ["", "status-", "status-x", "status-99999", "down"] {
            assert_eq!(bad.parse::<Reason>(), Err(NoReason), "{bad}");
        }
    }
}

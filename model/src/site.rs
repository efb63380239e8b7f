//! A site: what its owner set, and what the collector must know to accept a hit for it.

use serde::{Deserialize, Serialize};

use crate::{Millis, SiteId};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Site {
    pub id: SiteId,
    /// At most `NAME_BYTES_MAX`.
    pub name: String,
    /// Lower case, without port; `*` takes any, `*.example.org` takes every name below.
    /// At most `HOSTNAMES_MAX`.
    pub hostnames: Vec<String>,
    /// IANA name, as `Europe/Paris`. Days begin there at midnight.
    pub time_zone: String,
    /// Honour Do-Not-Track and Global Privacy Control: such hits are dropped, with that reason.
    pub honour_opt_out: bool,
    /// Accept the tag's stored id in place of the daily hash.
    pub first_party_id: bool,
    /// Addresses and networks (CIDR) whose hits are dropped. At most `IGNORED_MAX`.
    pub ignored_addresses: Vec<String>,
    /// Paths whose hits are dropped; a `*` stands for any run of characters. At most `IGNORED_MAX`.
    pub ignored_paths: Vec<String>,
    /// Days of history that are kept, today included: 1 to `KEEP_DAYS_MAX`. None: for ever.
    #[serde(default)]
    pub keep_days: Option<u32>,
    #[serde(default)]
    pub chat: ChatSettings,
    pub created: Millis,
}

/// How a site talks with its customers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChatSettings {
    /// The tag brings the chat with it.
    pub on: bool,
    /// `#rrggbb`, of button and panel.
    pub colour: String,
    pub side: PageSide,
    /// What the panel says first; at most `GREETING_BYTES_MAX`.
    pub greeting: String,
    /// When somebody is there, in the site's time zone; at most `HOURS_MAX`. Empty: always.
    pub hours: Vec<Hours>,
    /// How soon there is an answer, in the owner's words; at most `NAME_BYTES_MAX`. Empty: as measured.
    pub replies_in: String,
    /// Customers are asked for an e-mail address once they said something.
    pub asks_email: bool,
    /// Whoever's turn it is of the agents gets a conversation that is begun; else it is nobody's until somebody takes it.
    pub in_turn: bool,
    /// Agents see what a customer types before it is sent, and the customer is told so.
    pub previews: bool,
}

/// Of one day, in minutes since midnight; `to` at most 1,440, and above `from`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// 1 Monday to 7 Sunday.
    pub day: u8,
    pub from: u16,
    pub to: u16,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PageSide {
    #[default]
    Right,
    Left,
}

impl Default for ChatSettings {
    fn default() -> ChatSettings {
        ChatSettings {
            on: false,
            colour: "#b8400e".into(),
            side: PageSide::Right,
            greeting: String::new(),
            hours: Vec::new(),
            replies_in: String::new(),
            asks_email: true,
            in_turn: false,
            previews: false,
        }
    }
}

impl Site {
    /// In UTC, nothing ignored, kept for ever.
    pub fn new(id: SiteId, name: impl Into<String>, hostnames: &[&str], created: Millis) -> Site {
        Site {
            id,
            name: name.into(),
            hostnames: hostnames.iter().map(|&name| name.to_owned()).collect(),
            time_zone: "UTC".into(),
            honour_opt_out: false,
            first_party_id: false,
            ignored_addresses: vec![],
            ignored_paths: vec![],
            keep_days: None,
            chat: ChatSettings::default(),
            created,
        }
    }

    /// Whether the site says that `hostname` is its own. That it takes hits of any says nothing.
    pub fn names_hostname(&self, hostname: &str) -> bool {
        self.hostnames.iter().any(|listed| listed != "*" && takes(listed, hostname))
    }

    /// Whether a page on `hostname` may report to this site. Case and a port are the caller's to remove.
    pub fn takes_hostname(&self, hostname: &str) -> bool {
        self.hostnames.iter().any(|listed| takes(listed, hostname))
    }
}

fn takes(listed: &str, hostname: &str) -> bool {
    match listed.strip_prefix("*.") {
        _ if listed == "*" || listed == hostname => true,
        Some(parent) => {
            hostname.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.') && rest.len() > 1)
        }
        None => false,
    }
}

/// The most visitors present at once on a site in one hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peak {
    pub site: SiteId,
    /// Start of the hour, UTC.
    pub hour: Millis,
    pub count: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(listed: &[&str], hostname: &str, taken: bool) {
        let site = Site::new(SiteId::of(1), "s", listed, Millis(0));
        assert_eq!(site.takes_hostname(hostname), taken, "{listed:?} {hostname}");
    }

    #[test]
    fn hostnames_are_taken_as_listed() {
        check(&["example.org"], "example.org", true);
        check(&["example.org"], "www.example.org", false);
        check(&["*.example.org"], "www.example.org", true);
        check(&["*.example.org"], "a.b.example.org", true);
        check(&["*.example.org"], "example.org", false);
        check(&["*.example.org"], ".example.org", false);
        check(&["*.example.org"], "badexample.org", false);
        check(&["*"], "anything.test", true);
        check(&[], "example.org", false);
    }

    #[test]
    fn a_site_that_takes_any_name_has_none_of_its_own_by_that() {
        let own = |listed: &[&str], hostname: &str| {
            Site::new(SiteId::of(1), "s", listed, Millis(0)).names_hostname(hostname)
        };
        assert!(own(&["example.org"], "example.org") && own(&["*", "*.example.org"], "a.example.org"));
        assert!(!own(&["*"], "example.org") && !own(&["example.org"], "a.example.org"));
    }
}

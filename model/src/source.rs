//! Where a visit came from: the channel, the source's name, the referrer, and the campaign's words.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The kind of place a visit came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    Direct,
    Search,
    PaidSearch,
    Social,
    PaidSocial,
    Mail,
    Paid,
    AiAssistant,
    Referral,
    /// A campaign (UTM) that says no more than its own name.
    Campaign,
}

impl Channel {
    /// The written form in JSON, keys and filters.
    pub const fn name(self) -> &'static str {
        match self {
            Channel::Direct => "direct",
            Channel::Search => "search",
            Channel::PaidSearch => "paid-search",
            Channel::Social => "social",
            Channel::PaidSocial => "paid-social",
            Channel::Mail => "mail",
            Channel::Paid => "paid",
            Channel::AiAssistant => "ai-assistant",
            Channel::Referral => "referral",
            Channel::Campaign => "campaign",
        }
    }
}

/// Where a visit came from, decided from its first hit: UTM first, then referrer, then direct.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Source {
    pub channel: Channel,
    /// What people call it: `Google`, `Hacker News`, a hostname, a utm_source; `Direct` without any.
    pub name: Arc<str>,
    /// Host and path of the referrer, no scheme, no query; empty without one.
    pub referrer: Arc<str>,
    pub utm_source: Arc<str>,
    pub utm_medium: Arc<str>,
    pub utm_campaign: Arc<str>,
    pub utm_term: Arc<str>,
    pub utm_content: Arc<str>,
}

impl Source {
    pub fn direct() -> Source {
        let none: Arc<str> = Arc::from("");
        Source {
            channel: Channel::Direct,
            name: Arc::from("Direct"),
            referrer: none.clone(),
            utm_source: none.clone(),
            utm_medium: none.clone(),
            utm_campaign: none.clone(),
            utm_term: none.clone(),
            utm_content: none,
        }
    }
}

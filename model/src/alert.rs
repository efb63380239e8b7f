//! Alerts: what of a site's numbers people are told of, who is told and when not, and what came of it.

use serde::{Deserialize, Serialize};

use crate::chat::HookSecret;
use crate::{AccountId, AlertId, IncidentId, Millis, PageId, RoomId};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    pub id: AlertId,
    /// At most `NAME_BYTES_MAX`.
    pub name: String,
    pub on: bool,
    pub when: Condition,
    /// Since when it is on and asks for that.
    #[serde(default)]
    pub asked_since: Millis,
    /// When people are left in peace. None: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Quiet>,
    /// Who wants to be told, as they said themselves; each at most `ALERT_PEOPLE_MAX`.
    #[serde(default)]
    pub mail: Vec<AccountId>,
    #[serde(default)]
    pub push: Vec<AccountId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<AlertHook>,
    /// Where the teller says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
}

/// What has to be so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Condition {
    /// Visitors present, without a break for so many minutes; 0: at any moment.
    Visitors { side: Side, than: u32, minutes: u32 },
    /// Pageviews of the last minutes.
    Pageviews { side: Side, than: u32, minutes: u32 },
    /// Events of that name in the last minutes.
    Events { name: String, side: Side, than: u32, minutes: u32 },
    /// No hit of anybody for so many minutes.
    Silence { minutes: u32 },
    /// More visits begin than at this hour in past weeks, or fewer, by more than chance would have it.
    Change { more: bool, fewer: bool },
    /// A watched page is not there. None: any of them.
    Down {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        page: Option<PageId>,
    },
    /// A watched page takes more than so many milliseconds to answer, at each look for so many minutes; 0: at one look. None: any of them.
    Slow {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        page: Option<PageId>,
        than: u32,
        minutes: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Above,
    Below,
}

impl Side {
    pub const fn name(self) -> &'static str {
        match self {
            Side::Above => "above",
            Side::Below => "below",
        }
    }
}

/// Of each day, in minutes since midnight in the site's time zone, each below 1,440; from the later to the earlier one is over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    pub from: u16,
    pub to: u16,
}

/// Where it is told to a program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertHook {
    /// At most `HOOK_URL_BYTES_MAX`. Never printed in a log: what it says may be a secret.
    pub url: String,
    /// What deliveries are signed with.
    pub secret: HookSecret,
}

/// A time in which an alert was so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    pub id: IncidentId,
    pub alert: AlertId,
    /// As the alert was called, and what it asked for, when it began.
    pub name: String,
    pub when: Condition,
    pub began: Millis,
    /// The number that it was about, when it began.
    pub value: u32,
    /// The minutes that it was counted in. 0: at that moment.
    pub minutes: u32,
    /// What had been expected of it. None: nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<u32>,
    /// Where the difference came from, the largest share first; at most `CAUSES_MAX`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// Pages that it was about, at most `AILING_MAX`; `value` says how slow the slowest was, or how many were down.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<Ailing>,
    /// When people are told, who may be left in peace until then.
    pub told: Millis,
    /// None: it is so still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Millis>,
}

/// A page that was not there, or slow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ailing {
    /// At most `AILING_URL_BYTES_MAX`.
    pub url: String,
    /// `it answered 503`, `it answered in 2,340 ms`
    pub why: String,
}

/// What the difference came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    pub by: By,
    /// As reports have it, at most `CAUSE_BYTES_MAX`; empty: unknown.
    pub key: String,
    /// Visits more than expected; below 0: fewer.
    pub more: i64,
    /// Hundredths of the whole difference.
    pub percent: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    Page,
    Source,
    Country,
}

impl By {
    pub const ALL: [By; 3] = [By::Page, By::Source, By::Country];

    pub const fn name(self) -> &'static str {
        match self {
            By::Page => "page",
            By::Source => "source",
            By::Country => "country",
        }
    }
}

/// What one of the ways has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Turn {
    /// It is so.
    Firing,
    /// It is so no longer.
    Over,
}

impl Turn {
    pub const fn name(self) -> &'static str {
        match self {
            Turn::Firing => "firing",
            Turn::Over => "over",
        }
    }
}

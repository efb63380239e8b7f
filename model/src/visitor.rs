//! A present visitor: what the processor's presence machine decides and Live keeps.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::BadId;
use crate::{BrowserId, HitId, Millis, Place, Source, VisitorId};

/// Who is told apart while present: a visitor, and where many share one id, the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VisitorKey {
    pub visitor: VisitorId,
    pub browser: BrowserId,
}

impl fmt::Display for VisitorKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.visitor, self.browser)
    }
}

impl FromStr for VisitorKey {
    type Err = BadId;

    fn from_str(text: &str) -> Result<VisitorKey, BadId> {
        let (visitor, browser) = text.split_once('-').ok_or(BadId("visitor's key"))?;
        Ok(VisitorKey { visitor: visitor.parse()?, browser: browser.parse()? })
    }
}

/// The state of one present visitor. Shared by `Arc` between processor, Live and hub within a process:
/// a change makes a new one, so whoever holds the old one keeps a consistent picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Visitor {
    pub key: VisitorKey,
    /// First sign of life of this stay.
    pub since: Millis,
    /// Present until then unless heard from again.
    pub alive_until: Millis,
    /// Some open page is visible, focused and in use. False: idle.
    pub active: bool,
    /// Engaged time of this stay over all its pages, in milliseconds.
    pub engaged_ms: u32,
    /// Pages open now, the most recently used last. Empty only during `LEAVE_GRACE`, and then the
    /// visitor still counts on `page()`.
    pub pages: Vec<OpenPage>,
    /// Pages of this stay in order, at most `TRAIL_STEPS_MAX`, the last one current.
    pub trail: Vec<Step>,
    pub source: Arc<Source>,
    pub place: Arc<Place>,
    pub agent: Arc<Agent>,
    /// As in `Arrival::language`.
    pub language: Arc<str>,
    /// Judged a bot: kept, shown only when asked for, in no counter but that of bots.
    pub bot: Option<BotReason>,
    /// The site's own name for this visitor.
    pub identity: Option<Arc<str>>,
}

impl Visitor {
    /// The current page: path of the page used last.
    pub fn page(&self) -> Option<&Arc<str>> {
        self.trail.last().map(|step| &step.path)
    }
}

/// One open page of a present visitor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenPage {
    pub pageview: HitId,
    /// Path only, as counted; at most `URL_BYTES_MAX`.
    pub path: Arc<str>,
    pub active: bool,
    pub engaged_ms: u32,
    pub scroll: u8,
    /// Open until then unless heard from again.
    pub alive_until: Millis,
}

/// One step of a trail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub at: Millis,
    pub path: Arc<str>,
}

/// What the User-Agent header says, as far as it is believed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Agent {
    /// `Firefox`; `Unknown` where the parser cannot tell.
    pub browser: Arc<str>,
    /// Major version, or empty.
    pub browser_version: Arc<str>,
    pub os: Arc<str>,
    pub os_version: Arc<str>,
    pub device: Device,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    Desktop,
    Mobile,
    Tablet,
    Other,
}

impl Device {
    /// The written form in JSON, keys and filters.
    pub const fn name(self) -> &'static str {
        match self {
            Device::Desktop => "desktop",
            Device::Mobile => "mobile",
            Device::Tablet => "tablet",
            Device::Other => "other",
        }
    }
}

/// Why a hit was judged to come from a bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BotReason {
    /// The agent names itself a crawler, monitor, fetcher or library.
    NamesItself,
    /// No agent, or one that no browser sends.
    NoBrowser,
    /// A browser driven by automation that says so (headless, WebDriver).
    Automated,
    /// The referrer is on the list of referrer spam.
    ReferrerSpam,
}

impl BotReason {
    /// The written form in JSON and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            BotReason::NamesItself => "names-itself",
            BotReason::NoBrowser => "no-browser",
            BotReason::Automated => "automated",
            BotReason::ReferrerSpam => "referrer-spam",
        }
    }
}

//! Judges whether a program sent a hit, and says why. A verdict only: nothing is ever dropped for it.

use std::cmp::Ordering;

use model::BotReason;
use regex::RegexSet;

use super::rules::lines;

const AUTOMATED: &str = include_str!("data/automated.txt");
const NAMES: &str = include_str!("data/bots.txt");
/// Hostnames known to be put into referrers so that somebody follows them: sorted, one a line, gathered by hand from what
/// site owners have published about them. No list of others is copied here.
const SPAM: &str = include_str!("data/spam.txt");

/// Patterns of the isbot crate that browsers of people match too: toolbars, apps, regional browsers.
const NOT_BOTS: [&str; 14] = [
    "^ddg_android",
    "^netsurf",
    "^snapchat",
    "^viber$",
    "analyzer",
    "checker",
    "coccoc",
    "daum(oa)?[ /][0-9]",
    "daum/",
    "optimizer",
    "qqdownload",
    "seznam",
    "sogou",
    "http[s]?://",
];

/// The patterns that agents are judged by. Building it takes some milliseconds and 2 MB; judging, several
/// microseconds: keep it, and keep its verdicts.
pub struct Bots {
    known: isbot::Bots,
    own: RegexSet,
}

impl Bots {
    pub fn new() -> anyhow::Result<Bots> {
        let mut known = isbot::Bots::default();
        known.remove(&NOT_BOTS);
        Ok(Bots { known, own: RegexSet::new(lines(NAMES))? })
    }

    /// The verdict on a User-Agent header; None: a browser's, as far as it can be told.
    pub fn by_agent(&self, user_agent: &str) -> Option<BotReason> {
        // Cubot makes telephones.
        let agent = user_agent.trim().to_ascii_lowercase().replace("cubot", "");
        if lines(AUTOMATED).any(|part| agent.contains(part)) {
            return Some(BotReason::Automated);
        }
        if self.known.is_bot(&agent) || self.own.is_match(&agent) {
            return Some(BotReason::NamesItself);
        }
        if browsers_form(&agent) { None } else { Some(BotReason::NoBrowser) }
    }
}

/// Whether an agent in lower case has the form that browsers send: `Mozilla/5.0 (a system) …`, or one of the few
/// that never took it up.
fn browsers_form(agent: &str) -> bool {
    const OWN_FORM: [&str; 7] = ["opera", "midori/", "lynx/", "links ", "elinks", "w3m/", "ucweb/"];
    const HANDSETS: [&str; 5] = ["midp", "up.browser", "obigo", "wap browser", "nokia"];
    if agent.starts_with("mozilla/") {
        return agent.split_once('(').is_some_and(|(_, system)| names_a_system(system));
    }
    OWN_FORM.iter().any(|start| agent.starts_with(start)) || HANDSETS.iter().any(|part| agent.contains(part))
}

fn names_a_system(system: &str) -> bool {
    let system = system.split(')').next().unwrap_or_default();
    let system = system.strip_prefix("compatible").unwrap_or(system);
    system.bytes().filter(u8::is_ascii_alphabetic).count() >= 3
}

/// The verdict on a referrer's hostname (lower case, no port): spam where it or a parent of it is listed.
/// Costs a few binary searches in a sorted list; holds no state.
pub fn by_referrer(referrer_host: &str) -> Option<BotReason> {
    let host = referrer_host.strip_suffix('.').unwrap_or(referrer_host);
    parents(host)
        .any(|domain| domain.contains('.') && listed(SPAM, domain))
        .then_some(BotReason::ReferrerSpam)
}

/// A hostname, its parent domain, and so on to the last label.
pub(super) fn parents(host: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(host), |host| host.split_once('.').map(|(_, parent)| parent))
}

/// Whether a sorted text of lines has this line, by bisection in place.
fn listed(list: &str, line: &str) -> bool {
    let (mut start, mut end) = (0, list.len());
    while start < end {
        let middle = start + (end - start) / 2;
        let from = list.as_bytes()[start..middle].iter().rposition(|&byte| byte == b'\n');
        let from = from.map_or(start, |at| start + at + 1);
        let to =
            list.as_bytes()[from..end].iter().position(|&byte| byte == b'\n').map_or(end, |at| from + at);
        match list.as_bytes()[from..to].cmp(line.as_bytes()) {
            Ordering::Equal => return true,
            Ordering::Less => start = to + 1,
            Ordering::Greater => end = from,
        }
    }
    false
}

#[cfg(test)]
mod tests;

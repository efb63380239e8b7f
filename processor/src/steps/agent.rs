//! Parses agents: browser, version, operating system and device, with the verdict on bots beside them.
//! What was parsed lately is remembered, because the same few thousand agents send nearly all hits.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use model::limits::AGENT_BYTES_MAX;
use model::{Agent, BotReason, Device};

use super::bots::Bots;
use super::rules::Rules;

/// Agents remembered. Each takes about 300 bytes.
pub const AGENTS_KEPT_MAX: usize = 10_000;

const BROWSERS: &str = include_str!("data/browsers.tsv");
const SYSTEMS: &str = include_str!("data/systems.tsv");
const DEVICES: &str = include_str!("data/devices.tsv");

/// What a User-Agent header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    pub agent: Arc<Agent>,
    /// The verdict by the agent alone; a referrer may bring one of its own.
    pub bot: Option<BotReason>,
}

/// Parses agents and remembers them. Cheap until the first one: its tables are read only then.
#[derive(Default)]
pub struct AgentParser {
    tables: Option<Tables>,
    /// Two generations: when the younger is full it becomes the older, and what nobody asked for since goes.
    younger: HashMap<Box<str>, Arc<Parsed>>,
    older: HashMap<Box<str>, Arc<Parsed>>,
}

impl AgentParser {
    pub fn new() -> AgentParser {
        AgentParser::default()
    }

    /// The agent that a User-Agent header describes; what stands past `AGENT_BYTES_MAX` is not read.
    pub fn parse(&mut self, user_agent: &str) -> Arc<Parsed> {
        let user_agent = cut(user_agent, AGENT_BYTES_MAX);
        if let Some(parsed) = self.younger.get(user_agent) {
            return parsed.clone();
        }
        let parsed = match self.older.remove(user_agent) {
            Some(parsed) => parsed,
            None => Arc::new(self.tables.get_or_insert_with(Tables::read).parse(user_agent)),
        };
        self.remember(user_agent, parsed.clone());
        parsed
    }

    fn remember(&mut self, user_agent: &str, parsed: Arc<Parsed>) {
        if self.younger.len() == AGENTS_KEPT_MAX / 2 {
            self.older = std::mem::take(&mut self.younger);
        }
        self.younger.insert(user_agent.into(), parsed);
    }
}

/// The start of a text, at most `bytes_max` long, cut at a character.
pub(super) fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

/// The compiled tables: about 6 MB, read in some 30 ms. An agent then takes about 10 µs.
struct Tables {
    browsers: Rules,
    systems: Rules,
    devices: Rules,
    bots: Bots,
    /// Names of browsers and systems and their versions, each held once.
    words: HashSet<Arc<str>>,
}

/// Words held once. Versions come from outside, so their number must have an end.
const WORDS_MAX: usize = 1_000;

impl Tables {
    fn read() -> Tables {
        const BUILT_IN: &str = "the built-in tables are read by tests";
        Tables {
            browsers: Rules::read(BROWSERS).expect(BUILT_IN),
            systems: Rules::read(SYSTEMS).expect(BUILT_IN),
            devices: Rules::read(DEVICES).expect(BUILT_IN),
            bots: Bots::new().expect(BUILT_IN),
            words: HashSet::new(),
        }
    }

    fn parse(&mut self, user_agent: &str) -> Parsed {
        let (browser, browser_version) = self.browsers.find(user_agent).unwrap_or(("Unknown", ""));
        let (os, os_version) = self.systems.find(user_agent).unwrap_or(("Unknown", ""));
        let device = match self.devices.find(user_agent) {
            Some(("desktop", _)) => Device::Desktop,
            Some(("mobile", _)) => Device::Mobile,
            Some(("tablet", _)) => Device::Tablet,
            _ => Device::Other,
        };
        let words = &mut self.words;
        let agent = Agent {
            browser: share(words, browser),
            browser_version: share(words, cut(browser_version, VERSION_BYTES_MAX)),
            os: share(words, os),
            os_version: share(words, &cut(os_version, VERSION_BYTES_MAX).replace('_', ".")),
            device,
        };
        Parsed { agent: Arc::new(agent), bot: self.bots.by_agent(user_agent) }
    }
}

/// Bytes of a version that are kept.
const VERSION_BYTES_MAX: usize = 16;

fn share(words: &mut HashSet<Arc<str>>, word: &str) -> Arc<str> {
    if let Some(known) = words.get(word) {
        return known.clone();
    }
    if words.len() == WORDS_MAX {
        words.clear();
    }
    let shared: Arc<str> = Arc::from(word);
    words.insert(shared.clone());
    shared
}

#[cfg(test)]
pub(super) mod tests;

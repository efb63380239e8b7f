//! A table of agents as browsers and bots send them, and what is read in each.

use super::*;

/// Columns: browser, version, system, its version, device, verdict, agent.
const CASES: &str = include_str!("cases.tsv");

fn cases() -> impl Iterator<Item = Vec<&'static str>> {
    let field = |field: &'static str| if field == "-" { "" } else { field };
    super::super::rules::lines(CASES).map(move |line| line.split('\t').map(field).collect())
}

#[test]
fn agents_are_read_as_listed() {
    let mut parser = AgentParser::new();
    let mut wrong = Vec::new();
    for case in cases() {
        let [.., user_agent] = case[..] else { panic!("{case:?}") };
        let Parsed { agent, bot } = &*parser.parse(user_agent);
        let verdict = bot.map_or("human", BotReason::name);
        let (name, version) = (&*agent.browser, &*agent.browser_version);
        let read = [name, version, &agent.os, &agent.os_version, agent.device.name(), verdict, user_agent];
        if read[..] != case[..] {
            wrong.push(format!("{:?}\n  not {:?}", read, &case[..6]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_agent_is_parsed_once_and_shared() {
    let mut parser = AgentParser::new();
    let first = parser.parse("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0");
    let again = parser.parse("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0");
    assert!(Arc::ptr_eq(&first, &again));
}

#[test]
fn no_table_is_read_before_the_first_agent() {
    assert!(AgentParser::new().tables.is_none());
}

#[test]
fn agents_are_remembered_up_to_the_maximum_and_the_ones_asked_for_stay() {
    let mut parser = AgentParser::new();
    let (rare, common) = (parser.parse("rare"), parser.parse("common"));
    let kept = |parser: &AgentParser| parser.younger.len() + parser.older.len();
    for number in 2..AGENTS_KEPT_MAX {
        parser.remember(&format!("agent {number}"), rare.clone());
    }
    assert_eq!(kept(&parser), AGENTS_KEPT_MAX);
    assert!(Arc::ptr_eq(&common, &parser.parse("common")), "asked for, at the maximum");
    assert!(kept(&parser) <= AGENTS_KEPT_MAX);
    parser.remember("one more", rare.clone());
    assert!(kept(&parser) <= AGENTS_KEPT_MAX);
    assert!(Arc::ptr_eq(&common, &parser.parse("common")), "asked for, past the maximum");
    assert!(!Arc::ptr_eq(&rare, &parser.parse("rare")), "not asked for");
}

#[test]
fn an_agent_is_read_up_to_its_maximum() {
    let mut parser = AgentParser::new();
    let padded = |bytes: usize| {
        let mut agent = "x".repeat(bytes - " Firefox/127".len());
        agent.push_str(" Firefox/127");
        agent
    };
    assert_eq!(&*parser.parse(&padded(AGENT_BYTES_MAX)).agent.browser_version, "127");
    assert_eq!(&*parser.parse(&padded(AGENT_BYTES_MAX + 1)).agent.browser_version, "12");
    parser.parse(&"é".repeat(AGENT_BYTES_MAX));
}

#[test]
fn words_from_outside_are_bounded() {
    let mut parser = AgentParser::new();
    for number in 0..=WORDS_MAX {
        parser.parse(&format!("Mozilla/5.0 (X11; Linux x86_64) Firefox/{number}"));
        assert!(parser.tables.as_ref().unwrap().words.len() <= WORDS_MAX);
    }
    let long = format!("Mozilla/5.0 (X11; Linux x86_64) Firefox/{}", "1".repeat(100));
    assert_eq!(parser.parse(&long).agent.browser_version.len(), VERSION_BYTES_MAX);
}

#[test]
fn no_mutation_of_an_agent_makes_it_fail() {
    const SEED: u64 = 0x0A6E_4775;
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut parser = AgentParser::new();
    let agents: Vec<_> = cases().filter_map(|case| case.last().copied()).collect();
    for _ in 0..3_000 {
        let agent = mutated(&mut random, &agents);
        let Parsed { agent: parsed, .. } = &*parser.parse(&agent);
        assert!(!parsed.browser.is_empty() && !parsed.os.is_empty(), "seed {SEED}: {agent:?}");
    }
}

/// A text of the list with some of its bytes changed, cut, doubled, or crossed with another text.
pub fn mutated(random: &mut fastrand::Rng, texts: &[&str]) -> String {
    let mut bytes = texts[random.usize(..texts.len())].as_bytes().to_vec();
    for _ in 0..random.usize(0..8) {
        let at = random.usize(..=bytes.len());
        match random.u8(0..5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.u8(..)),
            2 => bytes.extend_from_within(at..),
            3 => bytes.extend_from_slice(texts[random.usize(..texts.len())].as_bytes()),
            _ => bytes.iter_mut().skip(at).step_by(7).for_each(|byte| *byte ^= 1 << random.u8(0..8)),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
